// A sample guest in lockstep from its first instruction to its end. Where TCG departs from the SDM, as deviations.mjs
// says, both go on to the guest's next check, and QEMU takes over our machine's state there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deviations } from '../guests/deviations.mjs';
import { GuestChecks } from './guest-checks';
import { Lockstep, QEMU_DIED } from './lockstep';
import type { Difference } from './lockstep';
import { differences, GENERAL, ourRegisters } from './registers';

const PAGE = 4096;
const MEMORY_BYTES = 128 << 20;
/** The guests and what they use lie below. */
const USED_BYTES = 4 << 20;
const SOON = 20_000_000;
const QEMU_MILLISECONDS = 5000;
/** Checks that QEMU may make on the way where ours makes none, or the other way round. */
const EXTRA_CHECKS = 8;

export interface GuestRun {
  readonly instructions: number;
  /** Checks of the guest at which TCG departs from the SDM, in order. */
  readonly documented: readonly string[];
  /** The difference that ended the run, and the check that it belongs to. */
  readonly finding: { readonly difference: Difference; readonly check: string } | undefined;
  /** Why the run ended before the guest. */
  readonly cutShort: string | undefined;
}

/** Runs guest `name` for at most `limit` instructions. */
export async function runGuest(name: string, limit: number): Promise<GuestRun> {
  const elf = readFileSync(join(process.cwd(), `test/guests/bin/${name}.elf`));
  const checks = new GuestChecks(elf);
  const known = deviations.filter(({ engine, guest }) => engine === 'qemu' && guest === name);
  const both = await Lockstep.start(elf, {}, MEMORY_BYTES);
  const documented: string[] = [];
  const ended = (finding: GuestRun['finding'], cutShort?: string): GuestRun => {
    return { instructions: both.machine.instructions, documented, finding, cutShort };
  };
  try {
    for (;;) {
      const stretch = await both.run(limit);
      if (stretch.kind !== 'difference') return ended(undefined);
      const { difference } = stretch;
      if (!runToCheck(both, checks)) return ended({ difference, check: 'none: the guest ends before' });
      const check = checks.nameAt(both.machine);
      if (!known.some((one) => check.startsWith(one.check))) return ended({ difference, check });
      documented.push(check);
      if (difference.registers.includes(QEMU_DIED)) return ended(undefined, `TCG takes a triple fault at "${check}"`);
      if (!(await followToCheck(both, checks))) return ended(undefined, `QEMU does not come to check "${check}"`);
    }
  } finally {
    both.stop();
  }
}

function runToCheck({ machine }: Lockstep, checks: GuestChecks): boolean {
  machine.setBreakpoints(checks.addresses);
  const { reason } = machine.run(SOON);
  machine.setBreakpoints([]);
  return reason === 'breakpoint';
}

/** Brings QEMU to the check at which our machine stands, and its registers and memory to ours. */
async function followToCheck({ machine, qemu }: Lockstep, checks: GuestChecks): Promise<boolean> {
  const ours = ourRegisters(machine);
  for (let tries = 0; tries < EXTRA_CHECKS; tries++) {
    if (!(await qemu.runTo(checks.addresses, QEMU_MILLISECONDS))) return false;
    const theirs = await qemu.registers();
    const open = differences(ours, theirs, true).filter((name) => name !== 'eflags' && !isGeneral(name));
    if (open.length > 0 || theirs.rsp !== ours.rsp) {
      await qemu.step();
      continue;
    }
    for (let at = 0; at < USED_BYTES; at += PAGE) {
      if (at >= 0xa0000 && at < 0x100000) continue;
      const page = machine.readMemory('physical', BigInt(at), PAGE);
      if (page.some((byte) => byte !== 0)) await qemu.writePhysical(at, page);
    }
    for (const name of GENERAL) await qemu.write(name, ours[name]!);
    await qemu.write('eflags', ours.eflags!);
    await qemu.write('cr3', ours.cr3!);
    return true;
  }
  return false;
}

const isGeneral = (name: string): boolean => (GENERAL as readonly string[]).includes(name);
