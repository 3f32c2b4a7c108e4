/** How a machine of ours and its parts appear as rows. */
import type { DeviceAnswer } from '../../protocol/devices';
import type { ClientEntry } from '../../protocol/host';
import type { Position, TargetThread } from '../../targets/target';
import type { Fact, Item, ItemState } from '../provider';
import type { OwnAction } from './actions';
import { type LiveMachine, WANTED_ENDS } from './live-machines';
import { type MachineFile, nameOf, type Problem } from './machine-file';
import type { RunEntry, SnapshotEntry } from './machine-state';

/** A machine, whether it runs, has a file, or both. */
export interface OwnMachineRow {
  /** `file:PATH` or `live:ID`. */
  readonly id: string;
  readonly path?: string | undefined;
  readonly file?: MachineFile | undefined;
  readonly problems: readonly Problem[];
  readonly run: RunEntry;
  readonly live?: LiveMachine | undefined;
  readonly snapshots: number;
  readonly isSuspended: boolean;
  /** Something is being done to it. */
  readonly isBusy: boolean;
}

/** What a machine is called. */
export function labelOf({ path, file, live }: OwnMachineRow): string {
  return path === undefined ? (live?.entry.name ?? '') : nameOf(path, file);
}

/** The machine's row. */
export function machineItem(row: OwnMachineRow): Item {
  const [settled, word] = stateOf(row);
  const state: ItemState = row.isBusy ? 'changing' : settled;
  const { live, file, snapshots } = row;
  const memory = live?.description?.memoryBytes;
  const memoryText = memory ? sizeText(memory) : file?.memory;
  return {
    id: row.id,
    kind: 'machine',
    label: labelOf(row),
    description: [word, memoryText].filter(Boolean).join(' · '),
    state,
    facts: facts(row, word),
    icon: 'vm',
    hasChildren: live?.target !== undefined || snapshots > 0,
    actions: row.isBusy ? [] : actionsOf(row, settled),
    labels: file?.labels ?? {},
  };
}

function stateOf({ live, run, problems, isSuspended }: OwnMachineRow): readonly [ItemState, string] {
  if (live) {
    const { state, trouble } = live;
    if (!state) return ['unknown', trouble ? 'not reachable' : 'unknown'];
    if (state.running) return ['running', 'running'];
    if (state.stop?.reason === 'ended') {
      const { reason } = state.stop.end;
      return [WANTED_ENDS.includes(reason) ? 'stopped' : 'failed', reason];
    }
    return ['paused', state.instructions === 0 ? 'paused at reset' : 'paused'];
  }
  if (problems.length > 0) return ['failed', 'mistake in its file'];
  if (run.crash !== undefined) return ['failed', 'crashed'];
  return isSuspended ? ['stopped', 'suspended'] : ['stopped', 'stopped'];
}

function actionsOf({ live, path, problems, isSuspended }: OwnMachineRow, state: ItemState): readonly OwnAction[] {
  const hasFile = path !== undefined;
  const canStart = hasFile && problems.length === 0;
  const isOver = live?.state?.stop?.reason === 'ended' && !live.state.running;
  const actions: Readonly<Partial<Record<OwnAction, boolean>>> = {
    start: canStart && (!live || isOver),
    startDebug: canStart && (!live || isOver),
    chooseKernel: hasFile && !live && problems.some(({ at, bySchema }) => at[0] === 'kernel' && !bySchema),
    pause: state === 'running',
    resume: state === 'paused',
    attach: live?.target !== undefined && !isOver,
    powerButton: state === 'running' || state === 'paused',
    reset: canStart && live !== undefined && !isOver,
    suspend: hasFile && live?.target !== undefined && !isOver,
    console: live?.target !== undefined,
    edit: hasFile,
    snapshot: hasFile && live?.target !== undefined,
    clone: hasFile && problems.length === 0,
    kill: live?.target !== undefined || isSuspended,
    delete: hasFile && !live,
  };
  return (Object.keys(actions) as OwnAction[]).filter((action) => actions[action]);
}

function facts({ live, path, file, run, problems }: OwnMachineRow, word: string): readonly Fact[] {
  const stop = live?.state?.stop;
  const all: readonly (readonly [string, string | undefined])[] = [
    ['State', word],
    ['Kernel', live?.description?.kernel ?? file?.kernel],
    ['Command line', file?.cmdline],
    ['Machine file', path],
    ['Process', live && String(live.entry.pid)],
    ['Started', live?.entry.started],
    ['Stopped', live?.state?.running ? undefined : stop?.note],
    ['Ended', stop?.reason === 'ended' ? stop.end.text : undefined],
    ['Crash', live ? undefined : run.crash],
    ['Trouble', live?.trouble ?? problems[0]?.message],
  ];
  return all.flatMap(([name, value]) => (value ? [{ name, value }] : []));
}

/** Bytes in the largest unit that fits: `256 MiB`. */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  const unit = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 2 ** (10 * unit)).toFixed(1))} ${units[unit]}`;
}

/** The row of a vCPU. */
export function vcpuItem(parent: string, { id, name }: TargetThread, position: Position): Item {
  return {
    id: `${parent}#vcpu:${id}`,
    kind: 'vcpu',
    label: name,
    description: `${position.mode} · rip 0x${position.rip.toString(16)}`,
    facts: [
      { name: 'Linear', value: `0x${position.linear.toString(16)}` },
      { name: 'Instructions', value: position.instructions.toLocaleString('en') },
      { name: 'Guest time', value: `${(position.ticks / 1e6).toLocaleString('en')} ms` },
    ],
    icon: 'circuit-board',
    hasChildren: false,
    actions: [],
  };
}

/** A row that only groups others. */
export function folderItem(id: string, label: string, icon: string): Item {
  return { id, kind: 'folder', label, icon, hasChildren: true, actions: [] };
}

/** The row of a device. */
export function deviceItem(parent: string, { name, title, places, registers }: DeviceAnswer): Item {
  return {
    id: `${parent}#device:${name}`,
    kind: 'device',
    label: name,
    description: title,
    facts: [
      ...places.map((value) => ({ name: 'At', value })),
      ...registers.slice(0, 32).map((register) => ({ name: register.name, value: register.value })),
    ],
    icon: 'chip',
    hasChildren: false,
    actions: [],
  };
}

/** The row of somebody who is connected to the machine. */
export function clientItem(parent: string, { who, since }: ClientEntry, index: number): Item {
  return {
    id: `${parent}#client:${index}`,
    kind: 'session',
    label: who || 'a debugger',
    description: `since ${since.slice(11, 19)}`,
    icon: 'debug',
    hasChildren: false,
    actions: [],
  };
}

/** The row of a snapshot; `current`: the machine goes on from it. */
export function snapshotItem(parent: string, entry: SnapshotEntry, hasChildren: boolean, current: boolean): Item {
  const actions: readonly OwnAction[] = ['goBack', 'compare', 'deleteSnapshot'];
  return {
    id: `${parent}#snapshot:${entry.id}`,
    kind: 'snapshot',
    label: entry.name,
    description: [entry.taken.slice(0, 16).replace('T', ' '), sizeText(entry.bytes), current && 'current']
      .filter(Boolean)
      .join(' · '),
    facts: [
      { name: 'Taken', value: entry.taken },
      { name: 'Instructions', value: entry.instructions.toLocaleString('en') },
      { name: 'Size', value: sizeText(entry.bytes) },
    ],
    icon: current ? 'device-camera-video' : 'device-camera',
    hasChildren,
    actions,
  };
}
