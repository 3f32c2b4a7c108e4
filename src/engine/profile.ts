/**
 * Where guest time goes: which code runs compiled and which interpreted, why compiled code hands over, how often the TLB
 * misses, what compiling costs. A profiled interpreter calls here at every block; others hold no trace of it.
 */
import type { HandlerTable } from './handler-table';
import { EntryView } from './jit/entry-view';

/** One place and what it cost. */
export interface ProfiledPlace {
  /** Linear address of the block. */
  readonly linear: bigint;
  /** Times that it was entered from outside its region. */
  readonly entries: number;
  readonly instructions: number;
}

/** What the compiler has done, for `ProfileReport`. */
export interface CompileCounts {
  readonly modules: number;
  readonly regions: number;
  readonly blocks: number;
  readonly instructions: number;
  /** Bytes of WebAssembly. */
  readonly bytes: number;
  /** Regions dropped since. */
  readonly dropped: number;
}

/** A profile, as JSON can take it but for addresses. */
export interface ProfileReport {
  /** Instructions run by compiled regions, and by the interpreter. */
  readonly compiled: number;
  readonly interpreted: number;
  readonly regionRuns: number;
  readonly interpretedBlocks: number;
  /** Translations that the TLB did not have. */
  readonly tlbMisses: number;
  readonly compile: CompileCounts & { readonly milliseconds: number };
  /** Times that a region handed over to the interpreter, by the instruction at which it did. */
  readonly leaves: Readonly<Record<string, number>>;
  readonly regions: readonly ProfiledPlace[];
  readonly blocks: readonly ProfiledPlace[];
}

interface Tally {
  entries: number;
  instructions: number;
}

const PLACES = 60;

export class Profile {
  private compiled = 0;
  private interpreted = 0;
  private regionRuns = 0;
  private interpretedBlocks = 0;
  private tlbMisses = 0;
  private milliseconds = 0;
  private counts: CompileCounts = { modules: 0, regions: 0, blocks: 0, instructions: 0, bytes: 0, dropped: 0 };
  private readonly leaves = new Map<string, number>();
  private readonly regions = new Map<bigint, Tally>();
  private readonly blocks = new Map<bigint, Tally>();

  /** `now` gives milliseconds, for the time that compiling takes. */
  constructor(private readonly now: () => number) {}

  /** A region was entered at `rip`, completed `instructions`, and left at `entry` (0: at a boundary of blocks). */
  regionRan(rip: bigint, instructions: number, entry: EntryView | undefined): void {
    this.regionRuns++;
    this.compiled += instructions;
    add(this.regions, rip, instructions);
    if (!entry) return;
    const name = entry.key ? `${entry.key.instruction.name} ${entry.key.form.text}` : 'end of decoded code';
    this.leaves.set(name, (this.leaves.get(name) ?? 0) + 1);
    this.interpreted += entry.left;
  }

  /** The interpreter runs a block of `instructions` at `rip`. */
  blockInterpreted(rip: bigint, instructions: number): void {
    this.interpretedBlocks++;
    this.interpreted += instructions;
    add(this.blocks, rip, instructions);
  }

  /** The TLB is filled. */
  filled(): void {
    this.tlbMisses++;
  }

  /** `counts` are the compiler's, and stay so. */
  takeCounts(counts: CompileCounts): void {
    this.counts = counts;
  }

  /** Runs and times the compiler. */
  compiling<T>(compile: () => T): T {
    const began = this.now();
    const result = compile();
    this.milliseconds += this.now() - began;
    return result;
  }

  report(): ProfileReport {
    const { compiled, interpreted, regionRuns, interpretedBlocks, tlbMisses, milliseconds } = this;
    return {
      compiled,
      interpreted,
      regionRuns,
      interpretedBlocks,
      tlbMisses,
      compile: { ...this.counts, milliseconds: Math.round(milliseconds) },
      leaves: Object.fromEntries([...this.leaves].sort((a, b) => b[1] - a[1])),
      regions: hottest(this.regions),
      blocks: hottest(this.blocks),
    };
  }
}

/** What a profiled interpreter imports. */
export function profileImports(
  profile: Profile | undefined,
  view: DataView,
  handlers: HandlerTable,
): Record<string, (...args: never[]) => void> {
  if (!profile) return {};
  return {
    profileRegion: (rip: bigint, instructions: number, entry: number) =>
      profile.regionRan(rip, instructions, entry === 0 ? undefined : new EntryView(view, handlers, entry)),
    profileBlock: (rip: bigint, instructions: number) => profile.blockInterpreted(rip, instructions),
    profileFill: () => profile.filled(),
  };
}

function add(places: Map<bigint, Tally>, rip: bigint, instructions: number): void {
  let tally = places.get(rip);
  if (!tally) places.set(rip, (tally = { entries: 0, instructions: 0 }));
  tally.entries++;
  tally.instructions += instructions;
}

function hottest(places: ReadonlyMap<bigint, Tally>): ProfiledPlace[] {
  return [...places]
    .sort((a, b) => b[1].instructions - a[1].instructions)
    .slice(0, PLACES)
    .map(([rip, tally]) => ({ linear: BigInt.asUintN(64, rip), ...tally }));
}
