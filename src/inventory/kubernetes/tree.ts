/** The tree of one cluster: which rows lie under which. Workloads lie under their owners. */
import type { Item } from '../provider';
import { CATEGORIES, isCustom, WORKLOAD_KEYS } from './categories';
import type { Cluster } from './cluster';
import { releaseSecrets, type Secret } from './helm';
import { parsePlace, type Place } from './ids';
import { typeKey, type KubeObject, type ResourceType } from './object';
import type { ClusterObjects } from './objects';
import type { Pod } from './pods';
import {
  categoryRows,
  containerRows,
  endpointRows,
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
      return categoryRows(place.namespace);
    case 'category':
      return categoryContent(source, place.namespace, place.category, signal);
    case 'type':
      return typeContent(source, place, signal);
    case 'object':
      return objectContent(source, place, signal);
    default:
      return [];
  }
}

async function namespaces({ cluster, objects }: TreeSource, signal: AbortSignal): Promise<Item[]> {
  const found = await objects.list(await cluster.type('/namespaces', signal), undefined, signal);
  const isOwn = ({ label }: Item): number => (label === cluster.context.namespace ? 0 : 1);
  return found.map(namespaceRow).sort((a, b) => isOwn(a) - isOwn(b) || byLabel(a, b));
}

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
  if (category === 'workloads') return workloadRoots(source, namespace, signal);
  if (category === 'helm') return releases(source, namespace, signal);
  const types = await source.cluster.resourceTypes(signal);
  if (category === 'custom') {
    const custom = [...types.values()].filter((type) => type.isNamespaced && isCustom(typeKey(type)));
    return custom.map((type) => typeRow(type, namespace)).sort(byLabel);
  }
  const keys = CATEGORIES.find(({ id }) => id === category)?.keys ?? [];
  return keys.flatMap((key) => types.get(key) ?? []).map((type) => typeRow(type, namespace));
}

async function typeContent(
  { cluster, objects }: TreeSource,
  { key, namespace }: Extract<Place, { at: 'type' }>,
  signal: AbortSignal,
): Promise<Item[]> {
  const type = await cluster.type(key, signal);
  const found = await objects.list(type, namespace, signal);
  const isShown = (object: KubeObject): boolean => (object as Secret).type !== 'helm.sh/release.v1';
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
  { cluster, objects }: TreeSource,
  namespace: string,
  signal: AbortSignal,
): Promise<Workload[]> {
  const types = await cluster.resourceTypes(signal);
  const lists = await Promise.all(
    WORKLOAD_KEYS.flatMap((key) => {
      const type = types.get(key);
      return type
        ? [objects.listIfAllowed(key, namespace, signal).then((found) => found.map((object) => ({ type, object })))]
        : [];
    }),
  );
  return lists.flat();
}

/** What no other workload controls, the controllers first. */
async function workloadRoots(source: TreeSource, namespace: string, signal: AbortSignal): Promise<Item[]> {
  const all = await workloads(source, namespace, signal);
  const uids = new Set(all.map(({ object }) => object.metadata.uid));
  const roots = all.filter(({ object }) => !uids.has(controllerOf(object) ?? '') && isShown(object));
  const rank = (key: string): number => WORKLOAD_KEYS.findIndex((one) => one === key);
  return roots
    .map((workload) => ({ row: rowOf(workload), rank: rank(typeKey(workload.type)) }))
    .sort((a, b) => a.rank - b.rank || byLabel(a.row, b.row))
    .map(({ row }) => row);
}

async function releases({ objects }: TreeSource, namespace: string, signal: AbortSignal): Promise<Item[]> {
  const secrets = await objects.listIfAllowed<Secret>('/secrets', namespace, signal);
  return [...releaseSecrets(secrets).values()]
    .flatMap(([newest, ...older]) => (newest ? [releaseRow(newest, older.length + 1)] : []))
    .sort(byLabel);
}
