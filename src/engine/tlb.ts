/** Emits the software TLB: probing and filling. What is forgotten when is in tlb-sets.ts. */
import { i32, i64, load32, load64, select } from '../wasm/expr';
import type { I32, I64 } from '../wasm/expr';
import { callExpr } from '../wasm/function';
import type { FunctionBuilder, FunctionRef, Label } from '../wasm/function';
import type { ModuleBuilder } from '../wasm/module';
import { STATE, TLB_CONTEXT, TLB_CONTEXT_BYTES, TLB_ENTRIES, TLB_ENTRY, TLB_SET_BYTES } from '../cpu/layout';
import { any, setQuad, word } from '../cpu/paging/emit';
import { BUS_BIT } from '../cpu/paging/ept-walker';
import { ACCESS } from '../cpu/paging/walker';
import type { MemoryPlan } from '../memory/plan';
import { isListed, listEntry, noteWriter } from './tlb-sets';
import { WATCHED } from './watches';

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

/** Offset of the context in use from its set's beginning. */
export function contextOffset(plan: MemoryPlan): I32 {
  return i32.and(i32.sub(word(STATE.tlb), i32.const(plan.tlb)), i32.const(TLB_SET_BYTES - 1));
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
    const base = f.let(contextOffset(plan));
    const isUser = i32.or(i32.eqz(base), i32.eq(base, i32.const(TLB_CONTEXT.checked * TLB_CONTEXT_BYTES)));
    const allowsUser = i32.eq(base, i32.const(TLB_CONTEXT.supervisorAc * TLB_CONTEXT_BYTES));
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
    f.if(i32.geU(base, i32.const(TLB_CONTEXT.checked * TLB_CONTEXT_BYTES)), () => f.return(host));
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
      isListed(entry),
      () => {
        const same = (tag: number): I32 => i64.eq(load64(entry, 64, tag), page);
        const owned = i32.or(same(TLB_ENTRY.read), same(TLB_ENTRY.execute));
        f.if(i32.eqz(i32.and(owned, i32.eq(load32(entry, 32, TLB_ENTRY.addend), addend))), forget);
      },
      () => {
        forget();
        listEntry(f, plan, entry);
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
        f.if(i32.and(any(kind, ACCESS.write), isPlain), () => {
          noteWriter(f, plan, entry, f.let(i32.and(host, i32.const(~0xfff))));
          f.store(entry, page, 64, TLB_ENTRY.write);
        });
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
