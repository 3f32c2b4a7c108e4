// A Linux kernel in lockstep from its 64-bit entry on.
import { Lockstep } from './lockstep';
import type { Difference } from './lockstep';

const MEMORY_BYTES = 256 << 20;

export interface LinuxRun {
  readonly instructions: number;
  /** The first difference that nothing explains. */
  readonly difference: Difference | undefined;
}

/** Runs `kernel` (a bzImage) beside QEMU (`program`) for at most `limit` instructions. */
export async function runLinux(program: string, kernel: Uint8Array, limit: number): Promise<LinuxRun> {
  const both = await Lockstep.start(program, kernel, { cmdline: 'console=ttyS0' }, MEMORY_BYTES);
  try {
    const stretch = await both.run(limit);
    const difference = stretch.kind === 'difference' ? stretch.difference : undefined;
    return { instructions: both.machine.instructions, difference };
  } finally {
    both.stop();
  }
}
