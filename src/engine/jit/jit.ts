/**
 * The compiler's policy: which blocks are worth a region, when they are compiled, and what becomes of regions whose code
 * changes. A block that the interpreter has entered `threshold` times is hot; hot blocks are compiled in batches, one
 * WebAssembly module each, since a module costs a third of a millisecond before its first function.
 *
 * A region belongs to the bytes of its blocks: when one of them is dropped (`BlockCache`), so is the region. Compiled
 * code is bounded: over the cap all of it is dropped, and what is still hot comes again.
 *
 * When compilation happens changes nothing that the guest can see: regions leave where the interpreter would be.
 */
import { ModuleBuilder } from '../../wasm/module';
import type { MemoryPlan } from '../../memory/plan';
import { PAGE } from '../../memory/plan';
import { BLOCK } from '../entry';
import type { HandlerTable } from '../handler-table';
import type { CompileCounts, Profile } from '../profile';
import { BlockView } from './entry-view';
import { foldRegion } from './region-fold';
import { canBegin, graphOf, shapeRegion } from './region-shape';
import type { PageBlock, RegionShape } from './region-shape';

/** Places for regions in the interpreter's table. */
export const REGION_ROOM = 1 << 14;
/** Blocks that ran this fraction (a shift) of the threshold join a neighbour's region. */
const JOIN_SHIFT = 4;
/** A block that runs this fraction (a shift) of the threshold again while it waits for a full batch waits no longer. */
const WAIT_SHIFT = 4;
/** Instructions after which a block's executions count half: code that is hot is so within seconds. */
const COOLING = 2 ** 30;
/** Instructions after which a batch is compiled though it is not full. */
const PATIENCE = 2 ** 23;

/** How eager the compiler is. */
export interface JitPolicy {
  /** Executions of a block before it is hot; Infinity compiles nothing. */
  readonly threshold: number;
  /** Hot blocks that are compiled together. */
  readonly batch: number;
  /** Bytes of WebAssembly that may be kept. */
  readonly maxBytes: number;
  /** Notes where time goes; whoever gives it takes what running slower costs. */
  readonly profile?: Profile;
}

/**
 * Compiling an instruction, V8's two compilers included, costs what it saves in thousands of executions, and most of what a
 * boot runs is never hot. A Linux boot takes least CPU with a threshold between 13,000 and 32,000 (a tenth more with 6,000),
 * a long shell loop with less than 20,000.
 */
export const DEFAULT_POLICY: JitPolicy = { threshold: 14_000, batch: 32, maxBytes: 24 << 20 };
/** Compiles every block that has run once, each in a module of its own. */
export const EAGER_JIT: JitPolicy = { threshold: 1, batch: 1, maxBytes: 24 << 20 };
/** Compiles nothing. */
export const NO_JIT: JitPolicy = { threshold: Infinity, batch: 1, maxBytes: 0 };

/** A compiled region: see `region-fold.ts`. */
export type RegionFunction = (block: number, regionBlock: number) => number;

/** What the compiler uses of the interpreter. */
export interface JitHost {
  /** Host offsets of the blocks that are decoded from a page (host page number). */
  blocksOf(page: number): Iterable<number>;
  /** Runs `visit` for the host offset of every block, of a crossing one twice. */
  forEachBlock(visit: (block: number) => void): void;
  /** Puts a function (or nothing) at `index` of the table that blocks name regions by. */
  setRegion(index: number, region: RegionFunction | null): void;
  /** Forgets which regions stand in the jump cache. */
  forgetJumps(): void;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface CompiledModule {
  readonly bytes: number;
  regions: number;
}

interface Region {
  readonly blocks: readonly number[];
  readonly module: CompiledModule;
}

export class Jit {
  private readonly view: DataView;
  private readonly regions = new Map<number, Region>();
  private readonly free: number[] = [];
  private unused: number;
  private waiting: number[] = [];
  private patience = PATIENCE;
  private untilCooler = COOLING;
  private bytes = 0;
  /** Since the machine was made. */
  readonly counts: Mutable<CompileCounts> = {
    modules: 0,
    regions: 0,
    blocks: 0,
    instructions: 0,
    bytes: 0,
    dropped: 0,
  };

  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly plan: MemoryPlan,
    private readonly handlers: HandlerTable,
    private readonly host: JitHost,
    private readonly policy: JitPolicy,
  ) {
    this.view = new DataView(memory.buffer);
    this.unused = handlers.table.length;
  }

  /** What a fresh block's `BLOCK.heat` is. */
  get initialHeat(): number {
    return Math.min(this.policy.threshold, 0xffffffff);
  }

  /** The interpreter has entered `block` often enough. */
  hot(block: number): void {
    if (this.policy.threshold === Infinity || !this.isCandidate(this.blockAt(block))) return;
    const hasWaited = this.waiting.includes(block);
    if (!hasWaited) {
      this.waiting.push(block);
      this.view.setUint32(block + BLOCK.heat, this.policy.threshold >> WAIT_SHIFT, true);
    }
    if (hasWaited || this.waiting.length >= this.policy.batch) this.compile();
  }

  /** Between two runs of the interpreter, the last one of `completed` instructions: compiles a batch that has waited long. */
  betweenRuns(completed: number): void {
    this.untilCooler -= completed;
    if (this.untilCooler < 0) this.cool();
    if (this.waiting.length === 0 || (this.patience -= completed) > 0) return;
    this.compile();
  }

  /** `block` was dropped: its region goes with it. */
  dropped(block: number): void {
    const index = this.view.getUint32(block + BLOCK.region, true);
    if (index !== 0) this.drop(index);
  }

  /** Every block was dropped. */
  clear(): void {
    for (const index of [...this.regions.keys()]) this.drop(index);
    this.waiting = [];
  }

  /**
   * Without it a machine that runs for long compiles whatever it runs at all, and its memory grows for as long.
   */
  private cool(): void {
    this.untilCooler = COOLING;
    if (this.policy.threshold === Infinity) return;
    const { view, initialHeat } = this;
    this.host.forEachBlock((block) =>
      view.setUint32(block + BLOCK.heat, initialHeat - (this.executionsOf(block) >>> 1), true),
    );
  }

  private compile(): void {
    if (this.policy.profile) this.policy.profile.compiling(() => this.compileWaiting());
    else this.compileWaiting();
  }

  private compileWaiting(): void {
    const { waiting } = this;
    this.waiting = [];
    this.patience = PATIENCE;
    const room = REGION_ROOM - this.regions.size;
    if (this.bytes > this.policy.maxBytes || room < waiting.length) this.clear();
    const taken = new Set<number>();
    const graphs = new Map<number, ReadonlyMap<number, PageBlock>>();
    const shapes: RegionShape[] = [];
    for (const at of waiting) {
      const hot = this.blockAt(at);
      const page = hot.host >>> 12;
      const key = page * 0x1_0000_0000 + hot.mode;
      let graph = graphs.get(key);
      if (!graph) graphs.set(key, (graph = graphOf(this.candidatesOf(page, hot.mode))));
      const node = graph.get(hot.host & (PAGE - 1));
      // It may have been dropped, or taken by a region, since it was noted.
      if (node?.member.block.at !== at || taken.has(at)) continue;
      const shape = shapeRegion(node, (other) => !taken.has(other.at));
      for (const { block } of shape) taken.add(block.at);
      shapes.push(shape);
    }
    if (shapes.length > 0) this.install(shapes);
  }

  private install(shapes: readonly RegionShape[]): void {
    const builder = new ModuleBuilder();
    builder.importMemory(this.plan.wasmPages);
    const indices = shapes.map(() => this.free.pop() ?? this.unused++);
    shapes.forEach((shape, number) => {
      const region = builder.function({ params: ['i32', 'i32'], result: 'i32' }, (f) =>
        foldRegion(f, this.plan, shape, indices[number]!),
      );
      builder.exportFunction(`region${number}`, region);
    });
    const bytes = builder.finish();
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: this.memory } });
    const module: CompiledModule = { bytes: bytes.length, regions: shapes.length };
    this.bytes += bytes.length;
    this.counts.modules++;
    this.counts.regions += shapes.length;
    this.counts.bytes += bytes.length;
    for (const { block } of shapes.flat()) {
      this.counts.blocks++;
      this.counts.instructions += block.count;
    }
    shapes.forEach((shape, number) => {
      const index = indices[number]!;
      this.host.setRegion(index, exports[`region${number}`] as RegionFunction);
      shape.forEach(({ block }, blockNumber) => {
        this.view.setUint32(block.at + BLOCK.region, index, true);
        this.view.setUint32(block.at + BLOCK.regionBlock, blockNumber, true);
      });
      this.regions.set(index, { blocks: shape.map(({ block }) => block.at), module });
    });
  }

  private drop(index: number): void {
    const region = this.regions.get(index)!;
    this.regions.delete(index);
    this.free.push(index);
    this.counts.dropped++;
    this.host.setRegion(index, null);
    this.host.forgetJumps();
    for (const block of region.blocks) {
      this.view.setUint32(block + BLOCK.region, 0, true);
      this.view.setUint32(block + BLOCK.heat, this.initialHeat, true);
    }
    // A module's code lives as long as one of its functions.
    if (--region.module.regions === 0) this.bytes -= region.module.bytes;
  }

  private blockAt(at: number): BlockView {
    return new BlockView(this.view, this.handlers, at);
  }

  /** Blocks of a page, decoded in one mode and with one set of breakpoints, that a region may take. */
  private candidatesOf(page: number, mode: number): BlockView[] {
    const found: BlockView[] = [];
    for (const at of this.host.blocksOf(page)) {
      const host = this.view.getUint32(at + BLOCK.host, true);
      // A block that began on the page before is listed here, too.
      if (host >>> 12 !== page || this.view.getUint32(at + BLOCK.mode, true) !== mode || !this.mayJoin(at)) continue;
      const block = this.blockAt(at);
      if (this.isCandidate(block)) found.push(block);
    }
    return found;
  }

  private isCandidate(block: BlockView): boolean {
    return this.view.getUint32(block.at + BLOCK.region, true) === 0 && canBegin(block);
  }

  private mayJoin(block: number): boolean {
    return this.executionsOf(block) >= this.policy.threshold >> JOIN_SHIFT;
  }

  private executionsOf(block: number): number {
    return (this.initialHeat - this.view.getUint32(block + BLOCK.heat, true)) >>> 0;
  }
}
