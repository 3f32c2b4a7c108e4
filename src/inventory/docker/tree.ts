/** The tree of one engine: which rows lie under which. */
import type { Item } from '../provider';
import { listPodmanNetworks } from '../podman/networks';
import { listPods } from '../podman/pods';
import type { ContainerBook } from './container-book';
import { composeProject, type ContainerSummary } from './container-summary';
import type { DockerEngine } from './engine';
import { parseRowId, rowId, type FolderName } from './ids';
import {
  containerRow,
  folderRows,
  groupRow,
  imageRow,
  networkRow,
  networkSummary,
  volumeRow,
  type NetworkSummary,
} from './rows';

const byLabel = (a: Item, b: Item): number => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0);

/** The row that holds a container: its pod, else its project, else the folder. */
export function parentOf(container: ContainerSummary): string {
  if (container.pod) return rowId('pod', container.pod.id);
  const project = composeProject(container);
  return project === undefined ? rowId('folder', 'containers') : rowId('project', project);
}

/** The containers that lie under a pod or a project. */
export async function membersOf(
  book: ContainerBook,
  groupId: string,
  signal: AbortSignal | undefined,
): Promise<readonly ContainerSummary[]> {
  return (await book.all(signal)).filter((one) => parentOf(one) === groupId);
}

/** The rows under `parent`. */
export async function rowsUnder(
  engine: DockerEngine,
  book: ContainerBook,
  parent: string | undefined,
  signal: AbortSignal,
): Promise<readonly Item[]> {
  if (parent === undefined) return folderRows();
  const { kind, name } = parseRowId(parent);
  switch (kind) {
    case 'folder':
      return folderContent(engine, book, name as FolderName, signal);
    case 'project':
    case 'pod':
      return (await membersOf(book, parent, signal)).map(containerRow).sort(byLabel);
    default:
      return [];
  }
}

async function folderContent(
  engine: DockerEngine,
  book: ContainerBook,
  folder: FolderName,
  signal: AbortSignal,
): Promise<Item[]> {
  const abortSignal = signal;
  switch (folder) {
    case 'containers': {
      const [containers, pods] = await Promise.all([book.all(signal), listPods(engine, signal)]);
      return grouped(containers, new Map(pods.map(({ Id, Name }) => [Id, Name])));
    }
    case 'images':
      return (await engine.call(signal, (docker) => docker.listImages({ abortSignal }))).map(imageRow).sort(byLabel);
    case 'networks':
      return (await listNetworks(engine, signal)).map(networkRow).sort(byLabel);
    case 'volumes': {
      const { Volumes } = await engine.call(signal, (docker) => docker.listVolumes({ abortSignal }));
      // The engine answers null where it has none.
      return ((Volumes as typeof Volumes | null) ?? []).map(volumeRow).sort(byLabel);
    }
  }
}

/** All networks, by the names that the engine's own program uses. */
async function listNetworks(engine: DockerEngine, signal: AbortSignal): Promise<readonly NetworkSummary[]> {
  if (engine.isPodman) return listPodmanNetworks(engine, signal);
  return (await engine.call(signal, (docker) => docker.listNetworks({ abortSignal: signal }))).map(networkSummary);
}

/** Pods and projects first, then the containers that belong to none. */
function grouped(containers: readonly ContainerSummary[], pods: ReadonlyMap<string, string>): Item[] {
  const groups = new Map<string, ContainerSummary[]>([...pods.keys()].map((id) => [rowId('pod', id), []]));
  const alone: Item[] = [];
  for (const container of containers) {
    const parent = parentOf(container);
    const group = groups.get(parent);
    if (parent === rowId('folder', 'containers')) alone.push(containerRow(container));
    else if (group) group.push(container);
    else groups.set(parent, [container]);
  }
  const rows = [...groups].map(([id, members]) => {
    const { kind, name } = parseRowId(id);
    return kind === 'pod'
      ? groupRow('pod', name, pods.get(name) ?? members[0]?.pod?.name ?? name, members)
      : groupRow('project', name, name, members);
  });
  return [...rows.sort(byLabel), ...alone.sort(byLabel)];
}
