/** Inspecting, renaming, and what changed in a container's writable layer. */
import { inspectPod } from '../../podman/pods';
import { inspectContainer, nameOf, type ActionContext, type DockerAction, type Subject } from './action';

/** A sentence for what is wrong with a container's name; the empty name is the engine's to choose. */
export const nameProblem = (name: string): string | undefined =>
  name === '' || /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)
    ? undefined
    : 'A name has at least two letters, digits, "_", "." or "-", and begins with a letter or digit.';

/** The actions that show or rename. */
export const detailActions: readonly DockerAction[] = [
  {
    id: 'inspect',
    title: 'Inspect',
    icon: 'json',
    group: 'show',
    on: ['container', 'pod', 'image', 'network', 'volume'],
    execute: async (context) => {
      for (const subject of context.subjects) {
        const info = await inspect(context, subject);
        await context.desk.openDocument(
          `${subject.kind} ${titleOf(info, subject)}.json`,
          'json',
          JSON.stringify(info, null, 2),
        );
      }
    },
  },
  {
    id: 'changes',
    title: 'Show Changed Files',
    icon: 'diff',
    group: 'show',
    on: ['container'],
    execute: async (context) => {
      for (const { name: id } of context.subjects) {
        const name = nameOf(await inspectContainer(context, id));
        const lines = (await changedFiles(context, id)).map(({ what, path }) => `${what.padEnd(8)} ${path}`);
        const text = lines.length === 0 ? 'Nothing differs from the image.' : lines.join('\n');
        await context.desk.openDocument(`Changes in ${name}`, 'plaintext', `${text}\n`);
      }
    },
  },
  {
    id: 'rename',
    title: 'Rename...',
    icon: 'edit',
    group: 'change',
    on: ['container'],
    execute: async (context) => {
      const { desk, engine, signal, subjects } = context;
      const [subject] = subjects;
      if (!subject) return;
      const old = nameOf(await inspectContainer(context, subject.name));
      const name = await desk.ask(`New name for ${old}`, { value: old, check: nameProblem });
      if (name === undefined || name === '' || name === old) return;
      await engine.request({ method: 'POST', path: `/containers/${subject.name}/rename`, query: { name } }, signal);
    },
  },
];

const KINDS: Readonly<Record<number, 'modified' | 'added' | 'deleted'>> = { 0: 'modified', 1: 'added', 2: 'deleted' };

/** One path of the writable layer. */
export interface ChangedFile {
  readonly what: 'modified' | 'added' | 'deleted';
  readonly path: string;
}

/** What the writable layer of a container holds against its image. */
export async function changedFiles(
  { engine, signal }: Pick<ActionContext, 'engine' | 'signal'>,
  id: string,
): Promise<readonly ChangedFile[]> {
  const path = `/containers/${encodeURIComponent(id)}/changes`;
  const changes = await engine.request<{ Path: string; Kind: number }[] | null>({ method: 'GET', path }, signal);
  return (changes ?? []).map(({ Path, Kind }) => ({ what: KINDS[Kind] ?? 'modified', path: Path }));
}

function inspect(context: ActionContext, { kind, name }: Subject): Promise<object> {
  const { engine, signal } = context;
  switch (kind) {
    case 'container':
      return inspectContainer(context, name);
    case 'pod':
      return inspectPod(engine, name, signal);
    case 'image':
      return engine.call(signal, (docker) => docker.getImage(name).inspect());
    case 'network':
      return engine.call(signal, (docker) => docker.getNetwork(name).inspect());
    default:
      return engine.call(signal, (docker) => docker.getVolume(name).inspect({ abortSignal: signal }));
  }
}

function titleOf(info: object, { name }: Subject): string {
  const { Name, RepoTags } = info as { Name?: string; RepoTags?: readonly string[] };
  return (Name ?? RepoTags?.[0] ?? name).replace(/^\//, '').replace(/^sha256:(.{12}).*$/, '$1');
}
