/** Scaling and restarting workloads; cordoning nodes; cron jobs by hand. */
import type { V1JobTemplateSpec } from '@kubernetes/client-node';
import { resourcePath, type KubeObject } from '../object';
import { describeTarget, read, targetsOf, type ActionContext, type KubernetesAction, type Target } from './action';
import { rolloutActions } from './rollouts';

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';

/** Patches each row's object. */
const patching =
  (patch: () => unknown, contentType = MERGE) =>
  async (context: ActionContext): Promise<void> => {
    for (const { type, namespace, name } of await targetsOf(context)) {
      const path = resourcePath(type, namespace, name);
      await context.cluster.request({ method: 'PATCH', path, body: patch(), contentType }, context.signal);
    }
  };

const restartPatch = (): unknown => ({
  spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() } } } },
});

/** The actions on workloads and nodes. */
export const workloadActions: readonly KubernetesAction[] = [
  {
    id: 'scale',
    title: 'Scale...',
    icon: 'arrow-both',
    group: 'state',
    on: ['Deployment', 'StatefulSet', 'ReplicaSet', 'ReplicationController'],
    execute: async (context) => {
      for (const target of await targetsOf(context)) await scale(context, target);
    },
  },
  {
    id: 'rolloutRestart',
    title: 'Restart Rollout',
    icon: 'debug-restart',
    group: 'state',
    on: ['Deployment', 'StatefulSet', 'DaemonSet'],
    severalItems: true,
    execute: patching(restartPatch, STRATEGIC),
  },
  ...rolloutActions,
  {
    id: 'suspend',
    title: 'Suspend',
    icon: 'debug-pause',
    group: 'state',
    on: ['CronJob'],
    severalItems: true,
    execute: patching(() => ({ spec: { suspend: true } })),
  },
  {
    id: 'unsuspend',
    title: 'Resume Schedule',
    icon: 'debug-continue',
    group: 'state',
    on: ['CronJob'],
    severalItems: true,
    execute: patching(() => ({ spec: { suspend: false } })),
  },
  {
    id: 'trigger',
    title: 'Run Now',
    icon: 'play',
    group: 'state',
    on: ['CronJob'],
    execute: trigger,
  },
  {
    id: 'cordon',
    title: 'Cordon',
    icon: 'circle-slash',
    group: 'state',
    on: ['Node'],
    severalItems: true,
    execute: patching(() => ({ spec: { unschedulable: true } })),
  },
  {
    id: 'uncordon',
    title: 'Uncordon',
    icon: 'circle',
    group: 'state',
    on: ['Node'],
    severalItems: true,
    execute: patching(() => ({ spec: { unschedulable: null } })),
  },
];

async function scale(context: ActionContext, target: Target): Promise<void> {
  const { spec } = await read<KubeObject<{ replicas?: number }>>(context, target);
  const isCount = (text: string): string | undefined =>
    /^\d{1,6}$/.test(text) ? undefined : 'Write a number from 0 on.';
  const value = String(spec?.replicas ?? 1);
  const text = await context.desk.ask(`Replicas of ${describeTarget(target)}`, { value, check: isCount });
  if (text === undefined || isCount(text) !== undefined) return;
  const path = resourcePath(target.type, target.namespace, target.name, 'scale');
  const body = { spec: { replicas: Number(text) } };
  await context.cluster.request({ method: 'PATCH', path, body, contentType: MERGE }, context.signal);
}

async function trigger(context: ActionContext): Promise<void> {
  const { cluster, signal, desk } = context;
  const jobs = await cluster.type('batch/jobs', signal);
  for (const target of await targetsOf(context)) {
    const { spec, metadata, apiVersion } = await read<KubeObject<{ jobTemplate: V1JobTemplateSpec }>>(context, target);
    const owner = { apiVersion, kind: 'CronJob', name: metadata.name, uid: metadata.uid, controller: true };
    const { labels, annotations } = spec?.jobTemplate.metadata ?? {};
    const body = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        generateName: `${metadata.name.slice(0, 40)}-`,
        labels,
        annotations: { ...annotations, 'cronjob.kubernetes.io/instantiate': 'manual' },
        ownerReferences: [owner],
      },
      spec: spec?.jobTemplate.spec,
    };
    const made = await cluster.request<KubeObject>(
      { method: 'POST', path: resourcePath(jobs, target.namespace), body },
      signal,
    );
    desk.tell(`Started Job ${made.metadata.name}.`);
  }
}
