/** One connected cluster: its version, what kinds of objects it serves, and calls whose failures are sentences. */
import type { IncomingMessage } from 'node:http';
import { unlessAborted } from '../cancel';
import { mapLimited } from '../limited';
import { clusterError, unfit } from './errors';
import type { ClusterContext } from './contexts';
import { resourcePath, typeKey, type KubeList, type KubeObject, type ResourceType } from './object';
import { Transport, type ApiCall } from './transport';

// How many objects one answer may hold.
const PAGE = 1000;

interface ApiResourceList {
  readonly groupVersion: string;
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}
interface ApiGroupList {
  readonly groups: readonly {
    readonly name: string;
    readonly preferredVersion?: { readonly groupVersion: string };
    readonly versions: readonly { readonly groupVersion: string }[];
  }[];
}

/** The way to a cluster; nothing is loaded before `connect`. */
export class Cluster {
  private transport: Transport | undefined;
  private types: Promise<ReadonlyMap<string, ResourceType>> | undefined;

  constructor(readonly context: ClusterContext) {}

  /** How errors name it. */
  get name(): string {
    return `Kubernetes (${this.context.name})`;
  }

  /** Loads the client and asks for the version: `v1.31.0`. */
  async connect(signal: AbortSignal): Promise<string> {
    this.transport ??= await Transport.load(this.context);
    this.types = undefined;
    const { gitVersion } = await this.request<{ gitVersion: string }>({ method: 'GET', path: '/version' }, signal);
    return gitVersion;
  }

  /** Does a call; rejects with a sentence, at the latest when the signal is aborted. */
  async call<T>(signal: AbortSignal | undefined, work: (transport: Transport) => Promise<T>): Promise<T> {
    const { transport } = this;
    if (!transport) throw unfit(`${this.name} is not connected.`);
    try {
      return await unlessAborted(work(transport), signal);
    } catch (error) {
      throw clusterError(error, this.name);
    }
  }

  /** The answer's JSON, unchecked. */
  request<T>(call: ApiCall, signal?: AbortSignal): Promise<T> {
    return this.call(signal, (transport) => transport.request<T>(call, signal));
  }

  /** The answer as it comes, until the signal is aborted. */
  open(call: ApiCall, signal?: AbortSignal): Promise<IncomingMessage> {
    return this.call(signal, (transport) => transport.open(call, signal));
  }

  /** All kinds of objects that can be listed, by `group/resource`; asked once for each connection. */
  resourceTypes(signal?: AbortSignal): Promise<ReadonlyMap<string, ResourceType>> {
    const asked = (this.types ??= this.discover());
    asked.catch(() => {
      if (this.types === asked) this.types = undefined;
    });
    return unlessAborted(asked, signal).catch((error: unknown) => {
      throw clusterError(error, this.name);
    });
  }

  /** Forgets which kinds there are: a custom resource definition came or went. */
  forgetTypes(): void {
    this.types = undefined;
  }

  /** One kind by group and plural name. Rejects where the cluster does not serve it. */
  async type(key: string, signal?: AbortSignal): Promise<ResourceType> {
    const found = (await this.resourceTypes(signal)).get(key);
    if (!found) throw unfit(`${this.name} has no ${key.replace(/^\//, '')}.`);
    return found;
  }

  /** All objects of a kind, and the version from which on to watch. In pages, so that no answer is huge. */
  async list<T extends KubeObject>(
    type: ResourceType,
    namespace: string | undefined,
    signal: AbortSignal | undefined,
    query: Readonly<Record<string, string>> = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const items: T[] = [];
    const path = resourcePath(type, namespace);
    for (let next: string | undefined = ''; ;) {
      const page: Record<string, string> =
        next === '' ? { limit: String(PAGE) } : { limit: String(PAGE), continue: next };
      const list = await this.request<KubeList<T>>({ method: 'GET', path, query: { ...query, ...page } }, signal);
      for (const item of list.items) items.push(item);
      next = list.metadata.continue;
      if (next === undefined || next === '') return { items, resourceVersion: list.metadata.resourceVersion ?? '' };
    }
  }

  /** One object. */
  get<T extends KubeObject>(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.request<T>({ method: 'GET', path: resourcePath(type, namespace, name) }, signal);
  }

  dispose(): void {
    this.transport?.dispose();
    this.transport = undefined;
  }

  private async discover(): Promise<ReadonlyMap<string, ResourceType>> {
    const { groups } = await this.request<ApiGroupList>({ method: 'GET', path: '/apis' });
    // A kind may be served by a version that is not its group's preferred one: that one comes after.
    const versions = groups.flatMap(({ preferredVersion, versions: all }) => {
      const first = preferredVersion?.groupVersion;
      return [
        ...(first === undefined ? [] : [first]),
        ...all.map((one) => one.groupVersion).filter((one) => one !== first),
      ];
    });
    const lists = await mapLimited(['v1', ...versions], 8, (groupVersion) =>
      this.request<ApiResourceList>({
        method: 'GET',
        path: groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`,
      }).catch(
        // An aggregated API whose server is down, or that this user may not see, hides no other.
        () => undefined,
      ),
    );
    const types = new Map<string, ResourceType>();
    for (const list of lists) {
      for (const { name, kind, namespaced, verbs } of list?.resources ?? []) {
        if (name.includes('/') || !verbs.includes('list')) continue;
        const slash = (list?.groupVersion ?? '').lastIndexOf('/');
        const group = (list?.groupVersion ?? '').slice(0, Math.max(slash, 0));
        const version = (list?.groupVersion ?? '').slice(slash + 1);
        const type = { group, version, resource: name, kind, isNamespaced: namespaced, verbs };
        if (!types.has(typeKey(type))) types.set(typeKey(type), type);
      }
    }
    return types;
  }
}
