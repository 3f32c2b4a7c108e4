/**
 * Kustomizations: shown as they are built, and applied after the server's own dry run has been compared with what is.
 * Source: Kubernetes documentation, "Server-Side Apply".
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { UserError } from '../../../common/errors';
import { counted } from '../../amounts';
import { buildKustomization, objectsIn } from '../kustomize';
import { resourcePath, type KubeObject, type ResourceType } from '../object';
import type { ActionContext, KubernetesAction } from './action';
import { yamlOf } from './yaml';

const APPLY = 'application/apply-patch+yaml';
const MANAGER = 'vmxray';

/** The actions on kustomizations. */
export const kustomizeActions: readonly KubernetesAction[] = [
  {
    id: 'kustomizePreview',
    title: 'Preview Kustomization...',
    icon: 'open-preview',
    group: 'show',
    on: [],
    execute: async (context) => {
      const folder = await askFolder(context);
      if (folder === undefined) return;
      const text = await buildKustomization(folder, context.signal);
      await context.desk.openDocument(`${basename(folder)} kustomized.yaml`, 'yaml', text);
    },
  },
  {
    id: 'kustomizeApply',
    title: 'Apply Kustomization...',
    icon: 'cloud-upload',
    group: 'change',
    on: [],
    execute: applyKustomization,
  },
];

const askFolder = ({ desk }: ActionContext): Promise<string | undefined> =>
  desk.chooseFile('Folder with a kustomization.yaml', { folder: true });

/** An object that is to be applied. */
interface Wanted {
  readonly object: KubeObject;
  /** Undefined where the cluster does not serve its kind (yet). */
  readonly type: ResourceType | undefined;
  readonly namespace: string | undefined;
}

async function applyKustomization(context: ActionContext): Promise<void> {
  const { desk, signal } = context;
  const folder = await askFolder(context);
  if (folder === undefined) return;
  context.progress('Building it');
  const objects = await objectsIn(await buildKustomization(folder, signal), folder);
  const wanted = await withTypes(context, objects);
  context.progress('Asking the server what would change');
  let isForced = false;
  let previews: readonly Preview[];
  try {
    previews = await previewAll(context, wanted, isForced);
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'cluster/Conflict') throw error;
    if (!(await desk.confirm('Take over fields that others manage?', error.message, 'Take Over'))) return;
    isForced = true;
    previews = await previewAll(context, wanted, isForced);
  }
  const text = (side: 'before' | 'after'): string =>
    previews
      .map((preview) => preview[side])
      .filter((one) => one !== '')
      .join('---\n');
  if (text('before') === text('after')) return desk.tell('Nothing would change.');
  if (!(await desk.compare(`Kustomization ${basename(folder)}`, 'yaml', text('before'), text('after'), 'Apply')))
    return;
  for (const [index, one] of wanted.entries()) {
    context.progress(`Applying ${titleOf(one.object)}`, index / wanted.length);
    // A kind that came with the kustomization itself is known only now.
    const [ready] = one.type ? [one] : await withTypes(context, [one.object]);
    if (ready) await apply(context, ready, isForced, false);
    if (one.object.kind === 'CustomResourceDefinition') context.cluster.forgetTypes();
  }
  desk.tell(`Applied ${counted(wanted.length, 'object')} of ${basename(folder)}.`);
}

async function withTypes({ cluster, signal }: ActionContext, objects: readonly KubeObject[]): Promise<Wanted[]> {
  const types = [...(await cluster.resourceTypes(signal)).values()];
  return objects.map((object) => {
    const group = object.apiVersion?.includes('/') ? object.apiVersion.split('/')[0] : '';
    const type = types.find((one) => one.kind === object.kind && one.group === group);
    const version = object.apiVersion?.split('/').at(-1) ?? '';
    return {
      object,
      // The manifest is in the version that it names, whatever the cluster prefers.
      type: type && { ...type, version },
      namespace: type?.isNamespaced ? (object.metadata.namespace ?? cluster.context.namespace) : undefined,
    };
  });
}

interface Preview {
  readonly before: string;
  readonly after: string;
}

async function previewAll(
  context: ActionContext,
  wanted: readonly Wanted[],
  isForced: boolean,
): Promise<readonly Preview[]> {
  const previews: Preview[] = [];
  for (const one of wanted) {
    const head = `# ${titleOf(one.object)}\n`;
    const before = one.type && (await present(context, one));
    const after = await tried(context, one, isForced);
    previews.push({ before: before ? head + (await plainYaml(before)) : '', after: head + (await plainYaml(after)) });
  }
  return previews;
}

const isGone = (error: unknown): boolean =>
  error instanceof UserError && ['cluster/NotFound', 'cluster/404'].includes(error.code);

async function present({ cluster, signal }: ActionContext, one: Wanted): Promise<KubeObject | undefined> {
  const { type, namespace, object } = one;
  if (!type) return undefined;
  return cluster.get(type, namespace, object.metadata.name, signal).catch((error: unknown) => {
    if (isGone(error)) return undefined;
    throw error;
  });
}

/** What the server would make of it; what it cannot try yet, since its namespace or kind comes along, stays as it is. */
async function tried(context: ActionContext, one: Wanted, isForced: boolean): Promise<KubeObject> {
  if (!one.type) return one.object;
  return apply(context, one, isForced, true).catch((error: unknown) => {
    if (isGone(error)) return one.object;
    throw error;
  });
}

async function apply(
  { cluster, signal }: ActionContext,
  { type, namespace, object }: Wanted,
  isForced: boolean,
  isDry: boolean,
): Promise<KubeObject> {
  if (!type) throw new UserError('manifest/kind', `${cluster.name} serves no kind ${object.kind}: install it first.`);
  const query = { fieldManager: MANAGER, force: String(isForced), ...(isDry && { dryRun: 'All' }) };
  const path = resourcePath(type, namespace, object.metadata.name);
  return cluster.request<KubeObject>({ method: 'PATCH', path, query, body: object, contentType: APPLY }, signal);
}

const titleOf = ({ kind, metadata }: KubeObject): string =>
  `${kind} ${metadata.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata.name}`;

/** Without what changes by itself. */
function plainYaml(object: KubeObject): Promise<string> {
  const {
    generation: _,
    resourceVersion: __,
    uid: ___,
    creationTimestamp: ____,
    ...metadata
  } = object.metadata as KubeObject['metadata'] & { generation?: number };
  const plain = { ...object, metadata } as KubeObject;
  return yamlOf(object.kind === 'Secret' ? withHiddenValues(plain) : plain);
}

/** A Secret whose values are seen to differ, and not what they are. */
function withHiddenValues(secret: KubeObject): KubeObject {
  const hidden = (values: unknown): Record<string, string> | undefined =>
    values === undefined || values === null
      ? undefined
      : Object.fromEntries(
          Object.entries(values).map(([key, value]) => [key, `(hidden, ${fingerprint(String(value))})`]),
        );
  const { data, stringData, ...rest } = secret as KubeObject & { data?: unknown; stringData?: unknown };
  const [shown, plain] = [hidden(data), hidden(stringData)];
  return { ...rest, ...(shown && { data: shown }), ...(plain && { stringData: plain }) } as KubeObject;
}

const fingerprint = (value: string): string => createHash('sha256').update(value).digest('hex').slice(0, 8);
