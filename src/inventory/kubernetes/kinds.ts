/**
 * How objects of the known kinds are summed up in a row: their state, and a few words on what is wanted, what is, and
 * why they differ. A kind without an entry shows its age and, where it has one, its `Ready` condition.
 */
import type {
  V1CronJobSpec,
  V1DaemonSetStatus,
  V1DeploymentSpec,
  V1DeploymentStatus,
  V1IngressSpec,
  V1JobSpec,
  V1JobStatus,
  V1LabelSelector,
  V1NetworkPolicySpec,
  V1NodeSpec,
  V1NodeStatus,
  V1PersistentVolumeClaimSpec,
  V1PersistentVolumeClaimStatus,
  V1PersistentVolumeSpec,
  V1ReplicaSetSpec,
  V1ReplicaSetStatus,
  V1ResourceQuotaStatus,
  V1ServiceSpec,
  V1StatefulSetSpec,
  V1StatefulSetStatus,
} from '@kubernetes/client-node';
import { ago, counted } from '../amounts';
import type { ItemState } from '../provider';
import type { Condition, KubeObject } from './object';
import { podHealth, readyCount, restartCount, type Pod } from './pods';
import { machineHealth, machineText, type VirtualMachine } from './virtual-machine';

/** What a row says of an object. */
export interface Summary {
  readonly text: string;
  readonly state?: ItemState | undefined;
  /** The reason for a state that is not well, as a sentence of the cluster's. */
  readonly why?: string | undefined;
}

interface KindEntry {
  readonly icon: string;
  summary(object: KubeObject): Summary;
}

/** An entry over an object whose spec and status are known to be of these types. */
function kind<Spec, Status = unknown>(icon: string, read: (object: KubeObject<Spec, Status>) => Summary): KindEntry {
  return { icon, summary: (object) => read(object as KubeObject<Spec, Status>) };
}

const failing = (conditions: readonly Condition[] | undefined, type: string, status: string): Condition | undefined =>
  conditions?.find((one) => one.type === type && one.status === status);

/** A selector as kubectl writes it; empty for one that selects all. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: V1LabelSelector = {}): string {
  const words: Readonly<Record<string, string>> = { In: 'in', NotIn: 'notin' };
  return [
    ...Object.entries(matchLabels).map(([label, value]) => `${label}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) =>
      operator in words
        ? `${key} ${words[operator]} (${values.join(', ')})`
        : operator === 'DoesNotExist'
          ? `!${key}`
          : key,
    ),
  ].join(',');
}

/** What a controller wants, what is, and why not. */
function replicas(wanted: number, ready: number, current: number, problem: Condition | undefined): Summary {
  const text = `${ready} of ${wanted} ready${current === wanted ? '' : `, ${current} there`}`;
  if (problem) return { text, state: 'failed', why: problem.message ?? problem.reason };
  if (ready === wanted && current === wanted) return { text, state: wanted === 0 ? 'stopped' : 'running' };
  return { text, state: 'changing' };
}

const raw = (conditions: unknown): readonly Condition[] | undefined => conditions as readonly Condition[] | undefined;

const MACHINE: KindEntry = {
  icon: 'vm',
  summary: (object) => {
    const { state, word, why } = machineHealth(object as VirtualMachine);
    return { text: [word, machineText(object as VirtualMachine)].filter(Boolean).join(' · '), state, why };
  },
};

const KINDS: Readonly<Record<string, KindEntry>> = {
  '/pods': {
    icon: 'package',
    summary: (object) => {
      const pod = object as Pod;
      const { state, word, why } = podHealth(pod);
      const restarts = restartCount(pod);
      return {
        text: `${word} · ${readyCount(pod)}${restarts === 0 ? '' : ` · ${counted(restarts, 'restart')}`}`,
        state,
        why,
      };
    },
  },
  'apps/deployments': kind<V1DeploymentSpec, V1DeploymentStatus>('rocket', ({ spec, status }) => {
    const conditions = raw(status?.conditions);
    const problem = failing(conditions, 'ReplicaFailure', 'True') ?? failing(conditions, 'Progressing', 'False');
    const wanted = spec?.replicas ?? 1;
    const summary = replicas(wanted, status?.readyReplicas ?? 0, status?.replicas ?? 0, problem);
    const updated = status?.updatedReplicas ?? 0;
    const rolling = updated === wanted ? '' : `, ${updated} up to date`;
    return { ...summary, text: `${summary.text}${rolling}${spec?.paused ? ', paused' : ''}` };
  }),
  'apps/replicasets': kind<V1ReplicaSetSpec, V1ReplicaSetStatus>('copy', ({ spec, status }) =>
    replicas(
      spec?.replicas ?? 1,
      status?.readyReplicas ?? 0,
      status?.replicas ?? 0,
      failing(raw(status?.conditions), 'ReplicaFailure', 'True'),
    ),
  ),
  'apps/statefulsets': kind<V1StatefulSetSpec, V1StatefulSetStatus>('server-process', ({ spec, status }) =>
    replicas(spec?.replicas ?? 1, status?.readyReplicas ?? 0, status?.replicas ?? 0, undefined),
  ),
  'apps/daemonsets': kind<unknown, V1DaemonSetStatus>('server-environment', ({ status }) =>
    replicas(
      status?.desiredNumberScheduled ?? 0,
      status?.numberReady ?? 0,
      status?.currentNumberScheduled ?? 0,
      undefined,
    ),
  ),
  'batch/jobs': kind<V1JobSpec, V1JobStatus>('tasklist', ({ spec, status }) => {
    const failed = failing(raw(status?.conditions), 'Failed', 'True');
    const wanted = spec?.completions ?? 1;
    const text = `${status?.succeeded ?? 0} of ${wanted} completed${status?.active ? `, ${status.active} active` : ''}`;
    if (failed) return { text, state: 'failed', why: failed.message };
    return { text, state: (status?.succeeded ?? 0) >= wanted ? 'stopped' : 'running' };
  }),
  'batch/cronjobs': kind<V1CronJobSpec>('watch', ({ spec }) => ({
    text: `${spec?.schedule ?? ''}${spec?.suspend ? ' · suspended' : ''}`,
    state: spec?.suspend ? 'paused' : 'running',
  })),
  '/nodes': kind<V1NodeSpec, V1NodeStatus>('vm', ({ spec, status }) => {
    const conditions = raw(status?.conditions);
    const ready = conditions?.find(({ type }) => type === 'Ready');
    const pressure = conditions?.find(({ type, status: on }) => type !== 'Ready' && on === 'True');
    const words = [
      ready?.status === 'True' ? 'Ready' : 'NotReady',
      pressure?.type,
      spec?.unschedulable ? 'cordoned' : undefined,
    ];
    const text = [...words, status?.nodeInfo?.kubeletVersion].filter((word) => word !== undefined).join(' · ');
    if (ready?.status !== 'True') return { text, state: 'failed', why: ready?.message };
    return pressure
      ? { text, state: 'failed', why: pressure.message }
      : { text, state: spec?.unschedulable ? 'paused' : 'running' };
  }),
  '/services': kind<V1ServiceSpec>('plug', ({ spec }) => {
    const ports = (spec?.ports ?? []).map(
      ({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol ?? 'TCP'}`,
    );
    return { text: [spec?.type, spec?.externalName ?? spec?.clusterIP, ports.join(' ')].filter(Boolean).join(' · ') };
  }),
  'networking.k8s.io/ingresses': kind<V1IngressSpec>('globe', ({ spec }) => ({
    text: (spec?.rules ?? []).map(({ host }) => host ?? '*').join(', '),
  })),
  'networking.k8s.io/networkpolicies': kind<V1NetworkPolicySpec>('shield', ({ spec }) => ({
    text: [
      `for ${selectorText(spec?.podSelector) || 'all pods'}`,
      (spec?.policyTypes ?? ['Ingress']).join(' and '),
    ].join(' · '),
  })),
  'policy/poddisruptionbudgets': kind<
    unknown,
    { currentHealthy?: number; desiredHealthy?: number; disruptionsAllowed?: number }
  >('shield', ({ status }) => ({
    text: `${status?.currentHealthy ?? 0} healthy of ${status?.desiredHealthy ?? 0} wanted, ${status?.disruptionsAllowed ?? 0} may go`,
  })),
  '/configmaps': {
    icon: 'settings',
    summary: (object) => ({ text: counted(Object.keys((object as { data?: object }).data ?? {}).length, 'key') }),
  },
  '/secrets': {
    icon: 'key',
    summary: (object) => {
      const { type, data } = object as { type?: string; data?: object };
      return { text: `${type ?? 'Opaque'} · ${counted(Object.keys(data ?? {}).length, 'key')}` };
    },
  },
  '/persistentvolumeclaims': kind<V1PersistentVolumeClaimSpec, V1PersistentVolumeClaimStatus>(
    'database',
    ({ spec, status }) => {
      const size = status?.capacity?.storage ?? spec?.resources?.requests?.storage;
      return {
        text: [status?.phase, size, spec?.storageClassName].filter(Boolean).join(' · '),
        state: boundState(status?.phase),
      };
    },
  ),
  '/persistentvolumes': kind<V1PersistentVolumeSpec, { phase?: string }>('database', ({ spec, status }) => ({
    text: [status?.phase, spec?.capacity?.storage, spec?.claimRef && `${spec.claimRef.namespace}/${spec.claimRef.name}`]
      .filter(Boolean)
      .join(' · '),
    state: boundState(status?.phase),
  })),
  'autoscaling/horizontalpodautoscalers': kind<
    { minReplicas?: number; maxReplicas?: number; scaleTargetRef?: { kind: string; name: string } },
    { currentReplicas?: number; desiredReplicas?: number }
  >('graph', ({ spec, status }) => ({
    text: `${status?.currentReplicas ?? 0} now, ${status?.desiredReplicas ?? 0} wanted of ${spec?.minReplicas ?? 1} to ${spec?.maxReplicas ?? ''} · ${spec?.scaleTargetRef?.kind ?? ''} ${spec?.scaleTargetRef?.name ?? ''}`,
  })),
  '/resourcequotas': kind<unknown, V1ResourceQuotaStatus>('dashboard', ({ status }) => ({
    text: Object.entries(status?.hard ?? {})
      .map(([name, hard]) => `${name} ${status?.used?.[name] ?? 0} of ${hard}`)
      .join(', '),
  })),
  'kubevirt.io/virtualmachines': MACHINE,
  'kubevirt.io/virtualmachineinstances': MACHINE,
  'kubevirt.io/virtualmachineinstancemigrations': kind<{ vmiName?: string }, { phase?: string }>(
    'arrow-right',
    ({ spec, status }) => ({
      text: `${spec?.vmiName ?? ''} · ${status?.phase ?? 'Pending'}`,
      state: status?.phase === 'Succeeded' ? 'stopped' : status?.phase === 'Failed' ? 'failed' : 'changing',
    }),
  ),
  '/namespaces': kind<unknown, { phase?: string }>('symbol-namespace', ({ status }) => ({
    text: status?.phase === 'Active' ? '' : (status?.phase ?? ''),
    state: status?.phase === 'Terminating' ? 'changing' : undefined,
  })),
};

function boundState(phase: string | undefined): ItemState {
  return phase === 'Bound' || phase === 'Available'
    ? 'running'
    : phase === 'Lost' || phase === 'Failed'
      ? 'failed'
      : 'changing';
}

/** The codicon of a kind. */
export const iconOf = (key: string): string => KINDS[key]?.icon ?? 'symbol-object';

/** Whether what a row says of this kind depends on the object alone, and not on the time of day. */
export const isTimeless = (key: string): boolean => key in KINDS;

/** What a row says of an object of the kind `key` (`group/resource`). */
export function summarize(key: string, object: KubeObject): Summary {
  const entry = KINDS[key];
  const summary = entry ? entry.summary(object) : plain(object);
  if (object.metadata.deletionTimestamp === undefined || key === '/pods') return summary;
  return { ...summary, text: `deleting · ${summary.text}`, state: 'changing' };
}

function plain(object: KubeObject): Summary {
  const { conditions } = (object.status ?? {}) as { conditions?: readonly Condition[] };
  const ready = Array.isArray(conditions)
    ? conditions.find(({ type }) => type === 'Ready' || type === 'Available')
    : undefined;
  const age =
    object.metadata.creationTimestamp === undefined
      ? ''
      : ago(Date.parse(object.metadata.creationTimestamp), Date.now());
  if (!ready) return { text: age };
  const isWell = ready.status === 'True';
  return {
    text: isWell ? ready.type : `not ${ready.type}`,
    state: isWell ? 'running' : 'changing',
    why: isWell ? undefined : ready.message,
  };
}
