/**
 * Emits the second-level translation: guest-physical to machine-physical through the EPT (SDM Vol. 3C, 28.3), with
 * accessed and dirty flags, 4 KiB and 2 MiB pages, EPT violations and misconfigurations. Without EPT the two are equal.
 *
 * NOT IMPLEMENTED: 1 GiB EPT pages (not offered: such an entry is a misconfiguration), mode-based execute control,
 * sub-page permissions, page-modification logging.
 */
import { i32, i64, load32, load64 } from '../../wasm/expr';
import type { I64 } from '../../wasm/expr';
import type { FunctionRef } from '../../wasm/function';
import type { ModuleBuilder } from '../../wasm/module';
import { PAGE_FLAG } from '../../memory/plan';
import type { MemoryPlan } from '../../memory/plan';
import { Outcome } from '../../isa/slow';
import { STATE } from '../layout';
import { any, lowBits, quad, setQuad, setWord, word } from './emit';
import { EptCacheEntry } from './ept-cache';

/** Physical-address width (CPUID 80000008H:EAX[7:0]). */
export const PHYSICAL_BITS = 39;
/** Pages that can be routed to the bus at once. */
export const ROUTED_PAGES = 4;
/** Set in a translated address that is not RAM: the access goes to the bus. */
export const BUS_BIT = 1n << 62n;
const REASON = { violation: 48, misconfiguration: 49 } as const;

/** How an EPT access counts: bits 0-2 as in the exit qualification, 7 and 8 likewise (SDM table 27-7). */
export const EPT_ACCESS = { read: 1, write: 2, execute: 4, linearValid: 0x80, finalTranslation: 0x100 } as const;

/**
 * Declares `(guestPhysical: i64, access: i32) -> i64`: the physical address, or with `BUS_BIT` a bus address, or -1 after
 * filling `STATE.exit*` and `STATE.outcome`. `STATE.exitLinear` is the caller's to set. `mark(page: i32)` notes a page as
 * an EPT structure.
 */
export function emitEptWalker(module: ModuleBuilder, plan: MemoryPlan, mark: FunctionRef): FunctionRef {
  const ref = module.declare({ params: ['i64', 'i32'], result: 'i64' });
  module.define(ref, (f) => {
    const address = f.param(0, 'i64').get();
    const access = f.param(1, 'i32').get();
    // One instruction is being emulated: its MMIO page is routed to the bus before the EPT is asked.
    f.if(i32.ne(word(STATE.routedPage), i32.const(-1)), () => {
      const page = f.let(i64.shrU(address, i64.const(12)));
      for (let slot = 0; slot < ROUTED_PAGES; slot++) {
        const routed = i64.extendU(word(STATE.routedPage + slot * 4));
        f.if(i64.eq(page, routed), () => f.return(i64.or(address, i64.const(BUS_BIT))));
      }
    });
    const finish = (physical: I64, ramAt?: (physical: I64) => void): void => {
      const p = f.let(physical);
      f.if(i64.geU(p, quad(STATE.physicalBytes)), () => f.return(i64.or(p, i64.const(BUS_BIT))));
      const flags = load32(i32.wrap(i64.shrU(p, i64.const(12))), 8, plan.pageFlags);
      f.if(any(flags, PAGE_FLAG.device), () => f.return(i64.or(p, i64.const(BUS_BIT))));
      ramAt?.(p);
      f.return(p);
    };
    f.if(i32.eqz(word(STATE.eptRoot)), () => finish(address));
    const cached = new EptCacheEntry(f, plan, address, access);
    cached.returnIfKnown();

    const fail = (reason: number, qualification: I64): void => {
      setWord(f, STATE.exitReason, i32.const(reason));
      setQuad(f, STATE.exitQualification, qualification);
      setQuad(f, STATE.exitPhysical, address);
      setWord(f, STATE.outcome, i32.const(Outcome.Exit));
      f.return(i64.const(-1));
    };
    const table = f.local('i64');
    const shift = f.local('i64');
    const permissions = f.local('i32');
    f.set(table, i64.extendU(word(STATE.eptRoot)));
    f.set(shift, i64.const(39));
    f.set(permissions, i32.const(7));
    // Bits beyond the four-level walk: no entry can map them.
    f.if(i64.ne(i64.shrU(address, i64.const(48)), i64.const(0)), () => fail(REASON.violation, i64.extendU(access)));
    f.loop((again) => {
      const index = i64.and(i64.shrU(address, shift.get()), i64.const(511));
      const entryAddress = f.let(i64.add(table.get(), i64.shl(index, i64.const(3))));
      f.if(i64.geU(entryAddress, quad(STATE.physicalBytes)), () => fail(REASON.misconfiguration, i64.const(0)));
      const host = f.let(i32.add(i32.wrap(entryAddress), i32.const(plan.physical)));
      f.call(mark, i32.wrap(i64.shrU(entryAddress, i64.const(12))));
      const entry = f.let(load64(host));
      const rwx = f.let(lowBits(entry, 7));
      const violation = (): void =>
        fail(REASON.violation, i64.extendU(i32.or(access, i32.shl(i32.and(permissions.get(), rwx), i32.const(3)))));
      f.if(i32.eqz(rwx), () => fail(REASON.violation, i64.extendU(access)));
      // Writable but not readable, and reserved address bits (SDM 28.3.3.1).
      f.if(i32.eq(i32.and(rwx, i32.const(3)), i32.const(2)), () => fail(REASON.misconfiguration, i64.const(0)));
      const reserved = ((1n << 52n) - 1n) & ~((1n << BigInt(PHYSICAL_BITS)) - 1n);
      f.if(i64.ne(i64.and(entry, i64.const(reserved)), i64.const(0)), () =>
        fail(REASON.misconfiguration, i64.const(0)),
      );
      const large = f.let(any(i32.wrap(entry), 0x80));
      const isLast = f.let(
        i32.or(i64.eq(shift.get(), i64.const(12)), i32.and(large, i64.eq(shift.get(), i64.const(21)))),
      );
      f.if(i32.and(i32.eqz(isLast), any(i32.wrap(entry), 0xf8)), () => fail(REASON.misconfiguration, i64.const(0)));
      f.if(isLast, () => {
        const type = f.let(lowBits(entry, 0x38));
        f.if(
          i32.or(i32.or(i32.eq(type, i32.const(0x10)), i32.eq(type, i32.const(0x18))), i32.eq(type, i32.const(0x38))),
          () => fail(REASON.misconfiguration, i64.const(0)),
        );
        f.if(
          i32.and(i64.eq(shift.get(), i64.const(21)), i64.ne(i64.and(entry, i64.const(0x1ff000)), i64.const(0))),
          () => fail(REASON.misconfiguration, i64.const(0)),
        );
        f.if(
          i32.ne(
            i32.and(i32.and(i32.and(permissions.get(), rwx), access), i32.const(7)),
            i32.and(access, i32.const(7)),
          ),
          violation,
        );
      });
      f.set(permissions, i32.and(permissions.get(), rwx));
      f.if(word(STATE.eptDirty), () => {
        const wanted = i64.or(
          i64.const(0x100),
          i64.shl(i64.extendU(i32.and(isLast, i32.and(i32.shrU(access, i32.const(1)), i32.const(1)))), i64.const(9)),
        );
        const updated = f.let(i64.or(entry, wanted));
        f.if(i64.ne(updated, entry), () => f.store(host, updated, 64));
      });
      f.if(isLast, () => {
        const offsetMask = f.let(i64.sub(i64.shl(i64.const(1), shift.get()), i64.const(1)));
        const frame = i64.and(i64.and(entry, i64.const(0x000ffffffffff000n)), i64.xor(offsetMask, i64.const(-1)));
        finish(i64.or(frame, i64.and(address, offsetMask)), (physical) => cached.note(physical));
      });
      f.set(table, i64.and(entry, i64.const(0x000ffffffffff000n)));
      f.set(shift, i64.sub(shift.get(), i64.const(9)));
      f.br(again);
    });
    f.unreachable();
  });
  return ref;
}
