/** Removing things, after saying what goes with them. */
import { counted } from '../../amounts';
import { removePod } from '../../podman/pods';
import type { ContainerSummary } from '../container-summary';
import type { PlainCall } from '../engine';
import { engineError } from '../errors';
import { membersOf } from '../tree';
import { doToEach, type ActionContext, type DockerAction, type Subject } from './action';

/** One thing to be removed: what is said of it, and the call that removes it. */
interface Removal {
  readonly text: string;
  remove(): Promise<unknown>;
}

/** Remove, for every kind of row. */
export const removeAction: DockerAction = {
  id: 'remove',
  title: 'Remove...',
  icon: 'trash',
  group: 'danger',
  on: ['container', 'project', 'pod', 'image', 'network', 'volume'],
  severalItems: true,
  execute: async (context) => {
    const removals = (await Promise.all(context.subjects.map((subject) => removalsOf(context, subject)))).flat();
    const [first] = removals;
    if (!first) return;
    const kinds = new Set(context.subjects.map(({ kind }) => kind));
    const noun = kinds.size === 1 ? (context.subjects[0]?.kind ?? 'item') : 'item';
    const question = `Remove ${counted(context.subjects.length, noun)}?`;
    const detail = removals.map(({ text }) => text).join('\n');
    if (!(await context.desk.confirm(question, detail, 'Remove'))) return;
    context.progress('Removing');
    await doToEach(removals, async ({ remove }) => {
      await remove();
    });
  },
};

async function removalsOf(context: ActionContext, subject: Subject): Promise<Removal[]> {
  const { engine, book, signal } = context;
  switch (subject.kind) {
    case 'container': {
      const container = await book.find(subject.name, signal);
      return container ? [containerRemoval(context, container)] : [];
    }
    case 'pod': {
      const members = await membersOf(book, subject.id, signal);
      const names = members.map(({ name }) => name).join(', ');
      const name = members[0]?.pod?.name ?? subject.name.slice(0, 12);
      return [
        { text: `Pod ${name} with its containers: ${names}`, remove: () => removePod(engine, subject.name, signal) },
      ];
    }
    case 'project':
      return projectRemovals(context, subject);
    case 'image':
      return imageRemovals(context, subject);
    case 'network': {
      const { Name } = await engine.call(signal, (docker) => docker.getNetwork(subject.name).inspect());
      return [removal(context, `Network ${Name}`, `/networks/${encodeURIComponent(subject.name)}`)];
    }
    case 'volume':
      return [
        removal(context, `Volume ${subject.name} and all files in it`, `/volumes/${encodeURIComponent(subject.name)}`),
      ];
    case 'folder':
      return [];
  }
}

function removal(
  { engine, signal }: ActionContext,
  text: string,
  path: string,
  query?: Record<string, string>,
): Removal {
  const call: PlainCall = { method: 'DELETE', path, query };
  return { text, remove: () => engine.request(call, signal) };
}

/** The removal of a container with its writable layer; its volumes stay. */
export function containerRemoval(context: ActionContext, { id, name, word }: ContainerSummary): Removal {
  const runs = word === 'running' || word === 'paused';
  const text = `Container ${name} and its writable layer${runs ? `. It is ${word} and will be killed` : ''}`;
  return removal(context, text, `/containers/${id}`, { force: 'true' });
}

async function projectRemovals(context: ActionContext, subject: Subject): Promise<Removal[]> {
  const { engine, book, signal } = context;
  const filters = JSON.stringify({ label: [`com.docker.compose.project=${subject.name}`] });
  const [members, networks] = await Promise.all([
    membersOf(book, subject.id, signal),
    engine.call(signal, (docker) => docker.listNetworks({ filters, abortSignal: signal })),
  ]);
  const containers = members.map((container) => containerRemoval(context, container));
  // A network goes only after its last container.
  const rest = networks.map(({ Id, Name }) => removal(context, `Network ${Name}`, `/networks/${Id}`));
  const text = [...containers, ...rest].map((one) => one.text).join('\n');
  const remove = async (): Promise<void> => {
    await doToEach(containers, async (one) => void (await one.remove()));
    await doToEach(rest, async (one) => void (await one.remove()));
  };
  return [{ text, remove }];
}

async function imageRemovals(context: ActionContext, subject: Subject): Promise<Removal[]> {
  const { engine, signal } = context;
  const { RepoTags } = await engine.call(signal, (docker) => docker.getImage(subject.name).inspect());
  const tags = (RepoTags as string[] | null) ?? [];
  if (tags.length === 0) return [imageRemoval(context, subject.name, `Image ${subject.name.slice(0, 19)}`)];
  // By its tags, one after the other: the last one takes the layers along.
  const text = `Image ${tags.join(', ')}`;
  const remove = async (): Promise<void> => {
    for (const tag of tags) await imageRemoval(context, tag, tag).remove();
  };
  return [{ text, remove }];
}

/** The removal of an image by name or id; one that is gone already is no failure. */
export function imageRemoval(context: ActionContext, name: string, text: string): Removal {
  const { engine, signal } = context;
  const work = async (): Promise<void> => {
    try {
      await engine.request({ method: 'DELETE', path: `/images/${encodeURIComponent(name)}` }, signal);
    } catch (error) {
      const known = engineError(error, engine.name);
      if (known.code !== 'engine/gone') throw known;
    }
  };
  return { text, remove: work };
}
