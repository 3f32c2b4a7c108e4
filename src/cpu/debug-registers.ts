/**
 * Debug registers: MOV, general detect, and what a #DB leaves in DR6 and DR7.
 *
 * Source: SDM Vol. 3B 17.2; Vol. 2B, MOV to and from debug registers.
 * NOT IMPLEMENTED: RTM, bus-lock detection (CPUID does not offer them).
 */
import { VECTOR } from '../isa/semantics';
import { Outcome } from '../isa/slow';
import { ATTENTION } from './attention';
import type { Core } from './core';
import { STATE } from './layout';
import { CR4 } from './mode';
import { GuestFault } from './signals';

/** B0-B3, BD, BS, BT can change; the others read as 1 or 0 for ever. */
const DR6_BITS = 0xe00fn;
export const DR6_RESET = 0xffff0ff0n;
/** L0-G3, LE, GE, GD and the conditions can change; bit 10 is 1. */
const DR7_BITS = 0xffff23ffn;
export const DR7_RESET = 0x400n;
const GENERAL_DETECT = 0x2000;
/** DR6.BD. */
const ACCESS_DETECTED = 0x2000;

/** Host offset of a debug register; DR4 and DR5 stand for DR6 and DR7. */
function offsetOf(number: number): number {
  if (number < 4) return STATE.debug + number * 8;
  return number & 1 ? STATE.dr7 : STATE.dr6;
}

/** DR7.GD makes every access a #DB fault. */
function checkGeneralDetect(cpu: Core): void {
  if (cpu.state.word(STATE.dr7) & GENERAL_DETECT) {
    throw new GuestFault(VECTOR.DB, undefined, undefined, ACCESS_DETECTED);
  }
}

export function readDebug(cpu: Core, number: number): Outcome {
  checkGeneralDetect(cpu);
  cpu.state.setQuad(STATE.result, cpu.state.quad(offsetOf(number)));
  return Outcome.Done;
}

/** Ends with `DoneCheck`: breakpoints may have changed. */
export function writeDebug(cpu: Core, number: number, operand: bigint): Outcome {
  checkGeneralDetect(cpu);
  let value = BigInt.asUintN(64, operand);
  if (number >= 4) {
    if (value >> 32n) throw new GuestFault(VECTOR.GP, 0);
    value = number & 1 ? (value & DR7_BITS) | DR7_RESET : (value & DR6_BITS) | DR6_RESET;
  }
  cpu.state.setQuad(offsetOf(number), value);
  return Outcome.DoneCheck;
}

/** DR7: R/W field of an I/O breakpoint (with CR4.DE), and the lengths that LEN encodes. */
const IO_BREAKPOINT = 2;
const LENGTHS = [1, 2, 8, 4] as const;
/** Pending debug exceptions: some enabled breakpoint was met (SDM Vol. 3C, table 25-4). */
const ENABLED_BREAKPOINT = 0x1000;

/** Notes the I/O breakpoints that an access to `size` ports from `port` meets: a trap behind the instruction. */
export function noteIoBreakpoints(cpu: Core, port: number, size: number): void {
  const { state } = cpu;
  const dr7 = state.word(STATE.dr7);
  if (!(dr7 & 0xff) || !(state.word(STATE.cr4) & CR4.DE)) return;
  for (let number = 0; number < 4; number++) {
    const condition = (dr7 >>> (16 + number * 4)) & 0xf;
    const isEnabled = ((dr7 >>> (number * 2)) & 3) !== 0;
    if (!isEnabled || (condition & 3) !== IO_BREAKPOINT) continue;
    const length = LENGTHS[condition >> 2]!;
    const first = state.quad(STATE.debug + number * 8) & ~BigInt(length - 1);
    const isMet = BigInt(port) < first + BigInt(length) && BigInt(port + size) > first;
    if (isMet) cpu.pendingDebug |= (1 << number) | ENABLED_BREAKPOINT;
  }
  if (cpu.pendingDebug) cpu.attend(ATTENTION.trap);
}

/** Before a #DB is delivered: DR6 gets `status` (B0-B3 replaced, the others added), DR7.GD is cleared. */
export function recordDebugException(cpu: Core, status: number): void {
  const { state } = cpu;
  state.setQuad(STATE.dr6, (state.quad(STATE.dr6) & ~0xfn) | (BigInt(status) & DR6_BITS));
  state.setQuad(STATE.dr7, state.quad(STATE.dr7) & ~BigInt(GENERAL_DETECT));
}
