/**
 * Emits the linear-address translation (SDM Vol. 3A ch. 4): no paging, 32-bit (PSE, PSE-36), PAE and 4-level paging
 * with large pages, NX, WP, SMEP, SMAP, accessed and dirty flags, every reserved bit; each table access goes through the
 * EPT. A non-leaf entry gets its accessed flag as it is used, a leaf only when the access is allowed.
 *
 * NOT IMPLEMENTED: 5-level paging, protection keys, HLAT (none is offered by CPUID).
 */
import { i32, i64, load32, load64, select } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import { callExpr } from '../../wasm/function';
import type { FunctionRef } from '../../wasm/function';
import type { ModuleBuilder } from '../../wasm/module';
import type { MemoryPlan } from '../../memory/plan';
import { Outcome } from '../../isa/slow';
import { VECTOR } from '../../isa/semantics';
import { PAGING, STATE } from '../layout';
import { any, quad, setQuad, setWord, word } from './emit';
import { BUS_BIT, EPT_ACCESS, PHYSICAL_BITS } from './ept-walker';

/** How a linear access counts. `allowUser`: a supervisor access that SMAP does not stop. */
export const ACCESS = { write: 1, user: 2, execute: 4, allowUser: 8 } as const;

/** Bits of a #PF error code (SDM Vol. 3A, 4.7). */
const ERROR = { present: 1, reserved: 8 } as const;
const ADDRESS_MASK = 0x000ffffffffff000n;
const NX = 1n << 63n;
const RESERVED_ADDRESS = ((1n << 52n) - 1n) & ~((1n << BigInt(PHYSICAL_BITS)) - 1n);
/** Of a 4 MiB page: bit 21, and those of bits 20-13 that would be address bits beyond the physical ones (SDM 4.3). */
const RESERVED_PSE36 = ((1n << 22n) - 1n) & ~((1n << BigInt(PHYSICAL_BITS - 19)) - 1n);

/**
 * Declares `(linear: i64, access: i32) -> i64`: the physical address (`BUS_BIT` set when it is not RAM), or -1 with the
 * fault or exit recorded in the state. The address is canonical, or below 4 GiB outside 64-bit mode.
 */
export function emitWalker(module: ModuleBuilder, plan: MemoryPlan, ept: FunctionRef, mark: FunctionRef): FunctionRef {
  const ref = module.declare({ params: ['i64', 'i32'], result: 'i64' });
  module.define(ref, (f) => {
    const linear = f.param(0, 'i64').get();
    const access = f.param(1, 'i32').get();
    const paging = f.let(word(STATE.paging));
    const mode = f.let(i32.and(paging, i32.const(PAGING.modeMask)));
    const isWrite = f.let(i32.and(access, i32.const(ACCESS.write)));
    const isUser = f.let(any(access, ACCESS.user));
    const isExecute = f.let(any(access, ACCESS.execute));
    setQuad(f, STATE.exitLinear, linear);
    const eptAccess = f.let(
      i32.or(
        select(
          isExecute,
          i32.const(EPT_ACCESS.execute),
          select(isWrite, i32.const(EPT_ACCESS.write), i32.const(EPT_ACCESS.read)),
        ),
        i32.const(EPT_ACCESS.linearValid | EPT_ACCESS.finalTranslation),
      ),
    );
    const toPhysical = (guestPhysical: I64): I64 => callExpr('i64', ept, guestPhysical, eptAccess);
    f.if(i32.eqz(mode), () => f.return(toPhysical(linear)));

    const is32 = f.let(i32.eq(mode, i32.const(1)));
    const fault = (code: I32): void => {
      setWord(f, STATE.faultVector, i32.const(VECTOR.PF));
      // NXE without PAE has no say: 32-bit entries hold no XD bit (SDM 4.7).
      const withoutSmep = select(is32, i32.const(0), any(paging, PAGING.noExecute));
      const fetches = i32.and(isExecute, i32.or(any(paging, PAGING.smep), withoutSmep));
      const bits = i32.or(
        i32.or(code, i32.shl(isWrite, i32.const(1))),
        i32.or(i32.shl(isUser, i32.const(2)), i32.shl(fetches, i32.const(4))),
      );
      setWord(f, STATE.faultError, bits);
      setWord(f, STATE.faultHasError, i32.const(1));
      setQuad(f, STATE.faultAddress, linear);
      setWord(f, STATE.outcome, i32.const(Outcome.Fault));
      f.return(i64.const(-1));
    };

    const table = f.local('i64');
    const shift = f.local('i64');
    const allowed = f.local('i32'); // U/S and R/W, and of all levels
    const noExecute = f.local('i32');
    f.set(allowed, i32.const(6));
    f.if(
      i32.eq(mode, i32.const(2)),
      () => {
        // PAE: the four PDPTEs are registers, without permissions (SDM 4.4.1).
        const number = i32.wrap(i64.and(i64.shrU(linear, i64.const(30)), i64.const(3)));
        const pdpte = f.let(load64(i32.shl(number, i32.const(3)), 64, STATE.pdpte));
        f.if(i64.eqz(i64.and(pdpte, i64.const(1))), () => fault(i32.const(0)));
        f.set(table, i64.and(pdpte, i64.const(ADDRESS_MASK)));
        f.set(shift, i64.const(21));
      },
      () => {
        f.set(table, i64.and(quad(STATE.cr3), select(is32, i64.const(0xfffff000n), i64.const(ADDRESS_MASK))));
        f.set(shift, select(is32, i64.const(22), i64.const(39)));
      },
    );
    const step = f.let(select(is32, i64.const(10), i64.const(9)));
    // With EPT accessed and dirty flags, accesses to guest paging structures count as writes (SDM 28.3.5).
    const tableAccess = f.let(
      i32.or(
        i32.const(EPT_ACCESS.read | EPT_ACCESS.linearValid),
        select(word(STATE.eptDirty), i32.const(EPT_ACCESS.write), i32.const(0)),
      ),
    );
    const entry = f.local('i64');
    const setEntryBits = (host: I32, entryGuest: I64, bits: I64): void => {
      const updated = f.let(i64.or(entry.get(), bits));
      f.if(i64.ne(updated, entry.get()), () => {
        // Setting a flag writes the table: the EPT must allow that.
        const writable = f.let(
          callExpr('i64', ept, entryGuest, i32.const(EPT_ACCESS.read | EPT_ACCESS.write | EPT_ACCESS.linearValid)),
        );
        f.if(i64.ltS(writable, i64.const(0)), () => f.return(i64.const(-1)));
        f.if(
          is32,
          () => f.store(host, updated, 32),
          () => f.store(host, updated, 64),
        );
      });
    };
    f.loop((again) => {
      const index = f.let(i64.and(i64.shrU(linear, shift.get()), i64.sub(i64.shl(i64.const(1), step), i64.const(1))));
      const entryGuest = f.let(i64.add(table.get(), i64.shl(index, select(is32, i64.const(2), i64.const(3)))));
      const physical = f.let(callExpr('i64', ept, entryGuest, tableAccess));
      f.if(i64.ltS(physical, i64.const(0)), () => f.return(i64.const(-1)));
      const host = f.let(i32.add(i32.wrap(physical), i32.const(plan.physical)));
      f.if(
        i64.ne(i64.and(physical, i64.const(BUS_BIT)), i64.const(0)),
        // A table where no RAM is reads as ones: a reserved-bit fault, but for 32-bit entries.
        () => f.set(entry, select(is32, i64.const(0xffffffffn), i64.const(-1))),
        () => {
          f.call(mark, i32.wrap(i64.shrU(physical, i64.const(12))));
          f.if(
            is32,
            () => f.set(entry, i64.extendU(load32(host, 32))),
            () => f.set(entry, load64(host)),
          );
        },
      );
      const low = f.let(i32.wrap(entry.get()));
      f.if(i32.eqz(i32.and(low, i32.const(1))), () => fault(i32.const(0)));
      const large = f.let(
        i32.and(
          i32.and(any(low, 0x80), i64.ne(shift.get(), i64.const(12))), // at level 1 the bit is PAT
          select(is32, any(paging, PAGING.largePages), i64.leU(shift.get(), i64.const(30))),
        ),
      );
      const isLast = f.let(i32.or(i64.eq(shift.get(), i64.const(12)), large));
      // Reserved bits.
      const reserved = f.local('i64');
      f.if(
        is32,
        () => f.set(reserved, select(large, i64.const(RESERVED_PSE36), i64.const(0))),
        () => {
          const highReserved = select(
            i32.eq(mode, i32.const(2)),
            i64.const(RESERVED_ADDRESS | (0x7ffn << 52n)),
            i64.const(RESERVED_ADDRESS),
          );
          f.set(reserved, i64.or(highReserved, select(any(paging, PAGING.noExecute), i64.const(0), i64.const(NX))));
          f.if(large, () =>
            f.set(
              reserved,
              i64.or(
                reserved.get(),
                i64.and(i64.sub(i64.shl(i64.const(1), shift.get()), i64.const(1)), i64.const(~0x1fffn)),
              ),
            ),
          );
          f.if(i32.and(any(low, 0x80), i64.eq(shift.get(), i64.const(39))), () => f.set(reserved, i64.const(-1)));
        },
      );
      f.if(i64.ne(i64.and(entry.get(), reserved.get()), i64.const(0)), () =>
        fault(i32.const(ERROR.present | ERROR.reserved)),
      );
      f.set(allowed, i32.and(allowed.get(), low));
      f.set(noExecute, i32.or(noExecute.get(), i32.wrap(i64.shrU(entry.get(), i64.const(63)))));
      f.if(isLast, () => {
        const userPage = f.let(any(allowed.get(), 4));
        const denied = f.local('i32');
        f.set(denied, i32.and(isUser, i32.eqz(userPage)));
        const readOnlyApplies = i32.or(isUser, any(paging, PAGING.writeProtect));
        f.set(denied, i32.or(denied.get(), i32.and(isWrite, i32.and(i32.eqz(any(allowed.get(), 2)), readOnlyApplies))));
        f.set(
          denied,
          i32.or(denied.get(), i32.and(isExecute, i32.and(noExecute.get(), any(paging, PAGING.noExecute)))),
        );
        const supervisorOnUser = f.let(i32.and(userPage, i32.eqz(isUser)));
        const smep = i32.and(isExecute, any(paging, PAGING.smep));
        const smap = i32.and(
          i32.eqz(isExecute),
          i32.and(any(paging, PAGING.smap), i32.eqz(any(access, ACCESS.allowUser))),
        );
        f.set(denied, i32.or(denied.get(), i32.and(supervisorOnUser, i32.or(smep, smap))));
        f.if(denied.get(), () => fault(i32.const(ERROR.present)));
        setEntryBits(host, entryGuest, i64.or(i64.const(0x20), i64.shl(i64.extendU(isWrite), i64.const(6))));
        const offsetMask = f.let(i64.sub(i64.shl(i64.const(1), shift.get()), i64.const(1)));
        const frame = f.local('i64');
        f.set(frame, i64.and(i64.and(entry.get(), i64.const(ADDRESS_MASK)), i64.xor(offsetMask, i64.const(-1))));
        // PSE-36: bits 13-20 of a 4 MiB entry are bits 32-39 of the address (SDM 4.3).
        f.if(i32.and(is32, large), () =>
          f.set(
            frame,
            i64.or(
              i64.and(entry.get(), i64.const(0xffc00000n)),
              i64.shl(i64.and(i64.shrU(entry.get(), i64.const(13)), i64.const(0x7f)), i64.const(32)),
            ),
          ),
        );
        f.return(toPhysical(i64.or(frame.get(), i64.and(linear, offsetMask))));
      });
      setEntryBits(host, entryGuest, i64.const(0x20));
      f.set(table, i64.and(entry.get(), i64.const(ADDRESS_MASK)));
      f.set(shift, i64.sub(shift.get(), step));
      f.br(again);
    });
    f.unreachable();
  });
  return ref;
}
