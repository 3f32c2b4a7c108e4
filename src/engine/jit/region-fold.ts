/**
 * Folds the blocks of one page into one WebAssembly function `(block to enter, its number in the region) -> entry`: 0 when
 * `STATE.rip` is to be looked up, else the decoded entry from which the interpreter goes on; block and entry are host
 * offsets.
 *
 * The blocks stand in the order of their addresses inside nested `block`s, so that a jump forward is a branch; a jump
 * backward goes through the `br_table` at the top, except to the block's own start. A block is charged to the budget
 * where control comes from: the interpreter, or the jump. Returns and other computed jumps within the page look into the
 * jump cache. Instructions that may leave have a label each behind the block's code; there, group by group, what is
 * pending is handed over.
 */
import { i32, i64, load32 } from '../../wasm/expr';
import type { I64 } from '../../wasm/expr';
import type { FunctionBuilder, Label } from '../../wasm/function';
import type { CodeBits } from '../../isa/decoded';
import { STATE } from '../../cpu/layout';
import { quad, setQuad, setWord } from '../../cpu/paging/emit';
import { PAGE } from '../../memory/plan';
import type { MemoryPlan } from '../../memory/plan';
import { JUMP, jumpHit, jumpSlot } from '../jump-cache';
import type { EntryView } from './entry-view';
import { isFoldable, traitsOf } from './foldable';
import { RegionFlags } from './region-flags';
import { RegionFrame } from './region-frame';
import { RegionSemantics } from './region-semantics';
import type { RegionBlock, RegionShape } from './region-shape';

class RegionFold {
  private readonly frame: RegionFrame;
  private readonly codeSize: CodeBits;
  private readonly numbers: ReadonlyMap<number, number>;
  /** Branch targets of the blocks that stand behind the one at hand, and of itself. */
  private readonly starts: (Label | undefined)[] = [];
  private dispatch!: Label;
  /** Where code goes on at `STATE.rip`, in the region or not; and where it leaves the region. */
  private computed!: Label;
  private end!: Label;

  constructor(
    private readonly f: FunctionBuilder,
    private readonly plan: MemoryPlan,
    private readonly shape: RegionShape,
    private readonly index: number,
  ) {
    this.codeSize = shape[0]!.block.codeSize;
    this.frame = new RegionFrame(f, this.codeSize === 64);
    this.numbers = new Map(shape.map(({ offset }, number) => [offset, number]));
  }

  write(): void {
    const { f, frame, shape } = this;
    const lazy = new RegionFlags(frame);
    f.block((end) => {
      this.end = end;
      f.loop((dispatch) => {
        this.dispatch = dispatch;
        f.block((computed) => {
          this.computed = computed;
          const nest = (number: number): void => {
            if (number < 0) {
              const labels = this.starts as Label[];
              f.brTable(frame.next.get(), labels.slice(0, -1), labels.at(-1)!);
              return;
            }
            f.block((label) => {
              this.starts[number] = label;
              nest(number - 1);
            });
            this.block(number, lazy);
          };
          nest(shape.length - 1);
        });
        this.comeBack();
      });
    });
    frame.leave();
    f.prepend(() => frame.enter());
  }

  /** Goes on in the region if a block of it begins at `STATE.rip`, as the jump cache says. */
  private comeBack(): void {
    const { f, frame } = this;
    const rip = f.let(quad(STATE.rip));
    f.brIf(this.end, i64.ne(i64.and(rip, i64.const(~0xfffn)), frame.pageRip.get()));
    const jump = f.let(jumpSlot(this.plan, rip));
    f.brIf(this.end, i32.eqz(jumpHit(jump, rip)));
    f.brIf(this.end, i32.ne(load32(jump, 32, JUMP.region), i32.const(this.index)));
    const rest = f.let(i32.sub(frame.budget.get(), load32(jump, 32, JUMP.count)));
    f.brIf(this.end, i32.ltS(rest, i32.const(0)));
    f.set(frame.budget, rest);
    f.set(frame.next, load32(jump, 32, JUMP.regionBlock));
    f.br(this.dispatch);
  }

  private block(number: number, lazy: RegionFlags): void {
    const block = this.shape[number]!;
    lazy.pending = 'deferred';
    this.starts[number] = undefined;
    if (!block.repeats) {
      this.blockCode(block, lazy);
      return;
    }
    this.f.loop((start) => {
      this.starts[number] = start;
      this.blockCode(block, lazy);
    });
    this.starts[number] = undefined;
  }

  private blockCode(regionBlock: RegionBlock, lazy: RegionFlags): void {
    const { f, frame } = this;
    const { block, offset, entries } = regionBlock;
    const labels: Label[] = [];
    const pending: RegionFlags['pending'][] = [];
    const groups = leavingGroups(entries, this.codeSize);
    f.block((left) => {
      const nest = (number: number): void => {
        const group = groups[number];
        if (!group) {
          this.instructions(regionBlock, lazy, labels, pending);
          return;
        }
        f.block((settle) => this.leavingEntries(group, entries, labels, settle, () => nest(number + 1)));
        f.scope(() => lazy.handOver(pending[group[0]!]));
        f.br(left);
      };
      nest(0);
    });
    setWord(f, STATE.block, i32.const(block.at));
    setQuad(f, STATE.blockRip, frame.rip(offset));
    f.br(this.end);
  }

  /** Opens a block for each entry of a group around `write`: a branch to its label says where the interpreter goes on. */
  private leavingEntries(
    group: readonly number[],
    entries: readonly EntryView[],
    labels: Label[],
    settle: Label,
    write: () => void,
  ): void {
    const { f, frame } = this;
    const nest = (position: number): void => {
      const index = group[position];
      if (index === undefined) {
        write();
        return;
      }
      f.block((label) => {
        labels[index] = label;
        nest(position + 1);
      });
      f.set(frame.result, i32.const(entries[index]!.at));
      if (position > 0) f.br(settle);
    };
    nest(0);
  }

  /** Writes the code of a block's entries as far as they can be folded, and notes what is pending before each. */
  private instructions(
    { entries, offset, repeats }: RegionBlock,
    lazy: RegionFlags,
    labels: readonly Label[],
    pending: RegionFlags['pending'][],
  ): void {
    const { f } = this;
    for (const [index, entry] of entries.entries()) {
      pending.push(lazy.pending);
      if (entry.isEnd) {
        this.goTo(lazy, offset + entry.offset, 0);
        return;
      }
      if (!isFoldable(entry, this.codeSize)) {
        f.br(labels[index]!);
        return;
      }
      f.scope(() => {
        const { instruction, operands, size, repeat } = entry.key!;
        const unused = entry.left - 1;
        const exits = {
          leave: labels[index],
          goTo: (target: number): void => this.goTo(lazy, target, unused),
          goToRip: (rip: I64): void => this.leaveTo(lazy, rip, unused, this.computed),
        };
        const m = new RegionSemantics(size, this.frame, lazy, entry, offset, exits, repeats);
        if (instruction.exit) m.intercept(instruction.exit);
        if (repeat === 0) instruction.meaning(m, operands);
        else m.repeatAtOnce(instruction.bulk!);
      });
    }
  }

  /** Goes on at a page offset; `unused` instructions of the block that control comes from are given back. */
  private goTo(lazy: RegionFlags, offset: number, unused: number): void {
    const { f, frame } = this;
    const number = offset >= 0 && offset < PAGE ? this.numbers.get(offset) : undefined;
    if (number === undefined) {
      this.leaveTo(lazy, frame.rip(offset), unused);
      return;
    }
    const { count } = this.shape[number]!.block;
    f.scope(() => lazy.handOver(lazy.pending));
    f.set(frame.budget, i32.sub(frame.budget.get(), i32.const(count - unused)));
    if (count > unused) {
      f.if(i32.ltS(frame.budget.get(), i32.const(0)), () => {
        f.set(frame.budget, i32.add(frame.budget.get(), i32.const(count)));
        setQuad(f, STATE.rip, frame.rip(offset));
        f.br(this.end);
      });
    }
    const start = this.starts[number];
    if (start) f.br(start);
    else {
      f.set(frame.next, i32.const(number));
      f.br(this.dispatch);
    }
  }

  /** Goes on at `rip`: leaves the region, or goes to where `label` says. */
  private leaveTo(lazy: RegionFlags, rip: I64, unused: number, label = this.end): void {
    const { f, frame } = this;
    setQuad(f, STATE.rip, rip);
    f.scope(() => lazy.handOver(lazy.pending));
    f.set(frame.budget, i32.add(frame.budget.get(), i32.const(unused)));
    f.br(label);
  }
}

/**
 * Positions of the entries at which the interpreter may take over, in groups that share what flags are pending: between
 * two instructions that set flags these stay the same.
 */
function leavingGroups(entries: readonly EntryView[], codeSize: CodeBits): number[][] {
  const groups: number[][] = [];
  let group: number[] = [];
  for (const [index, entry] of entries.entries()) {
    if (entry.isEnd) break;
    const { isFoldable: isFolded, mayLeave, setsFlags } = traitsOf(entry, codeSize);
    if (mayLeave) group.push(index);
    if (!isFolded) break;
    if (!setsFlags || group.length === 0) continue;
    groups.push(group);
    group = [];
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

/** Writes the function of `shape`, which will stand at `index` of the table. */
export function foldRegion(f: FunctionBuilder, plan: MemoryPlan, shape: RegionShape, index: number): void {
  new RegionFold(f, plan, shape, index).write();
}
