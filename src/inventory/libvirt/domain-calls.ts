/** Calls about domains and their snapshots. Source: libvirt 9.0, remote_protocol.x and libvirt-domain.h. */
import type { CallOptions, RpcStream, StreamListener } from './connection';
import type { LibvirtEngine } from './engine';
import { LibvirtError } from './errors';
import {
  type DomainHandle,
  readDomain,
  readSnapshot,
  type SnapshotHandle,
  writeDomain,
  writeSnapshot,
  writeUuid,
} from './handles';
import { PROC, QEMU_PROC, QEMU_PROGRAM } from './procedures';
import { numberOf, type Params, readParams, type SentParam, writeParams } from './typed-params';
import { XdrWriter } from './xdr';

/** virDomainModificationImpact: the domain as it runs, or its definition where it does not. */
const AFFECT_CURRENT = 0;
/** virDomainXMLFlags. */
export const XML = { active: 0, secure: 1, inactive: 2, migratable: 8 } as const;
/** virDomainDefineFlags: the XML is checked against libvirt's schema. */
const DEFINE_VALIDATE = 1;
/**
 * virDomainUndefineFlagsValues: managed save image (1), snapshots' metadata (2), NVRAM (4), checkpoints' metadata (16);
 * as many as the driver knows.
 */
const UNDEFINE = [1 | 2 | 4 | 16, 1 | 2 | 4, 1 | 2, 0];
/** virErrorNumber: an argument, such as a flag, that the driver does not take. */
const INVALID_ARGUMENT = 8;
/** virDomainMonitorCommandFlags: the human monitor. */
const MONITOR_HMP = 1;
const FOREVER = { limitMs: Infinity };

const on = (domain: DomainHandle): XdrWriter => writeDomain(new XdrWriter(), domain);
const text = (to: XdrWriter, value: string): XdrWriter => to.string(value);

/** What a call needs of its caller. */
export type Caller = Pick<CallOptions, 'signal'>;

export const listDomains = async (engine: LibvirtEngine, caller: Caller): Promise<readonly DomainHandle[]> =>
  (await engine.call(PROC.connectListAllDomains, new XdrWriter().int(1).int(0), caller)).list(readDomain, 24);

export const findDomain = async (engine: LibvirtEngine, uuid: string, caller: Caller): Promise<DomainHandle> =>
  readDomain(await engine.call(PROC.domainLookupByUuid, writeUuid(new XdrWriter(), uuid), caller));

export async function stateOf(
  engine: LibvirtEngine,
  domain: DomainHandle,
  caller: Caller,
): Promise<{ readonly state: number; readonly reason: number }> {
  const reader = await engine.call(PROC.domainGetState, on(domain).int(0), caller);
  return { state: reader.int(), reason: reader.int() };
}

/** Memory in bytes, processor time in nanoseconds. */
export interface DomainInfo {
  readonly maxMemory: number;
  readonly memory: number;
  readonly vcpus: number;
  readonly cpuTime: number;
}

export async function infoOf(engine: LibvirtEngine, domain: DomainHandle, caller: Caller): Promise<DomainInfo> {
  const reader = await engine.call(PROC.domainGetInfo, on(domain), caller);
  reader.uint();
  const [maxMemory, memory] = [reader.uhyper(), reader.uhyper()].map((kib) => Number(kib) * 1024);
  return { maxMemory: maxMemory ?? 0, memory: memory ?? 0, vcpus: reader.uint(), cpuTime: Number(reader.uhyper()) };
}

export const xmlOf = async (engine: LibvirtEngine, domain: DomainHandle, flags: number, caller: Caller) =>
  (await engine.call(PROC.domainGetXmlDesc, on(domain).int(flags), caller)).string();

/** Defines a domain, or changes the definition of the one that has its UUID; the daemon validates. */
export const defineDomain = async (engine: LibvirtEngine, xml: string, caller: Caller): Promise<DomainHandle> => {
  const body = new XdrWriter().string(xml).int(DEFINE_VALIDATE);
  return readDomain(await engine.call(PROC.domainDefineXmlFlags, body, caller));
};

/** Calls that take a domain and flags, and answer when it is done. */
const SIMPLE = {
  start: PROC.domainCreateWithFlags,
  shutdown: PROC.domainShutdownFlags,
  reboot: PROC.domainReboot,
  reset: PROC.domainReset,
  destroy: PROC.domainDestroyFlags,
  wakeUp: PROC.domainPmWakeup,
  managedSave: PROC.domainManagedSave,
  removeManagedSave: PROC.domainManagedSaveRemove,
} as const;

export type SimpleCall = keyof typeof SIMPLE;

export const callSimple = async (engine: LibvirtEngine, call: SimpleCall, domain: DomainHandle, caller: Caller = {}) =>
  void (await engine.call(SIMPLE[call], on(domain).int(0), { ...FOREVER, ...caller }));

export const suspend = async (engine: LibvirtEngine, domain: DomainHandle, caller: Caller): Promise<void> =>
  void (await engine.call(PROC.domainSuspend, on(domain), caller));

export const resume = async (engine: LibvirtEngine, domain: DomainHandle, caller: Caller): Promise<void> =>
  void (await engine.call(PROC.domainResume, on(domain), caller));

export async function undefine(engine: LibvirtEngine, domain: DomainHandle, caller: Caller): Promise<void> {
  for (const flags of UNDEFINE) {
    try {
      await engine.call(PROC.domainUndefineFlags, on(domain).int(flags), caller);
      return;
    } catch (error) {
      if (flags === 0 || !(error instanceof LibvirtError) || error.number !== INVALID_ARGUMENT) throw error;
    }
  }
}

export const save = async (engine: LibvirtEngine, domain: DomainHandle, path: string): Promise<void> =>
  void (await engine.call(PROC.domainSave, on(domain).string(path), FOREVER));

export const restore = async (engine: LibvirtEngine, path: string): Promise<void> =>
  void (await engine.call(PROC.domainRestore, new XdrWriter().string(path), FOREVER));

/** Dumps memory; `live` leaves the domain running. Formats are virDomainCoreDumpFormat, flags virDomainCoreDumpFlags. */
export async function coreDump(
  engine: LibvirtEngine,
  domain: DomainHandle,
  path: string,
  format: number,
  { live }: { readonly live: boolean },
): Promise<void> {
  const MEMORY_ONLY = 16;
  const LIVE = 2;
  const flags = MEMORY_ONLY | (live ? LIVE : 0);
  await engine.call(PROC.domainCoreDumpWithFormat, on(domain).string(path).int(format).int(flags), FOREVER);
}

export const hasManagedSave = async (engine: LibvirtEngine, domain: DomainHandle, caller: Caller): Promise<boolean> =>
  (await engine.call(PROC.domainHasManagedSaveImage, on(domain).int(0), caller)).int() === 1;

export const isAutostarted = async (engine: LibvirtEngine, domain: DomainHandle, caller: Caller): Promise<boolean> =>
  (await engine.call(PROC.domainGetAutostart, on(domain), caller)).int() === 1;

export const setAutostart = async (engine: LibvirtEngine, domain: DomainHandle, isOn: boolean, caller: Caller) =>
  void (await engine.call(PROC.domainSetAutostart, on(domain).int(isOn ? 1 : 0), caller));

/** Balloon target in bytes. */
export async function setMemory(engine: LibvirtEngine, domain: DomainHandle, bytes: number): Promise<void> {
  const body = on(domain)
    .hyper(Math.round(bytes / 1024))
    .int(AFFECT_CURRENT);
  await engine.call(PROC.domainSetMemoryFlags, body);
}

/** Where a vCPU may run: processor numbers. */
export async function pinVcpu(
  engine: LibvirtEngine,
  domain: DomainHandle,
  vcpu: number,
  processors: readonly number[],
): Promise<void> {
  const map = Buffer.alloc(Math.floor(Math.max(0, ...processors) / 8) + 1);
  for (const one of processors) map[one >> 3]! |= 1 << (one & 7);
  await engine.call(PROC.domainPinVcpuFlags, on(domain).int(vcpu).opaque(map).int(AFFECT_CURRENT));
}

/** For each vCPU the processors that it may run on, of `processors` that there are. */
export async function vcpuPins(
  engine: LibvirtEngine,
  domain: DomainHandle,
  vcpus: number,
  processors: number,
  caller: Caller,
): Promise<readonly (readonly number[])[]> {
  const length = Math.ceil(processors / 8);
  const body = on(domain).int(vcpus).int(length).int(AFFECT_CURRENT);
  const reader = await engine.call(PROC.domainGetVcpuPinInfo, body, caller);
  const maps = reader.opaque();
  return Array.from({ length: Math.floor(maps.length / length) }, (_, vcpu) =>
    Array.from({ length: processors }, (__, one) => one).filter(
      (one) => ((maps[vcpu * length + (one >> 3)] ?? 0) >> (one & 7)) & 1,
    ),
  );
}

/** Processors of the host. */
export async function hostProcessors(engine: LibvirtEngine, caller: Caller): Promise<number> {
  const reader = await engine.call(PROC.nodeGetInfo, undefined, caller);
  // A name of 32 characters, each a number of its own on the wire; then memory in KiB.
  for (let at = 0; at < 32; at += 1) reader.int();
  reader.uhyper();
  return reader.int();
}

/** I/O limits of a disk: bytes and operations a second, 0 for none. */
export async function ioLimits(
  engine: LibvirtEngine,
  domain: DomainHandle,
  disk: string,
  caller: Caller,
): Promise<Params> {
  const body = (count: number): XdrWriter => on(domain).optional(disk, text).int(count).int(AFFECT_CURRENT);
  const count = await engine.call(PROC.domainGetBlockIoTune, body(0), caller);
  count.list(() => undefined, 1);
  return readParams(await engine.call(PROC.domainGetBlockIoTune, body(count.int()), caller));
}

export const setIoLimits = async (
  engine: LibvirtEngine,
  domain: DomainHandle,
  disk: string,
  limits: readonly SentParam[],
): Promise<void> =>
  void (await engine.call(PROC.domainSetBlockIoTune, writeParams(on(domain).string(disk), limits).int(AFFECT_CURRENT)));

export const listSnapshots = async (engine: LibvirtEngine, domain: DomainHandle, caller: Caller) =>
  (await engine.call(PROC.domainListAllSnapshots, on(domain).int(1).int(0), caller)).list(readSnapshot, 32);

export const snapshotXml = async (engine: LibvirtEngine, snapshot: SnapshotHandle, caller: Caller): Promise<string> =>
  (await engine.call(PROC.domainSnapshotGetXmlDesc, writeSnapshot(new XdrWriter(), snapshot).int(0), caller)).string();

export const takeSnapshot = async (engine: LibvirtEngine, domain: DomainHandle, xml: string): Promise<void> =>
  void (await engine.call(PROC.domainSnapshotCreateXml, on(domain).string(xml).int(0), FOREVER));

export const revertTo = async (engine: LibvirtEngine, snapshot: SnapshotHandle): Promise<void> =>
  void (await engine.call(PROC.domainRevertToSnapshot, writeSnapshot(new XdrWriter(), snapshot).int(0), FOREVER));

export const deleteSnapshot = async (engine: LibvirtEngine, snapshot: SnapshotHandle): Promise<void> =>
  void (await engine.call(PROC.domainSnapshotDelete, writeSnapshot(new XdrWriter(), snapshot).int(0), FOREVER));

/** virDomainStatsTypes: all, or the state alone. */
export const STATS = { all: 0, state: 1 } as const;

/** What virsh calls `domstats`, of the domains given, or of all where none is. */
export async function statsOf(
  engine: LibvirtEngine,
  domains: readonly DomainHandle[],
  stats: number,
  caller: Caller,
): Promise<readonly { readonly domain: DomainHandle; readonly params: Params }[]> {
  const body = new XdrWriter().list(domains, writeDomain).int(stats).int(0);
  const reader = await engine.call(PROC.connectGetAllDomainStats, body, caller);
  return reader.list((one) => ({ domain: readDomain(one), params: readParams(one) }), 28);
}

/** The job that runs on a domain: what it has done so far from 0 to 1, where that is known. */
export interface Job {
  readonly isRunning: boolean;
  readonly fraction?: number | undefined;
}

export async function jobOf(engine: LibvirtEngine, domain: DomainHandle): Promise<Job> {
  const reader = await engine.call(PROC.domainGetJobStats, on(domain).int(0));
  const isRunning = reader.int() !== 0;
  const params = readParams(reader);
  const total = numberOf(params, 'data_total') || numberOf(params, 'disk_total') || 0;
  const remaining = numberOf(params, 'data_remaining') || numberOf(params, 'disk_remaining') || 0;
  return { isRunning, ...(total > 0 && { fraction: Math.max(0, Math.min(1, 1 - remaining / total)) }) };
}

export const abortJob = async (engine: LibvirtEngine, domain: DomainHandle): Promise<void> =>
  void (await engine.call(PROC.domainAbortJob, on(domain)));

/** Runs a command of QEMU's human monitor; gives what it prints. */
export async function monitorCommand(engine: LibvirtEngine, domain: DomainHandle, command: string, caller: Caller) {
  const body = on(domain).string(command).int(MONITOR_HMP);
  return (await engine.call(QEMU_PROC.monitorCommand, body, { ...caller, program: QEMU_PROGRAM })).string();
}

/** Opens a domain's first console; refused while another client has it. */
export const openConsole = (
  engine: LibvirtEngine,
  domain: DomainHandle,
  listener: StreamListener,
): Promise<RpcStream> =>
  engine.openStream(PROC.domainOpenConsole, on(domain).optional<string>(undefined, text).int(0), listener);

/** virErrorNumber: the disks may not be the same at both ends. */
export const MIGRATE_UNSAFE = 81;

/** Live migration by the source's daemon itself, to the daemon at `uri`. */
export async function migrateTo(
  engine: LibvirtEngine,
  domain: DomainHandle,
  uri: string,
  { unsafe }: { readonly unsafe: boolean },
): Promise<void> {
  const LIVE = 1;
  const PEER_TO_PEER = 2;
  const PERSIST = 8;
  const UNDEFINE_SOURCE = 16;
  const UNSAFE = 512;
  const flags = LIVE | PEER_TO_PEER | PERSIST | UNDEFINE_SOURCE | (unsafe ? UNSAFE : 0);
  const body = writeParams(on(domain).optional(uri, text), []).opaque(Buffer.alloc(0)).int(flags);
  await engine.call(PROC.domainMigratePerform3Params, body, FOREVER);
}

/** Begins a full backup of all disks by QEMU; it runs on as a job. */
export const beginBackup = async (engine: LibvirtEngine, domain: DomainHandle, xml: string): Promise<void> =>
  void (await engine.call(PROC.domainBackupBegin, on(domain).string(xml).optional<string>(undefined, text).int(0)));

/** What the guest's agent tells (virDomainGuestInfoTypes: users, OS, time zone, host name, file systems, interfaces). */
export async function guestInfo(engine: LibvirtEngine, domain: DomainHandle, caller: Caller): Promise<Params> {
  return readParams(await engine.call(PROC.domainGetGuestInfo, on(domain).int(0).int(0), caller));
}

/** An address that a domain's interface has. */
export interface InterfaceAddress {
  readonly name: string;
  readonly mac: string;
  readonly addresses: readonly string[];
}

/** Sources of addresses: virDomainInterfaceAddressesSource. */
export const ADDRESS_SOURCES = [
  [0, 'DHCP lease'],
  [1, 'guest agent'],
  [2, 'ARP'],
] as const;

export async function addressesOf(
  engine: LibvirtEngine,
  domain: DomainHandle,
  source: number,
  caller: Caller,
): Promise<readonly InterfaceAddress[]> {
  const reader = await engine.call(PROC.domainInterfaceAddresses, on(domain).int(source).int(0), caller);
  return reader.list((one) => ({
    name: one.string(),
    mac: one.optionalString() ?? '',
    addresses: one.list((address) => {
      address.int();
      const ip = address.string();
      return `${ip}/${address.uint()}`;
    }, 12),
  }));
}
