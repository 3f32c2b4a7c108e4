/** What is known of networks, volumes, and groups of containers. */
import type { DetailSection } from '../../provider';
import { containerState } from '../container-summary';
import type { ContainerBook } from '../container-book';
import type { DockerEngine } from '../engine';
import { membersOf } from '../tree';

/** A network: its settings, and who is on it. */
export async function networkDetails(
  engine: DockerEngine,
  id: string,
  signal: AbortSignal,
): Promise<readonly DetailSection[]> {
  const info = await engine.call(signal, (docker) => docker.getNetwork(id).inspect());
  const subnets = (info.IPAM?.Config ?? []).map(({ Subnet, Gateway }) => [Subnet ?? '', Gateway ?? '']);
  return [
    {
      title: 'Network',
      columns: [],
      rows: [
        ['name', info.Name],
        ['id', info.Id],
        ['driver', info.Driver],
        ['scope', info.Scope],
        ['internal', info.Internal ? 'yes: no way out' : 'no'],
      ],
    },
    { title: 'Subnets', columns: ['subnet', 'gateway'], rows: subnets },
    {
      title: 'Containers',
      columns: ['name', 'address', 'MAC address'],
      rows: Object.values(info.Containers ?? {}).map(({ Name, IPv4Address, MacAddress }) => [
        Name,
        IPv4Address,
        MacAddress,
      ]),
    },
  ];
}

/** A volume: where it lies. */
export async function volumeDetails(
  engine: DockerEngine,
  name: string,
  signal: AbortSignal,
): Promise<readonly DetailSection[]> {
  const info = await engine.call(signal, (docker) => docker.getVolume(name).inspect({ abortSignal: signal }));
  const rows = [
    ['name', info.Name],
    ['driver', info.Driver],
    ['mount point', info.Mountpoint],
    ['scope', info.Scope],
    ...Object.entries(info.Options ?? {}).map(([option, value]) => [`option ${option}`, value]),
  ];
  return [{ title: 'Volume', columns: [], rows }];
}

/** A project or a pod: its containers. */
export async function groupDetails(
  book: ContainerBook,
  id: string,
  signal: AbortSignal,
): Promise<readonly DetailSection[]> {
  const members = await membersOf(book, id, signal);
  const rows = members.map((one) => [one.name, containerState(one), one.image, one.ports.join(', ')]);
  return [{ title: 'Containers', columns: ['name', 'state', 'image', 'ports'], rows }];
}
