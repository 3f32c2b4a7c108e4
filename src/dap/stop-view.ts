/** What one stop can show of the guest: frames, scopes and variables, by numbers that hold until it goes on. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { knownRegisters } from '../symbols/dwarf/cfi-step';
import type { ReadLinear } from '../symbols/kernel/kallsyms-memory';
import type { Position, Target } from '../targets/target';
import { staleReference } from './errors';
import { describeFrame, type ShownFrame, shownFrames } from './frames';
import type { Images } from './images/images';
import type { CallFrame } from './frame-pointers';
import { unwind } from './stack';
import { VariableStore } from './variables';

/** What a called function gives back as it was. System V ABI for x86-64, 3.2.1; i386, 2.2.1. */
const KEPT = /^(r[bs]p|rip|rbx|r1[2-5]|e[bs]p|eip|ebx|esi|edi)$/;
/** Frame numbers: the thread's times this, plus the frame's index from 0. */
const FRAMES_PER_THREAD = 1000;

/** The frames of one thread, as far as they were asked for. */
interface Stack {
  readonly position: Position;
  readonly rows: ShownFrame[];
  readonly more: AsyncGenerator<CallFrame>;
  last: CallFrame | undefined;
  complete: boolean;
}

export class StopView {
  private readonly stacks = new Map<number, Promise<Stack>>();
  readonly variables: VariableStore;

  constructor(
    private readonly target: Target,
    private readonly images: Images,
  ) {
    this.variables = new VariableStore(target);
  }

  async position(thread: number): Promise<Position> {
    return (await this.stack(thread)).position;
  }

  /** Frames from `start` on, at most `count`, and how many there are as far as is known. */
  async frames(
    thread: number,
    start: number,
    count: number,
  ): Promise<{ stackFrames: DebugProtocol.StackFrame[]; totalFrames: number }> {
    const { rows } = await this.unwound(thread, start + count + 1);
    const stackFrames = rows
      .slice(start, start + count)
      .map((row, index) => describeFrame(this.images, thread * FRAMES_PER_THREAD + start + index, row));
    return { stackFrames, totalFrames: rows.length };
  }

  /** One frame, by the number that `frames` gave. Throws a UserError for another one. */
  async frame(id: number): Promise<{ thread: number; row: ShownFrame; isInnermost: boolean }> {
    const [thread, index] = [Math.floor(id / FRAMES_PER_THREAD), id % FRAMES_PER_THREAD];
    const known = (await this.target.threads()).some((other) => other.id === thread);
    const { rows } = known ? await this.unwound(thread, index + 1) : { rows: [] };
    const row = rows[index];
    if (!row) throw staleReference('frame', id);
    return { thread, row, isInnermost: row.physical === rows[0]!.physical };
  }

  /** The scopes of a frame: all registers for the innermost one; of its callers those that are known. */
  async scopes(id: number): Promise<DebugProtocol.Scope[]> {
    const { thread, row, isInnermost } = await this.frame(id);
    if (row.isLabel) return [];
    if (isInnermost) return this.variables.scopes(thread);
    const read: ReadLinear = (linear, length) => this.target.readMemory(thread, 'linear', linear, length);
    const known = await knownRegisters(row.physical, read, row.image?.symbols.bits);
    // Others were the called function's to use: what they held is lost, unless an interrupt has saved all.
    const kept = [...known].filter(([name]) => row.physical.pushed?.all || KEPT.test(name));
    const values = Object.fromEntries(kept.map(([name, value]) => [name.toUpperCase(), value]));
    return [this.variables.fixedScope('Registers', values)];
  }

  /** The state was edited: everything is read again, and variable references stay. */
  forget(): void {
    this.stacks.clear();
    this.variables.forget();
  }

  private stack(thread: number): Promise<Stack> {
    let stack = this.stacks.get(thread);
    if (!stack) {
      stack = this.target.position(thread).then((position) => {
        const more = unwind(this.target, thread, this.images, position);
        return { position, rows: [], more, last: undefined, complete: false };
      });
      this.stacks.set(thread, stack);
    }
    return stack;
  }

  private async unwound(thread: number, count: number): Promise<Stack> {
    const stack = await this.stack(thread);
    while (!stack.complete && stack.rows.length < count) {
      const { value, done } = await stack.more.next();
      if (done) stack.complete = true;
      else {
        const frame = value as CallFrame;
        stack.rows.push(...shownFrames(this.images, frame, stack.last, stack.position));
        stack.last = frame;
      }
    }
    return stack;
  }
}
