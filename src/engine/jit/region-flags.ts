/**
 * The arithmetic flags inside a region. The last instruction that set them is kept as what it computed with; flags are
 * made of that only where somebody reads them or the region is left, and a condition right behind a comparison is a
 * comparison of its operands. What is overwritten unread costs nothing; what goes on to another block is an operation
 * and its operands in the frame's locals (`RegionFrame.deferFlags`).
 *
 * Source: SDM Vol. 1, 3.4.3.1 and appendix B (conditions).
 */
import { i32, i64 } from '../../wasm/expr';
import type { Expr, I32, I64 } from '../../wasm/expr';
import type { Local } from '../../wasm/function';
import { borrowsOfSub, carriesOfAdd } from '../../isa/flags';
import type { ArithmeticFlag, Bits, CarryVector, Int, Semantics } from '../../isa/semantics';
import { lazyFlag, lazyFlags, noteFlags, setLazyCarry, setLazyCarryAndOverflow, setLazyFlags } from '../lazy-flags';
import type { RegionFrame } from './region-frame';

/**
 * An operation whose flags nobody has asked for yet: its operands stand in the locals of `Operands`; with `carries` the
 * carry vector itself stands in place of the first.
 */
export interface PendingFlags {
  readonly kind: 'logic' | 'add' | 'sub' | 'carries';
  readonly bits: Bits;
  /** The instruction's maker: it cuts to the right size. */
  readonly m: Semantics;
  /** CF stays what the frame's carries say in bit 63 (INC, DEC). */
  readonly keepsCarry: boolean;
  /** A carry came in: CF is no comparison of the operands. */
  readonly carriesIn: boolean;
}

interface Operands {
  readonly a: Local<'i32' | 'i64'>;
  readonly b: Local<'i32' | 'i64'>;
  readonly result: Local<'i32' | 'i64'>;
}

export class RegionFlags {
  /** What must become flags; undefined when the frame has them; `deferred` where the frame may hold an operation. */
  pending: PendingFlags | 'deferred' | undefined;
  private readonly narrow: Operands;
  private readonly wide: Operands;

  constructor(private readonly frame: RegionFrame) {
    const operands = <T extends 'i32' | 'i64'>(type: T): Operands => {
      const local = (): Local<'i32' | 'i64'> => frame.code.local<'i32' | 'i64'>(type);
      return { a: local(), b: local(), result: local() };
    };
    this.narrow = operands('i32');
    this.wide = operands('i64');
  }

  /** Takes the outcome of an operation; see `Semantics.setArithmeticFlags`. `carriesIn`: it read CF. */
  take(
    m: Semantics,
    result: Int,
    carries: CarryVector | undefined,
    bits: Bits,
    keepsCarry: boolean,
    carriesIn: boolean,
    conditional: boolean,
  ): void {
    const origin = carries?.origin;
    if (conditional) {
      this.settle();
      noteFlags(m, result, carries, bits, keepsCarry, this.frame.flags);
      this.pending = undefined;
      return;
    }
    const { code } = this.frame;
    if (keepsCarry) {
      const carry = i64.shl(i64.extendU(this.flag('CF')), i64.const(63));
      this.frame.flags.setCarries(code, carry);
    }
    const place = bits === 64 ? this.wide : this.narrow;
    if (origin) {
      code.set(place.a, origin.a);
      code.set(place.b, origin.b);
    } else if (carries) code.set(place.a, carries);
    code.set(place.result, result);
    this.pending = { kind: origin?.kind ?? (carries ? 'carries' : 'logic'), bits, m, keepsCarry, carriesIn };
  }

  /** Puts the flags into the frame, from here on. */
  settle(): void {
    const { pending } = this;
    if (pending === 'deferred') this.frame.settleFlags();
    else if (pending) this.note(pending);
    this.pending = undefined;
  }

  /** Leaves `pending` to the frame where control goes elsewhere; what follows here still has it pending. */
  handOver(pending: RegionFlags['pending']): void {
    if (!pending || pending === 'deferred') return;
    const { kind, bits, m, keepsCarry, carriesIn } = pending;
    if ((kind === 'add' || kind === 'sub') && !keepsCarry && !carriesIn) {
      this.frame.deferFlags(kind, bits, m.wide(this.operand(pending, 'a')), m.wide(this.operand(pending, 'result')));
    } else this.note(pending);
  }

  private note(pending: PendingFlags): void {
    const { m, bits, keepsCarry } = pending;
    const { frame } = this;
    noteFlags(m, this.operand(pending, 'result'), this.carries(pending), bits, keepsCarry, frame.flags);
    frame.hasFlags();
  }

  /** One flag as 0 or 1. */
  flag(name: ArithmeticFlag): I32 {
    const pending = this.known();
    if (!pending) return lazyFlag(name, this.frame.flags);
    const result = this.operand(pending, 'result');
    switch (name) {
      case 'ZF':
        return pending.m.isZero(result);
      case 'SF':
        return pending.m.signBit(result, pending.bits);
      case 'PF':
        return i32.and(
          i32.xor(i32.popcnt(i32.and(pending.m.narrow(result), i32.const(0xff))), i32.const(1)),
          i32.const(1),
        );
      case 'CF':
        return this.carry(pending);
      case 'AF':
        return this.carryBit(pending, 3);
      case 'OF':
        return i32.xor(this.carryBit(pending, pending.bits - 1), this.carryBit(pending, pending.bits - 2));
    }
  }

  /** All six at their EFLAGS positions. */
  all(): I32 {
    this.settle();
    return lazyFlags(this.frame.flags);
  }

  setAll(flags: I32): void {
    this.pending = undefined;
    setLazyFlags(this.frame.code, flags, this.frame.flags);
    this.frame.hasFlags();
  }

  setCarryAndOverflow(carry: I32, overflow: I32): void {
    this.settle();
    setLazyCarryAndOverflow(this.frame.code, carry, overflow, this.frame.flags);
  }

  setCarry(carry: I32): void {
    this.settle();
    setLazyCarry(this.frame.code, carry, this.frame.flags);
  }

  /** Condition code `code`, 0-15. */
  condition(code: number): I32 {
    const value = this.positive(code >> 1);
    return code & 1 ? i32.eqz(value) : value;
  }

  private positive(pair: number): I32 {
    const compared = this.compared(pair);
    if (compared) return compared;
    const signed = (): I32 => i32.xor(this.flag('SF'), this.flag('OF'));
    switch (pair) {
      case 0:
        return this.flag('OF');
      case 1:
        return this.flag('CF');
      case 2:
        return this.flag('ZF');
      case 3:
        return i32.or(this.flag('CF'), this.flag('ZF'));
      case 4:
        return this.flag('SF');
      case 5:
        return this.flag('PF');
      case 6:
        return signed();
      default:
        return i32.or(this.flag('ZF'), signed());
    }
  }

  /** Conditions that are one comparison of what is pending: below or equal, less, less or equal. */
  private compared(pair: number): I32 | undefined {
    const pending = this.known();
    if (!pending || pending.carriesIn || pending.kind === 'add' || pending.kind === 'carries') return undefined;
    const { m, bits } = pending;
    const isLogic = pending.kind === 'logic';
    const left = isLogic ? this.operand(pending, 'result') : this.operand(pending, 'a');
    const right = isLogic ? m.constant(0, bits) : this.operand(pending, 'b');
    const signed = (value: Int): Int => m.signExtend(value, bits, bits === 64 ? 64 : 32);
    if (pair === 3 && !pending.keepsCarry) return compare(left, right, i32.leU, i64.leU);
    if (pair === 6) return compare(signed(left), signed(right), i32.ltS, i64.ltS);
    if (pair === 7) return compare(signed(left), signed(right), i32.leS, i64.leS);
    return undefined;
  }

  /** The operation that is pending, if the frame does not have the flags. */
  private known(): PendingFlags | undefined {
    if (this.pending === 'deferred') this.settle();
    return this.pending as PendingFlags | undefined;
  }

  private carry(pending: PendingFlags): I32 {
    if (pending.keepsCarry) return i32.wrap(i64.shrU(this.frame.flags.carries(), i64.const(63)));
    if (pending.kind === 'logic') return i32.const(0);
    if (pending.carriesIn || pending.kind === 'carries') return this.carryBit(pending, pending.bits - 1);
    const { m } = pending;
    return pending.kind === 'sub'
      ? m.below(this.operand(pending, 'a'), this.operand(pending, 'b'))
      : m.below(this.operand(pending, 'result'), this.operand(pending, 'a'));
  }

  private carryBit(pending: PendingFlags, index: number): I32 {
    const carries = this.carries(pending);
    return carries ? pending.m.bit(carries, index) : i32.const(0);
  }

  private carries(pending: PendingFlags): Int | undefined {
    if (pending.kind === 'logic') return undefined;
    if (pending.kind === 'carries') return this.operand(pending, 'a');
    const [a, b, result] = [
      this.operand(pending, 'a'),
      this.operand(pending, 'b'),
      this.operand(pending, 'result'),
    ] as const;
    return (pending.kind === 'add' ? carriesOfAdd : borrowsOfSub)(pending.m, a, b, result);
  }

  private operand(pending: PendingFlags, name: keyof Operands): Int {
    return (pending.bits === 64 ? this.wide : this.narrow)[name].get();
  }
}

type Comparison<T extends Expr> = (a: T, b: T) => I32;

function compare(a: Int, b: Int, narrow: Comparison<I32>, wide: Comparison<I64>): I32 {
  return a.type === 'i64' ? wide(a as I64, b as I64) : narrow(a as I32, b as I32);
}
