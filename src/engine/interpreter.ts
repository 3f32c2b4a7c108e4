/**
 * The interpreter: generated WebAssembly over the machine's memory, with what it needs of TypeScript. Runs instructions
 * on a `ProcessorState` until a budget ends or something leaves; knows nothing of events, exits' meaning or devices.
 */
import { assert } from '../common/assert';
import { createDecoder } from '../isa/decode';
import type { Decoded } from '../isa/decoded';
import type { Instruction } from '../isa/define';
import { VECTOR } from '../isa/semantics';
import { Outcome } from '../isa/slow';
import type { SlowFunctions } from '../isa/slow';
import { instructionBreakpointsMet } from '../cpu/debug-registers';
import {
  MODE,
  SEGMENT_BYTES,
  SEGMENT_FIELD,
  STATE,
  TLB_CONTEXT,
  TLB_CONTEXT_BYTES,
  TLB_SET_BYTES,
} from '../cpu/layout';
import { BUS_BIT, EPT_ACCESS, ROUTED_PAGES } from '../cpu/paging/ept-walker';
import type { AccessKind, LinearMemory } from '../cpu/linear-memory';
import { EXIT_SIGNAL, GuestFault } from '../cpu/signals';
import type { ProcessorState } from '../cpu/state';
import { PAGE, PAGE_FLAG, PAGING_FLAGS, TLB_SETS } from '../memory/plan';
import type { PhysicalMemory } from '../memory/physical-memory';
import { STORE } from './access';
import { AddressSpaces } from './address-spaces';
import { BlockCache } from './block-cache';
import { Breakpoints } from './breakpoints';
import type { BreakpointSource } from './breakpoints';
import { compiledInterpreter } from './compiled';
import type { ReadyMadeInterpreter } from './compiled';
import { ENTRY } from './entry';
import type { HandlerTable } from './handler-table';
import { Jit, NO_JIT } from './jit/jit';
import type { JitHost, JitPolicy } from './jit/jit';
import { lateBound } from './late-bound';
import { profileImports } from './profile';
import type { CompileCounts } from './profile';
import { Watches } from './watches';
import type { Watch, WatchedAccess, WatchSource } from './watches';

/** What the interpreter calls back. */
export interface InterpreterHooks {
  /** The slow parts of instructions; asked for once, at the first of them. */
  slow(): SlowFunctions;
  /** Reads `bytes.length` bytes from the bus at `address` into `bytes`. */
  busRead(address: number, bytes: Uint8Array): void;
  /** Writes to the bus. */
  busWrite(address: number, bytes: Uint8Array): void;
  /** At a breakpoint of the debugger: true when execution shall stop before the instruction at `linear`. */
  breakpointHit(linear: bigint): boolean;
}

interface Exports {
  readonly table: WebAssembly.Table;
  run(): number;
  fill(linear: bigint, access: number): number;
  ept(guestPhysical: bigint, access: number): bigint;
  flush(): void;
  emptySet(set: number): void;
  enterSet(set: number): void;
  nextGeneration(): void;
  protect(page: number): void;
  linearRead(linear: bigint, bytes: number): number;
  linearWrite(linear: bigint, bytes: number, purpose: number): number;
  hostRead(segment: number, offset: bigint, bytes: number): number;
  hostWrite(segment: number, offset: bigint, bytes: number, purpose: number): number;
  commit(): void;
}

const EXECUTE = 4;
/** In `STATE.leftBehindSti`. */
const NO_STI = 0xffffffff;

export class Interpreter implements LinearMemory {
  private readonly exports: Exports;
  private readonly blocks: BlockCache;
  private readonly jit: Jit;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly handlers: HandlerTable;
  private readonly decoder;
  private readonly breakpoints = new Breakpoints();
  private readonly watches = new Watches();
  private readonly addressSpaces = new AddressSpaces();
  private proving = false;
  private holdsBreakpoint = false;
  /** The REP instruction in which the last run ended, and the one in which the run at hand began; linear addresses. */
  private repeatAt: bigint | undefined;
  private continues: bigint | undefined;
  /** Instructions that the run at hand may begin. */
  private allowed = 0;
  /** The ticks when none of these is left. */
  private ticksEnd = 0;
  private running = false;

  constructor(
    wasmMemory: WebAssembly.Memory,
    private readonly memory: PhysicalMemory,
    private readonly state: ProcessorState,
    instructions: readonly Instruction[],
    hooks: InterpreterHooks,
    policy: JitPolicy = NO_JIT,
    readyMade?: ReadyMadeInterpreter,
  ) {
    const { plan } = memory;
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    [0xffffn, 0xffffffffn, 0xffffffffffffffffn].forEach((mask, i) => state.setQuad(STATE.addressMasks + i * 8, mask));
    for (let slot = 0; slot < ROUTED_PAGES; slot++) state.setWord(STATE.routedPage + slot * 4, 0xffffffff);
    state.setWord(STATE.fetchContext, 32);
    state.setWord(STATE.newestGeneration, 32);
    state.setQuad(STATE.physicalBytes, BigInt(plan.physicalBytes));
    this.decoder = createDecoder(instructions);
    const { handlers, module } = compiledInterpreter(instructions, plan, policy.profile !== undefined, readyMade);
    this.handlers = handlers;
    this.bytes.fill(0xff, plan.tlb, plan.tlb + TLB_SETS * TLB_SET_BYTES);
    this.jit = new Jit(wasmMemory, plan, this.handlers, this.jitHost(), policy);
    policy.profile?.takeCounts(this.jit.counts);
    this.blocks = new BlockCache(state, plan, this.decoder, this.handlers, {
      translateFetch: (linear) => this.exports.fill(linear, EXECUTE),
      nextGeneration: () => this.exports.nextGeneration(),
      protect: (page) => this.exports.protect(page),
      breakpointAt: (linear) => this.breakpoints.isAt(linear),
      initialHeat: this.jit.initialHeat,
      dropped: (block) => this.jit.dropped(block),
    });
    const instance = new WebAssembly.Instance(module, {
      env: {
        memory: wasmMemory,
        ...lateBound(hooks.slow),
        ...profileImports(policy.profile, this.view, handlers),
        busRead: (address: number, length: number, at: number) =>
          hooks.busRead(address, this.bytes.subarray(at, at + length)),
        busWrite: (address: number, length: number, at: number) =>
          hooks.busWrite(address, this.bytes.subarray(at, at + length)),
        flaggedWrite: (host: number, length: number, from: number) =>
          this.flaggedWrite(host >>> 0, this.bytes.subarray(from, from + length)),
        decodeBlock: (host: number, mode: number) => this.blocks.decode(host >>> 0, mode >>> 0),
        blockIsHot: (block: number) => this.jit.hot(block >>> 0),
        fetchVariant: (linear: bigint) => this.breakpoints.variant(BigInt.asUintN(64, linear)),
        truncate: (block: number, budget: number) => this.blocks.truncate(block >>> 0, budget),
        breakpointHit: (isFetched: number) => this.breakpointHit(isFetched === 1, hooks),
        dropBlock: (block: number) => this.blocks.drop(block >>> 0),
        pageWatched: (linear: bigint) => this.watches.ofPage(BigInt.asUintN(64, linear)),
        watchedAccess: (linear: bigint, length: number, kind: number) =>
          this.noteAccess(BigInt.asUintN(64, linear), length, kind),
      },
    });
    this.exports = instance.exports as unknown as Exports;
    memory.observe((physical, bytes) => this.flaggedWrite(physical + plan.physical, bytes));
  }

  /**
   * Runs at most `instructions` (below 2^31) from `STATE.rip`. `holdsBreakpoint`: the processor's instruction breakpoints do
   * not stand before the first of them (EFLAGS.RF, MOV SS: SDM Vol. 3B, 17.3.1.1). `ticks`: the time now, for RDTSC.
   * `mayEndEarly`: the run may leave out less than a block of them, which no reader of the state can tell from a shorter
   * run; it is quicker. `instructions` is then more than a block's.
   */
  run(instructions: number, holdsBreakpoint = false, ticks = 0, mayEndEarly = false): Outcome {
    this.jit.betweenRuns(this.completed);
    this.allowed = instructions;
    this.holdsBreakpoint = holdsBreakpoint;
    this.continues = this.repeatAt;
    this.state.setWord(STATE.budget, instructions);
    this.setTicksEnd(ticks + instructions);
    this.state.setWord(STATE.betweenIterations, 0);
    this.state.setWord(STATE.leftBehindSti, NO_STI);
    this.state.setWord(STATE.mayEndEarly, mayEndEarly ? 1 : 0);
    this.running = true;
    try {
      return this.exports.run() as Outcome;
    } finally {
      this.running = false;
      this.repeatAt = this.isBetweenIterations ? this.linearRip() : undefined;
    }
  }

  /** True if the last run ended between two iterations of the REP instruction at `linear`. */
  isWithinRepeat(linear: bigint): boolean {
    return this.repeatAt === linear;
  }

  /**
   * Lets at most `instructions` more begin after the current one, in the run at hand: called from within it, when a device
   * moves a deadline forward or asks for attention. Without a run it does nothing.
   */
  shorten(instructions: number): void {
    if (!this.running) return;
    const left = this.view.getUint16(this.state.word(STATE.leftAt) + ENTRY.left, true);
    const budget = this.state.word(STATE.budget) | 0;
    const surplus = budget + left - 1 - instructions;
    if (surplus <= 0) return;
    this.allowed -= surplus;
    this.setTicksEnd(this.ticksEnd - surplus);
    this.state.setWord(STATE.budget, budget - surplus);
    this.state.setWord(STATE.mayEndEarly, 0);
    const leftBehindSti = this.state.word(STATE.leftBehindSti);
    if (leftBehindSti !== NO_STI) this.state.setWord(STATE.leftBehindSti, leftBehindSti - surplus);
    if (budget < surplus) this.blocks.endRunning();
  }

  private setTicksEnd(ticks: number): void {
    this.ticksEnd = ticks;
    this.state.setWord(STATE.ticksEnd, ticks >>> 0);
    this.state.setWord(STATE.ticksEnd + 4, Math.floor(ticks / 0x1_0000_0000));
  }

  /** The last `run` ended between two iterations of a REP instruction (or in the second of them), at which RIP stands. */
  get isBetweenIterations(): boolean {
    return this.state.word(STATE.betweenIterations) !== 0;
  }

  /** The last instruction that the last `run` completed was an STI that set IF. */
  get endsBehindSti(): boolean {
    return this.state.word(STATE.leftBehindSti) === this.state.word(STATE.budget);
  }

  /** Instructions that the last `run` completed. */
  get completed(): number {
    return this.allowed - (this.state.word(STATE.budget) | 0);
  }

  /** During a slow function or bus access: instructions that the run at hand has completed before the current one. */
  get completedBefore(): number {
    return this.completed - this.view.getUint16(this.state.word(STATE.leftAt) + ENTRY.left, true);
  }

  /** Length in bytes of the instruction at which emitted code left or called. */
  get currentLength(): number {
    return this.view.getUint8(this.state.word(STATE.leftAt) + ENTRY.length);
  }

  /** The instruction that left with `Outcome.Intercept`; decoded once per entry, since the same few exit again and again. */
  intercepted(): Decoded {
    const entry = this.state.word(STATE.leftAt);
    const known = this.blocks.noted(entry);
    if (known) return known;
    // From the bytes that were fetched: a walk here could fault, exit or set accessed flags a second time.
    const bytes = this.blocks.bytesOf(entry);
    const code = this.state.word(STATE.mode) & MODE.codeMask;
    const bits = code === MODE.code64 ? 64 : code === MODE.code32 ? 32 : 16;
    const decoded = this.decoder.decode(bytes, 0, bytes.length, bits);
    assert(!('failure' in decoded), 'an intercepted instruction decodes');
    this.blocks.noteDecoded(entry, decoded);
    return decoded;
  }

  /** Linear address of `STATE.rip`. */
  linearRip(): bigint {
    const { rip } = this.state;
    if ((this.state.word(STATE.mode) & MODE.codeMask) === MODE.code64) return rip;
    return (rip + this.state.quad(STATE.segments + SEGMENT_BYTES + SEGMENT_FIELD.base)) & 0xffffffffn;
  }

  /**
   * Replaces the instruction breakpoints of `source`, by linear address. At the debugger's and its marks `breakpointHit` is
   * asked; the processor's, which must be those of the debug registers, raise #DB.
   */
  setBreakpoints(addresses: Iterable<bigint>, source: BreakpointSource = 'debugger'): void {
    this.breakpoints.replace(source, addresses);
    this.state.setWord(STATE.breakpoints, this.breakpoints.isEmpty ? 0 : 1);
    this.exports.nextGeneration();
  }

  /** Replaces the data that `source` watches. A run ends behind the instruction that meets a watch. */
  setWatches(watches: readonly Watch[], source: WatchSource): void {
    if (watches.length === 0 && this.watches.isEmpty) return;
    this.watches.replace(source, watches);
    this.state.setWord(STATE.watches, this.watches.isEmpty ? 0 : 1);
    this.exports.flush();
  }

  /**
   * The accesses that met anybody's watch since the last call, in order. They happened if the instruction or event delivery
   * that made them completed.
   */
  takeWatchedAccesses(): readonly WatchedAccess[] {
    return this.watches.take();
  }

  /** What the compiler has done so far. */
  get compileCounts(): CompileCounts {
    return this.jit.counts;
  }

  /** Forgets decoded code; the next instruction is decoded from memory. */
  forgetCode(): void {
    this.blocks.clear();
  }

  // ---- LinearMemory -------------------------------------------------------------------------------------------

  flush(): void {
    this.exports.flush();
  }

  changeRoot(left: bigint, entered: bigint): void {
    const { set, isNew } = this.addressSpaces.change(this.state.word(STATE.tlbSet), left, entered);
    if (isNew) this.exports.emptySet(set);
    this.exports.enterSet(set);
  }

  readGuestPhysical64(guestPhysical: bigint): bigint {
    const physical = this.exports.ept(guestPhysical, EPT_ACCESS.read);
    if (physical < 0n) throw EXIT_SIGNAL;
    return physical & BUS_BIT ? ~0n & 0xffffffffffffffffn : this.memory.read64(Number(physical));
  }

  nextFetch(): void {
    this.exports.nextGeneration();
  }

  read8(linear: bigint, kind: AccessKind): number {
    return this.view.getUint8(this.readable(linear, 1, kind));
  }

  read16(linear: bigint, kind: AccessKind): number {
    return this.view.getUint16(this.readable(linear, 2, kind), true);
  }

  read32(linear: bigint, kind: AccessKind): number {
    return this.view.getUint32(this.readable(linear, 4, kind), true);
  }

  read64(linear: bigint, kind: AccessKind): bigint {
    return this.view.getBigUint64(this.readable(linear, 8, kind), true);
  }

  write8(linear: bigint, value: number, kind: AccessKind): void {
    this.store(linear, 1, kind, (host) => this.view.setUint8(host, value));
  }

  write16(linear: bigint, value: number, kind: AccessKind): void {
    this.store(linear, 2, kind, (host) => this.view.setUint16(host, value, true));
  }

  write32(linear: bigint, value: number, kind: AccessKind): void {
    this.store(linear, 4, kind, (host) => this.view.setUint32(host, value, true));
  }

  write64(linear: bigint, value: bigint, kind: AccessKind): void {
    this.store(linear, 8, kind, (host) => this.view.setBigUint64(host, value, true));
  }

  readBytes(linear: bigint, length: number, kind: AccessKind): Uint8Array {
    const out = new Uint8Array(length);
    for (const { at, offset, size } of pieces(linear, length)) {
      const host = this.readable(at, size, kind);
      out.set(this.bytes.subarray(host, host + size), offset);
    }
    return out;
  }

  writeBytes(linear: bigint, bytes: Uint8Array, kind: AccessKind): void {
    this.prove(linear, bytes.length, true, kind);
    for (const { at, offset, size } of pieces(linear, bytes.length)) {
      this.store(at, size, kind, (host) => this.bytes.set(bytes.subarray(offset, offset + size), host));
    }
  }

  prove(linear: bigint, length: number, write: boolean, kind: AccessKind): void {
    this.proving = true;
    try {
      for (const { at, size } of pieces(linear, length)) {
        if (write) this.writable(at, size, kind);
        else this.readable(at, size, kind);
      }
    } finally {
      this.proving = false;
    }
  }

  // ---- Parts --------------------------------------------------------------------------------------------------

  private jitHost(): JitHost {
    return {
      blocksOf: (page) => this.blocks.blocksOf(page),
      forEachBlock: (visit) => this.blocks.forEachBlock(visit),
      setRegion: (index, region) => this.exports.table.set(index, region),
      forgetJumps: () => this.exports.nextGeneration(),
    };
  }

  private readable(linear: bigint, bytes: number, kind: AccessKind): number {
    return this.through(kind, () => this.exports.linearRead(linear, bytes));
  }

  private writable(linear: bigint, bytes: number, kind: AccessKind): number {
    return this.through(kind, () => this.exports.linearWrite(linear, bytes, STORE.plain));
  }

  private store(linear: bigint, bytes: number, kind: AccessKind, put: (host: number) => void): void {
    const host = this.writable(linear, bytes, kind);
    put(host);
    if (host === STATE.bounce) this.exports.commit();
  }

  /** Runs an access with the TLB of its privilege, and throws what it recorded when it failed. */
  private through(kind: AccessKind, access: () => number): number {
    const { state } = this;
    const current = state.word(STATE.tlb);
    if (kind.system) {
      const smap = state.word(STATE.paging) & 0x40;
      const context = smap ? TLB_CONTEXT.supervisor : TLB_CONTEXT.supervisorAc;
      const set = this.memory.plan.tlb + state.word(STATE.tlbSet) * TLB_SET_BYTES;
      state.setWord(STATE.tlb, set + context * TLB_CONTEXT_BYTES);
    }
    const host = access() >>> 0;
    state.setWord(STATE.tlb, current);
    if (host !== 0) return host;
    if (state.word(STATE.outcome) === Outcome.Exit) throw EXIT_SIGNAL;
    assert(state.word(STATE.outcome) === Outcome.Fault, 'failed access without a reason');
    throw new GuestFault(
      state.word(STATE.faultVector),
      state.word(STATE.faultHasError) ? state.word(STATE.faultError) : undefined,
      state.quad(STATE.faultAddress),
    );
  }

  /**
   * What comes of the breakpoints before the instruction at `STATE.rip`: `Stop`, `Fault` with #DB recorded, or `Done`.
   * When its fetch failed only the processor's count, since what the debugger wants to see has not come yet.
   */
  private breakpointHit(isFetched: boolean, hooks: InterpreterHooks): Outcome {
    const { state, breakpoints } = this;
    const linear = this.linearRip();
    const isFirst = (isFetched ? this.completedBefore : this.completed) === 0;
    const comes = isFetched && !(isFirst && linear === this.continues);
    if (comes && breakpoints.stopsAt(linear) && hooks.breakpointHit(linear)) return Outcome.Stop;
    if (!breakpoints.has('processor', linear)) return Outcome.Done;
    if (isFirst && this.holdsBreakpoint) return Outcome.Done;
    state.setWord(STATE.faultVector, VECTOR.DB);
    state.setWord(STATE.faultHasError, 0);
    state.setQuad(STATE.faultAddress, BigInt(instructionBreakpointsMet(state, linear)));
    return Outcome.Fault;
  }

  /** An access took the slow path while something is watched. */
  private noteAccess(linear: bigint, bytes: number, accessKind: number): void {
    if (this.proving) return;
    const is64Bit = (this.state.word(STATE.mode) & MODE.codeMask) === MODE.code64;
    const room = Number((is64Bit ? 1n << 64n : 1n << 32n) - linear);
    const access = { isWrite: accessKind !== 0, readsFirst: accessKind === 2 };
    let isMet = this.watches.note({ linear, bytes: Math.min(bytes, room), ...access });
    if (bytes > room) isMet = this.watches.note({ linear: 0n, bytes: bytes - room, ...access }) || isMet;
    if (isMet) this.shorten(0);
  }

  /** Bytes of a flagged page are about to change. */
  private flaggedWrite(host: number, bytes: Uint8Array): void {
    const page = (host - this.memory.plan.physical) >>> 12;
    const flags = this.memory.pageFlags(page);
    if (flags & PAGE_FLAG.code) this.blocks.written(host, bytes.length);
    if (!(flags & (PAGING_FLAGS | PAGE_FLAG.ept)) || !this.changesUsedEntry(host, bytes, flags)) return;
    if (flags & PAGE_FLAG.ept) this.exports.flush();
    else for (let set = 0; set < TLB_SETS; set++) if (flags & (PAGE_FLAG.paging << set)) this.exports.emptySet(set);
  }

  /** Whether the write changes a paging-structure entry that a cached translation may have come through. */
  private changesUsedEntry(host: number, bytes: Uint8Array, flags: number): boolean {
    // An entry is used when it is present and accessed (EPT: present), in either half for 32-bit tables.
    const used = (word: number): boolean =>
      (word & 0x21) === 0x21 || ((flags & PAGE_FLAG.ept) !== 0 && (word & 7) !== 0);
    const start = host & ~7;
    for (let at = start; at < host + bytes.length; at += 8) {
      let changed = false;
      for (let i = Math.max(at, host); i < Math.min(at + 8, host + bytes.length); i++) {
        if (this.bytes[i] !== bytes[i - host]) changed = true;
      }
      if (changed && (used(this.view.getUint32(at, true)) || used(this.view.getUint32(at + 4, true)))) return true;
    }
    return false;
  }
}

/** An access cut at page boundaries into pieces of at most 64 bytes (what the bounce buffer takes at once). */
function* pieces(linear: bigint, length: number): Generator<{ at: bigint; offset: number; size: number }> {
  for (let offset = 0; offset < length;) {
    const at = BigInt.asUintN(64, linear + BigInt(offset));
    const size = Math.min(64, length - offset, PAGE - Number(at & 0xfffn));
    yield { at, offset, size };
    offset += size;
  }
}
