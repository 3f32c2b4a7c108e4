/** The tree of one libvirt daemon: which rows lie under which. */
import type { Item } from '../provider';
import {
  type Caller,
  findDomain,
  listDomains,
  listSnapshots,
  snapshotXml,
  stateOf,
  STATS,
  statsOf,
  XML,
  xmlOf,
} from './domain-calls';
import { domainFacts, snapshotFacts, type SnapshotFacts } from './domain-xml';
import type { LibvirtEngine } from './engine';
import { LibvirtError } from './errors';
import type { DomainHandle } from './handles';
import { domainId, type FolderName, parseId, poolId } from './ids';
import {
  diskRow,
  type DomainState,
  domainRow,
  folderRows,
  monitorRows,
  networkRow,
  nicRow,
  poolRow,
  snapshotFolder,
  snapshotRow,
  tableFolder,
  volumeRow,
} from './rows';
import { findPool, listNetworks, listPools, listVolumes, networkIsActive, poolInfo } from './storage-calls';
import { numberOf } from './typed-params';

const byLabel = (a: Item, b: Item): number => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0);

/** The rows under `parent`. */
export async function rowsUnder(
  engine: LibvirtEngine,
  parent: string | undefined,
  signal: AbortSignal,
): Promise<readonly Item[]> {
  const caller = { signal };
  if (parent === undefined) {
    await engine.connect(signal);
    return folderRows();
  }
  const { kind, key, part } = parseId(parent);
  switch (kind) {
    case 'folder':
      return [...(await folderContent(engine, key as FolderName, caller))].sort(byLabel);
    case 'domain': {
      const domain = await findDomain(engine, key, caller);
      return part ? rowsOfPart(engine, domain, part, caller) : partRows(engine, domain, caller);
    }
    case 'pool': {
      const pool = await findPool(engine, key, caller);
      return (await listVolumes(engine, pool, caller)).map((volume) => volumeRow(poolId(key), volume)).sort(byLabel);
    }
    case 'network':
      return [];
  }
}

/** All domains with their states, by one call where the driver has it. */
async function domainStates(engine: LibvirtEngine, caller: Caller): Promise<readonly DomainState[]> {
  try {
    return (await statsOf(engine, [], STATS.state, caller)).map(({ domain, params }) => ({
      domain,
      state: numberOf(params, 'state.state') ?? 0,
      reason: numberOf(params, 'state.reason') ?? 0,
    }));
  } catch (error) {
    if (!(error instanceof LibvirtError) || !error.isUnsupported) throw error;
    const all = await listDomains(engine, caller);
    return eachThatIsThere(all, async (domain) => ({ domain, ...(await stateOf(engine, domain, caller)) }));
  }
}

async function folderContent(engine: LibvirtEngine, folder: FolderName, caller: Caller): Promise<readonly Item[]> {
  switch (folder) {
    case 'domains': {
      const states = await domainStates(engine, caller);
      return states.map((one) => domainRow(one, engine.version.type));
    }
    case 'networks':
      return ifThere(async () => {
        const networks = await listNetworks(engine, caller);
        return eachThatIsThere(networks, async (one) => networkRow(one, await networkIsActive(engine, one, caller)));
      });
    case 'pools':
      return ifThere(async () => {
        const pools = await listPools(engine, caller);
        return eachThatIsThere(pools, async (one) => poolRow(one, await poolInfo(engine, one, caller)));
      });
  }
}

/** Nothing where the driver knows no such things. */
const ifThere = (rows: () => Promise<readonly Item[]>): Promise<readonly Item[]> =>
  rows().catch((error: unknown) => {
    if (error instanceof LibvirtError && error.isUnsupported) return [];
    throw error;
  });

/** Something for each, but for what goes away while it is asked. */
async function eachThatIsThere<T, R>(all: readonly T[], row: (one: T) => Promise<R>): Promise<readonly R[]> {
  const rows = await Promise.all(
    all.map((one) =>
      row(one).catch((error: unknown) => {
        if (error instanceof LibvirtError && error.isGone) return undefined;
        throw error;
      }),
    ),
  );
  return rows.filter((one) => one !== undefined);
}

async function partRows(engine: LibvirtEngine, domain: DomainHandle, caller: Caller): Promise<readonly Item[]> {
  const { disks, nics } = domainFacts(await xmlOf(engine, domain, XML.active, caller));
  const owner = domainId(domain.uuid);
  return [
    snapshotFolder(owner),
    ...(domain.id >= 0 && engine.version.type === 'QEMU' ? [tableFolder(owner)] : []),
    ...disks.map((disk) => diskRow(owner, disk)),
    ...nics.map((nic) => nicRow(owner, nic)),
  ];
}

/** A domain's snapshots, read from their XML. */
export async function snapshotsOf(
  engine: LibvirtEngine,
  domain: DomainHandle,
  caller: Caller,
): Promise<readonly SnapshotFacts[]> {
  const all = await listSnapshots(engine, domain, caller);
  const facts = await Promise.all(all.map(async (one) => snapshotFacts(await snapshotXml(engine, one, caller))));
  return facts.sort((a, b) => a.created - b.created);
}

async function rowsOfPart(
  engine: LibvirtEngine,
  domain: DomainHandle,
  { kind, name }: { readonly kind: string; readonly name: string },
  caller: Caller,
): Promise<readonly Item[]> {
  if (kind === 'tables') return monitorRows(domainId(domain.uuid));
  if (kind !== 'snapshots' && kind !== 'snapshot') return [];
  const all = await ifSupported(snapshotsOf(engine, domain, caller));
  const isTop = ({ parent }: SnapshotFacts): boolean => !all.some((one) => one.name === parent);
  return all
    .filter((one) => (kind === 'snapshots' ? isTop(one) : one.parent === name))
    .map((one) =>
      snapshotRow(
        domainId(domain.uuid),
        one,
        all.some(({ parent }) => parent === one.name),
      ),
    );
}

const ifSupported = <T>(work: Promise<readonly T[]>): Promise<readonly T[]> =>
  work.catch((error: unknown) => {
    if (error instanceof LibvirtError && error.isUnsupported) return [];
    throw error;
  });
