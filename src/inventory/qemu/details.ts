/** What is known of a QEMU and its parts, in sections: QMP's answers, and the human monitor's tables as they are. */
import { memorySize } from '../amounts';
import type { DetailSection } from '../provider';
import type { Emulator } from './emulator';
import type { QemuMachine } from './machine';
import { linesOf, monitorTable } from './monitor-tables';
import type { QmpClient } from '../../targets/qmp/qmp-client';
import { type BlockInfo, type CpuInfo, machineRow } from './rows';
import { listSnapshots } from './snapshots';

/** The sections of a machine, or of a part of it. */
export async function detailsOf(
  machine: QemuMachine,
  part: string | undefined,
  signal: AbortSignal,
): Promise<readonly DetailSection[]> {
  const { emulator } = machine;
  if (part?.startsWith('table:') && emulator) {
    const { qmp } = emulator;
    return monitorTable(part.slice('table:'.length), (command) => qmp.monitor(command, { signal }));
  }
  if (part?.startsWith('cpu:') && emulator) return registers(emulator.qmp, part.slice('cpu:'.length), signal);
  if (part?.startsWith('disk:') && emulator) return disk(emulator.qmp, part.slice('disk:'.length), signal);
  if (part !== undefined) return [];
  const facts = (machineRow(machine).facts ?? []).map(({ name, value }) => [name, value]);
  const sections: DetailSection[] = [named('QEMU', facts)];
  if (emulator?.place.process) sections.push(commandLine(emulator));
  if (emulator?.isConnected) sections.push(...(await asked(emulator.qmp, signal)));
  return sections;
}

const named = (title: string, rows: DetailSection['rows']): DetailSection => ({ title, columns: [], rows });

const commandLine = ({ place: { process } }: Emulator): DetailSection => ({
  title: 'Command line',
  columns: ['Argument'],
  rows: (process?.args ?? []).map((argument) => [argument]),
});

async function asked(qmp: QmpClient, signal: AbortSignal): Promise<readonly DetailSection[]> {
  const ask = <T>(command: string): Promise<T | undefined> =>
    // What this build of QEMU does not know, or this machine does not have, is left out.
    qmp.execute<T>(command, undefined, { signal }).catch(() => undefined);
  const [memory, kvm, balloon, cpus, blocks, chardevs, snapshots, migration] = await Promise.all([
    ask<{ 'base-memory': number }>('query-memory-size-summary'),
    ask<{ enabled: boolean }>('query-kvm'),
    ask<{ actual: number }>('query-balloon'),
    ask<readonly CpuInfo[]>('query-cpus-fast'),
    ask<readonly BlockInfo[]>('query-block'),
    ask<readonly { label: string; filename: string; 'frontend-open': boolean }[]>('query-chardev'),
    listSnapshots(qmp, signal).catch(() => []),
    ask<{ status?: string }>('query-migrate'),
  ]);
  const facts: [string, string][] = [['Version', qmp.version]];
  if (memory) facts.push(['Memory', memorySize(memory['base-memory'])]);
  if (kvm) facts.push(['Accelerator', kvm.enabled ? 'KVM: a type 2 hypervisor' : 'TCG: an emulator']);
  if (balloon) facts.push(['Balloon', memorySize(balloon.actual)]);
  if (migration?.status !== undefined) facts.push(['Migration', migration.status]);
  const sections = [named('Machine', facts)];
  const add = (title: string, columns: readonly string[], rows: DetailSection['rows'] | undefined): unknown =>
    rows && rows.length > 0 && sections.push({ title, columns, rows });
  add(
    'vCPUs',
    ['vCPU', 'Thread', 'Target', 'Object'],
    cpus?.map((cpu) => [`${cpu['cpu-index']}`, `${cpu['thread-id']}`, cpu.target, cpu['qom-path']]),
  );
  add('Disks', ['Device', 'Format', 'File', 'Size'], blocks?.map(diskCells));
  add(
    'Character devices',
    ['Label', 'Backend', 'Open'],
    chardevs?.map((one) => [one.label, one.filename, one['frontend-open'] ? 'yes' : 'no']),
  );
  add(
    'Snapshots',
    ['Name', 'Taken', 'Machine state'],
    snapshots.map(({ tag, date, vmStateSize }) => [tag, new Date(date * 1000).toISOString(), memorySize(vmStateSize)]),
  );
  return sections;
}

const diskCells = ({ device, qdev = '', inserted }: BlockInfo): readonly string[] => [
  device || qdev,
  inserted?.drv ?? '',
  inserted?.file ?? 'empty',
  inserted ? memorySize(inserted.image['virtual-size']) : '',
];

async function disk(qmp: QmpClient, name: string, signal: AbortSignal): Promise<readonly DetailSection[]> {
  const blocks = await qmp.execute<readonly BlockInfo[]>('query-block', undefined, { signal });
  const found = blocks.find(({ device, qdev, inserted }) => (device || qdev || inserted?.['node-name']) === name);
  if (!found?.inserted) return [];
  const { file, ro, drv, image } = found.inserted;
  const rows = [
    ['Format', drv],
    ['File', file],
    ['Read only', ro ? 'yes' : 'no'],
    ['Size', memorySize(image['virtual-size'])],
    ['Size on disk', image['actual-size'] === undefined ? '' : memorySize(image['actual-size'])],
    ['Device', found.qdev ?? found.device],
  ];
  return [named(name, rows)];
}

async function registers(qmp: QmpClient, index: string, signal: AbortSignal): Promise<readonly DetailSection[]> {
  if (!/^\d+$/.test(index)) return [];
  const args = { 'command-line': 'info registers', 'cpu-index': Number(index) };
  const text = await qmp.execute<string>('human-monitor-command', args, { signal });
  return [linesOf(`vCPU ${index}`, 'info registers', text)];
}
