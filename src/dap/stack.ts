/**
 * The callers of the code at hand, by frame pointers: each frame holds its caller's frame pointer and above it the return
 * address. At a function's edges, where that is not so yet or no more, its first instructions say where things are.
 *
 * NOT IMPLEMENTED: unwinding by CFI or ORC, frames across interrupts and privilege changes; it stops where the chain does
 * not hold.
 */
import type { Position, Target } from '../targets/target';
import type { Images } from './images/images';

/** One frame: linear addresses of the next instruction and of the stack as its code sees it. */
export interface Frame {
  readonly linear: bigint;
  /** True for frames whose address is that behind a call. */
  readonly isCaller: boolean;
  readonly stackPointer: bigint;
  readonly framePointer: bigint;
}

const MOST_FRAMES = 200;
// A frame of a sane function is smaller; a larger one is a chain that does not hold.
const LARGEST_FRAME = 1n << 20n;
const PROLOGUE_BYTES = 8;
const RET = 0xc3;
const PUSH_FRAME_POINTER = 0x55;
const ENDBR = [0xf3, 0x0f, 0x1e] as const;
const MOVES = [
  [0x48, 0x89, 0xe5],
  [0x48, 0x8b, 0xec],
  [0x89, 0xe5],
  [0x8b, 0xec],
] as const;

/** Yields the frames from the innermost one on, reading memory only as far as they are asked for. */
export async function* unwind(
  target: Target,
  thread: number,
  images: Images,
  position: Position,
): AsyncGenerator<Frame> {
  const { linear, codeBits, stackBase, rsp, rbp } = position;
  const bytes = codeBits / 8;
  const at = (offset: bigint): bigint =>
    codeBits === 64 ? offset : BigInt.asUintN(32, stackBase + BigInt.asUintN(codeBits, offset));
  const read = async (offset: bigint): Promise<bigint | undefined> => {
    const data = await target.readMemory(thread, 'linear', at(offset), bytes);
    if (data.length < bytes) return undefined;
    return data.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  };
  const codeBase = linear - position.rip;
  let frame: Frame = { linear, isCaller: false, stackPointer: rsp, framePointer: rbp };
  yield frame;
  let state = await edgeOf(target, thread, images, linear);
  for (let count = 1; count < MOST_FRAMES; count++) {
    const { stackPointer, framePointer } = frame;
    const saved = BigInt(bytes);
    const slots: Record<Edge, readonly [pointer: bigint, returnsAt: bigint]> = {
      // The return address is on top; the frame pointer is the caller's.
      entry: [framePointer, stackPointer],
      pushed: [await readOr(read, stackPointer), stackPointer + saved],
      inside: [await readOr(read, framePointer), framePointer + saved],
    };
    const [callerFrame, returnsAt] = slots[state];
    if (state === 'inside' && (framePointer < stackPointer || framePointer - stackPointer > LARGEST_FRAME)) return;
    const offset = await read(returnsAt);
    if (offset === undefined || offset === 0n) return;
    const caller = BigInt.asUintN(codeBits === 64 ? 64 : 32, offset + (codeBits === 64 ? 0n : codeBase));
    if (!isCode(images, caller) || returnsAt + saved <= stackPointer) return;
    frame = { linear: caller, isCaller: true, stackPointer: returnsAt + saved, framePointer: callerFrame };
    state = 'inside';
    yield frame;
  }
}

const readOr = async (read: (offset: bigint) => Promise<bigint | undefined>, offset: bigint): Promise<bigint> =>
  (await read(offset)) ?? 0n;

/** Where in its function the code is: before the frame pointer is pushed (or after it is popped), just behind, or inside. */
type Edge = 'entry' | 'pushed' | 'inside';

async function edgeOf(target: Target, thread: number, images: Images, linear: bigint): Promise<Edge> {
  const here = await target.readMemory(thread, 'linear', linear, 1);
  if (here[0] === RET) return 'entry';
  const found = images.symbolAt(linear);
  if (!found || found.offset > PROLOGUE_BYTES) return 'inside';
  const start = linear - found.offset;
  const code = await target.readMemory(thread, 'linear', start, 2 * PROLOGUE_BYTES);
  const push = ENDBR.every((byte, index) => code[index] === byte) ? 4 : 0;
  const offset = Number(found.offset);
  if (offset <= push) return 'entry';
  const hasFrame = code[push] === PUSH_FRAME_POINTER;
  const moves = MOVES.some((bytes) => bytes.every((byte, index) => code[push + 1 + index] === byte));
  return hasFrame && moves && offset === push + 1 ? 'pushed' : 'inside';
}

/** Where symbols are known, code lies in a function of theirs. */
function isCode(images: Images, linear: bigint): boolean {
  const placed = images.all.filter(({ slide }) => slide !== undefined);
  return placed.length === 0 || placed.some((image) => image.symbolAt(linear - 1n)?.symbol.kind !== undefined);
}
