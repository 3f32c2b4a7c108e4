// Sample guests stopped at places, for the tests of inspection.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Machine } from '../../../src/machine/machine';
import type { ExitEntry } from '../../../src/vmm/exit-log';

/** How a guest is started. */
export interface Start {
  readonly bare?: boolean;
  readonly memoryBytes?: number;
}

/** A sample guest at its first instruction, which has not been entered. */
export function guest(name: string, { bare = false, memoryBytes = 16 << 20 }: Start = {}): Machine {
  const kernel = readFileSync(`test/guests/bin/${name}.elf`);
  return new Machine({ kernel, boot: {}, memoryBytes, bare, onSerial: () => undefined });
}

/** The same after `instructions` instructions. */
export function guestAfter(name: string, instructions: number, start: Start = {}): Machine {
  const machine = guest(name, start);
  while (machine.instructions < instructions) {
    const { reason } = machine.run(instructions - machine.instructions);
    if (reason !== 'budget') throw new Error(`${name} ended: ${reason}`);
  }
  return machine;
}

/** Runs to the next exit for which `wanted` is true: the machine stands between it and the next entry. */
export function toExit(machine: Machine, wanted: (exit: ExitEntry) => boolean): ExitEntry {
  machine.setExitFilter(wanted);
  for (;;) {
    const result = machine.run(1_000_000);
    if (result.reason === 'budget') continue;
    machine.setExitFilter(undefined);
    if (result.reason !== 'vm exit') throw new Error(`no such exit: ${result.reason}`);
    return result.exit;
  }
}

/** SHA-256 of what the guest sees. */
export function hashOf(machine: Machine): string {
  return machine.stateHash(createHash('sha256'));
}

/** A sample guest, as soon as `wanted` is true of it; asked every `step` instructions while the state shows the guest. */
export function guestWhen(name: string, wanted: (machine: Machine) => boolean, start: Start = {}, step = 200): Machine {
  const machine = guest(name, start);
  while (!machine.asGuest(() => wanted(machine))) {
    const { reason } = machine.run(step);
    if (reason !== 'budget') throw new Error(`${name} ended: ${reason}`);
  }
  return machine;
}

/** Numbers from 0 on, below what is asked for; the same for the same seed. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
