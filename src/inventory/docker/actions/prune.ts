/**
 * Prune with a preview: the user sees by name what would go, and exactly that is removed, one by one. The engine's own
 * prune calls would also take what became unused in between.
 * Source: Docker Engine API 1.41, GET /system/df and POST /build/prune, whose filter takes one id. Podman has no build
 * cache of its own: its layers are images.
 */
import { counted, diskSize } from '../../amounts';
import { containerState } from '../container-summary';
import { imageName } from '../rows';
import { doToEach, type ActionContext, type DockerAction } from './action';
import { containerRemoval, imageRemoval } from './remove';

interface Prunable {
  readonly noun: string;
  /** Where it is not the noun with an s. */
  readonly plural?: string;
  readonly names: readonly string[];
  /** Bytes that the engine says it would free, where it does. */
  readonly bytes?: number | undefined;
  remove(): Promise<void>;
}

/** Prune, of the engine as a whole. */
export const pruneAction: DockerAction = {
  id: 'prune',
  title: 'Prune...',
  icon: 'clear-all',
  group: 'danger',
  on: [],
  execute: async (context) => {
    context.progress('Looking for what is unused');
    const found = (await prunables(context)).filter(({ names }) => names.length > 0);
    if (found.length === 0) return context.desk.tell('Nothing is unused: there is nothing to prune.');
    const choices = found.map((value) => {
      const { bytes } = value;
      return { label: titleOf(value), description: bytes === undefined ? '' : diskSize(bytes), value };
    });
    const chosen = await context.desk.chooseSeveral('What is to be removed?', choices);
    if (!chosen || chosen.length === 0) return;
    const count = chosen.reduce((sum, { names }) => sum + names.length, 0);
    const detail = chosen.map((one) => `${titleOf(one)}: ${one.names.join(', ')}`).join('\n');
    if (!(await context.desk.confirm(`Remove ${counted(count, 'item')}?`, detail, 'Remove'))) return;
    context.progress('Removing');
    // Containers first: what they use becomes free.
    for (const { remove } of chosen) await remove();
    context.desk.tell(`Removed ${counted(count, 'item')}.`);
  },
};

const titleOf = ({ noun, plural, names }: Prunable): string =>
  names.length > 1 && plural !== undefined ? `${names.length} ${plural}` : counted(names.length, noun);

/** One record of the build cache. */
interface BuildRecord {
  readonly ID: string;
  readonly Description?: string;
  readonly InUse?: boolean;
  readonly Shared?: boolean;
  readonly Size?: number;
}

/** The records that no build uses at present. */
async function buildCache({ engine, signal }: ActionContext): Promise<readonly BuildRecord[]> {
  if (engine.isPodman) return [];
  const { BuildCache } = await engine.request<{ BuildCache?: readonly BuildRecord[] | null }>(
    { method: 'GET', path: '/system/df' },
    signal,
  );
  return (BuildCache ?? []).filter(({ InUse }) => !InUse);
}

/**
 * Removes these records. The engine passes over one on which another still builds, and lists them in no order, so that
 * passes follow until one frees nothing.
 */
async function removeBuilds({ engine, signal }: ActionContext, builds: readonly BuildRecord[]): Promise<void> {
  let left = builds;
  for (;;) {
    const kept: BuildRecord[] = [];
    for (const record of left) {
      const query = { all: 'true', filters: JSON.stringify({ id: [record.ID] }) };
      const answer = await engine.request<{ CachesDeleted?: readonly string[] | null }>(
        { method: 'POST', path: '/build/prune', query },
        signal,
      );
      if (!answer.CachesDeleted?.length) kept.push(record);
    }
    if (kept.length === 0 || kept.length === left.length) return;
    left = kept;
  }
}

async function prunables(context: ActionContext): Promise<Prunable[]> {
  const { engine, book, signal } = context;
  const abortSignal = signal;
  const dangling = JSON.stringify({ dangling: ['true'] });
  const [containers, images, volumes, networks, builds] = await Promise.all([
    book.all(signal),
    engine.call(signal, (docker) => docker.listImages({ filters: dangling, abortSignal })),
    engine.call(signal, (docker) => docker.listVolumes({ filters: dangling, abortSignal })),
    engine.call(signal, (docker) => docker.listNetworks({ abortSignal })),
    buildCache(context),
  ]);
  const stopped = containers.filter((one) => ['stopped', 'failed'].includes(containerState(one)) && !one.pod);
  const used = new Set(containers.flatMap((one) => one.networks));
  const unused = networks.filter(
    ({ Name, Id }) => !used.has(Name) && !used.has(Id) && !['bridge', 'host', 'none', 'podman'].includes(Name),
  );
  const free = (volumes.Volumes as typeof volumes.Volumes | null) ?? [];
  return [
    {
      noun: 'stopped container',
      names: stopped.map(({ name }) => name),
      remove: () => doToEach(stopped, async (one) => void (await containerRemoval(context, one).remove())),
    },
    {
      noun: 'dangling image',
      names: images.map(imageName),
      bytes: images.reduce((sum, { Size }) => sum + Size, 0),
      remove: () => doToEach(images, async ({ Id }) => void (await imageRemoval(context, Id, Id).remove())),
    },
    {
      noun: 'unused volume',
      names: free.map(({ Name }) => Name),
      remove: () =>
        removeAll(
          context,
          free.map(({ Name }) => `/volumes/${encodeURIComponent(Name)}`),
        ),
    },
    {
      noun: 'record of the build cache',
      plural: 'records of the build cache',
      names: builds.map(({ ID, Description = '' }) => Description.trim() || ID),
      bytes: builds.filter(({ Shared }) => !Shared).reduce((sum, { Size = 0 }) => sum + Size, 0),
      remove: () => removeBuilds(context, builds),
    },
    {
      noun: 'unused network',
      names: unused.map(({ Name }) => Name),
      remove: () =>
        removeAll(
          context,
          unused.map(({ Id }) => `/networks/${Id}`),
        ),
    },
  ];
}

const removeAll = ({ engine, signal }: ActionContext, paths: readonly string[]): Promise<void> =>
  doToEach(paths, async (path) => void (await engine.request({ method: 'DELETE', path }, signal)));
