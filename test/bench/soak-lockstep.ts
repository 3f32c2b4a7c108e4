// Lockstep with QEMU in full, for `npm run soak`: the sample guests to their end and Linux's first 2 M instructions.
// Prints a line for each; exit code 1 if anything differs that the SDM does not decide in our favour.
import { readdirSync, readFileSync } from 'node:fs';
import { runGuest } from '../lockstep/guest-run';
import { runLinux } from '../lockstep/linux-run';
import { lab } from '../support/lab/lab';
import { isAbsent } from '../support/lab/missing';

const LINUX_INSTRUCTIONS = 2e6;
const GUEST_INSTRUCTIONS = 3e6;
/**
 * Guests of device interrupts, which only our board raises; of VMX, which TCG has not; of instruction breakpoints, which
 * QEMU's own single-stepping delivers a step early and again in spite of RF.
 */
const NOT_COMPARED = ['interrupts', 'hypervisor', 'debug-exceptions'];

const inHex = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value);

async function main(): Promise<boolean> {
  const [qemu, kernel] = [await lab.qemu(), await lab.kernel()];
  if (isAbsent(qemu)) throw new Error(qemu.missing);
  if (isAbsent(kernel)) throw new Error(kernel.missing);
  let isEqual = true;
  const report = (name: string, instructions: number, finding: unknown, notes: string): void => {
    isEqual &&= finding === undefined;
    console.log(`${name}: ${instructions} instructions${notes}${finding ? ` ${JSON.stringify(finding, inHex)}` : ''}`);
  };
  const guests = readdirSync('test/guests/bin').filter((file) => file.endsWith('.elf'));
  for (const name of guests.map((file) => file.slice(0, -'.elf'.length))) {
    if (NOT_COMPARED.includes(name)) continue;
    const { instructions, documented, finding, cutShort } = await runGuest(qemu.command, name, GUEST_INSTRUCTIONS);
    const known = `, ${documented.length} known departures of TCG's`;
    report(name, instructions, finding, known + (cutShort ? `, cut short: ${cutShort}` : ''));
  }
  const linux = await runLinux(qemu.command, readFileSync(kernel.image), LINUX_INSTRUCTIONS);
  report('linux', linux.instructions, linux.difference, '');
  return isEqual;
}

main().then(
  (isEqual) => (process.exitCode = isEqual ? 0 : 1),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
