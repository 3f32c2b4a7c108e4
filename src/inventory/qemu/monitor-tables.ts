/** The human monitor's tables that tell of a machine's devices. Source: QEMU's manual (7.2), "Human Monitor Protocol". */

import type { DetailSection } from '../provider';

// "info mtree" of a large machine has some thousand lines.
const MOST_LINES = 20_000;

/** One of them. */
export interface MonitorTable {
  /** What stands behind `info`. */
  readonly command: string;
  readonly title: string;
}

/** In the order in which the tree shows them. */
export const MONITOR_TABLES: readonly MonitorTable[] = [
  { command: 'registers -a', title: 'Registers' },
  { command: 'mtree', title: 'Memory regions' },
  { command: 'mtree -f', title: 'Flat memory map' },
  { command: 'qtree', title: 'Device tree' },
  { command: 'qom-tree', title: 'Object tree' },
  { command: 'pci', title: 'PCI devices' },
  { command: 'lapic', title: 'Local APIC' },
  { command: 'pic', title: 'Interrupt controllers' },
  { command: 'irq', title: 'Interrupt counts' },
  { command: 'mem', title: 'Virtual memory mappings' },
  { command: 'tlb', title: 'Page table entries' },
  { command: 'block -v', title: 'Block devices' },
  { command: 'network', title: 'Network' },
  { command: 'chardev', title: 'Character devices' },
  { command: 'usb', title: 'USB devices' },
  { command: 'roms', title: 'ROMs' },
  { command: 'numa', title: 'NUMA nodes' },
  { command: 'hotpluggable-cpus', title: 'Hot-pluggable CPUs' },
  { command: 'iothreads', title: 'I/O threads' },
  { command: 'vnc', title: 'VNC server' },
  { command: 'virtio', title: 'virtio devices' },
  { command: 'migrate', title: 'Migration' },
];

/** What the monitor prints for one of the tables, by `info`; nothing for what is none of them. */
export async function monitorTable(
  command: string,
  monitor: (commandLine: string) => Promise<string>,
): Promise<readonly DetailSection[]> {
  const known = MONITOR_TABLES.find((one) => one.command === command);
  return known ? [linesOf(known.title, `info ${command}`, await monitor(`info ${command}`))] : [];
}

/** Lines of a text as a table of one column. */
export function linesOf(title: string, column: string, text: string): DetailSection {
  const all = text.replaceAll('\r', '').trimEnd().split('\n');
  const rows = all.slice(0, MOST_LINES).map((line) => [line]);
  if (all.length > MOST_LINES) rows.push([`... ${all.length - MOST_LINES} more lines`]);
  return { title, columns: [column], rows };
}
