/** Which rows a changed object touches: its own, that of its kind, and those that it lies under. */
import { CATEGORIES, isCustom } from './categories';
import { placeId } from './ids';
import { typeKey, type KubeObject, type ResourceType } from './object';

// Owners are named by kind; these are the ones that the tree shows rows of.
const OWNER_KEYS: Readonly<Record<string, string>> = {
  Deployment: 'apps/deployments',
  ReplicaSet: 'apps/replicasets',
  StatefulSet: 'apps/statefulsets',
  DaemonSet: 'apps/daemonsets',
  Job: 'batch/jobs',
  CronJob: 'batch/cronjobs',
  ReplicationController: '/replicationcontrollers',
  VirtualMachine: 'kubevirt.io/virtualmachines',
  VirtualMachineInstance: 'kubevirt.io/virtualmachineinstances',
};

/** The ids of the rows. */
export function touchedRows(type: ResourceType, object: KubeObject): readonly string[] {
  const { name, namespace, ownerReferences = [] } = object.metadata;
  const key = typeKey(type);
  const ids = [placeId({ at: 'object', namespace, key, name }), ...foldersOf(type, namespace)];
  if (namespace === undefined) {
    return key === '/namespaces' ? [...ids, placeId({ at: 'namespace', namespace: name })] : ids;
  }
  // A Service shows its endpoints.
  if (key === '/endpoints') ids.push(placeId({ at: 'object', namespace, key: '/services', name }));
  for (const owner of ownerReferences) {
    const ownerKey = OWNER_KEYS[owner.kind];
    if (ownerKey !== undefined) ids.push(placeId({ at: 'object', namespace, key: ownerKey, name: owner.name }));
  }
  return ids;
}

/** The rows that hold all objects of a kind. */
export function foldersOf(type: ResourceType, namespace: string | undefined): readonly string[] {
  const key = typeKey(type);
  const ids = [placeId({ at: 'type', namespace, key })];
  if (key === '/namespaces') ids.push(placeId({ at: 'folder', folder: 'namespaces' }));
  if (namespace === undefined) return ids;
  for (const { id, keys } of CATEGORIES)
    if (keys.includes(key)) ids.push(placeId({ at: 'category', namespace, category: id }));
  if (key === '/secrets') ids.push(placeId({ at: 'category', namespace, category: 'helm' }));
  if (isCustom(key)) ids.push(placeId({ at: 'category', namespace, category: 'custom' }));
  return ids;
}
