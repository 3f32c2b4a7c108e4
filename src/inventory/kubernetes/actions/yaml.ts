/** Objects as YAML: shown, edited with the server's own dry run and a comparison, deleted; Secrets revealed when asked. */
import { counted } from '../../amounts';
import { badManifest, otherObject } from '../errors';
import type { Secret } from '../helm';
import { resourcePath, type KubeObject } from '../object';
import {
  ANY_OBJECT,
  describeTarget,
  read,
  targetsOf,
  type ActionContext,
  type KubernetesAction,
  type Target,
} from './action';

/** The actions on objects of any kind. */
export const yamlActions: readonly KubernetesAction[] = [
  {
    id: 'inspect',
    title: 'Inspect',
    icon: 'json',
    group: 'show',
    on: [ANY_OBJECT],
    execute: async (context) => {
      for (const target of await targetsOf(context)) {
        const text = await yamlOf(await read(context, target));
        await context.desk.openDocument(`${describeTarget(target)}.yaml`, 'yaml', text);
      }
    },
  },
  {
    id: 'reveal',
    title: 'Reveal Values',
    icon: 'eye',
    group: 'show',
    on: ['Secret'],
    execute: async (context) => {
      for (const target of await targetsOf(context)) {
        const { data } = await read<Secret>(context, target);
        const { dump } = await import('js-yaml');
        const plain = Object.entries(data ?? {}).map(([key, value]) => [key, readable(value)]);
        await context.desk.openDocument(`${describeTarget(target)}.yaml`, 'yaml', dump(Object.fromEntries(plain)));
      }
    },
  },
  {
    id: 'editYaml',
    title: 'Edit YAML...',
    icon: 'edit',
    group: 'change',
    on: [ANY_OBJECT],
    execute: async (context) => {
      for (const target of await targetsOf(context)) {
        const text = await yamlOf(await read(context, target));
        const save = (edited: string): Promise<void> => apply(context, target, edited);
        await context.desk.editDocument(`${describeTarget(target)}.yaml`, 'yaml', text, save);
      }
    },
  },
  {
    id: 'delete',
    title: 'Delete...',
    icon: 'trash',
    group: 'danger',
    on: [ANY_OBJECT],
    severalItems: true,
    execute: async (context) => {
      const targets = await targetsOf(context);
      const lines = targets.map((target) => {
        const rest = target.type.kind === 'Namespace' ? ' with everything in it' : '';
        return `${describeTarget(target)}${target.namespace === undefined ? '' : ` in ${target.namespace}`}${rest}`;
      });
      const detail = `${lines.join('\n')}\nWhat they control goes with them.`;
      if (!(await context.desk.confirm(`Delete ${counted(targets.length, 'object')}?`, detail, 'Delete'))) return;
      for (const { type, namespace, name } of targets) {
        const body = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' };
        await context.cluster.request(
          { method: 'DELETE', path: resourcePath(type, namespace, name), body },
          context.signal,
        );
      }
    },
  },
];

/** A Secret's value as text; one that is no text stays in base64. */
function readable(value: string): string {
  const bytes = Buffer.from(value, 'base64');
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : value;
}

/** An object as text, without who manages which field. */
export async function yamlOf(object: KubeObject): Promise<string> {
  const { dump } = await import('js-yaml');
  const { managedFields: _, ...metadata } = object.metadata as KubeObject['metadata'] & { managedFields?: unknown };
  return dump({ ...object, metadata }, { lineWidth: -1, noRefs: true });
}

/** Asks the server what the edited object would become, shows that beside what is, and then makes it so. */
async function apply(context: ActionContext, target: Target, edited: string): Promise<void> {
  const { cluster, desk, signal } = context;
  const wanted = await parse(edited, target);
  const path = resourcePath(target.type, target.namespace, target.name);
  // The server's own checks, admission and defaults; nothing is stored.
  const tried = await cluster.request<KubeObject>(
    { method: 'PUT', path, query: { dryRun: 'All' }, body: wanted },
    signal,
  );
  const [before, after] = await Promise.all([read(context, target).then(yamlOf), yamlOf(tried)]);
  if (before === after) return desk.tell('Nothing would change.');
  if (!(await desk.compare(describeTarget(target), 'yaml', before, after, 'Apply'))) return;
  await cluster.request({ method: 'PUT', path, body: wanted }, signal);
  desk.tell(`Applied ${describeTarget(target)}.`);
}

async function parse(text: string, target: Target): Promise<KubeObject> {
  const { load } = await import('js-yaml');
  let object: unknown;
  try {
    object = load(text);
  } catch (error) {
    throw badManifest((error as Error).message);
  }
  const { kind, metadata } = (object ?? {}) as Partial<KubeObject>;
  if (typeof object !== 'object' || metadata === null || typeof metadata !== 'object')
    throw badManifest('it has no metadata.');
  const found = { kind, name: metadata.name, namespace: metadata.namespace };
  if (found.kind !== target.type.kind || found.name !== target.name || found.namespace !== target.namespace) {
    throw otherObject(describeTarget(target), `${found.kind} ${found.name}`);
  }
  return object as KubeObject;
}
