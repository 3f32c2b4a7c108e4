/**
 * Present figures of pods, containers and nodes: from the kubelet where this user may ask it, else from a metrics server;
 * limits from the objects themselves.
 * Source: Kubernetes, kubelet's stats/v1alpha1 Summary; metrics API, metrics.k8s.io/v1beta1.
 */
import type { V1NodeSpec, V1NodeStatus } from '@kubernetes/client-node';
import { UserError } from '../../common/errors';
import { unlessAborted } from '../cancel';
import type { Metric } from '../provider';
import { MACHINE_KEYS } from './categories';
import type { Cluster } from './cluster';
import type { Place } from './ids';
import type { KubeletFigures, KubeletSummary, Subject } from './kubelet-figures';
import { LAUNCHERS } from './virtual-machine';
import type { KubeObject } from './object';
import type { Pod } from './pods';
import { parseQuantity } from './quantity';

interface Usage {
  readonly cpu?: string;
  readonly memory?: string;
}

type Limits = Readonly<Record<string, string>>;

// Several may wait for one answer, so that nobody's patience ends it.
const KUBELET_MS = 10_000;
const METRICS = '/apis/metrics.k8s.io/v1beta1';
// A node that does not answer, no metrics server, no right to either, or no figures of this object yet.
const NO_FIGURES = [
  'cluster/404',
  'cluster/NotFound',
  'cluster/ServiceUnavailable',
  'cluster/Forbidden',
  'cluster/InternalError',
  'cluster/500',
  'cluster/502',
  'cluster/503',
];

/** Figures of a pod, a container or a node; undefined for anything else, and where nobody measures. */
export async function figuresOf(
  cluster: Cluster,
  kubelets: KubeletFigures,
  place: Place,
  signal: AbortSignal,
): Promise<readonly Metric[] | undefined> {
  if (place.at === 'object' && place.key === '/nodes') {
    const type = await cluster.type('/nodes', signal);
    const node = await cluster.get<KubeObject<V1NodeSpec, V1NodeStatus>>(type, undefined, place.name, signal);
    const limits = [node.status?.allocatable ?? {}];
    return (
      (await fromKubelet(cluster, kubelets, place.name, {}, limits, signal)) ??
      (await fromServer(cluster, `/nodes/${encodeURIComponent(place.name)}`, limits, () => true, signal))
    );
  }
  if (place.at === 'object' && MACHINE_KEYS.some((key) => key === place.key)) {
    const name = await launcherOf(cluster, place.namespace, place.name, signal);
    return name === undefined ? undefined : figuresOf(cluster, kubelets, { ...place, key: '/pods', name }, signal);
  }
  const isPod = place.at === 'object' && place.key === '/pods';
  if (!isPod && place.at !== 'container') return undefined;
  const namespace = place.namespace ?? '';
  const podName = place.at === 'container' ? place.pod : place.name;
  const pod = await cluster
    .get<Pod>(await cluster.type('/pods', signal), namespace, podName, signal)
    .catch(absentFigures);
  const node = pod?.spec?.nodeName;
  if (!pod || node === undefined || pod.status?.phase !== 'Running') return undefined;
  const container = place.at === 'container' ? place.container : undefined;
  const isWanted = ({ name }: { readonly name: string }): boolean => container === undefined || name === container;
  const limits = (pod.spec?.containers ?? []).filter(isWanted).map(({ resources }) => resources?.limits ?? {});
  const path = `/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(podName)}`;
  return (
    (await fromKubelet(cluster, kubelets, node, { namespace, pod: podName, container }, limits, signal)) ??
    (await fromServer(cluster, path, limits, isWanted, signal))
  );
}

/** The pod that runs a machine of KubeVirt's: its figures are the machine's, with what QEMU itself takes. */
async function launcherOf(
  cluster: Cluster,
  namespace: string | undefined,
  machine: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const query = { labelSelector: LAUNCHERS };
  const { items } = await cluster.list<Pod>(await cluster.type('/pods', signal), namespace, signal, query);
  const own = items.find(
    ({ metadata, status }) =>
      status?.phase === 'Running' &&
      metadata.ownerReferences?.some(({ kind, name }) => kind === 'VirtualMachineInstance' && name === machine),
  );
  return own?.metadata.name;
}

function absentFigures(error: unknown): undefined {
  if (error instanceof UserError && NO_FIGURES.includes(error.code)) return undefined;
  throw error;
}

async function fromKubelet(
  cluster: Cluster,
  kubelets: KubeletFigures,
  node: string,
  subject: Subject,
  limits: readonly Limits[],
  signal: AbortSignal,
): Promise<readonly Metric[] | undefined> {
  const path = `/api/v1/nodes/${encodeURIComponent(node)}/proxy/stats/summary`;
  const asked = kubelets
    .summary(node, () => cluster.request<KubeletSummary>({ method: 'GET', path }, AbortSignal.timeout(KUBELET_MS)))
    .catch(absentFigures);
  const summary = await unlessAborted(asked, signal);
  const given = { cpu: limitOf(limits, 'cpu'), memory: limitOf(limits, 'memory') };
  return summary && kubelets.metrics(summary, node, subject, given);
}

async function fromServer(
  cluster: Cluster,
  path: string,
  limits: readonly Limits[],
  isWanted: (container: { readonly name: string }) => boolean,
  signal: AbortSignal,
): Promise<readonly Metric[] | undefined> {
  const answer = await cluster
    .request<{ usage?: Usage; containers?: readonly { readonly name: string; readonly usage: Usage }[] }>(
      { method: 'GET', path: `${METRICS}${path}` },
      signal,
    )
    .catch(absentFigures);
  if (!answer) return undefined;
  const usages = answer.usage ? [answer.usage] : (answer.containers ?? []).filter(isWanted).map(({ usage }) => usage);
  const total = (name: 'cpu' | 'memory'): number =>
    usages.reduce((sum, usage) => sum + (parseQuantity(usage[name]) ?? 0), 0);
  return [
    { name: 'CPU', unit: 'cores', value: total('cpu'), limit: limitOf(limits, 'cpu') },
    { name: 'Memory', unit: 'bytes', value: total('memory'), limit: limitOf(limits, 'memory') },
  ];
}

/** The limits together; one container without a limit leaves the whole without one. */
function limitOf(limits: readonly Limits[], name: 'cpu' | 'memory'): number | undefined {
  const values = limits.map((one) => parseQuantity(one[name]));
  return values.some((value) => value === undefined)
    ? undefined
    : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}
