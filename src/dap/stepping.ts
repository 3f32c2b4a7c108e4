/** Steps as a debugger's user means them: by source lines where they are known, made of the target's small runs. */
import type { Stop, Target } from '../targets/target';
import { noCaller } from './errors';
import type { ImageLine } from './images/image';
import type { Images } from './images/images';
import type { Go, Operation } from './runner';
import { unwind } from './stack';

/** What a step is about. */
export interface StepContext {
  readonly target: Target;
  readonly thread: number;
  readonly images: Images;
  /** What interrupts a step runs to its return. */
  readonly skipInterrupts: boolean;
}

// A line whose code jumps about more often than this is a loop: the step ends in it instead of never.
const MOST_RANGES = 10_000;

/** One instruction; `over`: calls run to their end. */
export const stepInstruction =
  ({ skipInterrupts }: StepContext, over: boolean): Operation =>
  (go) =>
    go(over ? { kind: 'stepOver' } : { kind: 'step', skipInterrupts });

/** To the beginning of another line; `over`: calls run to their end. One instruction where there is no line. */
export function stepLine(context: StepContext, over: boolean): Operation {
  return async (go) => {
    const first = await lineHere(context);
    if (!first) return stepInstruction(context, over)(go);
    let range: Pick<ImageLine, 'start' | 'end'> = first;
    for (let count = 0; ; count++) {
      const stop = await go({ kind: 'stepRange', start: range.start, end: range.end, over });
      if (stop.reason !== 'step' || count === MOST_RANGES) return stop;
      const { linear } = await context.target.position(context.thread);
      const line = context.images.lineAt(linear);
      if (!line) {
        // A function without lines was called: it runs to its end, and the step goes on behind the call.
        const end = over ? stop : await leave(context, go);
        if (end.reason !== 'step') return end;
        const back = await lineHere(context);
        if (!back) return end;
        range = back;
        if (!isSame(first, back) && (await atStart(context, back))) return end;
        continue;
      }
      // In the middle of a line is where a call came back to, or a jump of the same statement.
      if (linear === line.start && line.isStatement && !isSame(first, line)) return stop;
      range = line;
    }
  };
}

/** Into the call at a linear address of the line at hand; where the line's end comes first, the step ends there. */
export function stepIntoCall(context: StepContext, call: bigint): Operation {
  const { target, thread, images } = context;
  return async (go) => {
    const first = await lineHere(context);
    for (let count = 0; ; count++) {
      const { linear } = await target.position(thread);
      const isThere = linear === call;
      const line = images.lineAt(linear);
      if (count > 0 && !isThere && !(first && line && isSame(first, line))) return { reason: 'step' };
      const stop = await stepInstruction(context, !isThere)(go);
      if (stop.reason !== 'step' || isThere || count === MOST_RANGES) return stop;
    }
  };
}

/** Until the function at hand has returned. Throws a UserError where its caller is not known. */
export function stepOut(context: StepContext): Operation {
  return (go) => leave(context, go);
}

async function leave({ target, thread, images }: StepContext, go: Go): Promise<Stop> {
  const position = await target.position(thread);
  const frames = unwind(target, thread, images, position);
  await frames.next();
  const { value: caller } = await frames.next();
  if (!caller) throw noCaller();
  // The stack is above where it is now once the return address is popped; recursion is deeper.
  return asStep(await go({ kind: 'runTo', linear: [caller.ip], stackAbove: caller.sp - 1n }));
}

/** A run to a place of our own has no breakpoint of the user's: it is a step. */
const asStep = (stop: Stop): Stop =>
  stop.reason === 'breakpoint' && (stop.ids?.length ?? 0) === 0 ? { reason: 'step', note: stop.note } : stop;

async function lineHere({ target, thread, images }: StepContext): Promise<ImageLine | undefined> {
  return images.lineAt((await target.position(thread)).linear);
}

const atStart = async ({ target, thread }: StepContext, line: ImageLine): Promise<boolean> =>
  (await target.position(thread)).linear === line.start;

const isSame = (a: ImageLine, b: ImageLine): boolean => a.image === b.image && a.file === b.file && a.line === b.line;
