/**
 * Rollouts: their history and the way back. A Deployment keeps a ReplicaSet for each revision; StatefulSets and DaemonSets
 * keep ControllerRevisions, whose data is the patch that leads back.
 * Source: Kubernetes documentation, "Deployments" and "Perform a Rollback on a DaemonSet".
 */
import type { V1DeploymentSpec, V1PodTemplateSpec, V1ReplicaSetSpec } from '@kubernetes/client-node';
import { ago } from '../../amounts';
import { resourcePath, typeKey, type KubeObject } from '../object';
import { describeTarget, read, targetsOf, type ActionContext, type KubernetesAction, type Target } from './action';

const JSON_PATCH = 'application/json-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const REVISION = 'deployment.kubernetes.io/revision';
const CAUSE = 'kubernetes.io/change-cause';
const WITH_REVISIONS = ['Deployment', 'StatefulSet', 'DaemonSet'];

/** The actions on rollouts. */
export const rolloutActions: readonly KubernetesAction[] = [
  {
    id: 'rolloutHistory',
    title: 'Show Rollout History',
    icon: 'history',
    group: 'show',
    on: WITH_REVISIONS,
    execute: async (context) => {
      for (const target of await targetsOf(context)) {
        const lines = (await revisionsOf(context, target)).map(describeRevision);
        await context.desk.openDocument(`Rollouts of ${target.name}`, 'plaintext', `${lines.join('\n')}\n`);
      }
    },
  },
  {
    id: 'rolloutUndo',
    title: 'Undo Rollout...',
    icon: 'discard',
    group: 'change',
    on: WITH_REVISIONS,
    execute: async (context) => {
      for (const target of await targetsOf(context)) await undo(context, target);
    },
  },
];

interface Revision {
  readonly number: number;
  readonly created: string;
  readonly cause: string | undefined;
  readonly images: readonly string[];
  readonly isPresent: boolean;
  /** What leads back to it. */
  readonly patch: unknown;
  readonly contentType: string;
}

/** The revisions, the newest first. */
async function revisionsOf(context: ActionContext, target: Target): Promise<Revision[]> {
  const find = typeKey(target.type) === 'apps/deployments' ? replicaSets : controllerRevisions;
  return (await find(context, target)).sort((a, b) => b.number - a.number);
}

const isOwnedBy = ({ metadata }: KubeObject, owner: KubeObject): boolean =>
  metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) ?? false;

const imagesOf = (template: V1PodTemplateSpec | undefined): string[] =>
  (template?.spec?.containers ?? []).map(({ image }) => image ?? '');

async function replicaSets(context: ActionContext, target: Target): Promise<Revision[]> {
  const { cluster, signal } = context;
  const deployment = await read<KubeObject<V1DeploymentSpec>>(context, target);
  const type = await cluster.type('apps/replicasets', signal);
  const { items } = await cluster.list<KubeObject<V1ReplicaSetSpec>>(type, target.namespace, signal);
  const present = deployment.metadata.annotations?.[REVISION];
  return items
    .filter((one) => isOwnedBy(one, deployment))
    .flatMap(({ metadata, spec }): Revision[] => {
      const number = metadata.annotations?.[REVISION];
      if (number === undefined || !spec?.template) return [];
      const { labels, ...rest } = spec.template.metadata ?? {};
      // The controller's own label tells the revisions apart, and is put there anew.
      const { 'pod-template-hash': _, ...kept } = labels ?? {};
      const template = { ...spec.template, metadata: { ...rest, labels: kept } };
      return [
        {
          number: Number(number),
          created: metadata.creationTimestamp ?? '',
          cause: metadata.annotations?.[CAUSE],
          images: imagesOf(spec.template),
          isPresent: number === present,
          patch: [{ op: 'replace', path: '/spec/template', value: template }],
          contentType: JSON_PATCH,
        },
      ];
    });
}

type ControllerRevision = KubeObject & {
  readonly revision?: number;
  readonly data?: { readonly spec?: { readonly template?: V1PodTemplateSpec } };
};

async function controllerRevisions(context: ActionContext, target: Target): Promise<Revision[]> {
  const { cluster, signal } = context;
  const owner = await read<KubeObject>(context, target);
  const type = await cluster.type('apps/controllerrevisions', signal);
  const { items } = await cluster.list<ControllerRevision>(type, target.namespace, signal);
  const own = items.filter((one) => isOwnedBy(one, owner) && one.data);
  // The controller numbers the one that it works towards last.
  const newest = Math.max(...own.map(({ revision = 0 }) => revision));
  return own.map(({ metadata, revision = 0, data }) => ({
    number: revision,
    created: metadata.creationTimestamp ?? '',
    cause: metadata.annotations?.[CAUSE],
    images: imagesOf(data?.spec?.template),
    isPresent: revision === newest,
    patch: data,
    contentType: STRATEGIC,
  }));
}

const describeRevision = ({ number, created, cause, images, isPresent }: Revision): string =>
  [`revision ${number}${isPresent ? ' (present)' : ''}`, ago(Date.parse(created), Date.now()), images.join(' '), cause]
    .filter((part) => part !== undefined)
    .join('  ');

async function undo(context: ActionContext, target: Target): Promise<void> {
  const older = (await revisionsOf(context, target)).filter(({ isPresent }) => !isPresent);
  if (older.length === 0) return context.desk.tell(`${describeTarget(target)} has no earlier revision.`);
  const choices = older.map((value) => ({
    label: `Revision ${value.number}`,
    description: `${ago(Date.parse(value.created), Date.now())} · ${value.images.join(' ')}`,
    value,
  }));
  const chosen = await context.desk.choose(`Go back to which revision of ${target.name}?`, choices);
  if (!chosen) return;
  const { patch: body, contentType } = chosen;
  const path = resourcePath(target.type, target.namespace, target.name);
  await context.cluster.request({ method: 'PATCH', path, body, contentType }, context.signal);
}
