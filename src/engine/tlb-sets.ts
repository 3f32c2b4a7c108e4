/**
 * Emits the bookkeeping that keeps the TLB unobservable. A page read as a paging structure is marked for the set that its
 * translation goes to; the store that changes a used entry in it empties the sets that it is marked for. The lists of
 * filled entries make that cost what was used since the last time.
 */
import { i32, i64, load32, load64 } from '../wasm/expr';
import type { I32 } from '../wasm/expr';
import type { FunctionBuilder, FunctionRef } from '../wasm/function';
import type { ModuleBuilder } from '../wasm/module';
import { STATE, TLB_ENTRY, TLB_SET_BYTES } from '../cpu/layout';
import { setWord, word } from '../cpu/paging/emit';
import { emptyEptCache } from '../cpu/paging/ept-cache';
import { MARKED_LIST_BYTES, NO_WRITER, PAGE_FLAG, SEVERAL_WRITERS, TLB_LIST_BYTES, TLB_SETS } from '../memory/plan';
import type { MemoryPlan } from '../memory/plan';
import { CONTEXT_BITS } from './jump-cache';

/** Offset in an entry of the word that says whether it is in its set's list of filled entries: 1, or `UNLISTED`. */
const LISTED = 28;
/** Memory that was never filled is all ones. */
const UNLISTED = -1;

/** A counter of a list, and the list itself: u32 elements from a host offset on. */
interface List {
  readonly count: () => I32;
  readonly setCount: (f: FunctionBuilder, count: I32) => void;
  readonly start: I32;
}

/** The list that `set` has among those at `lists` of `bytes` bytes each, counted by the words at `counts`. */
function listOf(set: I32, counts: number, lists: number, bytes: number): List {
  const at = i32.shl(set, i32.const(2));
  return {
    count: () => load32(at, 32, counts),
    setCount: (f, count) => f.store(at, count, 32, counts),
    start: i32.add(i32.mul(set, i32.const(bytes)), i32.const(lists)),
  };
}

const filledList = (plan: MemoryPlan, set: I32): List => listOf(set, STATE.tlbFilled, plan.tlbList, TLB_LIST_BYTES);
const pagingList = (plan: MemoryPlan, set: I32): List =>
  listOf(set, STATE.pagingMarked, plan.markedList, MARKED_LIST_BYTES);
const eptList = (plan: MemoryPlan): List => ({
  count: () => word(STATE.eptMarked),
  setCount: (f, count) => setWord(f, STATE.eptMarked, count),
  start: i32.const(plan.markedList + TLB_SETS * MARKED_LIST_BYTES),
});

function append(f: FunctionBuilder, list: List, element: I32): void {
  const count = f.let(list.count());
  f.store(i32.add(list.start, i32.shl(count, i32.const(2))), element, 32);
  list.setCount(f, i32.add(count, i32.const(1)));
}

/** Runs `body` for every element, the last first. */
function forEach(f: FunctionBuilder, list: List, body: (element: I32) => void): void {
  const left = f.local('i32');
  f.set(left, list.count());
  f.block((end) =>
    f.loop((again) => {
      f.brIf(end, i32.eqz(left.get()));
      f.set(left, i32.sub(left.get(), i32.const(1)));
      body(f.let(load32(i32.add(list.start, i32.shl(left.get(), i32.const(2))), 32)));
      f.br(again);
    }),
  );
}

/** Runs `body` for every TLB set. */
function forEachSet(f: FunctionBuilder, body: (set: I32) => void): void {
  const set = f.local('i32');
  f.set(set, i32.const(0));
  f.loop((again) => {
    body(set.get());
    f.set(set, i32.add(set.get(), i32.const(1)));
    f.brIf(again, i32.ltU(set.get(), i32.const(TLB_SETS)));
  });
}

/** 1 when `entry` is in the list of filled ones of the set in use. */
export function isListed(entry: I32): I32 {
  return i32.eq(load32(entry, 32, LISTED), i32.const(1));
}

/** Notes that `entry`, which is not listed, is about to be filled. */
export function listEntry(f: FunctionBuilder, plan: MemoryPlan, entry: I32): void {
  append(f, filledList(plan, word(STATE.tlbSet)), entry);
  f.store(entry, i32.const(1), 32, LISTED);
}

/** Declares `mark(page)`: marks a physical page as read by the guest's or the EPT's walker, and ends fast writes to it. */
export function emitMark(
  module: ModuleBuilder,
  plan: MemoryPlan,
  protect: FunctionRef,
  kind: 'paging' | 'ept',
): FunctionRef {
  return module.function({ params: ['i32'] }, (f) => {
    const page = f.param(0, 'i32').get();
    const set = word(STATE.tlbSet);
    const flag = kind === 'ept' ? i32.const(PAGE_FLAG.ept) : i32.shl(i32.const(PAGE_FLAG.paging), set);
    const flags = f.let(load32(page, 8, plan.pageFlags));
    const added = f.let(i32.and(flag, i32.xor(flags, i32.const(-1))));
    f.if(i32.eqz(added), () => f.return());
    f.store(page, i32.or(flags, added), 8, plan.pageFlags);
    append(f, kind === 'ept' ? eptList(plan) : pagingList(plan, set), page);
    f.if(i32.eqz(flags), () => f.call(protect, page));
  });
}

/** Takes `flag` from every page of a list, and empties the list. */
function unmark(f: FunctionBuilder, plan: MemoryPlan, list: List, flag: I32): void {
  const kept = f.let(i32.xor(flag, i32.const(-1)));
  forEach(f, list, (page) => f.store(page, i32.and(load32(page, 8, plan.pageFlags), kept), 8, plan.pageFlags));
  list.setCount(f, i32.const(0));
}

/** 1 when the entry has a fast-write tag for the page at `host`. */
function writesTo(f: FunctionBuilder, entry: I32, host: I32): I32 {
  const tag = f.let(load64(entry, 64, TLB_ENTRY.write));
  const mapped = i32.add(load32(entry, 32, TLB_ENTRY.addend), i32.wrap(tag));
  return i32.and(i64.ne(tag, i64.const(-1)), i32.eq(mapped, host));
}

/** Notes that `entry` is about to get a fast-write tag for the page at `host`. */
export function noteWriter(f: FunctionBuilder, plan: MemoryPlan, entry: I32, host: I32): void {
  const at = f.let(i32.shl(pageOfHost(plan, host), i32.const(2)));
  const before = f.let(load32(at, 32, plan.writers));
  const writer = f.local('i32');
  f.set(writer, entry);
  const several = i32.const(SEVERAL_WRITERS);
  f.if(
    i32.gtU(before, several),
    () => f.if(i32.and(i32.ne(before, entry), writesTo(f, before, host)), () => f.set(writer, several)),
    () => f.if(before, () => f.set(writer, several)),
  );
  f.store(at, writer.get(), 32, plan.writers);
}

const pageOfHost = (plan: MemoryPlan, host: I32): I32 =>
  i32.shrU(i32.sub(host, i32.const(plan.physical)), i32.const(12));

/** Declares `protect(page)`: drops the fast-write tags of a physical page, after its flags became nonzero. */
export function emitProtect(module: ModuleBuilder, plan: MemoryPlan): FunctionRef {
  return module.function({ params: ['i32'] }, (f) => {
    const page = f.param(0, 'i32').get();
    const host = f.let(i32.add(i32.shl(page, i32.const(12)), i32.const(plan.physical)));
    const writer = f.let(load32(i32.shl(page, i32.const(2)), 32, plan.writers));
    const drop = (entry: I32): void =>
      f.if(writesTo(f, entry, host), () => f.store(entry, i64.const(-1), 64, TLB_ENTRY.write));
    f.if(i32.eq(writer, i32.const(NO_WRITER)), () => f.return());
    f.store(i32.shl(page, i32.const(2)), i32.const(NO_WRITER), 32, plan.writers);
    f.if(
      i32.eq(writer, i32.const(SEVERAL_WRITERS)),
      () => forEachSet(f, (set) => forEach(f, filledList(plan, set), drop)),
      () => drop(writer),
    );
  });
}

/** Declares `emptySet(set)`: forgets the translations of one set, its marks of paging structures, and its block look-ups. */
export function emitEmptySet(module: ModuleBuilder, plan: MemoryPlan, newGeneration: FunctionRef): FunctionRef {
  return module.function({ params: ['i32'] }, (f) => {
    const set = f.param(0, 'i32').get();
    const filled = filledList(plan, set);
    forEach(f, filled, (entry) => {
      for (const tag of [TLB_ENTRY.read, TLB_ENTRY.write, TLB_ENTRY.execute]) f.store(entry, i64.const(-1), 64, tag);
      f.store(entry, i32.const(UNLISTED), 32, LISTED);
    });
    filled.setCount(f, i32.const(0));
    unmark(f, plan, pagingList(plan, set), f.let(i32.shl(i32.const(PAGE_FLAG.paging), set)));
    f.if(
      i32.eq(set, word(STATE.tlbSet)),
      () => f.call(newGeneration),
      () => f.store(i32.shl(set, i32.const(2)), i32.const(0), 32, STATE.setGeneration),
    );
  });
}

/** Declares `flush()`: forgets every translation, all marks, and cached block look-ups. */
export function emitFlush(module: ModuleBuilder, plan: MemoryPlan, emptySet: FunctionRef): FunctionRef {
  return module.function({ params: [] }, (f) => {
    forEachSet(f, (set) => f.call(emptySet, set));
    emptyEptCache(f, plan);
    unmark(f, plan, eptList(plan), i32.const(PAGE_FLAG.ept));
  });
}

/** Declares `enterSet(set)`: uses another set from now on, as it was left. */
export function emitEnterSet(module: ModuleBuilder, newGeneration: FunctionRef): FunctionRef {
  return module.function({ params: ['i32'] }, (f) => {
    const set = f.param(0, 'i32').get();
    const before = f.let(word(STATE.tlbSet));
    const context = f.let(word(STATE.fetchContext));
    const generationOf = (number: I32): I32 => i32.shl(number, i32.const(2));
    f.store(generationOf(before), i32.and(context, i32.const(~CONTEXT_BITS)), 32, STATE.setGeneration);
    setWord(f, STATE.tlbSet, set);
    const step = i32.mul(i32.sub(set, before), i32.const(TLB_SET_BYTES));
    setWord(f, STATE.tlb, i32.add(word(STATE.tlb), step));
    const generation = f.let(load32(generationOf(set), 32, STATE.setGeneration));
    const bits = i32.and(context, i32.const(CONTEXT_BITS));
    f.if(
      generation,
      () => setWord(f, STATE.fetchContext, i32.or(generation, bits)),
      () => f.call(newGeneration),
    );
  });
}
