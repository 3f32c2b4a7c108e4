/**
 * RDMSR and WRMSR over the table of MSRs.
 *
 * Source: SDM Vol. 2B, RDMSR, WRMSR.
 */
import { VECTOR } from '../isa/semantics';
import { Outcome } from '../isa/slow';
import type { Core } from './core';
import { STATE } from './layout';
import { MSR_TABLE } from './msr-table';
import { MSR } from './msr-numbers';
import { GuestFault } from './signals';

/** Reads MSR `index` (unsigned 32 bits); throws #GP(0). */
export function readMsr(cpu: Core, index: number): bigint {
  const row = MSR_TABLE.get(index);
  const value = row?.read ? row.read(cpu) : cpu.storedMsrs.get(index);
  if (!row || value === undefined) throw new GuestFault(VECTOR.GP, 0);
  return value;
}

/** Writes `value` (unsigned 64 bits) to MSR `index`; throws #GP(0). */
export function writeMsr(cpu: Core, index: number, value: bigint): void {
  const stored = MSR_TABLE.get(index)?.write?.(cpu, value);
  if (stored === undefined) throw new GuestFault(VECTOR.GP, 0);
  if (stored !== true) cpu.storedMsrs.set(index, stored);
}

/**
 * Gives every stored MSR its value after RESET. INIT leaves MTRRs, PAT, the time-stamp counter and machine-check banks
 * alone (SDM Vol. 3A, table 9-1): nothing here changes then but the SYSCALL and SYSENTER MSRs, which it clears not.
 */
export function resetMsrs(cpu: Core): void {
  for (const [index, row] of MSR_TABLE) cpu.storedMsrs.set(index, row.reset ?? 0n);
  // The counter starts at 0 now.
  cpu.tscOffset = BigInt.asUintN(64, -BigInt(cpu.environment.ticks()));
  cpu.environment.apic.setTscOffset(cpu.tscOffset);
}

export function rdmsr(cpu: Core, index: number): Outcome {
  cpu.state.setQuad(STATE.result, readMsr(cpu, index >>> 0));
  return Outcome.Done;
}

/** Timer, task priority and self-IPI may raise an interrupt at once: the local APIC sets `STATE.attention` then. */
export function wrmsr(cpu: Core, index: number, value: bigint): Outcome {
  writeMsr(cpu, index >>> 0, BigInt.asUintN(64, value));
  cpu.timeStamp.update();
  return cpu.done();
}

/** FS and GS bases by RDFSBASE and its kin. */
export function readSegmentBase(cpu: Core, segment: number): Outcome {
  cpu.state.setQuad(STATE.result, cpu.state.segmentBase(segment));
  return Outcome.Done;
}

export function writeSegmentBase(cpu: Core, segment: number, value: bigint): Outcome {
  writeMsr(cpu, segment === 4 ? MSR.FS_BASE : MSR.GS_BASE, BigInt.asUintN(64, value));
  return Outcome.Done;
}
