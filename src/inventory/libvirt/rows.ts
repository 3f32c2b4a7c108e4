/** Rows of the tree for what a libvirt daemon holds. Plain data out of its answers. */
import { diskSize } from '../amounts';
import type { Fact, Item, ItemState } from '../provider';
import { MONITOR_TABLES } from '../qemu/monitor-tables';
import type { LibvirtAction } from './action-table';
import type { Disk, Nic, SnapshotFacts } from './domain-xml';
import { uuidText, type DomainHandle, type NamedHandle, type VolumeHandle } from './handles';
import { domainId, folderId, networkId, partId, poolId, type FolderName } from './ids';
import type { PoolInfo } from './storage-calls';
import { DOMAIN_STATE, domainState, poolState } from './words';

const FOLDERS: readonly (readonly [FolderName, string, string])[] = [
  ['domains', 'Domains', 'vm'],
  ['networks', 'Networks', 'plug'],
  ['pools', 'Storage Pools', 'database'],
];

/** The top rows. */
export const folderRows = (): readonly Item[] =>
  FOLDERS.map(([name, label, icon]) => folder(folderId(name), label, icon));

const folder = (id: string, label: string, icon: string): Item => ({
  id,
  kind: 'folder',
  label,
  icon,
  hasChildren: true,
  actions: [],
});

/** A domain and its state. */
export interface DomainState {
  readonly domain: DomainHandle;
  readonly state: number;
  readonly reason: number;
}

const SAVED = 5;

/** What drivers other than QEMU's refuse (virConnectGetType). */
const REFUSED: Readonly<Record<string, readonly LibvirtAction[]>> = {
  TEST: ['attach', 'monitorCommand', 'backup', 'console', 'migrate', 'ioLimits', 'clone'],
  LXC: [
    'attach',
    'monitorCommand',
    'backup',
    'snapshot',
    'pinVcpu',
    'saveToFile',
    'managedSave',
    'dumpMemory',
    'migrate',
    'reset',
    'ioLimits',
  ],
};
const QEMU_ONLY: readonly LibvirtAction[] = ['attach', 'monitorCommand', 'backup'];

const refusedBy = (driver: string): readonly LibvirtAction[] =>
  driver === 'QEMU' ? [] : (REFUSED[driver] ?? QEMU_ONLY);

/** A domain's row, with the actions that its driver has; `driver` is virConnectGetType's word. */
export function domainRow({ domain, state, reason }: DomainState, driver: string): Item {
  const { word, state: colour } = domainState(state, reason);
  const facts: Fact[] = [
    { name: 'State', value: word },
    { name: 'UUID', value: uuidText(domain.uuid) },
  ];
  if (domain.id >= 0) facts.push({ name: 'Id', value: String(domain.id) });
  return {
    id: domainId(domain.uuid),
    kind: 'domain',
    label: domain.name,
    description: word,
    state: colour,
    facts,
    icon: 'vm',
    hasChildren: true,
    actions: domainActions(state, reason).filter((action) => !refusedBy(driver).includes(action)),
  };
}

function domainActions(state: number, reason: number): readonly LibvirtAction[] {
  const always: LibvirtAction[] = ['editXml', 'snapshot', 'autostart', 'balloon', 'pinVcpu'];
  const active: LibvirtAction[] = [
    ...always,
    'attach',
    'monitorCommand',
    'backup',
    'console',
    'saveToFile',
    'managedSave',
    'dumpMemory',
    'migrate',
    'destroy',
  ];
  switch (state) {
    case DOMAIN_STATE.shutoff:
    case DOMAIN_STATE.crashed:
      return ['start', ...(reason === SAVED ? (['dropManagedSave'] as const) : []), ...always, 'clone', 'undefine'];
    case DOMAIN_STATE.paused:
      return ['resume', 'reset', ...active];
    case DOMAIN_STATE.pmSuspended:
      return ['wakeUp', ...active];
    default:
      return ['suspendDomain', 'shutdown', 'reboot', 'reset', ...active];
  }
}

/** The folder of a domain's snapshots. */
export const snapshotFolder = (owner: string): Item => folder(partId(owner, 'snapshots'), 'Snapshots', 'device-camera');

/** The folder of the tables that QEMU's monitor has for a domain that runs. */
export const tableFolder = (owner: string): Item => folder(partId(owner, 'tables'), 'Devices', 'chip');

export const monitorRows = (owner: string): readonly Item[] =>
  MONITOR_TABLES.map(({ command, title }) => ({
    id: partId(owner, 'table', command),
    kind: 'table',
    label: title,
    description: `info ${command}`,
    icon: 'list-tree',
    hasChildren: false,
    actions: [],
  }));

/** A snapshot's row; `hasChildren` where others grew out of it. */
export function snapshotRow(owner: string, snapshot: SnapshotFacts, hasChildren: boolean): Item {
  const taken = new Date(snapshot.created * 1000).toISOString();
  return {
    id: partId(owner, 'snapshot', snapshot.name),
    kind: 'snapshot',
    label: snapshot.name,
    description: [snapshot.state, taken.slice(0, 19).replace('T', ' ')].join(' \u00b7 '),
    facts: [
      { name: 'Taken', value: taken },
      { name: 'State', value: snapshot.state },
      ...(snapshot.description ? [{ name: 'Description', value: snapshot.description }] : []),
    ],
    icon: 'device-camera',
    hasChildren,
    actions: ['goBack', 'deleteSnapshot'] satisfies LibvirtAction[],
  };
}

export const diskRow = (owner: string, { target, device, bus, format, source, isReadOnly }: Disk): Item => ({
  id: partId(owner, 'disk', target),
  kind: 'disk',
  label: target,
  description: [device, format, source || 'empty'].filter(Boolean).join(' \u00b7 '),
  facts: [
    { name: 'Source', value: source },
    { name: 'Bus', value: bus },
    { name: 'Read only', value: isReadOnly ? 'yes' : 'no' },
  ],
  icon: device === 'cdrom' ? 'record' : 'database',
  hasChildren: false,
  actions: device === 'disk' ? (['ioLimits'] satisfies LibvirtAction[]) : [],
});

export const nicRow = (owner: string, { mac, type, source, model, target, vlans }: Nic): Item => ({
  id: partId(owner, 'nic', mac),
  kind: 'nic',
  label: mac || type,
  description: [type, source, model].filter(Boolean).join(' \u00b7 '),
  facts: [
    { name: 'MAC', value: mac },
    { name: 'Source', value: `${type} ${source}`.trim() },
    ...(target ? [{ name: 'Device on the host', value: target }] : []),
    ...(vlans.length > 0 ? [{ name: 'VLAN', value: vlans.join(', ') }] : []),
  ],
  icon: 'plug',
  hasChildren: false,
  actions: [],
});

const onOff = (isActive: boolean): readonly [string, ItemState] =>
  isActive ? ['active', 'running'] : ['inactive', 'stopped'];

export function networkRow(network: NamedHandle, isActive: boolean): Item {
  const [word, state] = onOff(isActive);
  return {
    id: networkId(network.uuid),
    kind: 'network',
    label: network.name,
    description: word,
    state,
    facts: [{ name: 'UUID', value: uuidText(network.uuid) }],
    icon: 'plug',
    hasChildren: false,
    actions: [...(isActive ? ['destroy'] : ['start', 'undefine']), 'editXml'],
  };
}

export function poolRow(pool: NamedHandle, info: PoolInfo): Item {
  const [word, state] = poolState(info.state);
  const isActive = state !== 'stopped';
  return {
    id: poolId(pool.uuid),
    kind: 'pool',
    label: pool.name,
    description: isActive ? `${word} \u00b7 ${diskSize(info.allocation)} of ${diskSize(info.capacity)}` : word,
    state,
    facts: [
      { name: 'UUID', value: uuidText(pool.uuid) },
      { name: 'Capacity', value: diskSize(info.capacity) },
      { name: 'Allocated', value: diskSize(info.allocation) },
      { name: 'Available', value: diskSize(info.available) },
    ],
    icon: 'database',
    hasChildren: isActive,
    actions: [...(isActive ? ['createVolume', 'refreshPool', 'destroy'] : ['start', 'undefine']), 'editXml'],
  };
}

export const volumeRow = (owner: string, { name, key }: VolumeHandle): Item => ({
  id: partId(owner, 'volume', name),
  kind: 'volume',
  label: name,
  description: key === name ? '' : key,
  icon: 'file-binary',
  hasChildren: false,
  actions: ['removeVolume'] satisfies LibvirtAction[],
});
