/**
 * The callers of the code at hand: by the kernel's own ORC data where there are any, through interrupts, exceptions and
 * system calls, with the registers that call frame information restores; else by call frame information alone; else by
 * frame pointers. ORC goes first, since it knows what inline assembly does to the stack.
 *
 * NOT IMPLEMENTED: callers in user mode.
 */
import { cfiStep } from '../symbols/dwarf/cfi-step';
import type { ReadLinear } from '../symbols/kernel/kallsyms-memory';
import { unwindStep } from '../symbols/kernel/unwind';
import type { Position, Target } from '../targets/target';
import { type CallFrame, frameByPointers, readerOf, type StackReader } from './frame-pointers';
import type { Images } from './images/images';

const MOST_FRAMES = 200;
const BYTES_64 = 8n;

/** Yields the frames from the innermost one on, reading memory only as far as they are asked for. */
export async function* unwind(
  target: Target,
  thread: number,
  images: Images,
  position: Position,
): AsyncGenerator<CallFrame> {
  const read: ReadLinear = (linear, length) => target.readMemory(thread, 'linear', linear, length);
  const reader = readerOf(read, position);
  const { linear, rsp, rbp } = position;
  let frame: CallFrame = { ip: linear, sp: rsp, bp: rbp, isExact: true, ...(await registersOf(target, thread)) };
  yield frame;
  for (let count = 1; count < MOST_FRAMES && !frame.isUser; count++) {
    const next = await callerOf(frame, images, reader, position.codeBits);
    if (next === 'end') return;
    // A stack that does not lead outwards would lead round and round.
    if (!next || (next.sp <= frame.sp && !next.isUser && !next.isExact)) return;
    frame = next;
    yield frame;
  }
}

async function callerOf(
  frame: CallFrame,
  images: Images,
  reader: StackReader,
  codeBits: Position['codeBits'],
): Promise<CallFrame | 'end' | undefined> {
  const image = images.imageAt(frame.ip);
  const { read } = reader;
  const frames = image?.symbols.callFrames;
  const byCfi = frames && (await cfiStep(frames, frame, read, image.slide));
  const byOrc = codeBits === 64 && image?.orc ? await unwindStep(image.orc, frame, read, image.slide) : undefined;
  if (byOrc === 'end') return 'end';
  if (byOrc) {
    if (byCfi === undefined) return isBareCall(frame, byOrc) ? { ...byOrc, known: keptBy(frame, byOrc) } : byOrc;
    const agrees = byCfi !== 'end' && byCfi.ip === byOrc.ip && byCfi.sp === byOrc.sp;
    return agrees ? { ...byOrc, known: byCfi.known } : byOrc;
  }
  return byCfi ?? frameByPointers(frame, reader, images);
}

/** Assembly that has nothing but its return address on the stack has saved no register, hence uses none that it must keep. */
function isBareCall(frame: CallFrame, caller: CallFrame): boolean {
  return frame.pushed === undefined && caller.pushed === undefined && caller.sp === frame.sp + BYTES_64;
}

/** What is known of the registers of a frame is so of its caller's, but for those that a step finds. */
function keptBy({ known }: CallFrame, { ip, sp, bp }: CallFrame): CallFrame['known'] {
  return known && new Map([...known, ['rip', ip], ['rsp', sp], ['rbp', bp]]);
}

/** The general registers of the innermost frame. */
async function registersOf(target: Target, thread: number): Promise<Pick<CallFrame, 'known' | 'registers'>> {
  const known = new Map(
    (await target.registers(thread, 'General')).map(({ name, value }) => [name.toLowerCase(), value] as const),
  );
  const { r10, r13, rdx, rdi } = Object.fromEntries(known);
  return { known, registers: { r10, r13, rdx, rdi } as CallFrame['registers'] };
}
