/**
 * HLT, MONITOR, MWAIT.
 *
 * Source: SDM Vol. 2A/B, the instructions; Vol. 3A 8.10.
 * A waiting processor wakes for whatever the run loop sees: MWAIT may wake for any reason, so it also wakes when a
 * device has done something that may have written the monitored line.
 */
import { VECTOR } from '../isa/semantics';
import { Outcome } from '../isa/slow';
import type { Core } from './core';
import { CURRENT } from './linear-memory';
import { linearAddress } from './segmentation';
import { GuestFault } from './signals';

/** ECX of MWAIT, bit 0: interrupts end the wait even when they are masked. */
const BREAK_ON_MASKED = 1;

/** RIP advances; the processor is then halted until an event comes. */
export function halt(cpu: Core): Outcome {
  cpu.activity = 'hlt';
  return Outcome.DoneCheck;
}

export function monitor(cpu: Core, offset: bigint, segment: number): Outcome {
  const linear = linearAddress(cpu, segment, offset, 1, 'read');
  cpu.memory.prove(linear, 1, false, CURRENT);
  cpu.monitored = linear;
  return cpu.done();
}

/** Without an armed monitor MWAIT is a NOP. */
export function mwait(cpu: Core, _hints: number, extensions: number): Outcome {
  if (extensions & ~BREAK_ON_MASKED) throw new GuestFault(VECTOR.GP, 0);
  if (cpu.monitored === undefined) return cpu.done();
  cpu.monitored = undefined;
  cpu.activity = 'mwait';
  cpu.wakesOnMasked = (extensions & BREAK_ON_MASKED) !== 0;
  return Outcome.DoneCheck;
}
