/** The cluster's events: as a feed, and of one object. Source: Kubernetes API, core/v1 Event. */
import type { EngineEvent } from '../provider';
import { placeId } from './ids';
import type { KubeObject } from './object';

/** An event as it comes over the wire. */
export type ClusterEvent = KubeObject & {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly involvedObject?: {
    readonly kind?: string;
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
  };
};

// Events name kinds; these are the ones that the tree has rows of.
const KEYS: Readonly<Record<string, string>> = {
  Pod: '/pods',
  Node: '/nodes',
  Service: '/services',
  Deployment: 'apps/deployments',
  ReplicaSet: 'apps/replicasets',
  StatefulSet: 'apps/statefulsets',
  DaemonSet: 'apps/daemonsets',
  Job: 'batch/jobs',
  CronJob: 'batch/cronjobs',
  PersistentVolumeClaim: '/persistentvolumeclaims',
  VirtualMachine: 'kubevirt.io/virtualmachines',
  VirtualMachineInstance: 'kubevirt.io/virtualmachineinstances',
};

/** When it happened last. */
export const eventTime = ({ lastTimestamp, eventTime: exact, metadata }: ClusterEvent): string =>
  lastTimestamp ?? exact ?? metadata.creationTimestamp ?? '';

/** The event as the feed shows it. */
export function feedEvent(event: ClusterEvent): EngineEvent {
  const { type, reason = '', message = '', involvedObject = {} } = event;
  const { kind = '', name = '', namespace } = involvedObject;
  const key = KEYS[kind];
  return {
    time: eventTime(event),
    item: key === undefined ? undefined : placeId({ at: 'object', namespace, key, name }),
    text: `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}: ${reason}: ${message}`,
    isWarning: type === 'Warning',
  };
}
