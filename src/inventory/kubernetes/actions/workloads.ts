/** Scaling, restarting and rolling back workloads; cordoning nodes; cron jobs by hand. */
import type { V1DeploymentSpec, V1JobTemplateSpec, V1ReplicaSetSpec } from '@kubernetes/client-node';
import { ago } from '../../amounts';
import { resourcePath, type KubeObject } from '../object';
import { describeTarget, read, targetsOf, type ActionContext, type KubernetesAction, type Target } from './action';

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const REVISION = 'deployment.kubernetes.io/revision';

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
  {
    id: 'rolloutHistory',
    title: 'Show Rollout History',
    icon: 'history',
    group: 'show',
    on: ['Deployment'],
    execute: async (context) => {
      for (const target of await targetsOf(context)) {
        const lines = (await revisions(context, target)).map(describeRevision);
        await context.desk.openDocument(`Rollouts of ${target.name}`, 'plaintext', `${lines.join('\n')}\n`);
      }
    },
  },
  {
    id: 'rolloutUndo',
    title: 'Undo Rollout...',
    icon: 'discard',
    group: 'change',
    on: ['Deployment'],
    execute: async (context) => {
      for (const target of await targetsOf(context)) await undo(context, target);
    },
  },
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

interface Revision {
  readonly number: number;
  readonly created: string;
  readonly cause: string | undefined;
  readonly images: readonly string[];
  readonly isPresent: boolean;
  readonly template: NonNullable<V1ReplicaSetSpec['template']>;
}

/** A Deployment's revisions, the newest first: each is a ReplicaSet that it keeps. */
async function revisions(context: ActionContext, target: Target): Promise<Revision[]> {
  const { cluster, signal } = context;
  const deployment = await read<KubeObject<V1DeploymentSpec>>(context, target);
  const type = await cluster.type('apps/replicasets', signal);
  const { items } = await cluster.list<KubeObject<V1ReplicaSetSpec>>(type, target.namespace, signal);
  const present = deployment.metadata.annotations?.[REVISION];
  return items
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === deployment.metadata.uid))
    .flatMap(({ metadata, spec }): Revision[] => {
      const number = metadata.annotations?.[REVISION];
      if (number === undefined || !spec?.template) return [];
      return [
        {
          number: Number(number),
          created: metadata.creationTimestamp ?? '',
          cause: metadata.annotations?.['kubernetes.io/change-cause'],
          images: (spec.template.spec?.containers ?? []).map(({ image }) => image ?? ''),
          isPresent: number === present,
          template: spec.template,
        },
      ];
    })
    .sort((a, b) => b.number - a.number);
}

const describeRevision = ({ number, created, cause, images, isPresent }: Revision): string =>
  [`revision ${number}${isPresent ? ' (present)' : ''}`, ago(Date.parse(created), Date.now()), images.join(' '), cause]
    .filter((part) => part !== undefined)
    .join('  ');

async function undo(context: ActionContext, target: Target): Promise<void> {
  const older = (await revisions(context, target)).filter(({ isPresent }) => !isPresent);
  if (older.length === 0) return context.desk.tell(`${describeTarget(target)} has no earlier revision.`);
  const choices = older.map((value) => ({
    label: `Revision ${value.number}`,
    description: `${ago(Date.parse(value.created), Date.now())} · ${value.images.join(' ')}`,
    value,
  }));
  const chosen = await context.desk.choose(`Go back to which revision of ${target.name}?`, choices);
  if (!chosen) return;
  const { labels, ...metadata } = chosen.template.metadata ?? {};
  // The controller's own label tells the revisions apart, and is put there anew.
  const { 'pod-template-hash': _, ...kept } = labels ?? {};
  const template = { ...chosen.template, metadata: { ...metadata, labels: kept } };
  const path = resourcePath(target.type, target.namespace, target.name);
  const body = [{ op: 'replace', path: '/spec/template', value: template }];
  await context.cluster.request({ method: 'PATCH', path, body, contentType: JSON_PATCH }, context.signal);
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
