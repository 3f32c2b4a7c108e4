/** The events that a client has asked for, sent at most ten times a second and only when something has changed. */
import type { CountersEvent, StateEvent, Subscribable } from '../protocol/events';
import type { Debuggee } from './debuggee';
import type { Emit } from './handler';

const PERIOD_MS = 100;
/** Most exits of one event; the log has the rest. */
const MOST_EXITS = 1000;

export class Subscriptions {
  private wanted: ReadonlySet<Subscribable> = new Set();
  private timer: NodeJS.Timeout | undefined;
  private asking = false;
  private state = '';
  private counters = '';
  private nextExit = 0;

  constructor(
    private readonly debuggee: Debuggee,
    private readonly emit: Emit,
  ) {}

  /** From now on these events; what they say first is how things are. */
  replace(events: readonly Subscribable[]): void {
    this.wanted = new Set(events);
    this.state = this.counters = '';
    clearInterval(this.timer);
    this.timer = undefined;
    if (this.wanted.size > 0) this.timer = setInterval(() => void this.tell(), PERIOD_MS).unref();
  }

  /** One look at the target; what goes wrong with it is said elsewhere. */
  private async tell(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      const { running, instructions, ticks, exits } = await this.debuggee.target.state();
      const state: StateEvent = { running };
      if (this.isNews('state', state)) this.emit('vmxray/state', state);
      const counters: CountersEvent = {
        instructions: String(instructions),
        ticks: String(ticks),
        exits: String(exits),
      };
      const isCounted = !this.debuggee.lacks.has('counters');
      if (isCounted && this.isNews('counters', counters)) this.emit('vmxray/counters', counters);
      if (this.wanted.has('exitsAdded') && exits !== this.nextExit) {
        const start = Math.max(this.nextExit, exits - MOST_EXITS);
        this.emit('vmxray/exitsAdded', await this.debuggee.target.exits({ start, count: MOST_EXITS }));
        this.nextExit = exits;
      }
    } catch {
      // Not launched yet, or gone: there is nothing to tell.
    } finally {
      this.asking = false;
    }
  }

  private isNews(event: 'state' | 'counters', body: object): boolean {
    const text = JSON.stringify(body);
    if (!this.wanted.has(event) || text === this[event]) return false;
    this[event] = text;
    return true;
  }
}
