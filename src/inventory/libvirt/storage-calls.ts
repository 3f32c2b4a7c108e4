/** Calls about networks, storage pools and volumes. Source: libvirt 9.0, remote_protocol.x. */
import type { Caller } from './domain-calls';
import type { LibvirtEngine } from './engine';
import {
  type NamedHandle,
  readNamed,
  readVolume,
  type VolumeHandle,
  writeNamed,
  writeUuid,
  writeVolume,
} from './handles';
import { PROC } from './procedures';
import { XdrWriter } from './xdr';

const FOREVER = { limitMs: Infinity };
const on = (handle: NamedHandle): XdrWriter => writeNamed(new XdrWriter(), handle);
const all = (): XdrWriter => new XdrWriter().int(1).int(0);

export const listNetworks = async (engine: LibvirtEngine, caller: Caller): Promise<readonly NamedHandle[]> =>
  (await engine.call(PROC.connectListAllNetworks, all(), caller)).list(readNamed, 20);

export const findNetwork = async (engine: LibvirtEngine, uuid: string, caller: Caller): Promise<NamedHandle> =>
  readNamed(await engine.call(PROC.networkLookupByUuid, writeUuid(new XdrWriter(), uuid), caller));

export const networkIsActive = async (engine: LibvirtEngine, network: NamedHandle, caller: Caller): Promise<boolean> =>
  (await engine.call(PROC.networkIsActive, on(network), caller)).int() === 1;

export const networkXml = async (engine: LibvirtEngine, network: NamedHandle, caller: Caller): Promise<string> =>
  (await engine.call(PROC.networkGetXmlDesc, on(network).int(0), caller)).string();

export const defineNetwork = async (engine: LibvirtEngine, xml: string, caller: Caller): Promise<NamedHandle> =>
  readNamed(await engine.call(PROC.networkDefineXml, new XdrWriter().string(xml), caller));

/** Calls that take a network alone. */
const NETWORK = { start: PROC.networkCreate, destroy: PROC.networkDestroy, undefine: PROC.networkUndefine } as const;

export const callNetwork = async (
  engine: LibvirtEngine,
  call: keyof typeof NETWORK,
  network: NamedHandle,
  caller: Caller,
) => void (await engine.call(NETWORK[call], on(network), { ...FOREVER, ...caller }));

/** A lease of a network's DHCP server. */
export interface Lease {
  readonly expiry: number;
  readonly mac: string;
  readonly address: string;
  readonly host: string;
}

export async function leasesOf(engine: LibvirtEngine, network: NamedHandle, caller: Caller): Promise<readonly Lease[]> {
  const body = on(network)
    .optional<string>(undefined, (to, mac) => to.string(mac))
    .int(1)
    .int(0);
  const reader = await engine.call(PROC.networkGetDhcpLeases, body, caller);
  return reader.list((one) => {
    one.string();
    const expiry = Number(one.hyper());
    one.int();
    const mac = one.optionalString() ?? '';
    one.optionalString();
    const ip = one.string();
    const prefix = one.uint();
    const host = one.optionalString() ?? '';
    one.optionalString();
    return { expiry, mac, address: `${ip}/${prefix}`, host };
  }, 40);
}

export const listPools = async (engine: LibvirtEngine, caller: Caller): Promise<readonly NamedHandle[]> =>
  (await engine.call(PROC.connectListAllStoragePools, all(), caller)).list(readNamed, 20);

export const findPool = async (engine: LibvirtEngine, uuid: string, caller: Caller): Promise<NamedHandle> =>
  readNamed(await engine.call(PROC.storagePoolLookupByUuid, writeUuid(new XdrWriter(), uuid), caller));

/** Bytes, and virStoragePoolState. */
export interface PoolInfo {
  readonly state: number;
  readonly capacity: number;
  readonly allocation: number;
  readonly available: number;
}

export async function poolInfo(engine: LibvirtEngine, pool: NamedHandle, caller: Caller): Promise<PoolInfo> {
  const reader = await engine.call(PROC.storagePoolGetInfo, on(pool), caller);
  const state = reader.int();
  const [capacity = 0, allocation = 0, available = 0] = [reader.uhyper(), reader.uhyper(), reader.uhyper()].map(Number);
  return { state, capacity, allocation, available };
}

export const poolXml = async (engine: LibvirtEngine, pool: NamedHandle, caller: Caller): Promise<string> =>
  (await engine.call(PROC.storagePoolGetXmlDesc, on(pool).int(0), caller)).string();

export const definePool = async (engine: LibvirtEngine, xml: string, caller: Caller): Promise<NamedHandle> =>
  readNamed(await engine.call(PROC.storagePoolDefineXml, new XdrWriter().string(xml).int(0), caller));

export const startPool = async (engine: LibvirtEngine, pool: NamedHandle, caller: Caller): Promise<void> =>
  void (await engine.call(PROC.storagePoolCreate, on(pool).int(0), { ...FOREVER, ...caller }));

export const refreshPool = async (engine: LibvirtEngine, pool: NamedHandle, caller: Caller): Promise<void> =>
  void (await engine.call(PROC.storagePoolRefresh, on(pool).int(0), { ...FOREVER, ...caller }));

export const stopPool = async (engine: LibvirtEngine, pool: NamedHandle, caller: Caller): Promise<void> =>
  void (await engine.call(PROC.storagePoolDestroy, on(pool), caller));

export const undefinePool = async (engine: LibvirtEngine, pool: NamedHandle, caller: Caller): Promise<void> =>
  void (await engine.call(PROC.storagePoolUndefine, on(pool), caller));

export const listVolumes = async (engine: LibvirtEngine, pool: NamedHandle, caller: Caller) =>
  (await engine.call(PROC.storagePoolListAllVolumes, on(pool).int(1).int(0), caller)).list(readVolume, 12);

export const findVolume = async (engine: LibvirtEngine, pool: NamedHandle, name: string, caller: Caller) =>
  readVolume(await engine.call(PROC.storageVolLookupByName, on(pool).string(name), caller));

/** The volume whose file that is; rejects where no pool has it. */
export const volumeAt = async (engine: LibvirtEngine, path: string, caller: Caller): Promise<VolumeHandle> =>
  readVolume(await engine.call(PROC.storageVolLookupByPath, new XdrWriter().string(path), caller));

const onVolume = (volume: VolumeHandle): XdrWriter => writeVolume(new XdrWriter(), volume);

/** Bytes. */
export async function volumeInfo(
  engine: LibvirtEngine,
  volume: VolumeHandle,
  caller: Caller,
): Promise<{ readonly capacity: number; readonly allocation: number }> {
  const reader = await engine.call(PROC.storageVolGetInfo, onVolume(volume), caller);
  reader.int();
  return { capacity: Number(reader.uhyper()), allocation: Number(reader.uhyper()) };
}

export const volumeXml = async (engine: LibvirtEngine, volume: VolumeHandle, caller: Caller): Promise<string> =>
  (await engine.call(PROC.storageVolGetXmlDesc, onVolume(volume).int(0), caller)).string();

export const volumePath = async (engine: LibvirtEngine, volume: VolumeHandle, caller: Caller): Promise<string> =>
  (await engine.call(PROC.storageVolGetPath, onVolume(volume), caller)).string();

export const deleteVolume = async (engine: LibvirtEngine, volume: VolumeHandle): Promise<void> =>
  void (await engine.call(PROC.storageVolDelete, onVolume(volume).int(0), FOREVER));

/** A copy of a volume in its own pool. */
export async function copyVolume(engine: LibvirtEngine, volume: VolumeHandle, pool: NamedHandle, xml: string) {
  const body = writeVolume(on(pool).string(xml), volume).int(0);
  return readVolume(await engine.call(PROC.storageVolCreateXmlFrom, body, FOREVER));
}

export const createVolume = async (engine: LibvirtEngine, pool: NamedHandle, xml: string): Promise<VolumeHandle> =>
  readVolume(await engine.call(PROC.storageVolCreateXml, on(pool).string(xml).int(0), FOREVER));
