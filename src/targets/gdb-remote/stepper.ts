/**
 * The ways of going on, made of a stub's two: one instruction, and until a breakpoint. What interrupts an instruction, or
 * handles its faults, is known by the frame that the processor pushes: it runs until it returns. Source: SDM Vol. 3A 6.12.1,
 * 6.14.2 (the frames), 20.1.4 (real-address mode).
 */
import { STATE } from '../../cpu/layout';
import { MAX_INSTRUCTION_LENGTH } from '../../isa/decode';
import { SEGMENT } from '../../isa/semantics';
import type { GuestView } from '../foreign-guest/guest-view';
import { lacking } from '../foreign-guest/errors';
import { compoundIn, linearStack } from '../own-machine/frame';
import type { Resume } from '../target';
import type { StubGuest } from './guest';
import type { Marks, RunEnd, StubRunner } from './runner';

/** Where a program stands, so that it is known again. */
interface Place {
  readonly linear: bigint;
  /** Linear address of the stack's top. */
  readonly stack: bigint;
  /** Physical address of the first paging structure. */
  readonly table: bigint;
  readonly rip: bigint;
  readonly selector: number;
  readonly rsp: bigint;
}

/** Address bits of CR3: a PCID may change from one time to the next. */
const TABLE = 0xf_ffff_ffff_f000n;
/** An error code and what is pushed before it: RIP, CS, RFLAGS, RSP. */
const FRAME_WORDS = 5;
const RSP_WORD = 3;
const HLT = 0xf4;
const HLT_BYTES = 1n;

function placeOf(view: GuestView): Place {
  const { state } = view;
  const { rip, rsp } = view.position();
  return {
    linear: view.linear,
    stack: linearStack(view),
    table: state.quad(STATE.cr3) & TABLE,
    rip,
    selector: state.selector(SEGMENT.CS),
    rsp,
  };
}

export class StubStepper {
  constructor(
    private readonly guest: StubGuest,
    private readonly runner: StubRunner,
  ) {}

  /** Goes on as asked. Rejects with a UserError for what a stub cannot do. */
  async go(thread: number, how: Resume): Promise<RunEnd> {
    switch (how.kind) {
      case 'continue':
        return this.runner.go(thread);
      case 'step': {
        const end = how.skipInterrupts ? await this.through(thread) : await this.runner.step(thread, true);
        return end ?? (await this.here(thread));
      }
      case 'stepOver':
        return (await this.over(thread)) ?? (await this.here(thread));
      case 'stepRange':
        return this.range(thread, how);
      case 'runTo': {
        const { linear, stackAbove } = how;
        const isReached = (view: GuestView): boolean => stackAbove === undefined || linearStack(view) > stackAbove;
        const end = await this.until(thread, { linear, isReached });
        return end ?? { thread };
      }
      case 'stepExit':
        throw lacking('The gdb stub', 'VM exits');
    }
  }

  /** Where a step has led: breakpoints there are met. */
  private async here(thread: number): Promise<RunEnd> {
    return (await this.runner.look(thread)) ?? { thread };
  }

  private async range(
    thread: number,
    { start, end, over }: { readonly start: bigint; readonly end: bigint; readonly over: boolean },
  ): Promise<RunEnd> {
    for (;;) {
      const isLong = over || (await this.compound(thread))?.kind === 'repeat';
      const stepped = isLong ? await this.over(thread) : await this.through(thread);
      const stop = stepped ?? (await this.here(thread));
      if (stop.stop) return stop;
      const { linear } = await this.guest.quick(thread);
      if (linear < start || linear >= end) return { thread };
      if (this.runner.wantsPause) return { thread, stop: { reason: 'pause' } };
    }
  }

  /** One instruction; a call, software interrupt or repetition until it comes back to its frame. */
  private async over(thread: number): Promise<RunEnd | undefined> {
    const compound = await this.compound(thread);
    const frame = placeOf(await this.guest.quick(thread));
    const stepped = await this.through(thread);
    if (stepped || !compound) return stepped;
    const after = BigInt.asUintN(64, frame.linear + BigInt(compound.length));
    const isSame = (view: GuestView): boolean => placeOf(view).table === frame.table;
    const isBack = (view: GuestView): boolean =>
      view.linear === after && isSame(view) && linearStack(view) >= frame.stack;
    if (isBack(await this.guest.quick(thread))) return undefined;
    const isRepeat = compound.kind === 'repeat';
    const isOld = (view: GuestView): boolean => isRepeat && view.linear === frame.linear && isOnStackOf(view, frame);
    return this.until(thread, { linear: [after], isReached: isBack, isOld });
  }

  /** One instruction of the program at hand: what interrupts it, or handles its faults, runs until it returns. */
  private async through(thread: number): Promise<RunEnd | undefined> {
    for (;;) {
      const view = await this.guest.quick(thread);
      const before = placeOf(view);
      const isHalt = (await view.read('linear', before.linear, 1))[0] === HLT;
      const stopped = await this.runner.step(thread, true);
      if (stopped) return stopped;
      // What wakes a processor from HLT comes back behind it.
      const back = isHalt ? HLT_BYTES : 0n;
      const returns = { ...before, linear: before.linear + back, rip: before.rip + back };
      if (!(await this.wasInterrupted(thread, returns))) return undefined;
      const isBack = (at: GuestView): boolean => at.linear === returns.linear && isOnStackOf(at, returns);
      const handled = await this.until(thread, { linear: [returns.linear], isReached: isBack, isOld: isBack });
      if (handled || isHalt) return handled;
    }
  }

  /** True if a handler begins that will return to `before`: that place is on its stack. */
  private async wasInterrupted(thread: number, before: Place): Promise<boolean> {
    const view = await this.guest.quick(thread);
    const { linear } = view;
    if (linear >= before.linear && linear <= before.linear + BigInt(MAX_INSTRUCTION_LENGTH)) return false;
    const { codeBits } = view;
    const bytes = codeBits / 8;
    const stack = await view.read('linear', linearStack(view), FRAME_WORDS * bytes);
    const word = (index: number): bigint | undefined => {
      const own = stack.subarray(index * bytes, (index + 1) * bytes);
      return own.length === bytes ? own.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n) : undefined;
    };
    const isFrameAt = (first: number): boolean =>
      word(first) === BigInt.asUintN(codeBits, before.rip) &&
      Number((word(first + 1) ?? 0n) & 0xffffn) === before.selector &&
      (codeBits !== 64 || word(first + RSP_WORD) === before.rsp);
    return isFrameAt(0) || isFrameAt(1);
  }

  private async until(thread: number, marks: Marks): Promise<RunEnd | undefined> {
    const end = await this.runner.go(thread, marks);
    return end.stop ? end : undefined;
  }

  private async compound(thread: number): Promise<ReturnType<typeof compoundIn>> {
    const view = await this.guest.quick(thread);
    return compoundIn(await view.read('linear', view.linear, MAX_INSTRUCTION_LENGTH), view.codeBits);
  }
}

function isOnStackOf(view: GuestView, frame: Place): boolean {
  const { stack, table } = placeOf(view);
  return stack === frame.stack && table === frame.table;
}
