/** One event stream of an engine for all who listen: open while somebody does, and opened again when it breaks. */
import type { Disposable } from '../disposable';
import { keepOpen } from '../keep-open';
import type { DockerEngine } from './engine';
import { readEvents, type DockerEvent } from './events';

/** What a listener is told. */
export interface HubListener {
  event(event: DockerEvent): void;
  /** The stream is open; `again` after it was lost. */
  opened?(again: boolean): void;
  lost?(why: Error): void;
}

/** The hub of one engine. */
export class EventHub implements Disposable {
  private readonly listeners = new Set<HubListener>();
  private stream: Disposable | undefined;
  private isOpen = false;

  constructor(private readonly engine: DockerEngine) {}

  /** Listens from now on. */
  listen(listener: HubListener): Disposable {
    this.listeners.add(listener);
    if (this.isOpen) listener.opened?.(false);
    this.stream ??= this.open();
    return {
      dispose: () => {
        this.listeners.delete(listener);
        if (this.listeners.size === 0) this.dispose();
      },
    };
  }

  dispose(): void {
    this.listeners.clear();
    this.stream?.dispose();
    this.stream = undefined;
    this.isOpen = false;
  }

  private open(): Disposable {
    const hear = (event: DockerEvent): void => this.listeners.forEach((listener) => listener.event(event));
    return keepOpen((signal, opened) => readEvents(this.engine, signal, opened, hear), {
      opened: (again) => {
        this.isOpen = true;
        this.listeners.forEach((listener) => listener.opened?.(again));
      },
      lost: (why) => {
        this.isOpen = false;
        this.listeners.forEach((listener) => listener.lost?.(why));
      },
    });
  }
}
