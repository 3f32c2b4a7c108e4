/**
 * Emits the fast part of REP MOVS and REP STOS: as many iterations at once as lie in pages that both fast paths reach,
 * fit the budget, and give what the loop would give. Anything else (DF set, a page boundary, an overlap that copies its
 * own output, a flagged page, a segment with a real limit) is left to the loop, one iteration at a time.
 */
import { i32, i64, load32, load64, select } from '../wasm/expr';
import type { I32, I64 } from '../wasm/expr';
import { callExpr } from '../wasm/function';
import type { FunctionBuilder, FunctionRef } from '../wasm/function';
import type { ModuleBuilder } from '../wasm/module';
import { SEGMENT } from '../isa/semantics';
import { SEGMENT_ACCESS, SEGMENT_BYTES, SEGMENT_FIELD, STATE, TLB_ENTRY } from '../cpu/layout';
import { any, setWord, word } from '../cpu/paging/emit';
import { ENTRY, field16 } from './entry';
import { is64BitCode, tlbEntry, tlbHit, tlbHost } from './tlb';

/** Which instruction a bulk function is for. */
export type BulkKind = 'copy' | 'fill';

export interface BulkParts {
  readonly addressRegister: FunctionRef;
  readonly setAddressRegister: FunctionRef;
}

const REGISTER = { RCX: 1, RSI: 6, RDI: 7 } as const;
const DIRECTION = 0x400;

/** (segment number, needed access) -> 1 when the segment covers 4 GiB (or all of 64-bit mode) and allows the access. */
export function emitIsFlat(module: ModuleBuilder): FunctionRef {
  return module.function({ params: ['i32', 'i32'], result: 'i32' }, (f) => {
    f.if(is64BitCode(), () => f.return(i32.const(1)));
    const record = f.let(i32.mul(f.param(0, 'i32').get(), i32.const(SEGMENT_BYTES)));
    const access = load32(record, 32, STATE.segments + SEGMENT_FIELD.access);
    const wanted = f.param(1, 'i32').get();
    const allowed = i32.eq(i32.and(access, i32.or(wanted, i32.const(SEGMENT_ACCESS.expandDown))), wanted);
    const limit = load32(record, 32, STATE.segments + SEGMENT_FIELD.limit);
    f.return(i32.and(allowed, i32.eq(limit, i32.const(-1))));
  });
}

/** The linear address of `offset` in a flat segment. */
function flatLinear(f: FunctionBuilder, segment: I32, offset: I64): I64 {
  const base = f.let(load64(i32.mul(segment, i32.const(SEGMENT_BYTES)), 64, STATE.segments + SEGMENT_FIELD.base));
  const long = i64.add(offset, select(i32.ltU(segment, i32.const(SEGMENT.FS)), i64.const(0), base));
  return f.let(select(is64BitCode(), long, i64.and(i64.add(offset, base), i64.const(0xffffffffn))));
}

/** Whole elements of `size` bytes from `linear` to the end of its page. */
function elementsInPage(linear: I64, size: number): I32 {
  const left = i32.sub(i32.const(4096), i32.and(i32.wrap(linear), i32.const(0xfff)));
  return i32.divU(left, i32.const(size));
}

/**
 * Declares `(entry) -> iterations`: does that many iterations of elements of `size` bytes, 0 when the loop must do the
 * next one. rCX, rSI, rDI move; the budget pays for all iterations but one.
 */
export function emitBulk(
  module: ModuleBuilder,
  kind: BulkKind,
  size: number,
  isFlat: FunctionRef,
  parts: BulkParts,
): FunctionRef {
  return module.function({ params: ['i32'], result: 'i32' }, (f) => {
    const entry = f.param(0, 'i32').get();
    const giveUp = (): void => f.return(i32.const(0));
    f.if(any(word(STATE.eflags), DIRECTION), giveUp);
    const count = f.let(callExpr('i64', parts.addressRegister, entry, i32.const(REGISTER.RCX)));
    f.if(i64.ltU(count, i64.const(2)), giveUp);
    f.if(i32.eqz(callExpr('i32', isFlat, i32.const(SEGMENT.ES), i32.const(SEGMENT_ACCESS.write))), giveUp);
    const to = f.let(callExpr('i64', parts.addressRegister, entry, i32.const(REGISTER.RDI)));
    const toLinear = flatLinear(f, i32.const(SEGMENT.ES), to);
    const toEntry = f.let(tlbEntry(toLinear));
    f.if(i32.eqz(tlbHit(toEntry, TLB_ENTRY.write, toLinear, i64.const(1))), giveUp);
    const toHost = f.let(tlbHost(toEntry, toLinear));
    const n = f.local('i32');
    const limitTo = (value: I32): void => f.set(n, select(i32.ltU(value, n.get()), value, n.get()));
    f.set(n, i32.add(word(STATE.budget), i32.const(1)));
    limitTo(f.let(elementsInPage(toLinear, size)));
    f.if(i64.ltU(count, i64.extendU(n.get())), () => f.set(n, i32.wrap(count)));
    if (kind === 'copy') {
      const segment = f.let(field16(entry, ENTRY.segment));
      f.if(i32.eqz(callExpr('i32', isFlat, segment, i32.const(SEGMENT_ACCESS.read))), giveUp);
      const from = f.let(callExpr('i64', parts.addressRegister, entry, i32.const(REGISTER.RSI)));
      const fromLinear = flatLinear(f, segment, from);
      const fromEntry = f.let(tlbEntry(fromLinear));
      f.if(i32.eqz(tlbHit(fromEntry, TLB_ENTRY.read, fromLinear, i64.const(1))), giveUp);
      const fromHost = f.let(tlbHost(fromEntry, fromLinear));
      limitTo(f.let(elementsInPage(fromLinear, size)));
      // A destination just above the source would read what the copy wrote: stop before that.
      const distance = f.let(i32.sub(toHost, fromHost));
      f.if(i32.ltU(distance, i32.const(4096)), () =>
        f.if(distance, () => limitTo(f.let(i32.divU(distance, i32.const(size))))),
      );
      f.if(i32.ltU(n.get(), i32.const(2)), giveUp);
      f.memoryCopy(toHost, fromHost, i32.mul(n.get(), i32.const(size)));
      const moved = i64.add(from, i64.extendU(i32.mul(n.get(), i32.const(size))));
      f.call(parts.setAddressRegister, entry, i32.const(REGISTER.RSI), moved);
    } else {
      f.if(i32.ltU(n.get(), i32.const(2)), giveUp);
      emitRepeatedStore(f, toHost, n.get(), size, load64(i32.const(0), 64, STATE.general));
    }
    f.call(
      parts.setAddressRegister,
      entry,
      i32.const(REGISTER.RDI),
      i64.add(to, i64.extendU(i32.mul(n.get(), i32.const(size)))),
    );
    f.call(parts.setAddressRegister, entry, i32.const(REGISTER.RCX), i64.sub(count, i64.extendU(n.get())));
    setWord(f, STATE.budget, i32.sub(word(STATE.budget), i32.sub(n.get(), i32.const(1))));
    f.return(n.get());
  });
}

/** Stores the low `size` bytes of RAX's value `n` times from host address `to`. */
export function emitRepeatedStore(f: FunctionBuilder, to: I32, n: I32, size: number, accumulator: I64): void {
  const value = f.let(accumulator);
  if (size === 1) {
    f.memoryFill(to, i32.wrap(value), n);
    return;
  }
  const bits = (size * 8) as 16 | 32 | 64;
  const zero = size === 8 ? i64.eqz(value) : i64.eqz(i64.and(value, i64.const((1n << BigInt(bits)) - 1n)));
  f.if(
    zero,
    () => f.memoryFill(to, i32.const(0), i32.mul(n, i32.const(size))),
    () => {
      const at = f.local('i32');
      const end = f.let(i32.add(to, i32.mul(n, i32.const(size))));
      f.set(at, to);
      f.loop((again) => {
        f.store(at.get(), value, bits);
        f.set(at, i32.add(at.get(), i32.const(size)));
        f.brIf(again, i32.ltU(at.get(), end));
      });
    },
  );
}
