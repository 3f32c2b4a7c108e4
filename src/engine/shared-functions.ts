/** Emits the functions that handlers of every mode share: effective addresses, stack pointer, near-jump checks. */
import { i32, i64, load32, load64 } from '../wasm/expr';
import type { I32, I64 } from '../wasm/expr';
import type { FunctionBuilder, FunctionRef } from '../wasm/function';
import type { ModuleBuilder } from '../wasm/module';
import { Outcome } from '../isa/slow';
import { SEGMENT, VECTOR } from '../isa/semantics';
import { MODE, SEGMENT_BYTES, SEGMENT_FIELD, STATE } from '../cpu/layout';
import { quad, setQuad, word } from '../cpu/paging/emit';
import { recordFault } from './access';
import { displacementOf, ENTRY, field16, field8 } from './entry';
import { is64BitCode } from './tlb';

/** The mask of a size code (0: 16, 1: 32, 2: 64 bits). */
function maskOf(code: I32): I64 {
  return load64(i32.shl(code, i32.const(3)), 64, STATE.addressMasks);
}

const addressSize = (entry: I32): I32 => i32.and(i32.shrU(field8(entry, ENTRY.shape), i32.const(2)), i32.const(3));
const stackSize = (): I32 => i32.and(i32.shrU(word(STATE.mode), i32.const(MODE.stackShift)), i32.const(3));

/** Writes `value` into the register at state offset `at` with the width of a size code, zero-extending from 32 bits. */
function writeSized(f: FunctionBuilder, size: I32, at: I32, value: I64): void {
  f.if(i32.eqz(size), () => {
    f.store(at, value, 16);
    f.return();
  });
  f.store(at, i64.and(value, maskOf(size)), 64);
}

/** (entry) -> offset of its memory operand within the segment. */
export function emitEffective(module: ModuleBuilder): FunctionRef {
  return module.function({ params: ['i32'], result: 'i64' }, (f) => {
    const entry = f.param(0, 'i32').get();
    const scale = i64.extendU(i32.and(field8(entry, ENTRY.shape), i32.const(3)));
    const index = i64.shl(load64(field16(entry, ENTRY.index)), scale);
    const sum = i64.add(i64.add(load64(field16(entry, ENTRY.base)), index), displacementOf(entry));
    f.return(i64.and(sum, maskOf(addressSize(entry))));
  });
}

/** (entry, general register number) -> its value at the entry's address size. */
export function emitAddressRegister(module: ModuleBuilder): FunctionRef {
  return module.function({ params: ['i32', 'i32'], result: 'i64' }, (f) => {
    const register = load64(i32.shl(f.param(1, 'i32').get(), i32.const(3)), 64, STATE.general);
    f.return(i64.and(register, maskOf(addressSize(f.param(0, 'i32').get()))));
  });
}

/** (entry, general register number, value): writes it at the entry's address size. */
export function emitSetAddressRegister(module: ModuleBuilder): FunctionRef {
  return module.function({ params: ['i32', 'i32', 'i64'] }, (f) => {
    const at = i32.add(i32.shl(f.param(1, 'i32').get(), i32.const(3)), i32.const(STATE.general));
    writeSized(f, addressSize(f.param(0, 'i32').get()), at, f.param(2, 'i64').get());
  });
}

const RSP = STATE.general + 4 * 8;

/** () -> rSP at the stack's address size. */
export function emitStackPointer(module: ModuleBuilder): FunctionRef {
  return module.function({ params: [], result: 'i64' }, (f) => f.return(i64.and(quad(RSP), maskOf(stackSize()))));
}

/** (value): writes rSP at the stack's address size. */
export function emitSetStackPointer(module: ModuleBuilder): FunctionRef {
  return module.function({ params: ['i64'] }, (f) =>
    writeSized(f, stackSize(), i32.const(RSP), f.param(0, 'i64').get()),
  );
}

/** (target RIP) -> 0, or `Outcome.Fault` with #GP(0) recorded: canonical in 64-bit mode, else within the CS limit. */
export function emitCheckTarget(module: ModuleBuilder): FunctionRef {
  return module.function({ params: ['i64'], result: 'i32' }, (f) => {
    const target = f.param(0, 'i64').get();
    const bad = f.local('i32');
    f.if(
      is64BitCode(),
      () => f.set(bad, i64.ne(i64.shrS(i64.shl(target, i64.const(16)), i64.const(16)), target)),
      () => {
        const limit = load32(i32.const(0), 32, STATE.segments + SEGMENT.CS * SEGMENT_BYTES + SEGMENT_FIELD.limit);
        f.set(bad, i64.gtU(target, i64.extendU(limit)));
      },
    );
    f.if(i32.eqz(bad.get()), () => f.return(i32.const(0)));
    recordFault(f, i32.const(VECTOR.GP), i32.const(0));
    setQuad(f, STATE.faultAddress, target);
    f.return(i32.const(Outcome.Fault));
  });
}
