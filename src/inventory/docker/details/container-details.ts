/** What is known of a container, in sections: the engine's word first, then what the kernel says where it is local. */
import type { ContainerInspectInfo } from 'dockerode';
import { diskSize, memorySize } from '../../amounts';
import type { DetailSection } from '../../provider';
import { changedFiles } from '../actions/details';
import { nameOf } from '../actions/action';
import type { ContainerBook } from '../container-book';
import type { DockerEngine } from '../engine';
import { kernelSections } from './kernel-sections';
import { layerSection } from './layers';

const MOST_CHANGES = 200;

/** The sections of a container. */
export async function containerDetails(
  engine: DockerEngine,
  book: ContainerBook,
  id: string,
  signal: AbortSignal,
): Promise<readonly DetailSection[]> {
  const path = `/containers/${encodeURIComponent(id)}/json`;
  const info = await engine.request<ContainerInspectInfo & { SizeRw?: number; SizeRootFs?: number }>(
    { method: 'GET', path, query: { size: 'true' } },
    signal,
  );
  const [kernel, layers, processes, changes] = await Promise.all([
    kernelSections(engine, book, info, signal),
    layerSection(engine, info, signal),
    info.State.Running ? processSection(engine, id, signal) : [],
    changedFiles({ engine, signal }, id).catch(() => []),
  ]);
  const changed: DetailSection = {
    title:
      changes.length > MOST_CHANGES
        ? `Writable layer: the first ${MOST_CHANGES} of ${changes.length} changes`
        : 'Writable layer',
    columns: ['change', 'path'],
    rows: changes.slice(0, MOST_CHANGES).map(({ what, path: changedPath }) => [what, changedPath]),
  };
  return [
    summary(info),
    limits(info),
    security(info),
    ...kernel,
    layers,
    changed,
    ...processes,
    mounts(info),
    networks(info),
  ];
}

const named = (title: string, rows: readonly (readonly [string, string | undefined])[]): DetailSection => ({
  title,
  columns: [],
  rows: rows.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])),
});

function summary(info: ContainerInspectInfo & { SizeRw?: number; SizeRootFs?: number }): DetailSection {
  const { State, Config, Created, Image, SizeRw, SizeRootFs, RestartCount, Path, Args } = info;
  return named('Container', [
    ['name', nameOf(info)],
    ['id', info.Id],
    ['image', `${Config.Image} (${Image})`],
    ['state', State.Status === 'exited' ? `exited (${State.ExitCode})` : State.Status],
    ['error', State.Error],
    ['out of memory', State.OOMKilled ? 'killed by the kernel for lack of memory' : undefined],
    ['process', State.Pid > 0 ? `PID ${State.Pid}` : undefined],
    ['command', [Path, ...(Args ?? [])].join(' ')],
    ['created', Created],
    ['started', State.StartedAt.startsWith('0001') ? undefined : State.StartedAt],
    ['restarts', RestartCount ? String(RestartCount) : undefined],
    ['writable layer', SizeRw === undefined ? undefined : diskSize(SizeRw)],
    ['all layers', SizeRootFs === undefined ? undefined : diskSize(SizeRootFs)],
  ]);
}

function limits({ HostConfig }: ContainerInspectInfo): DetailSection {
  const { Memory, MemorySwap, NanoCpus, CpuQuota, CpuPeriod, CpuShares, CpusetCpus, PidsLimit, BlkioWeight } =
    HostConfig;
  const cores = NanoCpus ? NanoCpus / 1e9 : CpuQuota && CpuQuota > 0 ? CpuQuota / (CpuPeriod || 100_000) : 0;
  const unlimited = 'no limit';
  return named('Limits, as the engine was told', [
    ['memory', Memory ? memorySize(Memory) : unlimited],
    ['memory and swap', MemorySwap && MemorySwap > 0 ? memorySize(MemorySwap) : unlimited],
    ['cpu', cores > 0 ? `${Number(cores.toFixed(3))} cores` : unlimited],
    ['cpu shares', CpuShares ? String(CpuShares) : undefined],
    ['cpu set', CpusetCpus],
    ['processes', PidsLimit && PidsLimit > 0 ? String(PidsLimit) : unlimited],
    ['block I/O weight', BlkioWeight ? String(BlkioWeight) : undefined],
  ]);
}

function security({ HostConfig, Config, AppArmorProfile }: ContainerInspectInfo): DetailSection {
  const {
    Privileged,
    CapAdd,
    CapDrop,
    SecurityOpt,
    ReadonlyRootfs,
    UsernsMode,
    PidMode,
    IpcMode,
    NetworkMode,
    UTSMode,
  } = HostConfig;
  return named('Security', [
    ['privileged', Privileged ? 'yes: all capabilities, all devices, no seccomp' : 'no'],
    ['user', Config.User || 'root'],
    ['added capabilities', (CapAdd as string[] | null | undefined)?.join(' ')],
    ['dropped capabilities', (CapDrop as string[] | null | undefined)?.join(' ')],
    ['security options', (SecurityOpt as string[] | null | undefined)?.join(' ')],
    ['AppArmor', AppArmorProfile],
    ['root file system', ReadonlyRootfs ? 'read-only' : 'writable'],
    ['network namespace', NetworkMode],
    ['pid namespace', PidMode || 'private'],
    ['ipc namespace', IpcMode || 'private'],
    ['uts namespace', UTSMode || 'private'],
    ['user namespace', UsernsMode || "the engine's"],
  ]);
}

async function processSection(engine: DockerEngine, id: string, signal: AbortSignal): Promise<DetailSection[]> {
  const path = `/containers/${encodeURIComponent(id)}/top`;
  const answer = await engine
    .request<{ Titles: string[]; Processes: string[][] | null }>({ method: 'GET', path }, signal)
    // It may have ended since, or be paused, which Podman refuses.
    .catch(() => undefined);
  return answer ? [{ title: 'Processes', columns: answer.Titles, rows: answer.Processes ?? [] }] : [];
}

const mounts = ({ Mounts }: ContainerInspectInfo): DetailSection => ({
  title: 'Mounts',
  columns: ['type', 'source', 'destination', 'mode'],
  rows: Mounts.map(({ Type, Name, Source, Destination, RW }) => [Type, Name ?? Source, Destination, RW ? 'rw' : 'ro']),
});

const networks = ({ NetworkSettings }: ContainerInspectInfo): DetailSection => ({
  title: 'Networks',
  columns: ['network', 'address', 'gateway', 'MAC address'],
  rows: Object.entries(NetworkSettings.Networks ?? {}).map(
    ([name, { IPAddress, IPPrefixLen, Gateway, MacAddress }]) => [
      name,
      IPAddress ? `${IPAddress}/${IPPrefixLen}` : '',
      Gateway,
      MacAddress,
    ],
  ),
});
