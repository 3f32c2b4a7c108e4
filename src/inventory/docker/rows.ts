/** Rows of the tree for what an engine with a Docker API holds. Plain data out of the engine's answers. */
import type { ImageInfo, NetworkInspectInfo, VolumeInspectInfo } from 'dockerode';
import { ago, diskSize } from '../amounts';
import type { Fact, Item, ItemState } from '../provider';
import { containerState, type ContainerSummary } from './container-summary';
import { rowId, type FolderName } from './ids';

const FOLDERS: readonly (readonly [FolderName, string, string])[] = [
  ['containers', 'Containers', 'package'],
  ['images', 'Images', 'layers'],
  ['networks', 'Networks', 'plug'],
  ['volumes', 'Volumes', 'database'],
];

/** The top rows. */
export const folderRows = (): Item[] =>
  FOLDERS.map(([name, label, icon]) => ({
    id: rowId('folder', name),
    kind: 'folder',
    label,
    icon,
    hasChildren: true,
    actions: [],
  }));

const RUNNING = ['shell', 'exec', 'stop', 'restart', 'pause', 'kill'];
const SHOWN = ['logs', 'logsSince', 'logsSearch', 'inspect', 'changes', 'copyFrom', 'copyTo', 'rename', 'remove'];

/** What can be done to a container in its state. */
function containerActions(state: ItemState): readonly string[] {
  switch (state) {
    case 'running':
      return [...RUNNING, ...SHOWN];
    case 'paused':
      return ['unpause', 'kill', ...SHOWN];
    case 'changing':
      return ['stop', 'kill', ...SHOWN];
    default:
      return ['start', ...SHOWN];
  }
}

const rows = new WeakMap<ContainerSummary, Item>();

/** A container's row. Made once for each reading of the container, since thousands are asked for again and again. */
export function containerRow(container: ContainerSummary): Item {
  const made = rows.get(container) ?? makeContainerRow(container);
  rows.set(container, made);
  return made;
}

function makeContainerRow(container: ContainerSummary): Item {
  const state = containerState(container);
  const { word, exitCode, image, ports, networks, command, created, labels } = container;
  const stateText = exitCode === undefined || word !== 'exited' ? word : `${word} (${exitCode})`;
  const facts: Fact[] = [
    { name: 'Id', value: container.id.slice(0, 12) },
    { name: 'Image', value: image },
    { name: 'State', value: stateText },
    { name: 'Command', value: command },
    { name: 'Created', value: new Date(created).toISOString() },
    ...(ports.length > 0 ? [{ name: 'Ports', value: ports.join(', ') }] : []),
    ...(networks.length > 0 ? [{ name: 'Networks', value: networks.join(', ') }] : []),
  ];
  return {
    id: rowId('container', container.id),
    kind: 'container',
    label: container.name,
    description: `${stateText} · ${image}`,
    state,
    facts,
    icon: container.isInfra ? 'link' : 'package',
    hasChildren: false,
    actions: containerActions(state),
    labels,
  };
}

/** A row that holds containers: `project` of Compose, `pod` of Podman. It is as well as its worst member. */
export function groupRow(
  kind: 'project' | 'pod',
  name: string,
  label: string,
  members: readonly ContainerSummary[],
): Item {
  const states = members.filter(({ isInfra }) => !isInfra).map(containerState);
  const running = states.filter((state) => state === 'running').length;
  const worst = (['failed', 'changing', 'paused', 'running', 'stopped'] as const).find((one) => states.includes(one));
  const actions = ['restart', 'remove'];
  if (running > 0) actions.unshift('stop', 'pause', 'kill');
  if (states.includes('paused')) actions.unshift('unpause');
  if (running < states.length || states.length === 0) actions.unshift('start');
  return {
    id: rowId(kind, name),
    kind,
    label,
    description: `${kind} · ${running} of ${states.length} running`,
    state: worst ?? 'unknown',
    icon: kind === 'pod' ? 'symbol-namespace' : 'files',
    hasChildren: members.length > 0,
    actions: kind === 'pod' ? [...actions, 'inspect'] : actions,
  };
}

/** The name under which people know an image. */
export const imageName = ({ RepoTags, Id }: Pick<ImageInfo, 'RepoTags' | 'Id'>): string =>
  RepoTags?.find((tag) => !tag.startsWith('<none>')) ?? Id.replace(/^sha256:/, '').slice(0, 12);

/** An image's row. */
export function imageRow(image: ImageInfo): Item {
  const { RepoTags, RepoDigests, Id, Size, Created, Labels } = image;
  const tags = (RepoTags ?? []).filter((tag) => !tag.startsWith('<none>'));
  return {
    id: rowId('image', Id),
    kind: 'image',
    label: imageName(image),
    description: tags.length === 0 ? `${diskSize(Size)} · dangling` : diskSize(Size),
    facts: [
      { name: 'Id', value: Id },
      { name: 'Tags', value: tags.join(', ') },
      { name: 'Digests', value: (RepoDigests ?? []).join(', ') },
      { name: 'Created', value: ago(Created * 1000, Date.now()) },
      { name: 'Size', value: diskSize(Size) },
    ],
    icon: 'layers',
    hasChildren: false,
    actions: ['runImage', 'inspect', 'tag', 'remove'],
    labels: Labels ?? {},
  };
}

// Made by the engine itself; it refuses to remove them.
const OWN_NETWORKS = ['bridge', 'host', 'none', 'podman', 'ingress', 'docker_gwbridge'];

/** A network as its row shows it. */
export interface NetworkSummary {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly isInternal: boolean;
  readonly subnets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** A network of Docker's list. */
export const networkSummary = ({ Id, Name, Driver, IPAM, Internal, Labels }: NetworkInspectInfo): NetworkSummary => ({
  id: Id,
  name: Name,
  driver: Driver,
  isInternal: Internal,
  subnets: (IPAM?.Config ?? []).map(({ Subnet }) => Subnet).filter((subnet) => subnet !== undefined),
  labels: Labels ?? {},
});

/** A network's row. */
export function networkRow({ id, name, driver, isInternal, subnets, labels }: NetworkSummary): Item {
  return {
    id: rowId('network', id),
    kind: 'network',
    label: name,
    description: [driver, ...subnets].join(' · '),
    facts: [
      { name: 'Driver', value: driver },
      { name: 'Subnets', value: subnets.join(', ') },
      { name: 'Internal', value: isInternal ? 'yes: no way out' : 'no' },
    ],
    icon: 'plug',
    hasChildren: false,
    actions: OWN_NETWORKS.includes(name) ? ['inspect'] : ['inspect', 'remove'],
    labels,
  };
}

/** A volume's row. */
export function volumeRow({ Name, Driver, Mountpoint, Labels }: VolumeInspectInfo): Item {
  return {
    id: rowId('volume', Name),
    kind: 'volume',
    label: Name,
    description: Driver,
    facts: [
      { name: 'Driver', value: Driver },
      { name: 'Mountpoint', value: Mountpoint },
    ],
    icon: 'database',
    hasChildren: false,
    actions: ['inspect', 'remove'],
    labels: Labels ?? {},
  };
}
