/**
 * Emits guest memory access by segment and offset: segmentation and canonical checks, the TLB's slow paths, accesses
 * that cross pages, go to the bus, or touch pages that somebody depends on.
 *
 * `hostRead` and `hostWrite` give a host address to load from or store to: the memory itself, or the bounce buffer. A
 * store into the bounce buffer takes effect with `commit`, which cannot fail: both pages were proved before.
 *
 * Sources: SDM Vol. 3A 5.3 (limit checking), 3.3.7.1 (canonical), 6.15 (#AC).
 */
import { i32, i64, load32, load64 } from '../wasm/expr';
import type { I32, I64 } from '../wasm/expr';
import { callExpr } from '../wasm/function';
import type { FunctionBuilder, FunctionRef } from '../wasm/function';
import type { ModuleBuilder } from '../wasm/module';
import { Outcome } from '../isa/slow';
import { SEGMENT, VECTOR } from '../isa/semantics';
import {
  SEGMENT_ACCESS,
  SEGMENT_BYTES,
  SEGMENT_FIELD,
  STATE,
  TLB_CONTEXT,
  TLB_CONTEXT_BYTES,
  TLB_ENTRY,
} from '../cpu/layout';
import { any, quad, setQuad, setWord, word } from '../cpu/paging/emit';
import { ACCESS } from '../cpu/paging/walker';
import type { MemoryPlan } from '../memory/plan';
import { contextOffset, ifCanonical, is64BitCode, lastByte, ON_BUS, tlbEntry, tlbHit, tlbHost } from './tlb';

/** A linear address that cannot be: `linear` gives it after recording a fault. */
const NO_ADDRESS = 0x7000_0000_0000_0001n;

/** Fields of the pending store at `STATE.pending`: two parts of host address (0: bus), length, bus address. */
export const PENDING = { host: 0, length: 4, bus: 8, part: 16 } as const;

/** Records an exception for `leave`. */
export function recordFault(f: FunctionBuilder, vector: I32, errorCode: I32 | undefined): void {
  setWord(f, STATE.faultVector, vector);
  setWord(f, STATE.faultHasError, i32.const(errorCode ? 1 : 0));
  if (errorCode) setWord(f, STATE.faultError, errorCode);
  setWord(f, STATE.outcome, i32.const(Outcome.Fault));
}

/** #SS(0) for the stack segment, else #GP(0). */
function recordSegmentFault(f: FunctionBuilder, segment: I32): void {
  const isStack = i32.eq(segment, i32.const(SEGMENT.SS));
  recordFault(f, i32.sub(i32.const(VECTOR.GP), isStack), i32.const(0));
}

/** Declares `linear(segment number, offset, bytes, SEGMENT_ACCESS needed) -> linear`, `NO_ADDRESS` after a fault. */
function emitLinear(module: ModuleBuilder): FunctionRef {
  return module.function({ params: ['i32', 'i64', 'i32', 'i32'], result: 'i64' }, (f) => {
    const segment = f.param(0, 'i32').get();
    const offset = f.param(1, 'i64').get();
    const bytes = f.param(2, 'i32').get();
    const needed = f.param(3, 'i32').get();
    const record = f.let(i32.mul(segment, i32.const(SEGMENT_BYTES)));
    const field32 = (field: number): I32 => load32(record, 32, STATE.segments + field);
    const base = load64(record, 64, STATE.segments + SEGMENT_FIELD.base);
    f.if(is64BitCode(), () => {
      f.if(i32.ltU(segment, i32.const(SEGMENT.FS)), () => f.return(offset));
      f.return(i64.add(offset, base));
    });
    const access = f.let(field32(SEGMENT_FIELD.access));
    const fault = (): void => {
      recordSegmentFault(f, segment);
      f.return(i64.const(NO_ADDRESS));
    };
    f.if(i32.ne(i32.and(access, needed), needed), fault);
    const last = f.let(i64.add(offset, i64.extendU(i32.sub(bytes, i32.const(1)))));
    const limit = i64.extendU(field32(SEGMENT_FIELD.limit));
    f.if(
      any(access, SEGMENT_ACCESS.expandDown),
      () => {
        const top = f.local('i64');
        f.set(top, i64.const(0xffff));
        f.if(any(access, SEGMENT_ACCESS.big), () => f.set(top, i64.const(0xffffffffn)));
        f.if(i32.or(i64.leU(offset, limit), i64.gtU(last, top.get())), fault);
      },
      () => f.if(i64.gtU(last, limit), fault),
    );
    f.return(i64.and(i64.add(base, offset), i64.const(0xffffffffn)));
  });
}

/** Imports that access paths need: see `imports.ts`. */
export interface AccessImports {
  /** (bus address f64, bytes, bounce address): reads from the bus into the bounce buffer. */
  readonly busRead: FunctionRef;
  /** (bus address f64, bytes, bounce address): writes to the bus from the bounce buffer. */
  readonly busWrite: FunctionRef;
  /** (host address, bytes, source): told before a flagged page changes. */
  readonly flaggedWrite: FunctionRef;
  /** (linear, bytes, 0 for a read, 1 for a write, 2 for one of what was read first): told of slow accesses while anything is watched. */
  readonly watchedAccess: FunctionRef;
}

/**
 * What a store wants of `hostWrite` besides a place: nothing, the old content too, or only the proof that it would not
 * fault, which is no access that a watch could meet.
 */
export const STORE = { plain: 0, preload: 1, proof: 2 } as const;

export interface Access {
  /** (segment number, offset, bytes) -> host address, or 0 with `STATE.outcome` set. */
  readonly hostRead: FunctionRef;
  /** (segment number, offset, bytes, `STORE`) -> host address, or 0. */
  readonly hostWrite: FunctionRef;
  /** (linear, bytes) -> host address, or 0; for TypeScript. */
  readonly linearRead: FunctionRef;
  /** (linear, bytes, `STORE`) -> host address, or 0. */
  readonly linearWrite: FunctionRef;
  /** Carries the pending store from the bounce buffer to its place. */
  readonly commit: FunctionRef;
}

/** Bus address as the f64 that imports take. */
function busAddress(value: I64): ReturnType<typeof toFloat> {
  return toFloat(value);
}

function toFloat(value: I64) {
  return { type: 'f64' as const, code: [0xb9], args: [value] };
}

export function emitAccess(module: ModuleBuilder, plan: MemoryPlan, fill: FunctionRef, imports: AccessImports): Access {
  const linearOf = emitLinear(module);

  /** Checks canonicality and alignment of a slow access; returns 0 from the function after a fault. */
  const check = (f: FunctionBuilder, linear: I64, last: I64, bytes: I32, segment: I32): void => {
    f.if(is64BitCode(), () => {
      f.block((fine) => {
        f.block((first) => {
          ifCanonical(f, linear, first);
          recordSegmentFault(f, segment);
          f.return(i32.const(0));
        });
        ifCanonical(f, last, fine);
        recordSegmentFault(f, segment);
        f.return(i32.const(0));
      });
    });
    const isChecked = i32.eq(contextOffset(plan), i32.const(TLB_CONTEXT.checked * TLB_CONTEXT_BYTES));
    f.if(isChecked, () => {
      const mask = i32.sub(bytes, i32.const(1));
      const powerOfTwo = i32.eqz(i32.and(bytes, mask));
      const misaligned = i32.ne(i32.and(i32.wrap(linear), mask), i32.const(0));
      f.if(i32.and(i32.and(powerOfTwo, i32.leU(bytes, i32.const(8))), misaligned), () => {
        recordFault(f, i32.const(VECTOR.AC), i32.const(0));
        f.return(i32.const(0));
      });
    });
  };
  const crosses = (linear: I64, last: I64): I32 =>
    i64.ne(i64.shrU(linear, i64.const(12)), i64.shrU(last, i64.const(12)));

  /** Tells of an access that was proved, if anything is watched. */
  const tell = (f: FunctionBuilder, linear: I64, bytes: I32, kind: I32): void =>
    f.if(word(STATE.watches), () => f.call(imports.watchedAccess, linear, bytes, kind));

  /** Copies one part into the bounce buffer at `at`, from memory or from the bus. */
  const fetchPart = (f: FunctionBuilder, host: I32, length: I32, at: I32, bus: I64): void =>
    f.if(
      i32.eq(host, i32.const(ON_BUS)),
      () => f.call(imports.busRead, busAddress(bus), length, at),
      () => f.memoryCopy(at, host, length),
    );

  const readSlow = module.function({ params: ['i64', 'i32', 'i32'], result: 'i32' }, (f) => {
    const linear = f.param(0, 'i64').get();
    const bytes = f.param(1, 'i32').get();
    const last = lastByte(f, linear, bytes);
    check(f, linear, last, bytes, f.param(2, 'i32').get());
    const host = f.let(callExpr('i32', fill, linear, i32.const(0)));
    f.if(i32.eqz(host), () => f.return(i32.const(0)));
    const bus = f.let(quad(STATE.busAddress));
    f.if(crosses(linear, last), () => {
      const second = f.let(callExpr('i32', fill, i64.and(last, i64.const(~0xfffn)), i32.const(0)));
      f.if(i32.eqz(second), () => f.return(i32.const(0)));
      const length = f.let(i32.sub(i32.const(4096), i32.and(i32.wrap(linear), i32.const(0xfff))));
      const secondBus = f.let(quad(STATE.busAddress));
      tell(f, linear, bytes, i32.const(0));
      fetchPart(f, host, length, i32.const(STATE.bounce), bus);
      fetchPart(f, second, i32.sub(bytes, length), i32.add(i32.const(STATE.bounce), length), secondBus);
      f.return(i32.const(STATE.bounce));
    });
    tell(f, linear, bytes, i32.const(0));
    f.if(i32.ne(host, i32.const(ON_BUS)), () => f.return(host));
    f.call(imports.busRead, busAddress(bus), bytes, i32.const(STATE.bounce));
    f.return(i32.const(STATE.bounce));
  });

  const setPart = (f: FunctionBuilder, number: number, host: I32, length: I32): void => {
    const at = STATE.pending + number * PENDING.part;
    setWord(f, at + PENDING.length, length);
    f.if(
      i32.eq(host, i32.const(ON_BUS)),
      () => {
        setWord(f, at + PENDING.host, i32.const(0));
        setQuad(f, at + PENDING.bus, quad(STATE.busAddress));
      },
      () => setWord(f, at + PENDING.host, host),
    );
  };
  const pendingPart = (f: FunctionBuilder, number: number, body: (host: I32, length: I32, bus: I64) => void): void => {
    const at = STATE.pending + number * PENDING.part;
    const length = f.let(word(at + PENDING.length));
    f.if(length, () => body(f.let(word(at + PENDING.host)), length, quad(at + PENDING.bus)));
  };

  const preloadPending = module.function({ params: [] }, (f) => {
    const at = f.local('i32');
    f.set(at, i32.const(STATE.bounce));
    for (const number of [0, 1]) {
      pendingPart(f, number, (host, length, bus) => {
        f.if(
          host,
          () => f.memoryCopy(at.get(), host, length),
          () => f.call(imports.busRead, busAddress(bus), length, at.get()),
        );
        f.set(at, i32.add(at.get(), length));
      });
    }
  });

  const writeSlow = module.function({ params: ['i64', 'i32', 'i32', 'i32'], result: 'i32' }, (f) => {
    const linear = f.param(0, 'i64').get();
    const bytes = f.param(1, 'i32').get();
    const purpose = f.param(2, 'i32').get();
    const kind = i32.add(i32.eq(purpose, i32.const(STORE.preload)), i32.const(1));
    const tellUnlessProof = (): void =>
      f.if(i32.ne(purpose, i32.const(STORE.proof)), () => tell(f, linear, bytes, kind));
    const last = lastByte(f, linear, bytes);
    check(f, linear, last, bytes, f.param(3, 'i32').get());
    const host = f.let(callExpr('i32', fill, linear, i32.const(ACCESS.write)));
    f.if(i32.eqz(host), () => f.return(i32.const(0)));
    f.if(
      crosses(linear, last),
      () => {
        const length = f.let(i32.sub(i32.const(4096), i32.and(i32.wrap(linear), i32.const(0xfff))));
        setPart(f, 0, host, length);
        const second = f.let(callExpr('i32', fill, i64.and(last, i64.const(~0xfffn)), i32.const(ACCESS.write)));
        f.if(i32.eqz(second), () => f.return(i32.const(0)));
        setPart(f, 1, second, i32.sub(bytes, length));
        tellUnlessProof();
      },
      () => {
        tellUnlessProof();
        const page = i32.shrU(i32.sub(host, i32.const(plan.physical)), i32.const(12));
        f.if(i32.ne(host, i32.const(ON_BUS)), () =>
          f.if(i32.eqz(load32(page, 8, plan.pageFlags)), () => f.return(host)),
        );
        setPart(f, 0, host, bytes);
        setWord(f, STATE.pending + PENDING.part + PENDING.length, i32.const(0));
      },
    );
    f.if(i32.eq(purpose, i32.const(STORE.preload)), () => f.call(preloadPending));
    f.return(i32.const(STATE.bounce));
  });

  const commit = module.function({ params: [] }, (f) => {
    const from = f.local('i32');
    f.set(from, i32.const(STATE.bounce));
    for (const number of [0, 1]) {
      pendingPart(f, number, (host, length, bus) => {
        f.if(
          host,
          () => {
            const page = i32.shrU(i32.sub(host, i32.const(plan.physical)), i32.const(12));
            f.if(load32(page, 8, plan.pageFlags), () => f.call(imports.flaggedWrite, host, length, from.get()));
            f.memoryCopy(host, from.get(), length);
          },
          () => f.call(imports.busWrite, busAddress(bus), length, from.get()),
        );
        f.set(from, i32.add(from.get(), length));
      });
    }
  });

  const linearRead = module.function({ params: ['i64', 'i32'], result: 'i32' }, (f) => {
    const linear = f.param(0, 'i64').get();
    const bytes = f.param(1, 'i32').get();
    const entry = f.let(tlbEntry(linear));
    f.if(tlbHit(entry, TLB_ENTRY.read, linear, i64.extendU(bytes)), () => f.return(tlbHost(entry, linear)));
    f.return(callExpr('i32', readSlow, linear, bytes, i32.const(SEGMENT.DS)));
  });
  const linearWrite = module.function({ params: ['i64', 'i32', 'i32'], result: 'i32' }, (f) => {
    const linear = f.param(0, 'i64').get();
    const bytes = f.param(1, 'i32').get();
    const entry = f.let(tlbEntry(linear));
    f.if(tlbHit(entry, TLB_ENTRY.write, linear, i64.extendU(bytes)), () => f.return(tlbHost(entry, linear)));
    f.return(callExpr('i32', writeSlow, linear, bytes, f.param(2, 'i32').get(), i32.const(SEGMENT.DS)));
  });

  const bySegment = (write: boolean): FunctionRef =>
    module.function({ params: write ? ['i32', 'i64', 'i32', 'i32'] : ['i32', 'i64', 'i32'], result: 'i32' }, (f) => {
      const segment = f.param(0, 'i32').get();
      const bytes = f.param(2, 'i32').get();
      const needed = i32.const(write ? SEGMENT_ACCESS.write : SEGMENT_ACCESS.read);
      const linear = f.let(callExpr('i64', linearOf, segment, f.param(1, 'i64').get(), bytes, needed));
      f.if(i64.eq(linear, i64.const(NO_ADDRESS)), () => f.return(i32.const(0)));
      const entry = f.let(tlbEntry(linear));
      const tag = write ? TLB_ENTRY.write : TLB_ENTRY.read;
      f.if(tlbHit(entry, tag, linear, i64.extendU(bytes)), () => f.return(tlbHost(entry, linear)));
      if (write) f.return(callExpr('i32', writeSlow, linear, bytes, f.param(3, 'i32').get(), segment));
      else f.return(callExpr('i32', readSlow, linear, bytes, segment));
    });

  return { hostRead: bySegment(false), hostWrite: bySegment(true), linearRead, linearWrite, commit };
}
