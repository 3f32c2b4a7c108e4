/** Byte order reversal, for BSWAP and MOVBE. */
import { i32, i64 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import type { Int, Semantics } from '../semantics';

function swapped64(m: Semantics, value: I64): I64 {
  const exchange = (from: I64, mask: bigint, bits: number): I64 =>
    m.let(
      i64.or(
        i64.and(i64.shrU(from, i64.const(bits)), i64.const(mask)),
        i64.shl(i64.and(from, i64.const(mask)), i64.const(bits)),
      ),
    );
  const bytes = exchange(m.let(value), 0x00ff_00ff_00ff_00ffn, 8);
  return i64.rotl(exchange(bytes, 0x0000_ffff_0000_ffffn, 16), i64.const(32));
}

/** `value` of the operand size (16, 32 or 64 bits) with its bytes in the opposite order. */
export function byteSwapped(m: Semantics, value: Int): Int {
  if (m.size === 64) return swapped64(m, value as I64);
  const v = m.let(value as I32);
  if (m.size === 16) return m.or(i32.shrU(v, i32.const(8)), i32.and(i32.shl(v, i32.const(8)), i32.const(0xff00)));
  return i32.or(
    i32.and(i32.rotl(v, i32.const(8)), i32.const(0x00ff_00ff)),
    i32.and(i32.rotr(v, i32.const(8)), i32.const(0xff00_ff00 | 0)),
  );
}
