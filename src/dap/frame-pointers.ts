/**
 * From a frame to its caller by frame pointers: each frame holds its caller's frame pointer and above it the return
 * address. At a function's edges, where that is not so yet or no more, its first instructions say where things are.
 */
import type { CfiFrame } from '../symbols/dwarf/cfi-step';
import type { ReadLinear } from '../symbols/kernel/kallsyms-memory';
import type { Position } from '../targets/target';
import type { Images } from './images/images';

/** One frame of a call stack: linear addresses of the next instruction and of the stack as its code sees it. */
export type CallFrame = CfiFrame;

/** Reads memory and stacks as the processor's mode has them. */
export interface StackReader {
  readonly read: ReadLinear;
  /** Bytes of a return address. */
  readonly bytes: number;
  /** The value at a stack offset; undefined where there is no memory. */
  word(offset: bigint): Promise<bigint | undefined>;
  /** The linear address of a return address. */
  code(offset: bigint): bigint;
}

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

/** A reader for the code size and the segments of a position. */
export function readerOf(read: ReadLinear, { codeBits, linear, rip, stackBase }: Position): StackReader {
  const bytes = codeBits / 8;
  const is64 = codeBits === 64;
  const at = (offset: bigint): bigint =>
    is64 ? offset : BigInt.asUintN(32, stackBase + BigInt.asUintN(codeBits, offset));
  return {
    read,
    bytes,
    word: async (offset) => {
      const data = await read(at(offset), bytes);
      if (data.length < bytes) return undefined;
      return data.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    },
    code: (offset) => (is64 ? offset : BigInt.asUintN(32, offset + (linear - rip))),
  };
}

/** The caller of a frame; undefined where the chain does not hold. */
export async function frameByPointers(
  frame: CallFrame,
  reader: StackReader,
  images: Images,
): Promise<CallFrame | undefined> {
  const edge = frame.isExact ? await edgeOf(reader.read, images, frame.ip) : 'inside';
  const { sp, bp } = frame;
  if (edge === 'inside' && (bp < sp || bp - sp > LARGEST_FRAME)) return undefined;
  const word = BigInt(reader.bytes);
  // Where the return address lies, and what the caller's frame pointer is.
  const returnsAt = { entry: sp, pushed: sp + word, inside: bp + word }[edge];
  const callersPointer = edge === 'entry' ? bp : await reader.word(returnsAt - word);
  const returns = await reader.word(returnsAt);
  if (!returns || callersPointer === undefined) return undefined;
  const ip = reader.code(returns);
  if (!isCode(images, ip)) return undefined;
  return { ip, sp: returnsAt + word, bp: callersPointer, isExact: false };
}

/** Where in its function the code is: before the frame pointer is pushed (or after it is popped), just behind, or inside. */
type Edge = 'entry' | 'pushed' | 'inside';

async function edgeOf(read: ReadLinear, images: Images, linear: bigint): Promise<Edge> {
  const here = await read(linear, 1);
  if (here[0] === RET) return 'entry';
  const found = images.symbolAt(linear);
  if (!found || found.offset > PROLOGUE_BYTES) return 'inside';
  const code = await read(linear - found.offset, 2 * PROLOGUE_BYTES);
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
  return placed.length === 0 || placed.some((image) => image.symbolAt(linear - 1n) !== undefined);
}
