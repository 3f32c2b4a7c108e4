/** What one stop can show of the guest: frames, scopes and variables, by numbers that hold until it goes on. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Position, Target } from '../targets/target';
import { staleReference } from './errors';
import type { Images } from './images/images';
import { hex } from './memory-reference';
import type { CallFrame } from './frame-pointers';
import { unwind } from './stack';
import { VariableStore } from './variables';

/** Frame numbers: the thread's times this, plus the frame's index from 0. */
const FRAMES_PER_THREAD = 1000;

/** The frames of one thread, as far as they were asked for. */
interface Stack {
  readonly position: Position;
  readonly frames: CallFrame[];
  readonly more: AsyncGenerator<CallFrame>;
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
    const stack = await this.unwound(thread, start + count + 1);
    const stackFrames = stack.frames
      .slice(start, start + count)
      .map((frame, index) => this.describe(thread, start + index, frame, stack.position));
    return { stackFrames, totalFrames: stack.frames.length };
  }

  /** One frame, by the number that `frames` gave. Throws a UserError for another one. */
  async frame(id: number): Promise<{ thread: number; index: number; frame: CallFrame }> {
    const [thread, index] = [Math.floor(id / FRAMES_PER_THREAD), id % FRAMES_PER_THREAD];
    const known = (await this.target.threads()).some((other) => other.id === thread);
    const frame = known ? (await this.unwound(thread, index + 1)).frames[index] : undefined;
    if (!frame) throw staleReference('frame', id);
    return { thread, index, frame };
  }

  /** The frame that called the innermost one. */
  async caller(thread: number): Promise<CallFrame | undefined> {
    return (await this.unwound(thread, 2)).frames[1];
  }

  /** The scopes of a frame: all registers for the innermost one; of its callers only what the stack has kept. */
  async scopes(id: number): Promise<DebugProtocol.Scope[]> {
    const { thread, index, frame } = await this.frame(id);
    if (index === 0) return this.variables.scopes(thread);
    const kept = { RIP: frame.ip, RSP: frame.sp, RBP: frame.bp };
    return [this.variables.fixedScope('Frame', kept)];
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
        return { position, frames: [], more, complete: false };
      });
      this.stacks.set(thread, stack);
    }
    return stack;
  }

  private async unwound(thread: number, count: number): Promise<Stack> {
    const stack = await this.stack(thread);
    while (!stack.complete && stack.frames.length < count) {
      const { value, done } = await stack.more.next();
      if (done) stack.complete = true;
      else stack.frames.push(value as CallFrame);
    }
    return stack;
  }

  private describe(thread: number, index: number, frame: CallFrame, position: Position): DebugProtocol.StackFrame {
    // What is behind a call may be another line already, or another function.
    const at = frame.isExact ? frame.ip : frame.ip - 1n;
    const line = this.images.lineAt(at);
    const found = this.images.symbolAt(at);
    const name = found ? nameOf(found.symbol.name, found.offset + (frame.ip - at)) : hex(frame.ip);
    return {
      id: thread * FRAMES_PER_THREAD + index,
      name: index === 0 ? `${name} (${position.mode})` : name,
      line: line?.line ?? 0,
      column: line?.column ?? 0,
      instructionPointerReference: hex(frame.ip),
      ...(line && { source: this.images.source(line) }),
      ...(found && { moduleId: found.image.id }),
      ...(!line && { presentationHint: 'normal' as const }),
    };
  }
}

const nameOf = (name: string, offset: bigint): string => (offset === 0n ? name : `${name}+0x${offset.toString(16)}`);
