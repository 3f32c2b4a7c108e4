/**
 * Emits the cache of second-level translations: a walk of the guest's tables goes through the EPT up to five times, mostly
 * to pages that were asked for before. Direct-mapped, an entry per guest-physical page and kind of access; entries come
 * from walks that ended in RAM, and go with the marks of the EPT structures that they were read from, so that the cache
 * cannot be observed.
 */
import { i32, i64, load64 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import type { FunctionBuilder } from '../../wasm/function';
import { EPT_CACHE_BYTES, EPT_CACHE_ENTRIES } from '../../memory/plan';
import type { MemoryPlan } from '../../memory/plan';

/**
 * Offset in an entry of the physical page's address. Before it stands the tag: the guest-physical page's address and the kind
 * of access, which is never 0; an entry of zeros has no translation.
 */
const PHYSICAL = 8;
const PAGE_MASK = ~0xfffn;

/** The entry for an access to `guestPhysical`; bits 0-2 of `access` tell its kind. */
export class EptCacheEntry {
  private readonly at: I32;
  private readonly tag: I64;

  constructor(
    private readonly f: FunctionBuilder,
    plan: MemoryPlan,
    private readonly guestPhysical: I64,
    access: I32,
  ) {
    // A page number's bits lie 12 from the right, an entry's size is 2^4 bytes.
    const scaled = i32.shrU(i32.wrap(guestPhysical), i32.const(8));
    this.at = f.let(i32.add(i32.and(scaled, i32.const((EPT_CACHE_ENTRIES - 1) * 16)), i32.const(plan.eptCache)));
    const kind = i64.extendU(i32.and(access, i32.const(7)));
    this.tag = f.let(i64.or(i64.and(guestPhysical, i64.const(PAGE_MASK)), kind));
  }

  /** Returns the physical address when the translation is there. */
  returnIfKnown(): void {
    const { f, at, tag, guestPhysical } = this;
    const inPage = i64.and(guestPhysical, i64.const(0xfff));
    f.if(i64.eq(load64(at, 64), tag), () => f.return(i64.or(load64(at, 64, PHYSICAL), inPage)));
  }

  /** Notes that the access may be made, at `physical` in RAM. */
  note(physical: I64): void {
    const { f, at, tag } = this;
    f.store(at, tag, 64);
    f.store(at, i64.and(physical, i64.const(PAGE_MASK)), 64, PHYSICAL);
  }
}

/** Forgets every translation. */
export function emptyEptCache(f: FunctionBuilder, plan: MemoryPlan): void {
  f.memoryFill(i32.const(plan.eptCache), i32.const(0), i32.const(EPT_CACHE_BYTES));
}
