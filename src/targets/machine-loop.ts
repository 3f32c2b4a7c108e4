/**
 * Runs a machine of ours until something other than a slice's end stops it, and lets the process's other work in between
 * the slices.
 */
import { setImmediate as otherWork } from 'node:timers/promises';
import type { Machine } from '../machine/machine';
import type { FinalResult, RunResult } from '../machine/run-result';
import type { Limiter } from './limits';
import { IdleWait, SliceMeter } from './slices';

/** Why a loop ended: the machine's reason, or `limit` when the instructions that it was given are spent. */
export type LoopEnd = Exclude<RunResult, { reason: 'budget' | 'idle' }> | { readonly reason: 'limit' };

const NOT_FINAL: readonly LoopEnd['reason'][] = ['limit', 'breakpoint', 'stop requested', 'vm exit'];

/** True if nothing runs any more behind this end. */
export function isFinal(end: LoopEnd): end is FinalResult {
  return !NOT_FINAL.includes(end.reason);
}

/** What happens between slices; the loop waits for it. True: the guest has a new input. */
export type Between = () => Promise<boolean> | boolean;

/** What the loop needs of a machine. */
export type LoopMachine = Pick<Machine, 'run' | 'instructions' | 'ticks'> & {
  readonly clock: Pick<Machine['clock'], 'skipTo'>;
};

export class MachineLoop {
  private readonly meter = new SliceMeter();
  private readonly idle = new IdleWait();
  private stopWanted = false;
  private woken = false;

  constructor(
    private readonly machine: LoopMachine,
    /** False once no input can come any more: a guest that waits for one then never wakes. */
    private readonly canWake: () => boolean = () => true,
    private readonly limiter?: Limiter,
  ) {}

  /**
   * Runs at most `limit` instructions (Infinity: no limit). One run at a time. Other work comes in between slices and while
   * the guest sleeps; a run that is over sooner than a slice may let none in.
   */
  async run(limit: number, between: Between = () => false): Promise<LoopEnd> {
    const { machine } = this;
    const last = machine.instructions + limit;
    for (;;) {
      if (this.stopWanted) {
        this.stopWanted = false;
        return { reason: 'stop requested' };
      }
      const left = last - machine.instructions;
      if (left <= 0) return { reason: 'limit' };
      const end = this.meter.run((instructions, isOver) => machine.run(instructions, isOver), left);
      await this.limiter?.rest();
      if (this.meter.takeRest()) await otherWork();
      this.woken = false;
      const hasInput = await between();
      if (end.reason === 'budget') continue;
      if (end.reason !== 'idle') return end;
      if (hasInput || this.woken) continue;
      const neverWakes = await this.sleep(end.wake);
      if (neverWakes) return neverWakes;
    }
  }

  /** Makes a run end soon with `stop requested`: the one at hand, else the next one. */
  stop(): void {
    this.stopWanted = true;
    this.limiter?.end();
    this.idle.end();
  }

  /** Forgets a stop that came when no run was at hand. */
  forgetStop(): void {
    this.stopWanted = false;
  }

  /** An input has come: a sleeping guest does not sleep on. */
  wake(): void {
    this.woken = true;
    this.idle.end();
  }

  private async sleep(wake: number | undefined): Promise<FinalResult | undefined> {
    const { machine } = this;
    if (wake === undefined && !this.canWake())
      return { reason: 'halted', detail: 'The guest waits for an input, and none can come any more.' };
    if (this.stopWanted) return undefined;
    const { ticks } = machine;
    const slept = await this.idle.pass((wake ?? Infinity) - ticks);
    machine.clock.skipTo(ticks + Math.floor(slept));
    return undefined;
  }
}

/** The end of a run in words. */
export interface EndDescription {
  /** The reason for statistics: `powered off`, `triple fault`, `instruction limit`, ... */
  readonly reason: string;
  /** One sentence for people. */
  readonly sentence: string;
  readonly debugExit?: number | undefined;
}

/** Says what `end` was, and where the guest stood. */
export function describeEnd(machine: Pick<Machine, 'instructions' | 'linearRip'>, end: LoopEnd): EndDescription {
  const where = ` (at linear 0x${machine.linearRip().toString(16)}, after ${machine.instructions} instructions)`;
  switch (end.reason) {
    case 'powered off':
      return { reason: end.reason, sentence: `The guest powered off after ${machine.instructions} instructions.` };
    case 'debug exit': {
      const sentence = `The guest wrote 0x${end.value.toString(16)} to isa-debug-exit after ${machine.instructions} instructions.`;
      return { reason: end.reason, sentence, debugExit: end.value };
    }
    case 'reset':
      return { reason: end.reason, sentence: `The guest reset the machine${where}.` };
    case 'limit':
      return { reason: 'instruction limit', sentence: `The limit of instructions was reached${where}.` };
    case 'triple fault':
    case 'halted':
    case 'vm entry failed':
    case 'stuck':
      return { reason: end.reason, sentence: `${end.detail.replace(/\.$/, '')}${where}.` };
    default:
      return { reason: end.reason, sentence: `The guest was stopped${where}.` };
  }
}
