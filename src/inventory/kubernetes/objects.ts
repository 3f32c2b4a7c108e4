/**
 * The objects of a cluster for the tree: from stores while changes are watched, straight from the server otherwise.
 * A kind that this user may not list counts as empty in an overview, and says so when it is opened by itself.
 */
import { UserError } from '../../common/errors';
import { unlessAborted } from '../cancel';
import type { Disposable } from '../disposable';
import type { Cluster } from './cluster';
import { typeKey, type KubeObject, type ResourceType } from './object';
import { ResourceStore } from './store';

/** What is told while objects are watched. */
export interface ObjectsListener {
  changed(type: ResourceType, object: KubeObject): void;
  reset(type: ResourceType, namespace: string | undefined): void;
  lost(why: Error): void;
  /** A broken connection is back. */
  found(): void;
}

// Each store is a connection; who opens fifty namespaces has the first ones read anew.
const MOST_STORES = 150;

/** The objects of one cluster. */
export class ClusterObjects implements Disposable {
  private readonly stores = new Map<string, ResourceStore>();
  private listener: ObjectsListener | undefined;
  private isLost = false;

  constructor(private readonly cluster: Cluster) {}

  /** From now on what is listed is watched; undefined ends it. */
  watch(listener: ObjectsListener | undefined): void {
    this.dispose();
    this.listener = listener;
  }

  /** The objects of a kind; rejects with a sentence. */
  async list<T extends KubeObject>(
    type: ResourceType,
    namespace: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    const stored = await this.fromStore(type, namespace, signal);
    if (stored) return stored as readonly T[];
    return (await this.cluster.list<T>(type, namespace, signal)).items;
  }

  /** The same for an overview: none where the cluster has no such kind, or this user no right to it. */
  async listIfAllowed<T extends KubeObject>(
    key: string,
    namespace: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    const type = (await this.cluster.resourceTypes(signal)).get(key);
    if (!type) return [];
    try {
      return await this.list<T>(type, namespace, signal);
    } catch (error) {
      if (error instanceof UserError && error.code === 'cluster/Forbidden') return [];
      throw error;
    }
  }

  dispose(): void {
    for (const store of this.stores.values()) store.dispose();
    this.stores.clear();
    this.listener = undefined;
    this.isLost = false;
  }

  private async fromStore(
    type: ResourceType,
    namespace: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly KubeObject[] | undefined> {
    const { listener } = this;
    if (!listener || !type.verbs.includes('watch')) return undefined;
    const key = `${typeKey(type)} ${namespace ?? ''}`;
    const store = this.stores.get(key) ?? this.open(type, namespace, listener);
    this.stores.delete(key);
    this.stores.set(key, store);
    for (const [oldest, one] of this.stores) {
      if (this.stores.size <= MOST_STORES) break;
      one.dispose();
      this.stores.delete(oldest);
    }
    try {
      return await unlessAborted(store.all(), signal);
    } catch (error) {
      // What may not be listed is not asked for again and again.
      if (error instanceof UserError && error.code === 'cluster/Forbidden') {
        store.dispose();
        this.stores.delete(key);
        throw error;
      }
      return undefined;
    }
  }

  private open(type: ResourceType, namespace: string | undefined, listener: ObjectsListener): ResourceStore {
    return new ResourceStore(this.cluster, type, namespace, {
      changed: (object) => listener.changed(type, object),
      reset: () => listener.reset(type, namespace),
      lost: (why) => {
        const isForbidden = why instanceof UserError && why.code === 'cluster/Forbidden';
        if (this.isLost || isForbidden) return;
        this.isLost = true;
        listener.lost(why);
      },
      opened: () => {
        if (!this.isLost) return;
        this.isLost = false;
        listener.found();
      },
    });
  }
}
