/** How QEMUs and their parts appear as rows. */
import { memorySize } from '../amounts';
import type { Fact, Item, ItemState } from '../provider';
import type { QemuAction } from './actions';
import { MONITOR_TABLES } from './monitor-tables';
import type { QemuMachine } from './machine';
import { gdbText } from './qemu-arguments';
import type { InternalSnapshot } from './snapshots';
import { addressText } from './socket-address';

/** QEMU's run states (7.2, qapi/run-state.json) as the tree colours them. */
const STATES: Readonly<Record<string, ItemState>> = {
  running: 'running',
  paused: 'paused',
  debug: 'paused',
  prelaunch: 'paused',
  preconfig: 'paused',
  postmigrate: 'paused',
  suspended: 'paused',
  colo: 'running',
  inmigrate: 'changing',
  'finish-migrate': 'changing',
  'save-vm': 'changing',
  'restore-vm': 'changing',
  shutdown: 'stopped',
  'internal-error': 'failed',
  'io-error': 'failed',
  'guest-panicked': 'failed',
  watchdog: 'failed',
};

/** A machine's row. */
export function machineRow(machine: QemuMachine): Item {
  const { id, label, emulator, read } = machine;
  const [state, word] = stateOf(machine);
  const version = emulator?.version ? `QEMU ${emulator.version}` : undefined;
  return {
    id,
    kind: 'machine',
    label,
    description: [word, version].filter(Boolean).join(' · '),
    state,
    facts: factsOf(machine, word),
    icon: 'vm',
    hasChildren: emulator?.isConnected === true,
    actions: actionsOf(machine, state),
    labels: read?.file?.labels ?? {},
  };
}

function stateOf({ emulator, read }: QemuMachine): readonly [ItemState, string] {
  if (emulator) {
    if (emulator.place.monitors.length === 0) return ['running', 'no QMP socket'];
    if (!emulator.isConnected) return ['unknown', 'not reachable'];
    const { status, problem } = emulator;
    if (problem) return ['unknown', `does not answer, was ${status}`];
    return [STATES[status] ?? 'unknown', status];
  }
  return read && read.problems.length > 0 ? ['failed', 'mistake in its file'] : ['stopped', 'stopped'];
}

function factsOf({ emulator, read }: QemuMachine, word: string): Fact[] {
  const facts: Fact[] = [{ name: 'State', value: word }];
  const say = (name: string, value: string | undefined): unknown => value && facts.push({ name, value });
  say('Machine file', read?.path);
  say('Mistake', read?.problems[0]?.message);
  say('Problem', emulator?.problem?.message);
  const { process, monitors = [] } = emulator?.place ?? {};
  say('Process', process && `${process.pid}, ${process.program}`);
  say('QMP', monitors.map(addressText).join(', '));
  say('gdb stub', process?.line.gdb && gdbText(process.line.gdb));
  say('Serial line', process?.line.serials.map(({ address }) => addressText(address)).join(', '));
  say('Waits for', process?.line.incoming && `a migration (${process.line.incoming})`);
  return facts;
}

function actionsOf({ emulator, read }: QemuMachine, state: ItemState): readonly QemuAction[] {
  const isUp = emulator?.isConnected === true;
  const canStart = !emulator && read?.file !== undefined && read.problems.length === 0;
  const isWaiting = isUp && (emulator.status === 'inmigrate' || emulator.status === 'postmigrate');
  const hasSerial = (emulator?.place.process?.line.serials.length ?? 0) > 0;
  const actions: Readonly<Record<QemuAction, boolean>> = {
    start: canStart,
    startDebug: canStart,
    pause: isUp && state === 'running',
    resume: isUp && state === 'paused' && !isWaiting && emulator.status !== 'suspended',
    attach: isUp && !isWaiting,
    powerButton: isUp && state === 'running',
    wakeUp: isUp && emulator.status === 'suspended',
    reset: isUp && !isWaiting,
    console: hasSerial,
    monitorCommand: isUp,
    edit: read !== undefined,
    snapshot: isUp && !isWaiting,
    dumpMemory: isUp && !isWaiting,
    migrate: isUp && !isWaiting,
    balloon: isUp && !isWaiting,
    quit: isUp,
    goBack: false,
    deleteSnapshot: false,
  };
  return (Object.keys(actions) as QemuAction[]).filter((action) => actions[action]);
}

const folder = (id: string, label: string, icon: string): Item => ({
  id,
  kind: 'folder',
  label,
  icon,
  hasChildren: true,
  actions: [],
});

/** The folders under a machine. */
export const partFolders = (id: string): readonly Item[] => [
  folder(`${id}#disks`, 'Disks', 'database'),
  folder(`${id}#snapshots`, 'Snapshots', 'device-camera'),
  folder(`${id}#tables`, 'Devices', 'chip'),
];

/** One of QEMU's vCPUs, as `query-cpus-fast` tells it. */
export interface CpuInfo {
  readonly 'cpu-index': number;
  readonly 'qom-path': string;
  readonly 'thread-id': number;
  readonly target: string;
}

export const cpuRow = (id: string, cpu: CpuInfo): Item => ({
  id: `${id}#cpu:${cpu['cpu-index']}`,
  kind: 'vcpu',
  label: `vCPU ${cpu['cpu-index']}`,
  description: `${cpu.target}, thread ${cpu['thread-id']}`,
  icon: 'circuit-board',
  hasChildren: false,
  actions: [],
});

/** A block device, as `query-block` tells it. */
export interface BlockInfo {
  readonly device: string;
  readonly qdev?: string;
  readonly removable: boolean;
  readonly locked: boolean;
  readonly inserted?: {
    readonly file: string;
    readonly ro: boolean;
    readonly drv: string;
    readonly 'node-name'?: string;
    readonly image: { readonly 'virtual-size': number; readonly 'actual-size'?: number; readonly filename: string };
  };
}

export function diskRow(id: string, block: BlockInfo): Item {
  const { device, qdev, inserted } = block;
  const name = device || qdev || inserted?.['node-name'] || 'disk';
  const image = inserted?.image;
  return {
    id: `${id}#disk:${name}`,
    kind: 'disk',
    label: name,
    description: image ? `${inserted.drv} · ${memorySize(image['virtual-size'])}` : 'empty',
    facts: [
      ...(inserted ? [{ name: 'File', value: inserted.file }] : []),
      ...(inserted ? [{ name: 'Read only', value: inserted.ro ? 'yes' : 'no' }] : []),
      ...(qdev ? [{ name: 'Device', value: qdev }] : []),
    ],
    icon: block.removable ? 'record' : 'database',
    hasChildren: false,
    actions: [],
  };
}

export function snapshotRow(id: string, snapshot: InternalSnapshot): Item {
  const { tag, date, vmStateSize } = snapshot;
  const taken = new Date(date * 1000).toISOString();
  return {
    id: `${id}#snapshot:${tag}`,
    kind: 'snapshot',
    label: tag,
    description: `${taken.slice(0, 19).replace('T', ' ')} · ${memorySize(vmStateSize)}`,
    facts: [
      { name: 'Taken', value: taken },
      { name: 'Machine state', value: memorySize(vmStateSize) },
    ],
    icon: 'device-camera',
    hasChildren: false,
    actions: ['goBack', 'deleteSnapshot'],
  };
}

/** The monitor's tables. */
export const tableRows = (id: string): readonly Item[] =>
  MONITOR_TABLES.map(({ command, title }) => ({
    id: `${id}#table:${command}`,
    kind: 'table',
    label: title,
    description: `info ${command}`,
    icon: 'list-tree',
    hasChildren: false,
    actions: [],
  }));
