/**
 * The ways of going on: single instructions, over calls, within a range of addresses, to a place. Interrupts and exceptions
 * that come in between are run through to their return, but by a plain step, which goes where the processor goes.
 */
import type { Machine } from '../../machine/machine';
import type { LoopEnd } from '../machine-loop';
import type { Resume } from '../target';
import type { Frame } from './frame';
import { compoundAt, frameOf, isOnStackOf, linearStack } from './frame';
import type { Marks, Watcher } from './watcher';

/** Runs the machine for at most `limit` instructions, until something stops it. */
export type RunMachine = (limit: number) => Promise<LoopEnd>;

/** How a way of going on ended: as it was to end, or because something else stopped it. */
export type StepEnd = LoopEnd | 'done';

export class Stepper {
  constructor(
    private readonly machine: Machine,
    private readonly watcher: Watcher,
    private readonly run: RunMachine,
  ) {}

  /** Goes on as asked; `exits` are the basic reasons of `stepExit`. */
  async go(how: Resume, exits: ReadonlySet<number> | undefined): Promise<StepEnd> {
    try {
      return await this.dispatch(how, exits);
    } finally {
      this.watcher.setMarks({});
    }
  }

  private dispatch(how: Resume, exits: ReadonlySet<number> | undefined): Promise<StepEnd> {
    switch (how.kind) {
      case 'continue':
        return this.run(Infinity);
      case 'step':
        return how.skipInterrupts ? this.through() : this.one();
      case 'stepOver':
        return this.over();
      case 'stepRange':
        return this.range(how.start, how.end, how.over);
      case 'runTo':
        return this.to(how.linear, how.stackAbove);
      case 'stepExit':
        return this.until({ exits: (reason) => exits?.has(reason) ?? true });
    }
  }

  /** One instruction, in whatever handler it may be. */
  private async one(): Promise<StepEnd> {
    const end = await this.run(1);
    return end.reason === 'limit' ? 'done' : end;
  }

  private async range(start: bigint, end: bigint, over: boolean): Promise<StepEnd> {
    for (;;) {
      const compound = compoundAt(this.machine, this.machine.linearRip());
      const stepped = over || compound?.kind === 'repeat' ? await this.over() : await this.through();
      if (stepped !== 'done') return stepped;
      const linear = this.machine.linearRip();
      if (linear < start || linear >= end) return 'done';
    }
  }

  private to(linear: readonly bigint[], stackAbove: bigint | undefined): Promise<StepEnd> {
    const wanted = new Set(linear);
    return this.until({
      linear,
      isReached: (at) => wanted.has(at) && (stackAbove === undefined || linearStack(this.machine) > stackAbove),
    });
  }

  /** One instruction; a call, software interrupt or repetition until it comes back to its frame. */
  private async over(): Promise<StepEnd> {
    const { machine } = this;
    const frame = frameOf(machine);
    const compound = compoundAt(machine, frame.linear);
    const stepped = await this.through();
    if (stepped !== 'done' || !compound) return stepped;
    const after = BigInt.asUintN(64, frame.linear + BigInt(compound.length));
    const isBack = (at: bigint): boolean => {
      const { stack, table } = frameOf(machine);
      return at === after && table === frame.table && stack >= frame.stack;
    };
    if (isBack(machine.linearRip())) return 'done';
    const isRepeat = compound.kind === 'repeat';
    return this.until({
      linear: [after],
      isReached: isBack,
      isOld: (at) => isRepeat && at === frame.linear && isOnStackOf(machine, frame),
    });
  }

  /** One instruction of the program at hand: what interrupts it, or handles its faults, runs until it returns. */
  private async through(): Promise<StepEnd> {
    const { machine, watcher } = this;
    for (;;) {
      const frame = frameOf(machine);
      watcher.setMarks({ delivered: () => true });
      const end = await this.run(1);
      if (end.reason === 'limit') return 'done';
      if (!watcher.takeMark(end)) return end;
      const handled = await this.untilReturnTo(frame);
      // An exception handler may have gone on elsewhere: that is where the instruction led.
      if (handled !== 'done' || machine.linearRip() !== frame.linear) return handled;
      // The program has been here before.
      machine.arrives();
    }
  }

  /** Runs a handler until it returns to the frame that it interrupted, or to another place on the same stack. */
  private untilReturnTo(frame: Frame): Promise<StepEnd> {
    const { machine } = this;
    const isBack = (at: bigint): boolean => at === frame.linear && isOnStackOf(machine, frame);
    return this.until({
      linear: [frame.linear],
      isReached: isBack,
      isOld: isBack,
      returned: () => isOnStackOf(machine, frame),
    });
  }

  private async until(marks: Marks): Promise<StepEnd> {
    this.watcher.setMarks(marks);
    const end = await this.run(Infinity);
    return this.watcher.takeMark(end) ? 'done' : end;
  }
}
