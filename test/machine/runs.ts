// Machines for the tests of determinism and snapshots: sample guests or Linux, run to their end or to a count, in
// different ways that the guest must not notice.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_POLICY } from '../../src/engine/jit/jit';
import { Machine } from '../../src/machine/machine';
import type { MachineOptions } from '../../src/machine/machine';
import { Random } from '../../src/machine/random';
import type { RunResult } from '../../src/machine/run-result';

/** A guest and how much memory it gets; `initrd` and `cmdline` for Linux. */
export interface Guest {
  readonly name: string;
  readonly kernel: string;
  readonly initrd?: string;
  readonly cmdline?: string;
  readonly memoryBytes: number;
  readonly bare?: boolean;
  readonly seed?: number;
}

const SAMPLES = 'test/guests/bin';
/** Ends a sample guest that does not end by itself: each needs less. */
const LIMIT = 200e6;

/** The sample guests, each under the hypervisor. */
export const sampleGuests: readonly Guest[] = readdirSync(SAMPLES)
  .filter((file) => file.endsWith('.elf'))
  .map((file) => ({ name: file.slice(0, -4), kernel: join(SAMPLES, file), memoryBytes: 32 << 20 }));

/** Debian's kernel with the lab's initrd. */
export function linuxGuest(kernel: string, initrd: string): Guest {
  return { name: 'Linux', kernel, initrd, cmdline: 'console=ttyS0 panic=-1', memoryBytes: 256 << 20 };
}

/** Numbers from 0 to 1 (exclusive), the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

/** How the hypervisor may work: the guest sees no difference. */
export const policies = {
  lazy4k: () => ({ policy: 'lazy4k' }) as const,
  lazy64k: () => ({ policy: 'lazy64k' }) as const,
  eager2m: () => ({ policy: 'eager2m' }) as const,
  eviction: () => ({ policy: 'lazy4k', eviction: { every: 10_000, pages: 16, random: new Random(7n) } }) as const,
  /** Hardly a page stays mapped for long: deliveries and accesses across pages are cut off midway. For short guests. */
  thrashing: () => ({ policy: 'lazy4k', eviction: { every: 50, pages: 16, random: new Random(9n) } }) as const,
} satisfies Record<string, () => MachineOptions['hypervisor']>;

export type Policy = keyof typeof policies;

/** What the tests change of a machine besides the guest. */
export type Changes = Partial<Pick<MachineOptions, 'hypervisor' | 'sleep' | 'onSerial' | 'jit'>>;

/** A machine at its first instruction. */
export function start(guest: Guest, { onSerial = () => {}, ...changes }: Changes = {}): Machine {
  return new Machine({
    kernel: readFileSync(guest.kernel),
    boot: { cmdline: guest.cmdline ?? '', ...(guest.initrd ? { initrd: readFileSync(guest.initrd) } : {}) },
    memoryBytes: guest.memoryBytes,
    bare: guest.bare ?? false,
    ...(guest.seed === undefined ? {} : { seed: guest.seed }),
    onSerial,
    jit: DEFAULT_POLICY,
    ...changes,
  });
}

/** Runs until `machine` has completed `until` instructions, or has ended; gives the last result. */
export function runTo(machine: Machine, until = LIMIT): RunResult {
  for (;;) {
    const left = until - machine.instructions;
    if (left <= 0) return { reason: 'budget' };
    const result = machine.run(left);
    if (result.reason !== 'budget') return result;
  }
}

export function hashOf(machine: Machine): string {
  return machine.stateHash(createHash('sha256'));
}

/** What two runs of one guest have in common. */
export interface Fingerprint {
  readonly reason: string;
  readonly instructions: number;
  readonly ticks: number;
  readonly hash: string;
}

export function fingerprint(machine: Machine, reason: string): Fingerprint {
  return { reason, instructions: machine.instructions, ticks: machine.ticks, hash: hashOf(machine) };
}

/** Runs a guest to `until` or its end and says how that looks. */
export function outcomeOf(guest: Guest, changes: Changes = {}, until = LIMIT): Fingerprint {
  const machine = start(guest, changes);
  return fingerprint(machine, runTo(machine, until).reason);
}
