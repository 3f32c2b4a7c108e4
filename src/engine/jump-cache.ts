/**
 * The jump cache: which block begins at a RIP in one context of fetching (`STATE.fetchContext`), and all that entering the
 * block's region takes, so that going from region to region touches one cache line of it.
 */
import { i32, i64, load32, load64 } from '../wasm/expr';
import type { I32, I64 } from '../wasm/expr';
import type { FunctionBuilder, FunctionRef } from '../wasm/function';
import type { ModuleBuilder } from '../wasm/module';
import { v128Const } from '../wasm/simd';
import { STATE } from '../cpu/layout';
import { setWord, word } from '../cpu/paging/emit';
import { JUMP_CACHE_ENTRIES } from '../memory/plan';
import type { MemoryPlan } from '../memory/plan';

/**
 * Byte offsets of an entry's fields: RIP, u64; the context, u32; the block's host offset, u32; its region's table index,
 * u32, 0 for none that is noted here; and with a region the block's instructions and its number among the region's, u32.
 */
export const JUMP = { rip: 0, context: 8, block: 12, region: 16, count: 20, regionBlock: 24 } as const;
export const JUMP_BYTES = 32;
/** The mode's bits of `STATE.fetchContext`; the generation stands above. */
export const CONTEXT_BITS = 0x1f;

/**
 * Host offset of the entry of `rip`. Code 4 bytes on has the next entry: hot blocks share cache lines, and hardly ever an
 * entry.
 */
export function jumpSlot(plan: MemoryPlan, rip: I64): I32 {
  const low = i32.wrap(rip);
  const hash = i32.xor(i32.shl(low, i32.const(3)), i32.shrU(low, i32.const(10)));
  return i32.add(i32.and(hash, i32.const((JUMP_CACHE_ENTRIES - 1) * JUMP_BYTES)), i32.const(plan.jumpCache));
}

/** 1 when the entry is that of `rip`, and fresh. */
export function jumpHit(entry: I32, rip: I64): I32 {
  const isOfRip = i64.eq(load64(entry, 64, JUMP.rip), rip);
  return i32.and(isOfRip, i32.eq(load32(entry, 32, JUMP.context), word(STATE.fetchContext)));
}

/** Makes the look-ups of every set that is not in use stale. */
function forgetGenerations(f: FunctionBuilder): void {
  f.store(i32.const(STATE.setGeneration), v128Const(Array<number>(16).fill(0)), 128);
}

/**
 * Declares `newGeneration()`: makes the cached block look-ups of the set in use stale. The generation stands above the five
 * mode bits; when it wraps, the jump cache is wiped so that no old entry can match again.
 */
export function emitNewGeneration(module: ModuleBuilder, plan: MemoryPlan): FunctionRef {
  return module.function({ params: [] }, (f) => {
    const next = f.local('i32');
    f.set(next, i32.add(word(STATE.newestGeneration), i32.const(CONTEXT_BITS + 1)));
    f.if(i32.eqz(next.get()), () => {
      f.memoryFill(i32.const(plan.jumpCache), i32.const(0xff), i32.const(JUMP_CACHE_ENTRIES * JUMP_BYTES));
      forgetGenerations(f);
      f.set(next, i32.const(CONTEXT_BITS + 1));
    });
    setWord(f, STATE.newestGeneration, next.get());
    const bits = i32.and(word(STATE.fetchContext), i32.const(CONTEXT_BITS));
    setWord(f, STATE.fetchContext, i32.or(next.get(), bits));
  });
}

/** Declares `nextGeneration()`: makes every cached block look-up stale. */
export function emitNextGeneration(module: ModuleBuilder, newGeneration: FunctionRef): FunctionRef {
  return module.function({ params: [] }, (f) => {
    forgetGenerations(f);
    f.call(newGeneration);
  });
}
