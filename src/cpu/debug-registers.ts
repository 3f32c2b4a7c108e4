/**
 * Debug registers: MOV, general detect, which breakpoints something meets, and what a #DB leaves in DR6 and DR7. Only
 * enabled breakpoints are ever reported in DR6, as the SDM allows. Who looks when is the engine's business.
 *
 * Source: SDM Vol. 3B 17.2, 17.3.1; Vol. 2B, MOV to and from debug registers.
 * NOT IMPLEMENTED: RTM, bus-lock detection (CPUID does not offer them).
 */
import { VECTOR } from '../isa/semantics';
import { Outcome } from '../isa/slow';
import { ATTENTION } from './attention';
import type { Core } from './core';
import { STATE } from './layout';
import { CR4 } from './mode';
import { GuestFault } from './signals';
import type { ProcessorState } from './state';

/** B0-B3, BD, BS, BT can change; the others read as 1 or 0 for ever. */
export const DR6_BITS = 0xe00fn;
export const DR6_RESET = 0xffff0ff0n;
/** L0-G3, LE, GE, GD and the conditions can change; bit 10 is 1. */
export const DR7_BITS = 0xffff23ffn;
export const DR7_RESET = 0x400n;
const GENERAL_DETECT = 0x2000;
/** DR6.BD. */
export const ACCESS_DETECTED = 0x2000;

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

/** R/W fields of DR7, and the lengths that LEN encodes. */
const CONDITION = { execution: 0, write: 1, io: 2, access: 3 } as const;
const LENGTHS = [1, 2, 8, 4] as const;
/** L0-G3. */
const ENABLES = 0xff;
/** Pending debug exceptions: some enabled breakpoint was met (SDM Vol. 3C, table 25-4). */
const ENABLED_BREAKPOINT = 0x1000;

/** One breakpoint of DR0-DR3 that DR7 enables. */
interface Breakpoint {
  /** Its bit in DR6 and in pending debug exceptions. */
  readonly bit: number;
  readonly condition: number;
  /** Linear address or port, aligned to `length` but for instruction breakpoints. */
  readonly start: bigint;
  /** Bytes or ports: 1, 2, 4 or 8. */
  readonly length: number;
}

/** An access to data as breakpoints see it. */
export interface DataAccess {
  /** Linear address of its first byte; unsigned 64 bits, nothing wraps. */
  readonly linear: bigint;
  readonly bytes: number;
  readonly isWrite: boolean;
}

/** A data breakpoint of the debug registers: a range of linear addresses. */
export interface DataBreakpoint {
  readonly linear: bigint;
  /** Bytes. */
  readonly length: number;
  /** Reads meet it, too. */
  readonly reads: boolean;
}

function enabledBreakpoints(state: ProcessorState, dr7 = state.word(STATE.dr7)): Breakpoint[] {
  const found: Breakpoint[] = [];
  for (let number = 0; number < 4; number++) {
    if (!((dr7 >>> (number * 2)) & 3)) continue;
    const field = (dr7 >>> (16 + number * 4)) & 0xf;
    const condition = field & 3;
    const length = LENGTHS[field >> 2]!;
    const address = state.quad(STATE.debug + number * 8);
    const start = condition === CONDITION.execution ? address : address & ~BigInt(length - 1);
    found.push({ bit: 1 << number, condition, start, length });
  }
  return found;
}

function meets({ start, length }: Breakpoint, first: bigint, count: number): boolean {
  return first < start + BigInt(length) && first + BigInt(count) > start;
}

/** True when DR7 enables any breakpoint, of whatever kind. */
export function hasBreakpoints(state: ProcessorState): boolean {
  return (state.word(STATE.dr7) & ENABLES) !== 0;
}

/** Linear addresses of the enabled instruction breakpoints. */
export function instructionBreakpoints(state: ProcessorState): bigint[] {
  return enabledBreakpoints(state)
    .filter(({ condition }) => condition === CONDITION.execution)
    .map(({ start }) => start);
}

/** The enabled data breakpoints. */
export function dataBreakpoints(state: ProcessorState): DataBreakpoint[] {
  return enabledBreakpoints(state)
    .filter(({ condition }) => condition === CONDITION.write || condition === CONDITION.access)
    .map(({ start, length, condition }) => ({ linear: start, length, reads: condition === CONDITION.access }));
}

/** B0-B3 of the instruction breakpoints at `linear`; EFLAGS.RF and blocking by MOV SS are the caller's business. */
export function instructionBreakpointsMet(state: ProcessorState, linear: bigint): number {
  return enabledBreakpoints(state)
    .filter(({ condition, start }) => condition === CONDITION.execution && start === linear)
    .reduce((bits, { bit }) => bits | bit, 0);
}

/** Pending debug exceptions, VMCS format, for the data breakpoints that an access meets; 0 for none. */
export function dataBreakpointsMet(state: ProcessorState, { linear, bytes, isWrite }: DataAccess): number {
  return enabledBreakpoints(state)
    .filter(({ condition }) => condition === CONDITION.access || (isWrite && condition === CONDITION.write))
    .filter((breakpoint) => meets(breakpoint, linear, bytes))
    .reduce((bits, { bit }) => bits | bit | ENABLED_BREAKPOINT, 0);
}

/**
 * Pending debug exceptions, VMCS format, for the I/O breakpoints that an access to `size` ports from `port` meets under
 * these DR7 and CR4; 0 for none. DR0-DR3 are the state's.
 */
export function ioBreakpointsMet(state: ProcessorState, dr7: number, cr4: number, port: number, size: number): number {
  if (!(dr7 & ENABLES) || !(cr4 & CR4.DE)) return 0;
  return enabledBreakpoints(state, dr7)
    .filter((breakpoint) => breakpoint.condition === CONDITION.io && meets(breakpoint, BigInt(port), size))
    .reduce((bits, { bit }) => bits | bit | ENABLED_BREAKPOINT, 0);
}

/** Notes the I/O breakpoints that an access to `size` ports from `port` meets: a trap behind the instruction. */
export function noteIoBreakpoints(cpu: Core, port: number, size: number): void {
  const { state } = cpu;
  const met = ioBreakpointsMet(state, state.word(STATE.dr7), state.word(STATE.cr4), port, size);
  if (!met) return;
  cpu.pendingDebug |= met;
  cpu.attend(ATTENTION.trap);
}

/** Before a #DB is delivered: DR6 gets `status` (B0-B3 replaced, the others added), DR7.GD is cleared. */
export function recordDebugException(cpu: Core, status: number): void {
  const { state } = cpu;
  state.setQuad(STATE.dr6, (state.quad(STATE.dr6) & ~0xfn) | (BigInt(status) & DR6_BITS));
  state.setQuad(STATE.dr7, state.quad(STATE.dr7) & ~BigInt(GENERAL_DETECT));
}
