/** Rows of the tree for what a cluster holds. */
import { counted } from '../amounts';
import type { Fact, Item } from '../provider';
import { CATEGORIES, MACHINE_KEYS, type Category } from './categories';
import type { Secret } from './helm';
import { revisionOf } from './helm';
import { placeId } from './ids';
import { iconOf, isTimeless, summarize } from './kinds';
import { typeKey, type KubeObject, type ResourceType } from './object';
import { containerHealth, containersOf, type Pod } from './pods';
import type { NamespaceView } from './view';
import { machineActions, type VirtualMachine } from './virtual-machine';

const folder = (id: string, label: string, icon: string, actions: readonly string[] = []): Item => ({
  id,
  kind: 'folder',
  label,
  icon,
  hasChildren: true,
  actions,
});

/** The top rows. */
export const topRows = (): Item[] => [
  folder(placeId({ at: 'type', namespace: undefined, key: '/nodes' }), 'Nodes', 'vm'),
  folder(placeId({ at: 'folder', folder: 'namespaces' }), 'Namespaces', 'symbol-namespace'),
  folder(placeId({ at: 'folder', folder: 'cluster' }), 'Cluster Resources', 'globe'),
];

/** The rows under a namespace; machines have one only where there is a kind for them. */
export const categoryRows = (namespace: string, types: ReadonlyMap<string, ResourceType>): Item[] =>
  CATEGORIES.filter(({ id, keys }) => id !== 'machines' || keys.some((key) => types.has(key))).map(
    ({ id, label, icon }: Category) => folder(placeId({ at: 'category', namespace, category: id }), label, icon),
  );

/** A folder of all objects of a kind. */
export const typeRow = (type: ResourceType, namespace: string | undefined): Item => ({
  ...folder(placeId({ at: 'type', namespace, key: typeKey(type) }), titleOf(type), iconOf(typeKey(type))),
  ...(type.group !== '' && type.group.includes('.') && { description: type.group }),
});

/** `NetworkPolicies`: the kind, in the plural that the API uses. */
function titleOf({ kind, resource }: ResourceType): string {
  const ending = resource.slice(kind.length);
  if (resource.startsWith(kind.toLowerCase())) return `${kind}${ending}`;
  return /y$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}

const SCALED = ['apps/deployments', 'apps/statefulsets', 'apps/replicasets', '/replicationcontrollers'];
const RESTARTED = ['apps/deployments', 'apps/statefulsets', 'apps/daemonsets'];
const MACHINES: readonly string[] = MACHINE_KEYS;
const WITH_CHILDREN = [...SCALED, ...MACHINES, 'apps/daemonsets', 'batch/jobs', 'batch/cronjobs', '/pods', '/services'];

function actionsFor(key: string, object: KubeObject): readonly string[] {
  const actions: string[] = [];
  if (key === '/pods') actions.push('shell', 'logs', 'exec', 'logsSince', 'logsSearch', 'previousLogs');
  if (key === '/pods' || key === '/services') actions.push('portForward');
  if (SCALED.includes(key)) actions.push('scale');
  if (RESTARTED.includes(key)) actions.push('rolloutRestart', 'logs', 'rolloutHistory', 'rolloutUndo');
  if (key === 'batch/cronjobs') {
    actions.push('trigger', (object.spec as { suspend?: boolean } | undefined)?.suspend ? 'unsuspend' : 'suspend');
  }
  if (key === '/nodes')
    actions.push((object.spec as { unschedulable?: boolean } | undefined)?.unschedulable ? 'uncordon' : 'cordon');
  if (key === '/secrets') actions.push('reveal');
  if (MACHINES.includes(key)) actions.push(...machineActions(object as VirtualMachine, key !== MACHINE_KEYS[0]));
  // The text of a Secret is its values: they are shown by "Reveal" alone.
  actions.push(...(key === '/secrets' ? ['delete'] : ['inspect', 'editYaml', 'delete']));
  return actions;
}

const rows = new WeakMap<KubeObject, Item>();

/** An object's row. Made once for each version of the object, since thousands are asked for again and again. */
export function objectRow(type: ResourceType, object: KubeObject): Item {
  const key = typeKey(type);
  const made = rows.get(object) ?? makeObjectRow(type, key, object);
  if (isTimeless(key)) rows.set(object, made);
  return made;
}

function makeObjectRow(type: ResourceType, key: string, object: KubeObject): Item {
  const { name, namespace, creationTimestamp, labels, ownerReferences } = object.metadata;
  const { text, state, why } = summarize(key, object);
  const owner = ownerReferences?.find(({ controller }) => controller);
  const facts: Fact[] = [
    { name: 'Kind', value: type.kind },
    ...(namespace === undefined ? [] : [{ name: 'Namespace', value: namespace }]),
    ...(creationTimestamp === undefined ? [] : [{ name: 'Created', value: creationTimestamp }]),
    ...(owner ? [{ name: 'Controlled by', value: `${owner.kind} ${owner.name}` }] : []),
    ...(why === undefined ? [] : [{ name: 'Why', value: why }]),
  ];
  const description = why === undefined ? text : `${text} · ${firstSentence(why)}`;
  return {
    id: placeId({ at: 'object', namespace, key, name }),
    kind: type.kind,
    label: name,
    description,
    state,
    facts,
    icon: iconOf(key),
    hasChildren: WITH_CHILDREN.includes(key),
    actions: actionsFor(key, object),
    labels: labels ?? {},
  };
}

const LONGEST_REASON = 120;

function firstSentence(text: string): string {
  const line = text.split('\n')[0] ?? '';
  return line.length <= LONGEST_REASON ? line : `${line.slice(0, LONGEST_REASON)}…`;
}

/** An object's labels; a workload that has none of its own goes by those of its pods. */
export function labelsOf({ metadata, spec }: KubeObject): Readonly<Record<string, string>> {
  const { template } = (spec ?? {}) as { template?: { metadata?: { labels?: Readonly<Record<string, string>> } } };
  return { ...template?.metadata?.labels, ...metadata.labels };
}

/** A row that holds the workloads whose label has this value. */
export const groupRow = (namespace: string, label: string, value: string, count: number): Item => ({
  ...folder(placeId({ at: 'group', namespace, value }), value === '' ? `no ${label}` : `${label}: ${value}`, 'tag'),
  description: counted(count, 'workload'),
});

/** A namespace's row: itself an object, with the categories below, and what is chosen of its content. */
export const namespaceRow = (object: KubeObject, { selectorText, groupBy }: NamespaceView): Item => ({
  id: placeId({ at: 'namespace', namespace: object.metadata.name }),
  kind: 'Namespace',
  label: object.metadata.name,
  description: [
    summarize('/namespaces', object).text,
    selectorText === '' ? '' : `where ${selectorText}`,
    groupBy === undefined ? '' : `by ${groupBy}`,
  ]
    .filter((part) => part !== '')
    .join(' · '),
  state: summarize('/namespaces', object).state,
  icon: iconOf('/namespaces'),
  hasChildren: true,
  actions: ['selectLabels', 'groupByLabel', 'inspect', 'editYaml', 'delete'],
  labels: object.metadata.labels ?? {},
});

/** The rows under a pod. */
export function containerRows(pod: Pod): Item[] {
  const { name, namespace = '' } = pod.metadata;
  return containersOf(pod).map(({ container, status, isInit }) => {
    const { state, word, why } = containerHealth(status);
    const isRunning = status?.state?.running !== undefined;
    return {
      id: placeId({ at: 'container', namespace, pod: name, container: container.name }),
      kind: 'container',
      label: container.name,
      description: [isInit ? 'init' : undefined, word, container.image].filter((one) => one !== undefined).join(' · '),
      state,
      facts: [
        { name: 'Image', value: container.image ?? '' },
        { name: 'Restarts', value: String(status?.restartCount ?? 0) },
        ...(why === undefined ? [] : [{ name: 'Why', value: why }]),
      ],
      icon: 'package',
      hasChildren: false,
      actions: [
        ...(isRunning ? ['shell', 'exec'] : []),
        'logs',
        'logsSince',
        'logsSearch',
        ...(status?.restartCount ? ['previousLogs'] : []),
      ],
    };
  });
}

/** A Service's endpoints, as far as they are read. */
export type Endpoints = KubeObject & {
  readonly subsets?: readonly {
    readonly addresses?: readonly {
      readonly ip: string;
      readonly targetRef?: { readonly kind: string; readonly name: string };
    }[];
    readonly notReadyAddresses?: readonly {
      readonly ip: string;
      readonly targetRef?: { readonly kind: string; readonly name: string };
    }[];
    readonly ports?: readonly { readonly port: number; readonly protocol?: string }[];
  }[];
};

/** The rows under a Service: where its traffic goes. */
export function endpointRows({ metadata, subsets }: Endpoints): Item[] {
  const { name: service, namespace = '' } = metadata;
  return (subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
    [
      ...addresses.map((one) => ({ ...one, isReady: true })),
      ...notReadyAddresses.map((one) => ({ ...one, isReady: false })),
    ].map(({ ip, targetRef, isReady }): Item => ({
      id: placeId({ at: 'endpoint', namespace, service, address: ip }),
      kind: 'endpoint',
      label: ports.map(({ port }) => `${ip}:${port}`).join(' '),
      description: [targetRef && `${targetRef.kind} ${targetRef.name}`, isReady ? undefined : 'not ready']
        .filter(Boolean)
        .join(' · '),
      state: isReady ? 'running' : 'changing',
      icon: 'arrow-right',
      hasChildren: false,
      actions: [],
    })),
  );
}

/** A Helm release's row, from its newest revision. */
export function releaseRow(secret: Secret, revisions: number): Item {
  const { name = '', status = '' } = secret.metadata.labels ?? {};
  const state =
    status === 'deployed'
      ? 'running'
      : status === 'failed'
        ? 'failed'
        : status.startsWith('pending')
          ? 'changing'
          : 'stopped';
  return {
    id: placeId({ at: 'release', namespace: secret.metadata.namespace ?? '', release: name }),
    kind: 'release',
    label: name,
    description: `${status} · revision ${revisionOf(secret)}${revisions > 1 ? ` of ${revisions} kept` : ''}`,
    state,
    icon: 'archive',
    hasChildren: false,
    actions: ['helmValues', 'helmManifest', 'helmHistory'],
  };
}
