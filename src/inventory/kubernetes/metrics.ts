/**
 * Present figures of pods and nodes, where the cluster has a metrics server; limits from the objects themselves.
 * Source: Kubernetes metrics API, metrics.k8s.io/v1beta1.
 */
import type { V1NodeSpec, V1NodeStatus } from '@kubernetes/client-node';
import { UserError } from '../../common/errors';
import type { Metric } from '../provider';
import type { Cluster } from './cluster';
import type { Place } from './ids';
import type { KubeObject } from './object';
import type { Pod } from './pods';
import { parseQuantity } from './quantity';

interface Usage {
  readonly cpu?: string;
  readonly memory?: string;
}

const METRICS = '/apis/metrics.k8s.io/v1beta1';

/** Figures of a pod, a container or a node; undefined for anything else, and without a metrics server. */
export async function figuresOf(
  cluster: Cluster,
  place: Place,
  signal: AbortSignal,
): Promise<readonly Metric[] | undefined> {
  const get = <T>(path: string): Promise<T | undefined> =>
    cluster.request<T>({ method: 'GET', path: `${METRICS}${path}` }, signal).catch((error: unknown) => {
      // No metrics server, or no figures of this object yet.
      const missing = ['cluster/404', 'cluster/NotFound', 'cluster/ServiceUnavailable', 'cluster/Forbidden'];
      if (error instanceof UserError && missing.includes(error.code)) return undefined;
      throw error;
    });
  if (place.at === 'object' && place.key === '/nodes') {
    const answer = await get<{ usage: Usage }>(`/nodes/${encodeURIComponent(place.name)}`);
    if (!answer) return undefined;
    const node = await cluster.get<KubeObject<V1NodeSpec, V1NodeStatus>>(
      await cluster.type('/nodes', signal),
      undefined,
      place.name,
      signal,
    );
    return figures([answer.usage], [node.status?.allocatable ?? {}]);
  }
  const isPod = place.at === 'object' && place.key === '/pods';
  if (!isPod && place.at !== 'container') return undefined;
  const namespace = place.namespace ?? '';
  const podName = place.at === 'container' ? place.pod : place.name;
  const path = `/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(podName)}`;
  const answer = await get<{ containers: readonly { readonly name: string; readonly usage: Usage }[] }>(path);
  if (!answer) return undefined;
  const pod = await cluster.get<Pod>(await cluster.type('/pods', signal), namespace, podName, signal);
  const isWanted = ({ name }: { readonly name: string }): boolean =>
    place.at !== 'container' || name === place.container;
  return figures(
    answer.containers.filter(isWanted).map(({ usage }) => usage),
    (pod.spec?.containers ?? []).filter(isWanted).map(({ resources }) => resources?.limits ?? {}),
  );
}

function figures(usages: readonly Usage[], limits: readonly Readonly<Record<string, string>>[]): Metric[] {
  const total = (name: 'cpu' | 'memory'): number =>
    usages.reduce((sum, usage) => sum + (parseQuantity(usage[name]) ?? 0), 0);
  // One container without a limit leaves the whole without one.
  const limit = (name: 'cpu' | 'memory'): number | undefined => {
    const values = limits.map((one) => parseQuantity(one[name]));
    return values.some((value) => value === undefined)
      ? undefined
      : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  };
  return [
    { name: 'CPU', unit: 'cores', value: total('cpu'), limit: limit('cpu') },
    { name: 'Memory', unit: 'bytes', value: total('memory'), limit: limit('memory') },
  ];
}
