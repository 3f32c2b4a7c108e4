/** The tree of one cluster: which rows lie under which. Workloads lie under their owners. */
import { UserError } from '../../common/errors';
import type { Item } from '../provider';
import { CATEGORIES, isCustom, MACHINE_KEYS, MIGRATION_KEY, WORKLOAD_KEYS } from './categories';
import type { Cluster } from './cluster';
import { releaseSecrets, type Secret } from './helm';
import { parsePlace, type Place } from './ids';
import { typeKey, type KubeObject, type ResourceType } from './object';
import type { ClusterObjects } from './objects';
import type { Pod } from './pods';
import { selects, type Selector } from './selector';
import type { ClusterView } from './view';
import {
  categoryRows,
  containerRows,
  endpointRows,
  groupRow,
  labelsOf,
  namespaceRow,
  objectRow,
  releaseRow,
  topRows,
  typeRow,
  type Endpoints,
} from './rows';

/** What the tree is read from. */
export interface TreeSource {
  readonly cluster: Cluster;
  readonly objects: ClusterObjects;
  readonly view: ClusterView;
}

const byLabel = (a: Item, b: Item): number => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0);

/** The rows under `parent`. */
export async function rowsUnder(
  source: TreeSource,
  parent: string | undefined,
  signal: AbortSignal,
): Promise<readonly Item[]> {
  if (parent === undefined) return topRows();
  const place = parsePlace(parent);
  switch (place?.at) {
    case 'folder':
      return place.folder === 'namespaces' ? namespaces(source, signal) : clusterTypes(source, signal);
    case 'namespace':
      return categoryRows(place.namespace, await source.cluster.resourceTypes(signal));
    case 'category':
      return categoryContent(source, place.namespace, place.category, signal);
    case 'group': {
      const roots = await workloadRoots(source, place.namespace, WORKLOAD_KEYS, signal);
      const { groupBy = '' } = source.view.of(place.namespace);
      return roots.filter(({ object }) => (labelsOf(object)[groupBy] ?? '') === place.value).map(rowOf);
    }
    case 'type':
      return typeContent(source, place, signal);
    case 'object':
      return objectContent(source, place, signal);
    default:
      return [];
  }
}

async function namespaces({ cluster, objects, view }: TreeSource, signal: AbortSignal): Promise<Item[]> {
  const own = cluster.context.namespace;
  const type = await cluster.type('/namespaces', signal);
  const found = await objects.list(type, undefined, signal).catch((error: unknown) => {
    // Who may not list the namespaces has rights in one of them, which is the context's.
    if (error instanceof UserError && error.code === 'cluster/Forbidden') return undefined;
    throw error;
  });
  if (!found)
    return [{ ...namespaceRow(named(own), view.of(own)), description: 'of the context; others are forbidden' }];
  const isOwn = ({ label }: Item): number => (label === own ? 0 : 1);
  return found
    .map((object) => namespaceRow(object, view.of(object.metadata.name)))
    .sort((a, b) => isOwn(a) - isOwn(b) || byLabel(a, b));
}

/** A namespace of which nothing is known but its name. */
const named = (name: string): KubeObject => ({ metadata: { name, uid: '' }, status: { phase: 'Active' } });

async function clusterTypes({ cluster }: TreeSource, signal: AbortSignal): Promise<Item[]> {
  const shown = [...(await cluster.resourceTypes(signal)).values()].filter(
    (type) => !type.isNamespaced && !['/nodes', '/namespaces', '/componentstatuses'].includes(typeKey(type)),
  );
  return shown.map((type) => typeRow(type, undefined)).sort(byLabel);
}

async function categoryContent(
  source: TreeSource,
  namespace: string,
  category: string,
  signal: AbortSignal,
): Promise<Item[]> {
  if (category === 'workloads') return workloadRows(source, namespace, signal);
  if (category === 'helm') return releases(source, namespace, signal);
  const types = await source.cluster.resourceTypes(signal);
  if (category === 'machines') {
    const machines = (await workloadRoots(source, namespace, MACHINE_KEYS, signal)).map(rowOf);
    const migrations = types.get(MIGRATION_KEY);
    return migrations ? [...machines, typeRow(migrations, namespace)] : machines;
  }
  if (category === 'custom') {
    const custom = [...types.values()].filter((type) => type.isNamespaced && isCustom(typeKey(type)));
    return custom.map((type) => typeRow(type, namespace)).sort(byLabel);
  }
  const keys = CATEGORIES.find(({ id }) => id === category)?.keys ?? [];
  return keys.flatMap((key) => types.get(key) ?? []).map((type) => typeRow(type, namespace));
}

async function typeContent(
  { cluster, objects, view }: TreeSource,
  { key, namespace }: Extract<Place, { at: 'type' }>,
  signal: AbortSignal,
): Promise<Item[]> {
  const type = await cluster.type(key, signal);
  const found = await objects.list(type, namespace, signal);
  const selector = namespace === undefined ? [] : view.of(namespace).selector;
  const isShown = (object: KubeObject): boolean =>
    (object as Secret).type !== 'helm.sh/release.v1' && selects(selector, object.metadata.labels);
  return found
    .filter(isShown)
    .map((object) => objectRow(type, object))
    .sort(byLabel);
}

async function objectContent(
  source: TreeSource,
  { namespace, key, name }: Extract<Place, { at: 'object' }>,
  signal: AbortSignal,
): Promise<Item[]> {
  const { cluster, objects } = source;
  if (namespace === undefined) return [];
  if (key === '/services') {
    const endpoints = await objects.listIfAllowed<Endpoints>('/endpoints', namespace, signal);
    const own = endpoints.find(({ metadata }) => metadata.name === name);
    return own ? endpointRows(own) : [];
  }
  const listed = await objects.list(await cluster.type(key, signal), namespace, signal);
  const self = listed.find(({ metadata }) => metadata.name === name);
  if (!self) return [];
  if (key === '/pods') return containerRows(self as Pod);
  const all = await workloads(source, namespace, signal);
  return all
    .filter(({ object }) => controllerOf(object) === self.metadata.uid && isShown(object))
    .map(rowOf)
    .sort(byLabel);
}

interface Workload {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

const rowOf = ({ type, object }: Workload): Item => objectRow(type, object);

const controllerOf = ({ metadata }: KubeObject): string | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller)?.uid;

/** An old ReplicaSet is kept for the history of its Deployment alone. */
function isShown({ spec, metadata, status }: KubeObject): boolean {
  const isOld =
    (spec as { replicas?: number } | undefined)?.replicas === 0 &&
    !(status as { replicas?: number } | undefined)?.replicas;
  return !(isOld && metadata.annotations?.['deployment.kubernetes.io/revision'] !== undefined);
}

async function workloads(
  { cluster, objects, view }: TreeSource,
  namespace: string,
  signal: AbortSignal,
): Promise<Workload[]> {
  const types = await cluster.resourceTypes(signal);
  const lists = await Promise.all(
    [...WORKLOAD_KEYS, ...MACHINE_KEYS].flatMap((key) => {
      const type = types.get(key);
      return type
        ? [objects.listIfAllowed(key, namespace, signal).then((found) => found.map((object) => ({ type, object })))]
        : [];
    }),
  );
  return selected(lists.flat(), view.of(namespace).selector);
}

/** The roots, or groups of them by a label. */
async function workloadRows(source: TreeSource, namespace: string, signal: AbortSignal): Promise<Item[]> {
  const roots = await workloadRoots(source, namespace, WORKLOAD_KEYS, signal);
  const { groupBy } = source.view.of(namespace);
  if (groupBy === undefined) return roots.map(rowOf);
  const counts = new Map<string, number>();
  for (const { object } of roots) {
    const value = labelsOf(object)[groupBy] ?? '';
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  // Those without the label come last.
  const order = (value: string): string => (value === '' ? '\uffff' : value);
  return [...counts]
    .sort(([a], [b]) => (order(a) < order(b) ? -1 : 1))
    .map(([value, count]) => groupRow(namespace, groupBy, value, count));
}

/** What no other workload controls, of these kinds, in their order. */
async function workloadRoots(
  source: TreeSource,
  namespace: string,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<Workload[]> {
  const all = await workloads(source, namespace, signal);
  const uids = new Set(all.map(({ object }) => object.metadata.uid));
  const roots = all.filter(
    ({ type, object }) => keys.includes(typeKey(type)) && !uids.has(controllerOf(object) ?? '') && isShown(object),
  );
  const rank = (workload: Workload): number => keys.indexOf(typeKey(workload.type));
  return roots.sort((a, b) => rank(a) - rank(b) || (a.object.metadata.name < b.object.metadata.name ? -1 : 1));
}

/** Those that the selector selects, with what they control and what controls them. */
function selected(all: readonly Workload[], selector: Selector): Workload[] {
  if (selector.length === 0) return [...all];
  const byUid = new Map(all.map((one) => [one.object.metadata.uid, one]));
  const isSelected = ({ object }: Workload): boolean => selects(selector, labelsOf(object));
  const parentOf = ({ object }: Workload): Workload | undefined => byUid.get(controllerOf(object) ?? '');
  const kept = new Set<Workload>();
  for (const one of all) {
    let chain: Workload[] = [];
    let isWanted = false;
    // Owners that own each other in a ring would be no tree.
    for (let at: Workload | undefined = one; at && !chain.includes(at); at = parentOf(at)) {
      chain = [...chain, at];
      isWanted ||= isSelected(at);
    }
    if (!isWanted) continue;
    // Above the topmost that is selected there are only ways to it.
    for (const link of isSelected(one) ? chain : [one]) kept.add(link);
  }
  return all.filter((one) => kept.has(one));
}

async function releases({ objects }: TreeSource, namespace: string, signal: AbortSignal): Promise<Item[]> {
  const secrets = await objects.listIfAllowed<Secret>('/secrets', namespace, signal);
  return [...releaseSecrets(secrets).values()]
    .flatMap(([newest, ...older]) => (newest ? [releaseRow(newest, older.length + 1)] : []))
    .sort(byLabel);
}
