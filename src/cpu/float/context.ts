// The environment of one floating-point operation: rounding, precision, masks, DAZ and FTZ in; exception flags and the
// round-up indication out.
// Source: SDM Vol. 1, 4.8.4 (rounding), 4.9 (exceptions), 8.1.5 (x87 control word), 10.2.3 (MXCSR).

/** Exception bits, in the order that the x87 status word, the x87 control word (masks) and MXCSR share. */
export const Exception = { IE: 0x01, DE: 0x02, ZE: 0x04, OE: 0x08, UE: 0x10, PE: 0x20 } as const;

/** All six exception bits. */
export const ALL_EXCEPTIONS = 0x3f;

/** The exceptions found before anything is computed: unmasked, they leave the destination untouched (SDM Vol. 1, 4.9.2). */
export const PRE_COMPUTATION = Exception.IE | Exception.DE | Exception.ZE;

/** The RC field's encodings (SDM Vol. 1, table 4-8). */
export const Rounding = { Nearest: 0, Down: 1, Up: 2, Zero: 3 } as const;
/** A value of the RC field, 0 to 3. */
export type Rounding = (typeof Rounding)[keyof typeof Rounding];

/** Which unit executes: it decides how NaNs propagate and what an unmasked overflow or underflow leaves behind. */
export type Unit = 'x87' | 'SSE';

const ROUNDINGS = [Rounding.Nearest, Rounding.Down, Rounding.Up, Rounding.Zero] as const;
const PRECISIONS = [24, 64, 53, 64] as const;

/**
 * Settings and results of floating-point operations. Call `begin` before each operation (each element of a packed
 * one): `flags`, `inexact` and `roundedUp` then describe that operation alone; the caller merges `flags` into the
 * status word or MXCSR.
 */
export class FloatContext {
  rounding: Rounding = Rounding.Nearest;
  /** Significand bits that x87 FADD, FSUB, FMUL, FDIV and FSQRT round to; all else takes its format's precision. */
  precision: 24 | 53 | 64 = 64;
  /** Set bits are masked exceptions. */
  masks: number = ALL_EXCEPTIONS;
  /** Exceptions raised since `begin`. */
  flags = 0;
  /** SSE only: denormal operands count as zeros of their sign, without DE. */
  daz = false;
  /** SSE only: with UE masked, tiny results become zeros of their sign. */
  ftz = false;
  /** The last rounding discarded a value other than zero. */
  inexact = false;
  /** The last rounding raised the magnitude: C1 of an x87 instruction that raises PE. */
  roundedUp = false;

  constructor(readonly unit: Unit) {}

  /** Takes rounding, masks, DAZ and FTZ from an MXCSR value; its flags stay with the caller. */
  setMxcsr(mxcsr: number): void {
    this.rounding = ROUNDINGS[(mxcsr >> 13) & 3] ?? Rounding.Nearest;
    this.masks = (mxcsr >> 7) & ALL_EXCEPTIONS;
    this.daz = (mxcsr & 0x40) !== 0;
    this.ftz = (mxcsr & 0x8000) !== 0;
  }

  /** Takes rounding, precision and masks from an x87 control word; the reserved precision 01B counts as 64 bits. */
  setControlWord(controlWord: number): void {
    this.rounding = ROUNDINGS[(controlWord >> 10) & 3] ?? Rounding.Nearest;
    this.precision = PRECISIONS[(controlWord >> 8) & 3] ?? 64;
    this.masks = controlWord & ALL_EXCEPTIONS;
  }

  /** Starts an operation: forgets the flags and the rounding of the one before. */
  begin(): void {
    this.flags = 0;
    this.inexact = false;
    this.roundedUp = false;
  }

  /** Records exceptions, masked or not. */
  raise(exceptions: number): void {
    this.flags |= exceptions;
  }

  /** The raised exceptions that no mask covers. */
  get unmasked(): number {
    return this.flags & ~this.masks & ALL_EXCEPTIONS;
  }

  /** An unmasked invalid, denormal or divide-by-zero exception: there is no result and nothing later is raised. */
  get blocked(): boolean {
    return (this.unmasked & PRE_COMPUTATION) !== 0;
  }

  /** Whether an exception's mask is set. */
  masked(exception: number): boolean {
    return (this.masks & exception) !== 0;
  }
}
