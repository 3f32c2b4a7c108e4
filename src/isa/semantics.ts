/**
 * The operators with which an instruction's meaning is written. An instance stands for one instruction at one operand
 * size; its makers (interpreter handlers, later compiled regions) decide where registers live and how code leaves.
 *
 * Values are WebAssembly expressions: `Int` is i32 for widths up to 32 bits and i64 for 64, always zero-extended from
 * its width. Everything read through `m` (registers, memory, flags) is evaluated at once and may be used many times;
 * results of arithmetic are trees: bind one with `m.let` when it is used twice.
 *
 * Order that every meaning keeps: reads, compute, all stores proved, stores, registers, flags. `load`, `store`,
 * `prove`, `fault`, `call`, `pop`, `push` are the only places that can leave; nothing may be changed before the last
 * of them that can.
 */
import type { FunctionBuilder } from '../wasm/function';
import { i32, i64, select } from '../wasm/expr';
import type { Expr, I32, I64, V128 } from '../wasm/expr';
import type { ExitCheck } from './exits';
import type { OperandSpec } from './form';
import type { SlowFunctionName } from './slow';

export type Int = Expr<'i32' | 'i64'>;
export type Bits = 8 | 16 | 32 | 64;
/** A carry vector (`flags.ts`); with its origin a maker can compute single flags without it. */
export type CarryVector = Int & {
  readonly origin?: { readonly kind: 'add' | 'sub'; readonly a: Int; readonly b: Int };
};

/** One operand of the form at hand, after ModRM chose register or memory. */
export interface Operand {
  readonly spec: OperandSpec;
  readonly kind: 'register' | 'memory' | 'immediate' | 'relative' | 'far' | 'condition' | 'one';
  /** Register file of a `register` operand. */
  readonly file?: 'general' | 'segment' | 'control' | 'debug' | 'xmm' | 'mmx' | 'x87';
  /** Width in bits; 0 where the form gives none (LEA, FXSAVE). */
  readonly bits: number;
  /** Position among the form's operands. */
  readonly index: number;
  /** Position among the form's operands of the same kind (registers that the encoding chooses; immediates). */
  readonly slot: number;
  /** Fixed register number or condition code, where the form fixes it. */
  readonly fixed?: number;
}

/** A place in memory: segment number (as an expression) and byte offset within the segment. */
export interface Address {
  readonly segment: I32;
  readonly offset: I64;
  /** State offset of the register that the offset begins with; addresses of one origin are likely near each other. */
  readonly origin?: number;
}

export type GeneralName = 'RAX' | 'RCX' | 'RDX' | 'RBX' | 'RSP' | 'RBP' | 'RSI' | 'RDI' | 'R11';
/** Words of the state for `Semantics.state`. */
export type StateWord = 'cr0' | 'cr4' | 'mxcsr' | 'eflags' | 'mode' | 'cpl' | 'fpuControl' | 'fpuStatus' | 'tscAux';
export type SegmentName = 'ES' | 'CS' | 'SS' | 'DS' | 'FS' | 'GS';
export type ArithmeticFlag = 'CF' | 'PF' | 'AF' | 'ZF' | 'SF' | 'OF';

/** EFLAGS bits of the arithmetic flags (SDM Vol. 1, 3.4.3). */
export const FLAG: Readonly<Record<ArithmeticFlag, number>> = { CF: 1, PF: 4, AF: 0x10, ZF: 0x40, SF: 0x80, OF: 0x800 };

export abstract class Semantics {
  constructor(
    /** Body under construction, for locals, loops and blocks. */
    readonly code: FunctionBuilder,
    /** Operand size in bits: 8 for byte forms. */
    readonly size: Bits,
    /** Address size is 64 and the mode is 64-bit for certain; false: any mode. */
    readonly mode64: boolean,
  ) {}

  // ---- Places that the makers provide -------------------------------------------------------------------------

  /** The operand's value; an immediate is sign-extended to, and then cut at, the operand size `size` (default `m.size`). */
  abstract read(operand: Operand, size?: Bits): Int;
  /** Like `read`, but memory is translated with write intent: the `write` that follows cannot fault. */
  abstract readForWrite(operand: Operand): Int;
  /**
   * Writes the operand. A 32-bit general register is zero-extended to 64 bits; narrower ones keep the rest, as XMM
   * registers do; an MMX register gets ones above its 64 bits (SDM Vol. 3A, 12.2).
   */
  abstract write(operand: Operand, value: Int): void;
  /** 128 bits of an XMM register or of memory (`aligned`: #GP(0) unless on a 16-byte boundary). */
  abstract readVector(operand: Operand, aligned?: boolean): V128;
  abstract writeVector(operand: Operand, value: V128, aligned?: boolean): void;
  /** State offset (bytes) of a register operand, for slow functions. */
  abstract registerOffset(operand: Operand): I32;
  /** Puts a value into the `result` slots (zero-extended to 64 bits) for a slow function to read; their state offset. */
  abstract stage(value: Int | V128): I32;
  /**
   * State offset (bytes) of an operand's value, for slow functions: a register's own; memory is read (`aligned`: #GP(0)
   * unless 128 bits lie on a 16-byte boundary) and staged.
   */
  sourceOffset(operand: Operand, aligned = false): I32 {
    if (operand.kind === 'register') return this.registerOffset(operand);
    return this.stage(operand.bits === 128 ? this.readVector(operand, aligned) : this.read(operand));
  }
  /** Number of a register operand (segment, control, debug register, ST(i)). */
  abstract registerNumber(operand: Operand): I32;
  /** Where a memory operand lies: its segment, and its offset cut to the address size. */
  abstract address(operand: Operand): Address;
  /** Segment number of the instruction's default data segment, DS unless overridden. */
  abstract dataSegment(): I32;
  /** A register, zero-extended from `bits` (the low bits). */
  abstract register(name: GeneralName, bits: Bits): Int;
  /** Like `write` for a fixed register. */
  abstract setRegister(name: GeneralName, bits: Bits, value: Int): void;
  /** AH. */
  abstract highAccumulator(): I32;
  abstract setHighAccumulator(value: I32): void;
  /** rCX/rSI/rDI cut to the address size. */
  abstract addressRegister(name: 'RCX' | 'RSI' | 'RDI' | 'RBX'): I64;
  /** Writes rCX/rSI/rDI at the address size. */
  abstract setAddressRegister(name: 'RCX' | 'RSI' | 'RDI', value: I64): void;

  abstract load(address: Address, bits: Bits): Int;
  abstract store(address: Address, value: Int, bits: Bits): void;
  abstract loadVector(address: Address, aligned: boolean): V128;
  abstract storeVector(address: Address, value: V128, aligned: boolean): void;
  /**
   * Proves that `bytes` (at most 64) at `address` can be written: a later store there cannot fault. `aligned`: #GP(0)
   * first, unless the linear address is a multiple of `bytes`.
   */
  abstract prove(address: Address, bytes: number, aligned?: boolean): void;
  /** `address` moved by `bytes` (signed), its offset cut to the instruction's address size. */
  abstract displaced(address: Address, bytes: I64): Address;

  /** Pushes `value`: the store comes first, then the stack pointer moves. `bits` 16, 32 or 64. */
  abstract push(value: Int, bits: Bits): void;
  /** Loads from the stack top at `displacement` bytes above it; the pointer stays. */
  abstract stackTop(bits: Bits, displacement?: I64): Int;
  /** Adds `bytes` to the stack pointer, at the stack's address size. */
  abstract moveStack(bytes: I64): void;
  /** POP to memory: stores `value` at the operand, addressed as if the stack pointer had moved already, then moves it. */
  abstract popToMemory(operand: Operand, value: Int): void;
  /** The stack pointer, cut to the stack's address size. */
  abstract stackPointer(): I64;
  /** Sets the stack pointer at the stack's address size. */
  abstract setStackPointer(value: I64): void;
  /** An address on the stack (SS) from an offset, which is cut to the stack's address size. */
  abstract stackAddress(offset: I64): Address;

  /** RIP of the next instruction. */
  abstract nextRip(): I64;
  /** The target of a `relative` operand, cut to the operand size. */
  abstract relativeTarget(operand: Operand): I64;
  /** Selector (16 bits) and offset (zero-extended) of a `far` operand. */
  abstract farTarget(operand: Operand): { readonly selector: I32; readonly offset: I64 };
  /** Near jump: checks canonicality and the CS limit (#GP(0)), then goes there. Ends the meaning. */
  abstract jump(target: I64): void;
  /** Near jump when `condition`, else falls through. */
  abstract jumpIf(condition: I32, target: I64): void;
  /** Raises #GP(0) unless a near jump to `target` is allowed; for CALL, which pushes between check and jump. */
  abstract checkTarget(target: I64): void;

  /** The result and carries of the last flag-setting instruction: see `flagsOf*`. `carries` has bit n set for a carry
   * (or borrow) out of bit n. */
  abstract setArithmeticFlags(result: Int, carries: CarryVector | undefined, bits: Bits, keepCarry?: boolean): void;
  /** One flag as 0 or 1. */
  abstract flag(name: ArithmeticFlag): I32;
  /** All six arithmetic flags at their EFLAGS positions. */
  abstract flags(): I32;
  /** Sets all six arithmetic flags from EFLAGS positions. */
  abstract setFlags(bits: I32): void;
  /** Sets CF alone (0 or 1). */
  abstract setCarry(value: I32): void;
  /** Sets CF and OF alone (0 or 1 each), as rotates do. Makers with lazy flags override it. */
  setCarryAndOverflow(carry: I32, overflow: I32): void {
    const others = i32.and(this.flags(), i32.const(~(FLAG.CF | FLAG.OF)));
    this.setFlags(i32.or(others, i32.or(carry, i32.shl(overflow, i32.const(11)))));
  }
  /** Sets ZF alone (0 or 1). */
  setZero(value: I32): void {
    this.setFlags(i32.or(i32.and(this.flags(), i32.const(~FLAG.ZF)), i32.shl(value, i32.const(6))));
  }
  /** DF as 0 or 1; the direction flag. */
  abstract direction(): I32;
  abstract setDirection(value: 0 | 1): void;
  /**
   * Sets EFLAGS.IF, which the privilege allows: the last thing that an instruction does. From IF = 0 to 1 interrupts wait
   * until the next instruction is complete (SDM Vol. 2B, STI).
   */
  abstract setInterruptFlag(value: 0 | 1): void;
  /** Sets EFLAGS.AC at CPL 0; the instruction ends its block, since other accesses are allowed then (SDM Vol. 3A, 4.6). */
  abstract setAlignmentCheck(value: 0 | 1): void;
  /**
   * IRETQ from 64-bit code at CPL 0 to the same CS and SS, as they stand in the GDT, with flags that change nothing but the
   * arithmetic ones, IF and DF: goes there. Any other return goes on behind this, with nothing changed.
   */
  abstract returnWithinKernel(): void;
  /** A condition code 0-15 (SDM Vol. 1, appendix B) as 0 or 1. */
  abstract condition(operand: Operand): I32;

  /** Calls a slow function and leaves as its outcome says; goes on when it is done. */
  abstract call(name: SlowFunctionName, ...args: Expr[]): void;
  /** The `result` slot that the last slow function filled. */
  abstract result(bits: Bits): Int;
  /** The second result slot (64 bits). */
  abstract result2(): I64;
  /** The time-stamp counter as the guest sees it, before this instruction. */
  abstract timeStampCounter(): I64;
  /** Raises an exception at this instruction. */
  abstract fault(vector: number, errorCode?: I32): void;
  /** Leaves with `Outcome.Intercept` when the current controls may make this instruction exit. */
  abstract intercept(check: ExitCheck): void;
  /** A word of the processor's state that records may look at: `cr0`, `cr4`, `mxcsr`, ... (32 bits); `cpl` is 0-3, 3 in
   * virtual-8086 mode and 0 in real mode. */
  abstract state(name: StateWord): I32;
  /** Checks CR0.EM (#UD) and CR0.TS (#NM) for an MMX instruction; x87 exceptions that wait are the record's. */
  abstract enterMmx(): void;
  /** What MMX instructions do to the x87 state once nothing can fault: TOP is 0, all registers are `valid` or empty. */
  abstract finishMmx(valid: boolean): void;
  /** Checks CR0.EM, CR4.OSFXSR (#UD) and CR0.TS (#NM) for an SSE instruction. */
  abstract enterSse(): void;

  // ---- Arithmetic by container, shared by all makers ----------------------------------------------------------

  let<T extends Expr>(value: T): T {
    return this.code.let(value) as T;
  }

  /** A constant of width `bits` (default the operand size). */
  constant(value: number | bigint, bits: Bits = this.size): Int {
    return bits === 64
      ? i64.const(BigInt(value))
      : i32.const(Number(BigInt.asIntN(32, BigInt.asUintN(bits, BigInt(value)))));
  }

  add(a: Int, b: Int): Int {
    return a.type === 'i64' ? i64.add(a as I64, b as I64) : this.cut(i32.add(a as I32, b as I32));
  }

  sub(a: Int, b: Int): Int {
    return a.type === 'i64' ? i64.sub(a as I64, b as I64) : this.cut(i32.sub(a as I32, b as I32));
  }

  and(a: Int, b: Int): Int {
    return a.type === 'i64' ? i64.and(a as I64, b as I64) : i32.and(a as I32, b as I32);
  }

  or(a: Int, b: Int): Int {
    return a.type === 'i64' ? i64.or(a as I64, b as I64) : i32.or(a as I32, b as I32);
  }

  xor(a: Int, b: Int): Int {
    return a.type === 'i64' ? i64.xor(a as I64, b as I64) : i32.xor(a as I32, b as I32);
  }

  not(a: Int): Int {
    return a.type === 'i64' ? i64.xor(a as I64, i64.const(-1)) : this.cut(i32.xor(a as I32, i32.const(-1)));
  }

  mul(a: Int, b: Int): Int {
    return a.type === 'i64' ? i64.mul(a as I64, b as I64) : this.cut(i32.mul(a as I32, b as I32));
  }

  /** Shifts left; `count` (i32) below the container's width. */
  shl(a: Int, count: I32): Int {
    return a.type === 'i64' ? i64.shl(a as I64, i64.extendU(count)) : this.cut(i32.shl(a as I32, count));
  }

  /** Shifts right, zeros coming in. */
  shrU(a: Int, count: I32): Int {
    return a.type === 'i64' ? i64.shrU(a as I64, i64.extendU(count)) : i32.shrU(a as I32, count);
  }

  /** 1 when equal. */
  eq(a: Int, b: Int): I32 {
    return a.type === 'i64' ? i64.eq(a as I64, b as I64) : i32.eq(a as I32, b as I32);
  }

  isZero(a: Int): I32 {
    return a.type === 'i64' ? i64.eqz(a as I64) : i32.eqz(a as I32);
  }

  /** 1 when a < b, unsigned. */
  below(a: Int, b: Int): I32 {
    return a.type === 'i64' ? i64.ltU(a as I64, b as I64) : i32.ltU(a as I32, b as I32);
  }

  select(condition: I32, a: Int, b: Int): Int {
    return select(condition, a, b);
  }

  /** Sign-extends from `from` bits to the container of `to` bits, cut to `to` bits. */
  signExtend(value: Int, from: Bits, to: Bits): Int {
    if (from === 64) return value;
    const narrow = value.type === 'i64' ? i32.wrap(value as I64) : (value as I32);
    const wide = from === 8 ? i32.extend8S(narrow) : from === 16 ? i32.extend16S(narrow) : narrow;
    return to === 64 ? i64.extendS(wide) : to === 32 ? wide : i32.and(wide, i32.const(to === 16 ? 0xffff : 0xff));
  }

  /** Zero-extends or cuts to `to` bits. */
  zeroExtend(value: Int, to: Bits): Int {
    if (to === 64) return value.type === 'i64' ? value : i64.extendU(value as I32);
    const narrow = value.type === 'i64' ? i32.wrap(value as I64) : (value as I32);
    return to === 32 ? narrow : i32.and(narrow, i32.const(to === 16 ? 0xffff : 0xff));
  }

  /** The value as i64, zero-extended. */
  wide(value: Int): I64 {
    return this.zeroExtend(value, 64) as I64;
  }

  /** The low 32 bits as i32. */
  narrow(value: Int): I32 {
    return value.type === 'i64' ? i32.wrap(value as I64) : (value as I32);
  }

  /** 1 when bit `bits - 1` is set. */
  signBit(value: Int, bits: Bits = this.size): I32 {
    return this.bit(value, bits - 1);
  }

  /** Bit `index` (a constant) as 0 or 1. */
  bit(value: Int, index: number): I32 {
    if (value.type === 'i64') return i32.wrap(i64.and(i64.shrU(value as I64, i64.const(index)), i64.const(1)));
    return i32.and(i32.shrU(value as I32, i32.const(index)), i32.const(1));
  }

  /** Cuts an i32 to the operand size, so that it stays zero-extended. */
  private cut(value: I32): I32 {
    return this.size === 8
      ? i32.and(value, i32.const(0xff))
      : this.size === 16
        ? i32.and(value, i32.const(0xffff))
        : value;
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.code.if(condition, then, otherwise);
  }

  /** Raises an exception when `condition` is not zero. */
  faultIf(condition: I32, vector: number, errorCode?: I32): void {
    this.code.if(condition, () => this.fault(vector, errorCode));
  }

  /** An address in a named segment. In 64-bit mode only FS and GS have a base. */
  at(segment: I32, offset: I64): Address {
    return { segment, offset };
  }
}

/** Exception vectors (SDM Vol. 3A, table 6-1). */
export const VECTOR = {
  DE: 0,
  DB: 1,
  NMI: 2,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  MC: 18,
  XM: 19,
} as const;

/** Segment numbers as encoded in instructions; LDTR and TR follow. */
export const SEGMENT = { ES: 0, CS: 1, SS: 2, DS: 3, FS: 4, GS: 5, LDTR: 6, TR: 7 } as const;
