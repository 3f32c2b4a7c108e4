/** How a pod is, and why: the sentence that `kubectl describe` makes one search for. */
import type { V1Container, V1ContainerStatus, V1PodSpec, V1PodStatus } from '@kubernetes/client-node';
import type { ItemState } from '../provider';
import type { KubeObject } from './object';

/** A pod as it comes over the wire. */
export type Pod = KubeObject<V1PodSpec, V1PodStatus>;

/** A state, and the reason for it in the API's words where it is not plainly well. */
export interface Health {
  readonly state: ItemState;
  readonly word: string;
  readonly why?: string | undefined;
}

const BROKEN = /BackOff|Err|Invalid|CreateContainer|RunContainer|OOMKilled|Error/;

/** How one container is; a container without a status has not been looked at by any node yet. */
export function containerHealth(status: V1ContainerStatus | undefined): Health {
  const { waiting, terminated, running } = status?.state ?? {};
  if (running) {
    if (status?.ready !== false) return { state: 'running', word: 'running' };
    return { state: 'changing', word: 'running, not ready', why: 'its readiness probe does not succeed (yet)' };
  }
  if (terminated) {
    const { exitCode, reason = 'Completed', message, signal } = terminated;
    const ending = exitCode === 0 ? undefined : signal ? `signal ${signal}` : `exit code ${exitCode}`;
    return {
      state: exitCode === 0 ? 'stopped' : 'failed',
      word: reason,
      why: [ending, message].filter(Boolean).join(': ') || undefined,
    };
  }
  const reason = waiting?.reason ?? 'waiting';
  const last = status?.lastState?.terminated;
  const before = last ? `last ended with ${last.reason ?? 'exit code'} (${last.exitCode})` : undefined;
  const why = [waiting?.message, before].filter(Boolean).join('; ') || undefined;
  return { state: BROKEN.test(reason) ? 'failed' : 'changing', word: reason, why };
}

/** How a pod is: its worst container, or what keeps it from being scheduled. */
export function podHealth(pod: Pod): Health {
  const { metadata, status = {} } = pod;
  if (metadata.deletionTimestamp !== undefined) return { state: 'changing', word: 'Terminating' };
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  switch (status.phase) {
    case 'Succeeded':
      return { state: 'stopped', word: 'Succeeded' };
    case 'Failed': {
      const worst = statuses.map(containerHealth).find(({ state }) => state === 'failed');
      const why = status.message ?? worst?.why;
      return { state: 'failed', word: status.reason ?? worst?.word ?? 'Failed', why };
    }
    default:
  }
  const scheduled = status.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False')
    return { state: 'changing', word: `Pending: ${scheduled.reason}`, why: scheduled.message };
  if (!pod.spec?.nodeName) return { state: 'changing', word: 'Pending', why: 'no scheduler has looked at it yet' };
  // An init container that has ended well is no state of the pod.
  const bad = statuses
    .map(containerHealth)
    .find(({ state, word }) => state === 'failed' || (state === 'changing' && word !== 'waiting'));
  if (bad && bad.word !== 'PodInitializing')
    return { ...bad, word: status.phase === 'Running' ? bad.word : `${status.phase}: ${bad.word}` };
  if (status.phase === 'Running') return { state: 'running', word: 'Running' };
  return {
    state: 'changing',
    word: status.phase ?? 'Pending',
    why: status.message ?? `its node ${pod.spec.nodeName} is starting it`,
  };
}

/** Ready containers and all, as kubectl counts: `1/2`. */
export function readyCount({ spec, status }: Pod): string {
  const ready = (status?.containerStatuses ?? []).filter((one) => one.ready).length;
  return `${ready}/${spec?.containers.length ?? 0}`;
}

/** How often its containers were started again. */
export const restartCount = ({ status }: Pod): number =>
  (status?.containerStatuses ?? []).reduce((sum, { restartCount: count }) => sum + count, 0);

/** All containers with their status, init containers first. */
export function containersOf({
  spec,
  status,
}: Pod): { container: V1Container; status: V1ContainerStatus | undefined; isInit: boolean }[] {
  const find = (list: readonly V1ContainerStatus[] | undefined, name: string): V1ContainerStatus | undefined =>
    list?.find((one) => one.name === name);
  return [
    ...(spec?.initContainers ?? []).map((container) => ({
      container,
      status: find(status?.initContainerStatuses, container.name),
      isInit: true,
    })),
    ...(spec?.containers ?? []).map((container) => ({
      container,
      status: find(status?.containerStatuses, container.name),
      isInit: false,
    })),
  ];
}
