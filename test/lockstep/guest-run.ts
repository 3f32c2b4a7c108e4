// A sample guest in lockstep from its first instruction to its end. Where TCG departs from the SDM, as deviations.mjs
// says, QEMU takes over our machine's state; the guest's next check names the departure.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deviations } from '../guests/deviations.mjs';
import { GuestChecks } from './guest-checks';
import { Lockstep, QEMU_DIED } from './lockstep';
import type { Difference } from './lockstep';

/**
 * What deviations.mjs does not list, since the check holds on TCG, or since several cases come before one check: guest,
 * beginning of the check's name, why.
 */
const MORE_DEVIATIONS: readonly (readonly [guest: string, check: string, why: string])[] = [
  ['pae', 'MOV to CR3 with good PDPTEs', 'reads the PDPTE in which TCG has set bit 5; SDM Vol. 3A 4.4.1'],
  ['float', 'an MMX instruction leaves no register empty', 'TCG leaves the exponent; SDM Vol. 1 9.5.1'],
  ['syscalls', '#GP: SYSRET with RCX not canonical', 'TCG raises it in ring 3; SDM Vol. 2B SYSRET'],
  ['smep-smap-pcid', '#GP: INVPCID', 'TCG has no INVPCID: #UD'],
  ['smep-smap-pcid', 'INVPCID', 'TCG has no INVPCID: #UD'],
  ['smep-smap-pcid', '#GP: setting CR4.PCIDE', 'TCG has no PCID'],
  ['smep-smap-pcid', '#GP: clearing CR0.PG', 'TCG has no PCID'],
  ['smep-smap-pcid', 'MOV to CR3 with bit 63', 'TCG has no PCID'],
  ['real16', 'INT n goes through the IVT', 'TCG checks no segment limits in the cases before; SDM Vol. 3A 5.3'],
];

const MEMORY_BYTES = 128 << 20;
/** The guests and what they use lie below. */
const USED_BYTES = 4 << 20;

export interface GuestRun {
  readonly instructions: number;
  /** Checks of the guest at which TCG departs from the SDM, in order. */
  readonly documented: readonly string[];
  /** The first difference that nothing explains, and the check that it belongs to. */
  readonly finding: { readonly difference: Difference; readonly check: string } | undefined;
  /** Why the run ended before the guest. */
  readonly cutShort: string | undefined;
}

/** Runs guest `name` beside QEMU (`program`) for at most `limit` instructions. */
export async function runGuest(program: string, name: string, limit: number): Promise<GuestRun> {
  const elf = readFileSync(join(process.cwd(), `test/guests/bin/${name}.elf`));
  const checks = new GuestChecks(elf);
  const known = [
    ...deviations.filter(({ engine, guest }) => engine === 'qemu' && guest === name).map(({ check }) => check),
    ...MORE_DEVIATIONS.filter(([guest]) => guest === name).map(([, check]) => check),
  ];
  const both = await Lockstep.start(program, elf, {}, MEMORY_BYTES, USED_BYTES);
  const documented: string[] = [];
  /** The first difference since the last check: the next check tells whether it is known. */
  let open: Difference | undefined;
  const ended = (finding: GuestRun['finding'], cutShort?: string): GuestRun => {
    return { instructions: both.machine.instructions, documented, finding, cutShort };
  };
  try {
    for (;;) {
      const stretch = await both.run(limit, checks.addresses);
      if (stretch.kind === 'difference') {
        const { difference } = stretch;
        open ??= difference;
        const died = difference.registers.includes(QEMU_DIED);
        if (!died) await both.synchronize();
        else if (!runToCheck(both, checks)) return ended({ difference: open, check: NO_CHECK });
        if (!died) continue;
      }
      const isCheck = stretch.kind === 'place' || stretch.kind === 'difference';
      if (open) {
        const check = isCheck ? checks.nameAt(both.machine) : NO_CHECK;
        if (!known.some((one) => check.startsWith(one))) return ended({ difference: open, check });
        documented.push(check);
        open = undefined;
        if (stretch.kind === 'difference') return ended(undefined, `TCG takes a triple fault at "${check}"`);
      }
      if (!isCheck) return ended(undefined);
    }
  } finally {
    both.stop();
  }
}

const NO_CHECK = 'none follows';

function runToCheck({ machine }: Lockstep, checks: GuestChecks): boolean {
  const SOON = 20_000_000;
  machine.setBreakpoints(checks.addresses);
  // A check at which it stands already is not the one to come.
  machine.arrives();
  const { reason } = machine.run(SOON);
  machine.setBreakpoints([]);
  return reason === 'breakpoint';
}
