/** Small pieces of emitted code that the walker and the access paths share. Offsets are those of `STATE`. */
import { i32, load32, load64 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import type { FunctionBuilder } from '../../wasm/function';

/** A 32-bit word of the processor's state. */
export function word(offset: number): I32 {
  return load32(i32.const(0), 32, offset);
}

/** A 64-bit word of the processor's state. */
export function quad(offset: number): I64 {
  return load64(i32.const(0), 64, offset);
}

export function setWord(f: FunctionBuilder, offset: number, value: I32): void {
  f.store(i32.const(0), value, 32, offset);
}

export function setQuad(f: FunctionBuilder, offset: number, value: I64): void {
  f.store(i32.const(0), value, 64, offset);
}

/** 1 when `value & mask` is not zero. */
export function any(value: I32, mask: number): I32 {
  return i32.ne(i32.and(value, i32.const(mask)), i32.const(0));
}

/** The low bits of an i64 masked, as i32. */
export function lowBits(value: I64, mask: number): I32 {
  return i32.and(i32.wrap(value), i32.const(mask));
}
