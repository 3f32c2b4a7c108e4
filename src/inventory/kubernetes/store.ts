/**
 * The objects of one kind in one namespace, kept right by a watch: listed once, then changed as the server tells, from
 * the last resource version on after a break. Only when the server has forgotten that version (410) is all listed again.
 * Source: Kubernetes API concepts, "Efficient detection of changes".
 */
import type { Disposable } from '../disposable';
import { keepOpen, sleep } from '../keep-open';
import type { Cluster } from './cluster';
import { resourcePath, type KubeObject, type ResourceType, type WatchEvent } from './object';

/** What a store tells. */
export interface StoreListener {
  changed(object: KubeObject): void;
  /** Everything may have changed. */
  reset(): void;
  lost(why: Error): void;
  opened(): void;
}

// The server ends a watch after some minutes; asked for, the end comes in order.
const WATCH_SECONDS = '290';
const SHORTEST_WATCH_MS = 1000;

/** One kind in one namespace (or in all). */
export class ResourceStore implements Disposable {
  private objects = new Map<string, KubeObject>();
  private resourceVersion: string | undefined;
  private readonly feed: Disposable;
  private readonly first: Promise<void>;
  private settleFirst: (error?: Error) => void = () => undefined;
  private isLost = false;

  constructor(
    private readonly cluster: Cluster,
    private readonly type: ResourceType,
    private readonly namespace: string | undefined,
    private readonly listener: StoreListener,
  ) {
    this.first = new Promise((resolve, reject) => (this.settleFirst = (error) => (error ? reject(error) : resolve())));
    this.first.catch(() => undefined);
    this.feed = keepOpen((signal, opened) => this.follow(signal, opened), {
      opened: () => {
        this.isLost = false;
        listener.opened();
      },
      lost: (why) => {
        this.isLost = true;
        this.settleFirst(why);
        listener.lost(why);
      },
    });
  }

  /** The objects; the first time after they have been listed. Undefined where they are not to be relied on. */
  async all(): Promise<readonly KubeObject[] | undefined> {
    await this.first;
    return this.isLost ? undefined : [...this.objects.values()];
  }

  dispose(): void {
    this.feed.dispose();
    this.settleFirst();
  }

  private async follow(signal: AbortSignal, opened: () => void): Promise<void> {
    for (;;) {
      if (this.resourceVersion === undefined) await this.listAll(signal);
      const start = Date.now();
      await this.hearOut(signal, opened);
      // An orderly end after minutes is the server's habit; one at once would make us ask without a pause.
      if (Date.now() - start < SHORTEST_WATCH_MS) await sleep(SHORTEST_WATCH_MS, signal);
    }
  }

  /** One watch, until the server ends it or has forgotten our version. */
  private async hearOut(signal: AbortSignal, opened: () => void): Promise<void> {
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: WATCH_SECONDS,
      resourceVersion: this.resourceVersion ?? '',
    };
    const path = resourcePath(this.type, this.namespace);
    const stream = await this.cluster.open({ method: 'GET', path, query }, signal);
    opened();
    stream.setEncoding('utf8');
    let rest = '';
    for await (const chunk of stream as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '' && !this.apply(JSON.parse(line) as WatchEvent)) return;
    }
  }

  private async listAll(signal: AbortSignal): Promise<void> {
    const { items, resourceVersion } = await this.cluster.list(this.type, this.namespace, signal);
    this.objects = new Map(items.map((item) => [item.metadata.uid, slim(item)]));
    this.resourceVersion = resourceVersion;
    this.settleFirst();
    this.listener.reset();
  }

  /** False where the server has forgotten our version. */
  private apply({ type, object }: WatchEvent): boolean {
    if (type === 'ERROR') {
      this.resourceVersion = undefined;
      return false;
    }
    this.resourceVersion = object.metadata.resourceVersion ?? this.resourceVersion;
    if (type === 'BOOKMARK') return true;
    if (type === 'DELETED') this.objects.delete(object.metadata.uid);
    else this.objects.set(object.metadata.uid, slim(object));
    this.listener.changed(object);
    return true;
  }
}

/** Without what no row shows and what would double the memory: who manages which field, the last applied text. */
function slim(object: KubeObject): KubeObject {
  const {
    managedFields: _,
    annotations,
    ...metadata
  } = object.metadata as KubeObject['metadata'] & { managedFields?: unknown };
  const { 'kubectl.kubernetes.io/last-applied-configuration': __, ...kept } = annotations ?? {};
  return { ...object, metadata: annotations ? { ...metadata, annotations: kept } : metadata };
}
