/** What is known of a daemon's objects, in sections. */
import { diskSize, memorySize } from '../amounts';
import type { DetailSection } from '../provider';
import { monitorTable } from '../qemu/monitor-tables';
import {
  ADDRESS_SOURCES,
  addressesOf,
  type Caller,
  findDomain,
  guestInfo,
  hasManagedSave,
  hostProcessors,
  infoOf,
  ioLimits,
  isAutostarted,
  monitorCommand,
  stateOf,
  vcpuPins,
  XML,
  xmlOf,
} from './domain-calls';
import { type DomainFacts, domainFacts, networkFacts, poolFacts } from './domain-xml';
import type { LibvirtEngine } from './engine';
import { type DomainHandle, uuidText } from './handles';
import { parseId } from './ids';
import {
  findNetwork,
  findPool,
  findVolume,
  leasesOf,
  networkXml,
  poolInfo,
  poolXml,
  volumeInfo,
  volumePath,
} from './storage-calls';
import { snapshotsOf } from './tree';
import { domainState } from './words';

type Rows = readonly (readonly string[])[];

/** The sections of a row. */
export async function detailsOf(
  engine: LibvirtEngine,
  id: string,
  signal: AbortSignal,
): Promise<readonly DetailSection[]> {
  const caller = { signal };
  const { kind, key, part } = parseId(id);
  switch (kind) {
    case 'folder':
      return [];
    case 'domain': {
      const domain = await findDomain(engine, key, caller);
      return part ? partDetails(engine, domain, part, caller) : domainDetails(engine, domain, caller);
    }
    case 'network':
      return networkDetails(engine, key, caller);
    case 'pool':
      return part ? volumeDetails(engine, key, part.name, caller) : poolDetails(engine, key, caller);
  }
}

const named = (title: string, rows: Rows): DetailSection => ({ title, columns: [], rows });
const table = (title: string, columns: readonly string[], rows: Rows): readonly DetailSection[] =>
  rows.length === 0 ? [] : [{ title, columns, rows }];
/** What this driver does not know, or this domain does not have, is left out. */
const perhaps = <T>(work: Promise<T>): Promise<T | undefined> => work.catch(() => undefined);

async function domainDetails(engine: LibvirtEngine, domain: DomainHandle, caller: Caller) {
  const facts = domainFacts(await xmlOf(engine, domain, XML.active, caller));
  const [state, info, managed, autostart, snapshots] = await Promise.all([
    stateOf(engine, domain, caller),
    infoOf(engine, domain, caller),
    perhaps(hasManagedSave(engine, domain, caller)),
    perhaps(isAutostarted(engine, domain, caller)),
    perhaps(snapshotsOf(engine, domain, caller)),
  ]);
  const general: [string, string][] = [
    ['State', domainState(state.state, state.reason).word],
    ['UUID', uuidText(domain.uuid)],
    ['Id', domain.id < 0 ? 'none' : String(domain.id)],
    ['Hypervisor', kindWords(facts.type)],
    ['OS type', facts.osType],
    ['vCPUs', String(info.vcpus)],
    ['Memory', `${memorySize(info.memory)} of ${memorySize(info.maxMemory)}`],
    ['Processor time', `${(info.cpuTime / 1e9).toFixed(1)} s`],
    ['Autostart', autostart === undefined ? '' : autostart ? 'yes' : 'no'],
    ['Managed save', managed === undefined ? '' : managed ? 'yes' : 'no'],
    ['Kernel', facts.kernel],
    ['Title', facts.title],
  ];
  return [
    named(
      'Domain',
      general.filter(([, value]) => value !== ''),
    ),
    ...deviceTables(facts),
    ...(await pinTable(engine, domain, info.vcpus, caller)),
    ...table(
      'Snapshots',
      ['Name', 'Taken', 'State', 'Parent'],
      (snapshots ?? []).map(({ name, created, state: was, parent = '' }) => [name, isoTime(created), was, parent]),
    ),
    ...(domain.id < 0 ? [] : await guestTables(engine, domain, caller)),
  ];
}

const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** The domain's type with the kind of engine that it stands for. */
const kindWords = (type: string): string =>
  `${type}${{ qemu: ': emulator (TCG)', kvm: ': type 2 hypervisor', xen: ': type 1 hypervisor', lxc: ': system container' }[type] ?? ''}`;

const deviceTables = ({ disks, nics, lines, graphics }: DomainFacts): readonly DetailSection[] => [
  ...table(
    'Disks',
    ['Target', 'Device', 'Bus', 'Format', 'Source'],
    disks.map(({ target, device, bus, format, source }) => [target, device, bus, format, source]),
  ),
  ...table(
    'Network interfaces',
    ['MAC', 'Type', 'Source', 'Model', 'Host device', 'VLAN'],
    nics.map(({ mac, type, source, model, target, vlans }) => [mac, type, source, model, target, vlans.join(', ')]),
  ),
  ...table(
    'Serial lines',
    ['Kind', 'Backend', 'Alias', 'Path'],
    lines.map(({ kind, type, alias, path }) => [kind, type, alias, path]),
  ),
  ...table(
    'Graphics',
    ['Type', 'Port', 'Listens at'],
    graphics.map(({ type, port, listen }) => [type, port, listen]),
  ),
];

async function pinTable(engine: LibvirtEngine, domain: DomainHandle, vcpus: number, caller: Caller) {
  const processors = await perhaps(hostProcessors(engine, caller));
  const pins = processors && (await perhaps(vcpuPins(engine, domain, vcpus, processors, caller)));
  return table(
    'vCPU pinning',
    ['vCPU', 'May run on processors'],
    (pins || []).map((cpus, vcpu) => [String(vcpu), cpus.length === processors ? 'all' : cpus.join(', ')]),
  );
}

/** What the guest's agent and the network's leases tell. */
async function guestTables(engine: LibvirtEngine, domain: DomainHandle, caller: Caller) {
  const params = await perhaps(guestInfo(engine, domain, caller));
  const addresses = await Promise.all(
    ADDRESS_SOURCES.map(async ([source, words]) => {
      const found = (await perhaps(addressesOf(engine, domain, source, caller))) ?? [];
      return found.map(({ name, mac, addresses: ips }) => [name, mac, ips.join(', '), words]);
    }),
  );
  return [
    ...table('Addresses', ['Interface', 'MAC', 'Addresses', 'Known by'], addresses.flat()),
    ...table(
      'Guest agent',
      ['Fact', 'Value'],
      [...(params ?? [])].map(([name, value]) => [name, String(value)]),
    ),
  ];
}

async function partDetails(
  engine: LibvirtEngine,
  domain: DomainHandle,
  { kind, name }: { readonly kind: string; readonly name: string },
  caller: Caller,
): Promise<readonly DetailSection[]> {
  if (kind === 'snapshot') {
    const found = (await snapshotsOf(engine, domain, caller)).find((one) => one.name === name);
    if (!found) return [];
    const { state, created, parent = 'none', description } = found;
    return [
      named(name, [
        ['Taken', isoTime(created)],
        ['State', state],
        ['Parent', parent],
        ['Description', description],
      ]),
    ];
  }
  if (kind === 'table') return monitorTable(name, (command) => monitorCommand(engine, domain, command, caller));
  const facts = domainFacts(await xmlOf(engine, domain, XML.active, caller));
  if (kind === 'nic') return deviceTables({ ...facts, disks: [], lines: [], graphics: [] });
  if (kind !== 'disk') return [];
  const disks = facts.disks.filter(({ target }) => target === name);
  const limits = await perhaps(ioLimits(engine, domain, name, caller));
  const set = [...(limits ?? [])].filter(([, value]) => Number(value) > 0);
  return [
    ...deviceTables({ ...facts, disks, nics: [], lines: [], graphics: [] }),
    ...table(
      'I/O limits',
      ['Limit', 'Value'],
      set.map(([limit, value]) => [limit, String(value)]),
    ),
  ];
}

async function networkDetails(engine: LibvirtEngine, uuid: string, caller: Caller) {
  const network = await findNetwork(engine, uuid, caller);
  const { bridge, forward, addresses } = networkFacts(await networkXml(engine, network, caller));
  const leases = (await perhaps(leasesOf(engine, network, caller))) ?? [];
  return [
    named('Network', [
      ['UUID', uuidText(uuid)],
      ['Forwarding', forward],
      ['Bridge', bridge],
      ['Addresses', addresses.join(', ')],
    ]),
    ...table(
      'DHCP leases',
      ['MAC', 'Address', 'Host', 'Ends'],
      leases.map(({ mac, address, host, expiry }) => [mac, address, host, isoTime(expiry)]),
    ),
  ];
}

async function poolDetails(engine: LibvirtEngine, uuid: string, caller: Caller) {
  const pool = await findPool(engine, uuid, caller);
  const { type, path } = poolFacts(await poolXml(engine, pool, caller));
  const { capacity, allocation, available } = await poolInfo(engine, pool, caller);
  const rows = [
    ['UUID', uuidText(uuid)],
    ['Type', type],
    ['Path', path],
    ['Capacity', diskSize(capacity)],
    ['Allocated', diskSize(allocation)],
    ['Available', diskSize(available)],
  ];
  return [named('Storage pool', rows)];
}

async function volumeDetails(engine: LibvirtEngine, poolUuid: string, name: string, caller: Caller) {
  const volume = await findVolume(engine, await findPool(engine, poolUuid, caller), name, caller);
  const [{ capacity, allocation }, path] = await Promise.all([
    volumeInfo(engine, volume, caller),
    volumePath(engine, volume, caller),
  ]);
  return [
    named(name, [
      ['Path', path],
      ['Capacity', diskSize(capacity)],
      ['Allocated', diskSize(allocation)],
    ]),
  ];
}
