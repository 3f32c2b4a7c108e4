// Debian's kernel without KASLR in this process, its door for gdb, and the random moments at which it is looked at.
import { GdbServer } from '../../../src/gdb/server';
import type { Machine } from '../../../src/machine/machine';
import { createMachine } from '../../../src/targets/create-machine';
import { OwnMachine } from '../../../src/targets/own-machine';
import { randomFrom, runTo } from '../../machine/runs';

/** What is booted: paths. */
export interface GuestFiles {
  readonly kernel: string;
  readonly initrd: string;
}

const MEMORY = '256M';
const CMDLINE = 'console=ttyS0 panic=-1 nokaslr';
/** Where a 64-bit Linux is linked: its own page tables are in use once it runs there. */
const KERNEL_TEXT = 0xffff_ffff_8000_0000n;
const STRIDE = 100_000;
const FOREVER = 2 ** 53;

const machineOf = ({ kernel, initrd }: GuestFiles, onSerial: (byte: number) => void = () => {}): Machine =>
  createMachine({ kernel, initrd, cmdline: CMDLINE, memory: MEMORY }, 'free', onSerial);

/** Instruction counts of `count` random moments between the kernel's first own instructions and its end, rising. */
export function randomMoments(files: GuestFiles, count: number, seed: number): number[] {
  const machine = machineOf(files);
  while (machine.linearRip() < KERNEL_TEXT) runTo(machine, machine.instructions + STRIDE);
  const first = machine.instructions;
  runTo(machine, FOREVER);
  const random = randomFrom(seed);
  const span = machine.instructions - first;
  return Array.from({ length: count }, () => first + Math.floor(random() * span)).sort((a, b) => a - b);
}

/** The guest with a debugger's door. */
export interface Guest {
  readonly machine: Machine;
  readonly target: OwnMachine;
  readonly server: GdbServer;
}

/** The guest before its first instruction. */
export function startGuest(files: GuestFiles): Guest {
  let machine: Machine | undefined;
  const { kernel } = files;
  const target = new OwnMachine((onSerial) => (machine = machineOf(files, onSerial)), {
    ...{ name: 'Linux', kernel, memoryBytes: 256 << 20, bare: false },
  });
  const server = new GdbServer({
    ...{ target, architecture: 'x86-64', keepsStopped: true },
    monitor: () => Promise.resolve(''),
    log: (sentence) => console.log(sentence),
  });
  return { machine: machine!, target, server };
}
