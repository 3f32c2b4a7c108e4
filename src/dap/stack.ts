/**
 * The callers of the code at hand: by the kernel's own ORC data where there are any, through interrupts, exceptions and
 * system calls; else by frame pointers.
 *
 * NOT IMPLEMENTED: unwinding by CFI; callers in user mode.
 */
import type { Position, Target } from '../targets/target';
import { unwindStep } from '../symbols/kernel/unwind';
import { type CallFrame, frameByPointers, readerOf } from './frame-pointers';
import type { Images } from './images/images';

const MOST_FRAMES = 200;

/** Yields the frames from the innermost one on, reading memory only as far as they are asked for. */
export async function* unwind(
  target: Target,
  thread: number,
  images: Images,
  position: Position,
): AsyncGenerator<CallFrame> {
  const read = (linear: bigint, length: number) => target.readMemory(thread, 'linear', linear, length);
  const { linear, rsp, rbp, codeBits } = position;
  let frame: CallFrame = { ip: linear, sp: rsp, bp: rbp, isExact: true };
  if (codeBits === 64 && images.orcAt(linear)) frame = { ...frame, registers: await otherRegisters(target, thread) };
  yield frame;
  for (let count = 1; count < MOST_FRAMES && !frame.isUser; count++) {
    const orc = codeBits === 64 ? images.orcAt(frame.ip) : undefined;
    const caller = orc && (await unwindStep(orc.table, frame, read, orc.slide));
    if (caller === 'end') return;
    const next = caller ?? (await frameByPointers(frame, readerOf(read, position), images));
    // A stack that does not lead outwards would lead round and round.
    if (!next || (next.sp <= frame.sp && !next.isUser && !next.isExact)) return;
    frame = next;
    yield frame;
  }
}

/** What ORC may need of the innermost frame besides RSP and RBP. */
async function otherRegisters(target: Target, thread: number): Promise<NonNullable<CallFrame['registers']>> {
  const registers = await target.registers(thread, 'General');
  const value = (name: string): bigint => registers.find((register) => register.name === name)?.value ?? 0n;
  return { r10: value('R10'), r13: value('R13'), rdx: value('RDX'), rdi: value('RDI') };
}
