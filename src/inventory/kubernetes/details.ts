/** What is known of an object, in sections: what it wants, what is, its conditions, and the last events about it. */
import type { V1NodeSpec, V1NodeStatus, V1ResourceQuotaStatus } from '@kubernetes/client-node';
import { ago, diskSize } from '../amounts';
import type { DetailSection } from '../provider';
import { UserError } from '../../common/errors';
import type { Cluster } from './cluster';
import { eventTime, type ClusterEvent } from './events';
import type { Secret } from './helm';
import type { Place } from './ids';
import { summarize } from './kinds';
import { networkSections } from './network-details';
import { typeKey, type Condition, type KubeObject } from './object';
import { containerHealth, containersOf, type Pod } from './pods';

const named = (title: string, rows: readonly (readonly [string, string | number | undefined])[]): DetailSection => ({
  title,
  columns: [],
  rows: rows.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, String(value)]])),
});

/** The sections of an object's row, or of a container's. */
export async function objectDetails(
  cluster: Cluster,
  place: Place,
  signal: AbortSignal,
): Promise<readonly DetailSection[]> {
  if (place.at === 'container') {
    const pod = await cluster.get<Pod>(await cluster.type('/pods', signal), place.namespace, place.pod, signal);
    return containerSections(pod, place.container);
  }
  if (place.at !== 'object' && place.at !== 'namespace') return [];
  const key = place.at === 'object' ? place.key : '/namespaces';
  const name = place.at === 'object' ? place.name : place.namespace;
  const type = await cluster.type(key, signal);
  const object = await cluster.get<KubeObject>(type, place.at === 'object' ? place.namespace : undefined, name, signal);
  const events = await eventsOf(cluster, object, signal);
  return [
    summarySection(type.kind, typeKey(type), object),
    ...loopSection(object),
    ...conditionSection(object),
    ...kindSections(typeKey(type), object),
    { title: 'Events', columns: ['when', 'type', 'reason', 'message'], rows: events },
  ];
}

function summarySection(kind: string, key: string, object: KubeObject): DetailSection {
  const { name, namespace, creationTimestamp, labels, ownerReferences, deletionTimestamp, uid } = object.metadata;
  const { text, why } = summarize(key, object);
  const owner = ownerReferences?.find(({ controller }) => controller);
  return named(kind, [
    ['name', name],
    ['namespace', namespace],
    ['state', text],
    ['why', why],
    ['controlled by', owner && `${owner.kind} ${owner.name}`],
    ['created', creationTimestamp && `${creationTimestamp}, ${ago(Date.parse(creationTimestamp), Date.now())}`],
    ['deleting since', deletionTimestamp],
    [
      'labels',
      Object.entries(labels ?? {})
        .map(([label, value]) => `${label}=${value}`)
        .join(', '),
    ],
    ['uid', uid],
  ]);
}

/** The control loop: what the controller wants, and how far it is. */
function loopSection({ spec, status, metadata }: KubeObject): DetailSection[] {
  const { replicas } = (spec ?? {}) as { replicas?: number };
  const counts = (status ?? {}) as Readonly<Record<string, unknown>>;
  const names = [
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
    'unavailableReplicas',
    'desiredNumberScheduled',
    'currentNumberScheduled',
    'numberReady',
    'numberAvailable',
    'active',
    'succeeded',
    'failed',
  ];
  const present = names.flatMap((name): [string, number][] =>
    typeof counts[name] === 'number' ? [[name, counts[name]]] : [],
  );
  if (replicas === undefined && present.length === 0) return [];
  const { generation } = metadata as { generation?: number };
  const { observedGeneration } = counts as { observedGeneration?: number };
  const lag =
    generation === undefined || observedGeneration === undefined
      ? undefined
      : observedGeneration >= generation
        ? 'yes'
        : 'no: it has not acted on it yet';
  return [named('Control loop', [['desired', replicas], ...present, ['controller has seen the last change', lag]])];
}

function conditionSection({ status }: KubeObject): DetailSection[] {
  const { conditions } = (status ?? {}) as { conditions?: readonly Condition[] };
  if (!Array.isArray(conditions) || conditions.length === 0) return [];
  const rows = (conditions as readonly Condition[]).map(({ type, status: is, reason = '', message = '' }) => [
    type,
    is,
    reason,
    message,
  ]);
  return [{ title: 'Conditions', columns: ['condition', 'status', 'reason', 'message'], rows }];
}

function kindSections(key: string, object: KubeObject): DetailSection[] {
  switch (key) {
    case '/pods': {
      const pod = object as Pod;
      const { spec, status } = pod;
      return [
        named('Place', [
          ['node', spec?.nodeName],
          ['pod address', status?.podIP],
          ['host address', status?.hostIP],
          ['service account', spec?.serviceAccountName],
          ['quality of service', status?.qosClass],
          [
            'host namespaces',
            [spec?.hostNetwork && 'network', spec?.hostPID && 'pid', spec?.hostIPC && 'ipc'].filter(Boolean).join(', '),
          ],
        ]),
        ...containersOf(pod).flatMap(({ container }) => containerSections(pod, container.name)),
      ];
    }
    case '/nodes': {
      const { spec, status } = object as KubeObject<V1NodeSpec, V1NodeStatus>;
      const { capacity = {}, allocatable = {}, nodeInfo } = status ?? {};
      return [
        named('Node', [
          ['kubelet', nodeInfo?.kubeletVersion],
          ['container runtime', nodeInfo?.containerRuntimeVersion],
          ['kernel', nodeInfo?.kernelVersion],
          ['system', nodeInfo?.osImage],
          ['addresses', (status?.addresses ?? []).map(({ type, address }) => `${type} ${address}`).join(', ')],
          ['taints', (spec?.taints ?? []).map(({ key: taint, effect }) => `${taint}:${effect}`).join(', ')],
        ]),
        {
          title: 'Resources',
          columns: ['resource', 'capacity', 'allocatable'],
          rows: Object.entries(capacity).map(([name, value]) => [name, value, allocatable[name] ?? '']),
        },
      ];
    }
    case '/resourcequotas': {
      const { hard = {}, used = {} } = (object as KubeObject<unknown, V1ResourceQuotaStatus>).status ?? {};
      return [
        {
          title: 'Quota',
          columns: ['resource', 'used', 'hard'],
          rows: Object.entries(hard).map(([name, value]) => [name, used[name] ?? '0', value]),
        },
      ];
    }
    case '/secrets':
    case '/configmaps': {
      const data = (object as Secret).data ?? {};
      const bytes = (value: string): number =>
        (key === '/secrets' ? Buffer.from(value, 'base64') : Buffer.from(value)).length;
      return [
        {
          title: 'Keys',
          columns: ['key', 'size'],
          rows: Object.entries(data).map(([name, value]) => [name, diskSize(bytes(value))]),
        },
      ];
    }
    default:
      return networkSections(key, object);
  }
}

function containerSections(pod: Pod, name: string): DetailSection[] {
  const found = containersOf(pod).find(({ container }) => container.name === name);
  if (!found) return [];
  const { container, status, isInit } = found;
  const { word, why } = containerHealth(status);
  const { requests = {}, limits = {} } = container.resources ?? {};
  const context = container.securityContext;
  return [
    named(`${isInit ? 'Init container' : 'Container'} ${name}`, [
      ['state', word],
      ['why', why],
      ['image', container.image],
      ['image id', status?.imageID],
      ['id', status?.containerID],
      ['command', [...(container.command ?? []), ...(container.args ?? [])].join(' ')],
      [
        'ports',
        (container.ports ?? [])
          .map(({ containerPort, protocol }) => `${containerPort}/${protocol ?? 'TCP'}`)
          .join(', '),
      ],
      ['restarts', status?.restartCount],
      [
        'requests',
        Object.entries(requests)
          .map(([resource, value]) => `${resource} ${value}`)
          .join(', '),
      ],
      [
        'limits',
        Object.entries(limits)
          .map(([resource, value]) => `${resource} ${value}`)
          .join(', '),
      ],
      ['privileged', context?.privileged ? 'yes' : undefined],
      ['user', context?.runAsUser ?? pod.spec?.securityContext?.runAsUser],
      [
        'capabilities',
        [
          ...(context?.capabilities?.add ?? []).map((one) => `+${one}`),
          ...(context?.capabilities?.drop ?? []).map((one) => `-${one}`),
        ].join(' '),
      ],
      ['seccomp', context?.seccompProfile?.type ?? pod.spec?.securityContext?.seccompProfile?.type],
      ['root file system', context?.readOnlyRootFilesystem ? 'read-only' : undefined],
    ]),
  ];
}

const MOST_EVENTS = 50;

async function eventsOf(
  cluster: Cluster,
  { metadata }: KubeObject,
  signal: AbortSignal,
): Promise<readonly (readonly string[])[]> {
  const type = (await cluster.resourceTypes(signal)).get('/events');
  if (!type) return [];
  // Events of what lies in no namespace are in the default one.
  const namespace = metadata.namespace ?? 'default';
  const query = { fieldSelector: `involvedObject.uid=${metadata.uid}` };
  const found = await cluster.list<ClusterEvent>(type, namespace, signal, query).catch((error: unknown) => {
    if (error instanceof UserError && error.code === 'cluster/Forbidden') return { items: [] };
    throw error;
  });
  return found.items
    .sort((a, b) => (eventTime(a) < eventTime(b) ? 1 : -1))
    .slice(0, MOST_EVENTS)
    .map((event) => {
      const { type: kind = '', reason = '', message = '', count = 1 } = event;
      return [eventTime(event), kind, count > 1 ? `${reason} (${count} times)` : reason, message];
    });
}
