/**
 * The QEMU processes of this machine, out of /proc. Those of libvirt are left out: its own branch has them.
 * Source: proc(5): cmdline, stat, cwd.
 * NOT IMPLEMENTED: systems without /proc, where only the QEMUs are found whose sockets the settings name.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { parseQemuArguments, type QemuArguments } from './qemu-arguments';

/** A process that runs a QEMU. */
export interface QemuProcess {
  /** The process id and its start time in clock ticks: an id that is never used again. */
  readonly id: string;
  readonly pid: number;
  /** Its parent's process id. */
  readonly parent: number;
  readonly program: string;
  readonly args: readonly string[];
  readonly line: QemuArguments;
}

/** Clock ticks a second, as /proc counts processor time on Linux for x86. */
export const CLOCK_TICKS = 100;

const PROGRAM = /^(qemu-system-[\w.-]+|qemu-kvm|kvm)$/;

/** Every QEMU that runs on this machine; one that cannot be read is left out. */
export function qemuProcesses(root = '/proc'): readonly QemuProcess[] {
  let names: readonly string[];
  try {
    names = readdirSync(root).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  const all = names.flatMap((name) => readQemu(root, Number(name)) ?? []);
  // One that makes itself a daemon is there twice for a moment: the child is what stays.
  return all.filter(({ pid, args }) => !all.some((other) => other.parent === pid && isSame(other.args, args)));
}

const isSame = (a: readonly string[], b: readonly string[]): boolean => a.join('\0') === b.join('\0');

function readQemu(root: string, pid: number): QemuProcess | undefined {
  const folder = `${root}/${pid}`;
  try {
    const [program = '', ...args] = readFileSync(`${folder}/cmdline`, 'utf8').replace(/\0$/, '').split('\0');
    if (!PROGRAM.test(basename(program))) return undefined;
    const line = parseQemuArguments(args, workingFolder(folder));
    if (line.hasInheritedMonitor && line.monitors.length === 0) return undefined;
    const { started = 0, parent = 0 } = statOf(pid, root) ?? {};
    return { id: `${pid}-${started}`, pid, parent, program, args, line };
  } catch {
    return undefined;
  }
}

function workingFolder(folder: string): string {
  try {
    return readlinkSync(`${folder}/cwd`);
  } catch {
    // Another user's: its relative paths cannot be known.
    return '/';
  }
}

/** What the kernel counts of a process. */
export interface ProcessStat {
  readonly parent: number;
  /** Processor time in clock ticks. */
  readonly cpu: number;
  /** Clock ticks between the computer's start and its own. */
  readonly started: number;
  /** Bytes in memory. */
  readonly resident: number;
}

/** Undefined for a process that is gone. */
export function statOf(pid: number, root = '/proc'): ProcessStat | undefined {
  try {
    // The name in parentheses may hold anything; fields count from behind it, the state being field 3.
    const fields = readFileSync(`${root}/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
      .map(Number);
    const at = (field: number): number => fields[field - 3] ?? 0;
    return { parent: at(4), cpu: at(14) + at(15), started: at(22), resident: at(24) * 4096 };
  } catch {
    return undefined;
  }
}
