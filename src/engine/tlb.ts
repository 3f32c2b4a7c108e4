/**
 * Emits the software TLB: probing, filling, flushing, and the bookkeeping that keeps it unobservable. A page read as a
 * paging structure is marked; the store that changes a used entry in it flushes (see `store.ts`). The list of filled
 * entries makes a flush cost what was used since the last one.
 */
import { i32, i64, load32, load64, select } from '../wasm/expr';
import type { I32, I64 } from '../wasm/expr';
import { callExpr } from '../wasm/function';
import type { FunctionBuilder, FunctionRef, Label } from '../wasm/function';
import type { ModuleBuilder } from '../wasm/module';
import { STATE, TLB_CONTEXT, TLB_ENTRIES, TLB_ENTRY } from '../cpu/layout';
import { any, setQuad, setWord, word } from '../cpu/paging/emit';
import { BUS_BIT } from '../cpu/paging/ept-walker';
import { ACCESS } from '../cpu/paging/walker';
import { PAGE_FLAG } from '../memory/plan';
import type { MemoryPlan } from '../memory/plan';
import { WATCHED } from './watches';

const CONTEXT_BYTES = TLB_ENTRIES * TLB_ENTRY.bytes;
/** Offset in an entry of its "is in the list of filled entries" word. */
const FILLED = 28;
/** `fill` gives this instead of a host address when the access goes to the bus. */
export const ON_BUS = 1;

/** Host offset of the TLB entry for a linear address, in the context at `tlb`. */
export function tlbEntry(linear: I64, tlb: I32 = word(STATE.tlb)): I32 {
  // A page number's bits lie 12 from the right, an entry's size is 2^5 bytes.
  const scaled = i32.shrU(i32.wrap(linear), i32.const(7));
  return i32.add(tlb, i32.and(scaled, i32.const((TLB_ENTRIES - 1) * TLB_ENTRY.bytes)));
}

/** 1 when the entry's tag covers all `bytes` bytes at `linear` (so that none lies in the next page). */
export function tlbHit(entry: I32, tag: number, linear: I64, bytes: I64): I32 {
  const last = i64.add(linear, i64.sub(bytes, i64.const(1)));
  return i64.eq(load64(entry, 64, tag), i64.and(last, i64.const(~0xfffn)));
}

/** The host address of `linear` through a hit entry. */
export function tlbHost(entry: I32, linear: I64): I32 {
  return i32.add(load32(entry, 32, TLB_ENTRY.addend), i32.wrap(linear));
}

/** Declares `mark(page, flag)`: marks a physical page as a paging structure and ends fast writes to it. */
export function emitMark(module: ModuleBuilder, plan: MemoryPlan, protect: FunctionRef): FunctionRef {
  return module.function({ params: ['i32', 'i32'] }, (f) => {
    const page = f.param(0, 'i32').get();
    const flag = f.param(1, 'i32').get();
    const flags = f.let(load32(page, 8, plan.pageFlags));
    f.if(i32.and(flags, flag), () => f.return());
    f.store(page, i32.or(flags, flag), 8, plan.pageFlags);
    f.if(i32.eqz(any(flags, PAGE_FLAG.paging | PAGE_FLAG.ept)), () => {
      const count = f.let(word(STATE.pagingMarked));
      f.store(i32.shl(count, i32.const(2)), page, 32, plan.markedList);
      setWord(f, STATE.pagingMarked, i32.add(count, i32.const(1)));
    });
    f.if(i32.eqz(flags), () => f.call(protect, page));
  });
}

/** Runs `body` for every filled TLB entry (its host offset). */
function forFilled(f: FunctionBuilder, plan: MemoryPlan, body: (entry: I32) => void): void {
  const left = f.local('i32');
  f.set(left, word(STATE.tlbFilled));
  f.block((end) =>
    f.loop((again) => {
      f.brIf(end, i32.eqz(left.get()));
      f.set(left, i32.sub(left.get(), i32.const(1)));
      body(f.let(load32(i32.shl(left.get(), i32.const(2)), 32, plan.tlbList)));
      f.br(again);
    }),
  );
}

/** Declares `protect(page)`: drops the fast-write tags of a physical page, after its flags became nonzero. */
export function emitProtect(module: ModuleBuilder, plan: MemoryPlan): FunctionRef {
  return module.function({ params: ['i32'] }, (f) => {
    const host = f.let(i32.add(i32.shl(f.param(0, 'i32').get(), i32.const(12)), i32.const(plan.physical)));
    forFilled(f, plan, (entry) => {
      const tag = f.let(load64(entry, 64, TLB_ENTRY.write));
      const mapped = i32.add(load32(entry, 32, TLB_ENTRY.addend), i32.wrap(tag));
      f.if(i32.and(i64.ne(tag, i64.const(-1)), i32.eq(mapped, host)), () =>
        f.store(entry, i64.const(-1), 64, TLB_ENTRY.write),
      );
    });
  });
}

/** Declares `flush()`: forgets every translation, the marks of paging structures, and cached block look-ups. */
export function emitFlush(module: ModuleBuilder, plan: MemoryPlan, nextGeneration: FunctionRef): FunctionRef {
  return module.function({ params: [] }, (f) => {
    forFilled(f, plan, (entry) => {
      for (const tag of [TLB_ENTRY.read, TLB_ENTRY.write, TLB_ENTRY.execute]) f.store(entry, i64.const(-1), 64, tag);
      f.store(entry, i32.const(0), 32, FILLED);
    });
    setWord(f, STATE.tlbFilled, i32.const(0));
    const left = f.local('i32');
    f.set(left, word(STATE.pagingMarked));
    f.block((end) =>
      f.loop((again) => {
        f.brIf(end, i32.eqz(left.get()));
        f.set(left, i32.sub(left.get(), i32.const(1)));
        const page = f.let(load32(i32.shl(left.get(), i32.const(2)), 32, plan.markedList));
        const kept = i32.and(load32(page, 8, plan.pageFlags), i32.const(~(PAGE_FLAG.paging | PAGE_FLAG.ept)));
        f.store(page, kept, 8, plan.pageFlags);
        f.br(again);
      }),
    );
    setWord(f, STATE.pagingMarked, i32.const(0));
    f.call(nextGeneration);
  });
}

/**
 * Declares `nextGeneration()`: makes every cached block look-up stale. The generation stands above the five mode bits;
 * when it wraps, the jump cache is wiped so that no old entry can match again.
 */
export function emitNextGeneration(module: ModuleBuilder, plan: MemoryPlan, jumpCacheBytes: number): FunctionRef {
  return module.function({ params: [] }, (f) => {
    const next = f.let(i32.add(word(STATE.fetchContext), i32.const(32)));
    setWord(f, STATE.fetchContext, next);
    f.if(i32.eqz(i32.shrU(next, i32.const(5))), () => {
      f.memoryFill(i32.const(plan.jumpCache), i32.const(0xff), i32.const(jumpCacheBytes));
      setWord(f, STATE.fetchContext, i32.add(next, i32.const(32)));
    });
  });
}

/**
 * Declares `fill(linear, access) -> host`: translates and caches. 0: fault or exit recorded; `ON_BUS`: the access goes
 * to the bus at `STATE.busAddress`; else the host address of the byte at `linear`.
 */
export function emitFill(
  module: ModuleBuilder,
  plan: MemoryPlan,
  walk: FunctionRef,
  pageWatched: FunctionRef,
  profileFill?: FunctionRef,
): FunctionRef {
  return module.function({ params: ['i64', 'i32'], result: 'i32' }, (f) => {
    const linear = f.param(0, 'i64').get();
    const kind = f.param(1, 'i32').get();
    if (profileFill) f.call(profileFill);
    const base = f.let(i32.sub(word(STATE.tlb), i32.const(plan.tlb)));
    const isUser = i32.or(i32.eqz(base), i32.eq(base, i32.const(TLB_CONTEXT.checked * CONTEXT_BYTES)));
    const allowsUser = i32.eq(base, i32.const(TLB_CONTEXT.supervisorAc * CONTEXT_BYTES));
    const access = f.let(
      i32.or(
        kind,
        select(isUser, i32.const(ACCESS.user), select(allowsUser, i32.const(ACCESS.allowUser), i32.const(0))),
      ),
    );
    const physical = f.let(callExpr('i64', walk, linear, access));
    f.if(i64.ltS(physical, i64.const(0)), () => f.return(i32.const(0)));
    f.if(i64.ne(i64.and(physical, i64.const(BUS_BIT)), i64.const(0)), () => {
      setQuad(f, STATE.busAddress, i64.and(physical, i64.const(BUS_BIT - 1n)));
      f.return(i32.const(ON_BUS));
    });
    const host = f.let(i32.add(i32.wrap(physical), i32.const(plan.physical)));
    f.if(i32.geU(base, i32.const(TLB_CONTEXT.checked * CONTEXT_BYTES)), () => f.return(host));
    // Accesses that somebody watches get no tag, so that each of them takes the slow path and is seen there.
    const watched = f.local('i32');
    f.set(watched, i32.const(0));
    f.if(word(STATE.watches), () =>
      f.if(i32.eqz(any(kind, ACCESS.execute)), () => {
        f.set(watched, callExpr('i32', pageWatched, linear));
        f.if(any(watched.get(), WATCHED.reads), () => f.return(host));
      }),
    );
    const entry = f.let(tlbEntry(linear));
    const page = f.let(i64.and(linear, i64.const(~0xfffn)));
    const addend = f.let(i32.sub(i32.and(host, i32.const(~0xfff)), i32.wrap(page)));
    const forget = (): void => {
      for (const tag of [TLB_ENTRY.read, TLB_ENTRY.write, TLB_ENTRY.execute]) f.store(entry, i64.const(-1), 64, tag);
    };
    f.if(
      load32(entry, 32, FILLED),
      () => {
        const same = (tag: number): I32 => i64.eq(load64(entry, 64, tag), page);
        const owned = i32.or(same(TLB_ENTRY.read), same(TLB_ENTRY.execute));
        f.if(i32.eqz(i32.and(owned, i32.eq(load32(entry, 32, TLB_ENTRY.addend), addend))), forget);
      },
      () => {
        forget();
        const count = f.let(word(STATE.tlbFilled));
        f.store(i32.shl(count, i32.const(2)), entry, 32, plan.tlbList);
        setWord(f, STATE.tlbFilled, i32.add(count, i32.const(1)));
        f.store(entry, i32.const(1), 32, FILLED);
      },
    );
    f.store(entry, addend, 32, TLB_ENTRY.addend);
    f.if(
      any(kind, ACCESS.execute),
      () => f.store(entry, page, 64, TLB_ENTRY.execute),
      () => {
        f.store(entry, page, 64, TLB_ENTRY.read);
        const flags = load32(i32.shrU(i32.wrap(physical), i32.const(12)), 8, plan.pageFlags);
        const isPlain = i32.eqz(i32.or(flags, watched.get()));
        f.if(i32.and(any(kind, ACCESS.write), isPlain), () => f.store(entry, page, 64, TLB_ENTRY.write));
      },
    );
    f.return(host);
  });
}

/** The last byte's address of an access, wrapped at 4 GiB outside 64-bit mode. */
export function lastByte(f: FunctionBuilder, linear: I64, bytes: I32): I64 {
  const last = i64.add(linear, i64.extendU(i32.sub(bytes, i32.const(1))));
  return f.let(select(is64BitCode(), last, i64.and(last, i64.const(0xffffffffn))));
}

/** 1 in 64-bit mode. */
export function is64BitCode(): I32 {
  return i32.eq(i32.and(word(STATE.mode), i32.const(3)), i32.const(2));
}

/** Branches to `end` when `linear` is canonical (48 bits, sign-extended). */
export function ifCanonical(f: FunctionBuilder, linear: I64, end: Label): void {
  f.brIf(end, i64.eq(i64.shrS(i64.shl(linear, i64.const(16)), i64.const(16)), linear));
}
