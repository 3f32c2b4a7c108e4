/**
 * Generates the interpreter: one WebAssembly module with the walkers, the access paths, the handlers, and the loop that
 * runs blocks of decoded entries.
 *
 * A block is charged to the budget when it is entered; whoever leaves it early gives back what did not begin, which
 * every entry knows (`ENTRY.left`). A block longer than the budget is replaced by a copy that ends in time, unless the
 * run may end before it.
 */
import { i32, i64, load32, load64 } from '../wasm/expr';
import type { I32, I64 } from '../wasm/expr';
import { callExpr, callIndirectExpr } from '../wasm/function';
import type { FunctionBuilder, FunctionRef, Label } from '../wasm/function';
import { ModuleBuilder } from '../wasm/module';
import { SEGMENT, VECTOR } from '../isa/semantics';
import type { Bits } from '../isa/semantics';
import { Outcome, SLOW_FUNCTIONS } from '../isa/slow';
import type { SlowFunctionName } from '../isa/slow';
import { MODE, SEGMENT_BYTES, SEGMENT_FIELD, STATE, TLB_ENTRY } from '../cpu/layout';
import { quad, setQuad, setWord, word } from '../cpu/paging/emit';
import { emitEptWalker } from '../cpu/paging/ept-walker';
import { ACCESS, emitWalker } from '../cpu/paging/walker';
import { BLOCK_TABLE_ENTRIES } from '../memory/plan';
import type { MemoryPlan } from '../memory/plan';
import { emitAccess, recordFault } from './access';
import type { Access } from './access';
import { emitBulk, emitIsFlat } from './bulk';
import type { BulkKind } from './bulk';
import { BLOCK, ENTRY, field16, field8, immediate32, nextEntry } from './entry';
import { foldHandler } from './fold';
import { HandlerSemantics } from './handler';
import type { Leave, Shared } from './handler';
import { PSEUDO } from './handler-table';
import type { HandlerKey, HandlerTable } from './handler-table';
import { REGION_ROOM } from './jit/jit';
import { emitNewGeneration, emitNextGeneration, JUMP, jumpHit, jumpSlot } from './jump-cache';
import { settleDeferred } from './lazy-flags';
import {
  emitAddressRegister,
  emitCheckTarget,
  emitEffective,
  emitSetAddressRegister,
  emitSetStackPointer,
  emitStackPointer,
} from './shared-functions';
import { emitFill, is64BitCode, tlbEntry, tlbHit, tlbHost } from './tlb';
import { emitEmptySet, emitEnterSet, emitFlush, emitMark, emitProtect } from './tlb-sets';

/** Fields of a block-table entry, 16 bytes. */
export const BLOCK_SLOT = { host: 0, mode: 4, block: 8 } as const;

/** Where block-table look-ups begin: shared with the decoder of blocks. */
export function blockSlotIndex(host: number, mode: number): number {
  return (host ^ (host >>> 11) ^ (mode * 0x9e5)) & (BLOCK_TABLE_ENTRIES - 1);
}

interface Helpers {
  readonly access: Access;
  readonly fill: FunctionRef;
  readonly find: FunctionRef;
  readonly truncate: FunctionRef;
  readonly breakpointHit: FunctionRef;
  readonly dropBlock: FunctionRef;
  readonly blockIsHot: FunctionRef;
  readonly settleFlags: FunctionRef;
  readonly profile: ProfileParts | undefined;
}

/** Imports of an interpreter that is profiled. */
interface ProfileParts {
  /** (RIP at which a region was entered, instructions that it completed, what it gave). */
  readonly region: FunctionRef;
  /** (RIP, instructions of a block that the interpreter enters). */
  readonly block: FunctionRef;
  /** Told of every fill of the TLB. */
  readonly fill: FunctionRef;
}

/**
 * The module's bytes for the handlers of `handlers`, the same for every size of physical memory; `profiled`: it calls the
 * imports of `profile.ts`.
 */
export function generateInterpreter(
  plan: MemoryPlan,
  handlers: HandlerTable,
  profiled: boolean,
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory(plan.physical >>> 16);
  const slow = {} as Record<SlowFunctionName, FunctionRef>;
  for (const [name, params] of Object.entries(SLOW_FUNCTIONS)) {
    slow[name as SlowFunctionName] = module.importFunction(name, { params, result: 'i32' });
  }
  const busRead = module.importFunction('busRead', { params: ['f64', 'i32', 'i32'] });
  const busWrite = module.importFunction('busWrite', { params: ['f64', 'i32', 'i32'] });
  const flaggedWrite = module.importFunction('flaggedWrite', { params: ['i32', 'i32', 'i32'] });
  const decodeBlock = module.importFunction('decodeBlock', { params: ['i32', 'i32'], result: 'i32' });
  const fetchVariant = module.importFunction('fetchVariant', { params: ['i64'], result: 'i32' });
  const truncate = module.importFunction('truncate', { params: ['i32', 'i32'], result: 'i32' });
  const breakpointHit = module.importFunction('breakpointHit', { params: ['i32'], result: 'i32' });
  const dropBlock = module.importFunction('dropBlock', { params: ['i32'] });
  const blockIsHot = module.importFunction('blockIsHot', { params: ['i32'] });
  const pageWatched = module.importFunction('pageWatched', { params: ['i64'], result: 'i32' });
  const watchedAccess = module.importFunction('watchedAccess', { params: ['i64', 'i32', 'i32'] });
  const profile: ProfileParts | undefined = !profiled
    ? undefined
    : {
        region: module.importFunction('profileRegion', { params: ['i64', 'i32', 'i32'] }),
        block: module.importFunction('profileBlock', { params: ['i64', 'i32'] }),
        fill: module.importFunction('profileFill', { params: [] }),
      };

  const newGeneration = emitNewGeneration(module, plan);
  const nextGeneration = emitNextGeneration(module, newGeneration);
  const protect = emitProtect(module, plan);
  const ept = emitEptWalker(module, plan, emitMark(module, plan, protect, 'ept'));
  const walk = emitWalker(module, plan, ept, emitMark(module, plan, protect, 'paging'));
  const fill = emitFill(module, plan, walk, pageWatched, profile?.fill);
  const emptySet = emitEmptySet(module, plan, newGeneration);
  const flush = emitFlush(module, plan, emptySet);
  const enterSet = emitEnterSet(module, newGeneration);
  const access = emitAccess(module, plan, fill, { busRead, busWrite, flaggedWrite, watchedAccess });
  const addressRegister = emitAddressRegister(module);
  const setAddressRegister = emitSetAddressRegister(module);
  const isFlat = emitIsFlat(module);
  const bulk = (kind: BulkKind): Readonly<Record<Bits, FunctionRef>> => {
    const of = (bytes: number): FunctionRef =>
      emitBulk(module, kind, bytes, isFlat, { addressRegister, setAddressRegister });
    return { 8: of(1), 16: of(2), 32: of(4), 64: of(8) };
  };
  const shared: Shared = {
    access,
    effective: emitEffective(module),
    addressRegister,
    setAddressRegister,
    bulk: { copy: bulk('copy'), fill: bulk('fill') },
    stackPointer: emitStackPointer(module),
    setStackPointer: emitSetStackPointer(module),
    checkTarget: emitCheckTarget(module),
    slow,
  };
  const find = emitFind(module, plan, { fill, decodeBlock, fetchVariant, breakpointHit });

  const signature = { params: ['i32'], result: 'i32' } as const;
  const tableExits: Leave = {
    leave: (f, outcome) => f.return(outcome),
    jumped: (f) => f.return(i32.const(Outcome.Jumped)),
  };
  const functions = new Map<HandlerKey, FunctionRef>();
  for (const key of handlers.table) {
    if (functions.has(key)) continue;
    const handler = module.function(signature, (f) => {
      const m = new HandlerSemantics(f, key.size, false, f.param(0, 'i32').get(), shared, tableExits);
      foldHandler(f, m, key, tableExits);
      f.return(i32.const(Outcome.Done));
    });
    functions.set(key, handler);
  }
  module.table(
    handlers.table.map((key) => functions.get(key)!),
    REGION_ROOM,
  );
  module.exportTable('table');
  const settleFlags = module.function({ params: [] }, (f) => {
    settleDeferred(f, f.let(word(STATE.flagKind)));
    setWord(f, STATE.flagKind, i32.const(0));
  });
  const helpers: Helpers = { settleFlags, access, fill, find, truncate, breakpointHit, dropBlock, blockIsHot, profile };
  const run = emitRun(module, plan, handlers, shared, helpers, module.type(signature));

  const exported = { run, fill, flush, emptySet, enterSet, nextGeneration, protect, walk, ept, ...access };
  for (const [name, ref] of Object.entries(exported)) module.exportFunction(name, ref);
  return module.finish();
}

/** `value` cut to the code size: RIP wraps at it. */
function cutToCode(value: I64): I64 {
  const size = i32.and(word(STATE.mode), i32.const(MODE.codeMask));
  return i64.and(value, load64(i32.shl(size, i32.const(3)), 64, STATE.addressMasks));
}

const CS = STATE.segments + SEGMENT.CS * SEGMENT_BYTES;

/** Linear address of `rip`. */
export function linearOfRip(rip: I64): I64 {
  const based = i64.and(i64.add(rip, quad(CS + SEGMENT_FIELD.base)), i64.const(0xffffffffn));
  return { type: 'i64', code: [0x1b], args: [rip, based, is64BitCode()] };
}

/** What `find` calls. */
type FindPart = 'fill' | 'decodeBlock' | 'fetchVariant' | 'breakpointHit';

/** Declares `find() -> block`: translates RIP, takes or decodes its block, notes it in the jump cache; 0 on a fault. */
function emitFind(
  module: ModuleBuilder,
  plan: MemoryPlan,
  { fill, decodeBlock, fetchVariant, breakpointHit }: Readonly<Record<FindPart, FunctionRef>>,
): FunctionRef {
  return module.function({ params: [], result: 'i32' }, (f) => {
    const rip = f.let(quad(STATE.rip));
    /** What a fetch raised stands recorded; the processor's own breakpoints come before it (SDM Vol. 3A, table 6-2). */
    const failed = (): void => {
      f.if(word(STATE.breakpoints), () => {
        const outcome = f.let(callExpr('i32', breakpointHit, i32.const(0)));
        f.if(outcome, () => setWord(f, STATE.outcome, outcome));
      });
      f.return(i32.const(0));
    };
    const fault = (): void => {
      recordFault(f, i32.const(VECTOR.GP), i32.const(0));
      failed();
    };
    const limit = i64.extendU(word(CS + SEGMENT_FIELD.limit));
    f.if(
      is64BitCode(),
      () => f.if(i64.ne(i64.shrS(i64.shl(rip, i64.const(16)), i64.const(16)), rip), fault),
      () => f.if(i64.gtU(rip, limit), fault),
    );
    const linear = f.let(linearOfRip(rip));
    const entry = f.let(tlbEntry(linear));
    const host = f.local('i32');
    f.if(
      tlbHit(entry, TLB_ENTRY.execute, linear, i64.const(1)),
      () => f.set(host, tlbHost(entry, linear)),
      () => f.set(host, callExpr('i32', fill, linear, i32.const(ACCESS.execute))),
    );
    f.if(i32.eqz(host.get()), failed);
    const mode = f.local('i32');
    f.set(mode, i32.and(word(STATE.mode), i32.const(MODE.codeMask)));
    f.if(word(STATE.breakpoints), () =>
      f.set(mode, i32.or(mode.get(), i32.shl(callExpr('i32', fetchVariant, linear), i32.const(2)))),
    );
    const hash = i32.xor(
      i32.xor(host.get(), i32.shrU(host.get(), i32.const(11))),
      i32.mul(mode.get(), i32.const(0x9e5)),
    );
    const slot = f.let(
      i32.add(i32.shl(i32.and(hash, i32.const(BLOCK_TABLE_ENTRIES - 1)), i32.const(4)), i32.const(plan.blockTable)),
    );
    const block = f.local('i32');
    f.set(block, i32.const(0));
    const matches = i32.and(
      i32.eq(load32(slot, 32, BLOCK_SLOT.host), host.get()),
      i32.eq(load32(slot, 32, BLOCK_SLOT.mode), mode.get()),
    );
    f.if(matches, () => {
      f.set(block, load32(slot, 32, BLOCK_SLOT.block));
      // The table does not know the code segment's limit: a block that reaches past it is decoded anew.
      f.if(i32.eqz(is64BitCode()), () => {
        const last = i64.add(rip, i64.extendU(i32.sub(load32(block.get(), 32, BLOCK.bytes), i32.const(1))));
        f.if(i64.gtU(last, limit), () => f.set(block, i32.const(0)));
      });
    });
    f.if(i32.eqz(block.get()), () => {
      f.set(block, callExpr('i32', decodeBlock, host.get(), mode.get()));
      f.if(i32.eqz(block.get()), failed);
    });
    const jump = f.let(jumpSlot(plan, rip));
    f.store(jump, rip, 64, JUMP.rip);
    f.store(jump, word(STATE.fetchContext), 32, JUMP.context);
    f.store(jump, block.get(), 32, JUMP.block);
    f.store(jump, i32.const(0), 32, JUMP.region);
    f.return(block.get());
  });
}

/** Declares `run() -> Outcome`: runs `STATE.budget` instructions from `STATE.rip`, or until something leaves. */
function emitRun(
  module: ModuleBuilder,
  plan: MemoryPlan,
  handlers: HandlerTable,
  shared: Shared,
  helpers: Helpers,
  handlerType: number,
): FunctionRef {
  return module.function({ params: [], result: 'i32' }, (f) => {
    const block = f.local('i32');
    const entry = f.local('i32');
    const outcome = f.local('i32');
    const e = entry.get();
    const left = field16(e, ENTRY.left);
    const regionType = module.type({ params: ['i32', 'i32'], result: 'i32' });
    const ripHere = cutToCode(i64.add(quad(STATE.blockRip), i64.extendU(field16(e, ENTRY.offset))));
    const ripBehind = cutToCode(
      i64.add(quad(STATE.blockRip), i64.extendU(i32.add(field16(e, ENTRY.offset), field8(e, ENTRY.length)))),
    );
    const giveBack = (count: I32): void => setWord(f, STATE.budget, i32.add(word(STATE.budget), count));

    /** Before anything but a region runs: takes back what holds only from one region to the next. */
    const leaveRegions = (): void => {
      setWord(f, STATE.seenFlat, i32.const(0));
      f.if(word(STATE.flagKind), () => f.call(helpers.settleFlags));
    };
    f.loop((lookup) => {
      f.block((found) => {
        f.scope(() => {
          const rip = f.let(quad(STATE.rip));
          const jump = f.let(jumpSlot(plan, rip));
          f.if(
            jumpHit(jump, rip),
            () => {
              f.set(block, load32(jump, 32, JUMP.block));
              const region = f.let(load32(jump, 32, JUMP.region));
              f.if(region, () => {
                const budget = f.let(word(STATE.budget));
                const rest = f.let(i32.sub(budget, load32(jump, 32, JUMP.count)));
                f.if(i32.geS(rest, i32.const(0)), () => {
                  setWord(f, STATE.budget, rest);
                  const regionBlock = load32(jump, 32, JUMP.regionBlock);
                  f.set(entry, callIndirectExpr('i32', regionType, region, block.get(), regionBlock));
                  if (helpers.profile) profileRegion(f, helpers.profile, rip, budget, entry.get());
                  f.brIf(lookup, i32.eqz(entry.get()));
                  leaveRegions();
                  f.br(found);
                });
              });
            },
            () => {
              leaveRegions();
              f.if(i32.eqz(word(STATE.budget)), () => f.return(i32.const(Outcome.Budget)));
              f.set(block, callExpr('i32', helpers.find));
              f.if(i32.eqz(block.get()), () => f.return(word(STATE.outcome)));
            },
          );
          leaveRegions();
          const budget = f.let(word(STATE.budget));
          const rest = f.let(i32.sub(budget, load32(block.get(), 32, BLOCK.count)));
          f.if(
            i32.geS(rest, i32.const(0)),
            () => {
              const region = f.let(load32(block.get(), 32, BLOCK.region));
              f.if(region, () => {
                f.store(jump, region, 32, JUMP.region);
                f.store(jump, load32(block.get(), 32, BLOCK.count), 32, JUMP.count);
                f.store(jump, load32(block.get(), 32, BLOCK.regionBlock), 32, JUMP.regionBlock);
                f.br(lookup);
              });
              setWord(f, STATE.budget, rest);
              if (helpers.profile) f.call(helpers.profile.block, rip, load32(block.get(), 32, BLOCK.count));
              const heat = f.let(i32.sub(load32(block.get(), 32, BLOCK.heat), i32.const(1)));
              f.store(block.get(), heat, 32, BLOCK.heat);
              f.if(i32.eqz(heat), () => f.call(helpers.blockIsHot, block.get()));
            },
            () => {
              const ends = i32.or(i32.eqz(budget), word(STATE.mayEndEarly));
              f.if(ends, () => f.return(i32.const(Outcome.Budget)));
              f.set(block, callExpr('i32', helpers.truncate, block.get(), budget));
              setWord(f, STATE.budget, i32.const(0));
            },
          );
          setWord(f, STATE.block, block.get());
          setQuad(f, STATE.blockRip, rip);
          f.set(entry, i32.add(block.get(), i32.const(BLOCK.headerBytes)));
        });
      });
      f.block((jumped) => {
        f.block((leave) => {
          f.loop((next) => {
            const exits: Leave = {
              leave: (_, value) => {
                f.set(outcome, value);
                f.br(leave);
              },
              jumped: () => f.br(jumped),
            };
            const advance = (): void => {
              f.set(entry, nextEntry(e));
              f.br(next);
            };
            const cases = [
              ...pseudoCases(f, e, ripHere, left, helpers, lookup, leave, outcome, advance, giveBack),
              ...handlers.hot.map((key) => (): void => {
                const m = new HandlerSemantics(f, key.size, true, e, shared, exits);
                foldHandler(f, m, key, exits);
                advance();
              }),
            ];
            f.block((otherwise) => emitSwitch(f, field16(e, ENTRY.handler), cases, otherwise));
            const index = i32.sub(field16(e, ENTRY.handler), i32.const(handlers.switchSize));
            f.set(outcome, callIndirectExpr('i32', handlerType, index, e));
            f.if(i32.eqz(outcome.get()), advance);
            f.br(leave);
          });
        });
        // Left with an outcome.
        f.brIf(jumped, i32.eq(outcome.get(), i32.const(Outcome.Jumped)));
        setWord(f, STATE.leftAt, e);
        const isCheck = i32.eq(outcome.get(), i32.const(Outcome.DoneCheck));
        f.if(
          isCheck,
          () => setQuad(f, STATE.rip, ripBehind),
          () => f.if(i32.ne(outcome.get(), i32.const(Outcome.JumpedCheck)), () => setQuad(f, STATE.rip, ripHere)),
        );
        // Completed instructions, and iterations of a REP, stay charged; others are given back.
        giveBack(i32.sub(left, i32.geU(outcome.get(), i32.const(Outcome.DoneCheck))));
        f.return(outcome.get());
      });
      giveBack(i32.sub(left, i32.const(1)));
      f.br(lookup);
    });
    f.unreachable();
  });
}

/** Tells that a region was entered at `rip` with `budget` instructions, and gave `entry`. */
function profileRegion(f: FunctionBuilder, profile: ProfileParts, rip: I64, budget: I32, entry: I32): void {
  const ran = f.local('i32');
  f.set(ran, i32.sub(budget, word(STATE.budget)));
  f.if(entry, () => f.set(ran, i32.sub(ran.get(), field16(entry, ENTRY.left))));
  f.call(profile.region, rip, ran.get(), entry);
}

/** A switch over `index`; every case ends with a branch out. Behind it the code of `otherwise` follows. */
function emitSwitch(f: FunctionBuilder, index: I32, cases: readonly (() => void)[], otherwise: Label): void {
  const labels: Label[] = [];
  const nest = (depth: number): void => {
    if (depth === cases.length) {
      f.brTable(index, [...labels].reverse(), otherwise);
      return;
    }
    const number = cases.length - 1 - depth;
    f.block((label) => {
      labels.push(label);
      nest(depth + 1);
    });
    f.scope(cases[number]!);
  };
  nest(0);
}

function pseudoCases(
  f: FunctionBuilder,
  e: I32,
  ripHere: I64,
  left: I32,
  helpers: Helpers,
  lookup: Label,
  leave: Label,
  outcome: { get(): I32 } & Parameters<FunctionBuilder['set']>[0],
  advance: () => void,
  giveBack: (count: I32) => void,
): (() => void)[] {
  const fault = (vector: number, hasError: boolean): void => {
    recordFault(f, i32.const(vector), hasError ? i32.const(0) : undefined);
    f.set(outcome, i32.const(Outcome.Fault));
    f.br(leave);
  };
  const again = (): void => {
    setQuad(f, STATE.rip, ripHere);
    giveBack(left);
    f.br(lookup);
  };
  const cases: Record<number, () => void> = {
    [PSEUDO.end]: again,
    [PSEUDO.breakpoint]: () => {
      setQuad(f, STATE.rip, ripHere);
      setWord(f, STATE.leftAt, e);
      f.set(outcome, callExpr('i32', helpers.breakpointHit, i32.const(1)));
      f.brIf(leave, outcome.get());
      advance();
    },
    [PSEUDO.crossing]: () => {
      // Displacement: bytes from the block's start to the second page; immediate: the host address it had.
      const start = i64.add(quad(STATE.blockRip), i64.extendU(load32(e, 32, ENTRY.displacement)));
      const linear = f.let(linearOfRip(start));
      const slot = f.let(tlbEntry(linear));
      const host = f.local('i32');
      f.if(
        tlbHit(slot, TLB_ENTRY.execute, linear, i64.const(1)),
        () => f.set(host, tlbHost(slot, linear)),
        () => f.set(host, callExpr('i32', helpers.fill, linear, i32.const(ACCESS.execute))),
      );
      f.if(i32.eqz(host.get()), () => {
        f.set(outcome, word(STATE.outcome));
        f.br(leave);
      });
      f.if(i32.ne(host.get(), immediate32(e)), () => {
        f.call(helpers.dropBlock, word(STATE.block));
        again();
      });
      advance();
    },
    [PSEUDO.undefined]: () => fault(VECTOR.UD, false),
    [PSEUDO.general]: () => fault(VECTOR.GP, true),
  };
  return Object.values(cases);
}
