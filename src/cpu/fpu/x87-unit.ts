/**
 * The x87 registers as a stack over the processor's state, with the bookkeeping around one instruction: exception flags,
 * stack faults, C1, the error summary, and the last instruction's pointers.
 *
 * Source: SDM Vol. 1, 8.1 (registers, status, tags, pointers), 8.5, 8.6. FOP is kept for unmasked exceptions only
 * (8.1.9.1, fopcode compatibility mode off).
 */
import { Exception, FloatContext } from '../float/context';
import { F80 } from '../float/formats';
import type { Extended } from '../float/formats';
import { defaultNaN } from '../float/nan';
import type { Unpacked } from '../float/value';
import { MODE, STATE } from '../layout';
import type { ProcessorState } from '../state';

/** Bits of the status word (SDM Vol. 1, figure 8-4). */
export const STATUS = {
  exceptions: 0x3f,
  stackFault: 0x40,
  errorSummary: 0x80,
  C0: 0x100,
  C1: 0x200,
  C2: 0x400,
  topShift: 11,
  top: 0x3800,
  C3: 0x4000,
  busy: 0x8000,
} as const;

const CONDITION_CODE = STATUS.C0 | STATUS.C1 | STATUS.C2 | STATUS.C3;
/** Bits of the control word that exist; bit 6 always reads 1. */
const CONTROL_MASK = 0x1f7f;
const CONTROL_FIXED = 0x40;
const INITIAL_CONTROL = 0x37f;
const REGISTER_BYTES = 16;

/** The QNaN floating-point indefinite. */
export const INDEFINITE: Extended = defaultNaN(F80);

export class X87Unit {
  readonly context = new FloatContext('x87');

  constructor(readonly state: ProcessorState) {}

  /** 64-bit mode. */
  get is64(): boolean {
    return (this.state.word(STATE.mode) & MODE.codeMask) === MODE.code64;
  }

  get status(): number {
    return this.state.word(STATE.fpuStatus);
  }

  set status(value: number) {
    this.state.setWord(STATE.fpuStatus, value & 0xffff);
  }

  get control(): number {
    return this.state.word(STATE.fpuControl);
  }

  /** Writes the control word; an exception whose flag stands and whose mask goes is pending at once. */
  set control(value: number) {
    this.state.setWord(STATE.fpuControl, (value & CONTROL_MASK) | CONTROL_FIXED);
    this.summarize();
  }

  /** Abridged tags: bit n set when physical register n is not empty. */
  get tags(): number {
    return this.state.word(STATE.fpuTag);
  }

  set tags(value: number) {
    this.state.setWord(STATE.fpuTag, value & 0xff);
  }

  get top(): number {
    return (this.status & STATUS.top) >> STATUS.topShift;
  }

  /** Number of the physical register that ST(i) is. */
  physical(i: number): number {
    return (this.top + i) & 7;
  }

  isEmpty(i: number): boolean {
    return ((this.tags >> this.physical(i)) & 1) === 0;
  }

  /** The contents of ST(i), whether empty or not. */
  read(i: number): Extended {
    return this.readPhysical(this.physical(i));
  }

  readPhysical(number: number): Extended {
    const at = STATE.fpu + number * REGISTER_BYTES;
    return { significand: this.state.quad(at), signExponent: this.state.view.getUint16(at + 8, true) };
  }

  unpack(i: number): Unpacked {
    return F80.unpack(this.read(i));
  }

  /** Writes ST(i), which is then not empty. */
  write(i: number, value: Extended): void {
    const number = this.physical(i);
    this.writePhysical(number, value);
    this.tags |= 1 << number;
  }

  writePhysical(number: number, { significand, signExponent }: Extended): void {
    const at = STATE.fpu + number * REGISTER_BYTES;
    this.state.setQuad(at, significand);
    this.state.view.setUint16(at + 8, signExponent, true);
  }

  free(i: number): void {
    this.tags &= ~(1 << this.physical(i));
  }

  /** Adds to TOP, modulo 8. */
  moveTop(by: number): void {
    const top = (this.top + by) & 7;
    this.status = (this.status & ~STATUS.top) | (top << STATUS.topShift);
  }

  push(value: Extended): void {
    this.moveTop(-1);
    this.write(0, value);
  }

  pop(count = 1): void {
    for (let n = 0; n < count; n++) {
      this.free(0);
      this.moveTop(1);
    }
  }

  /** Sets all four condition code bits. */
  setConditionCode(bits: number): void {
    this.status = (this.status & ~CONDITION_CODE) | bits;
  }

  setC2(value: boolean): void {
    this.status = (this.status & ~STATUS.C2) | (value ? STATUS.C2 : 0);
  }

  /** Starts an instruction: its rounding and masks, no exceptions; C1 clear unless it is one that keeps C1. */
  begin(keepsC1: boolean): void {
    this.context.setControlWord(this.control);
    this.context.begin();
    if (!keepsC1) this.status &= ~STATUS.C1;
  }

  /** Takes the instruction's exceptions and its C1 (rounded up) into the status word. */
  commit(): void {
    const { flags, inexact, roundedUp } = this.context;
    this.status |= flags | (inexact && roundedUp ? STATUS.C1 : 0);
    this.summarize();
  }

  /**
   * A stack overflow (`true`) or underflow: IE and SF, C1 tells which. True when IE is masked, so that the instruction
   * goes on with the indefinite value.
   */
  stackFault(isOverflow: boolean): boolean {
    const C1 = isOverflow ? STATUS.C1 : 0;
    this.status = (this.status & ~STATUS.C1) | STATUS.stackFault | Exception.IE | C1;
    this.summarize();
    return this.context.masked(Exception.IE);
  }

  /** Recomputes ES and B from flags and masks. */
  summarize(): void {
    const pending = this.status & ~this.control & STATUS.exceptions;
    const summary = STATUS.errorSummary | STATUS.busy;
    this.status = pending ? this.status | summary : this.status & ~summary;
  }

  /** True while an unmasked exception is pending. */
  get isPending(): boolean {
    return (this.status & STATUS.errorSummary) !== 0;
  }

  /** FNINIT. */
  initialize(): void {
    this.state.setWord(STATE.fpuControl, INITIAL_CONTROL);
    this.status = 0;
    this.tags = 0;
    this.setPointers(0n, 0, 0n, 0, 0);
  }

  /** FNCLEX. */
  clearExceptions(): void {
    this.status &= ~(STATUS.exceptions | STATUS.stackFault | STATUS.errorSummary | STATUS.busy);
  }

  setPointers(ip: bigint, cs: number, dp: bigint, ds: number, opcode: number): void {
    this.state.setQuad(STATE.fpuIp, ip);
    this.state.setWord(STATE.fpuCs, cs);
    this.state.setQuad(STATE.fpuDp, dp);
    this.state.setWord(STATE.fpuDs, ds);
    this.state.setWord(STATE.fpuOpcode, opcode);
  }
}
