/**
 * Rows of the disassembly view: instructions around an address, forward and backward, in the vCPU's code size.
 *
 * x86 code cannot be read backward: of all the places before the address from which decoding arrives exactly at it, the
 * chain that starts furthest back is taken, since decoders fall into step within a few instructions.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { MAX_INSTRUCTION_LENGTH, type Decoder } from '../isa/decode';
import type { CodeBits } from '../isa/decoded';
import { disassemble } from '../isa/disassemble/disassemble';
import { hex } from './memory-reference';

/** Bytes of memory by address; fewer than asked for where memory ends. */
export type Read = (address: bigint, length: number) => Promise<Uint8Array>;

/** What is asked for. */
export interface RowRequest {
  /** The address that row `-first` begins at. */
  readonly address: bigint;
  /** Index of the first row, relative to the address; may be negative. */
  readonly first: number;
  readonly count: number;
  readonly codeBits: CodeBits;
  /** The base of the code segment: operands that are offsets are shown relative to it. */
  readonly base: bigint;
}

type Row = DebugProtocol.DisassembledInstruction;

/** A row where no memory is: clients know the address -1 as none. */
const PADDING: Row = { address: '-1', instruction: '??', presentationHint: 'invalid' };
const END = 1n << 64n;

/** Exactly `count` rows. */
export async function disassembleRows(decoder: Decoder, read: Read, request: RowRequest): Promise<Row[]> {
  const { address, first, count } = request;
  const before = Math.max(0, -first);
  const after = Math.max(0, first + count);
  const rows = [
    ...(before > 0 ? await rowsBefore(decoder, read, request, before) : []),
    ...(after > 0 ? await rowsFrom(decoder, read, request, address, after) : []),
  ];
  // `rows` begins at index -before; what was asked for begins at `first`.
  return rows.slice(first + before, first + before + count);
}

async function rowsFrom(
  decoder: Decoder,
  read: Read,
  request: RowRequest,
  from: bigint,
  count: number,
): Promise<Row[]> {
  const bytes = await readUpTo(read, from, count * MAX_INSTRUCTION_LENGTH);
  const rows: Row[] = [];
  for (let at = 0; rows.length < count && at < bytes.length;) {
    const { row, length } = rowAt(decoder, bytes, at, from, request);
    rows.push(row);
    at += length;
  }
  while (rows.length < count) rows.push(PADDING);
  return rows;
}

async function rowsBefore(decoder: Decoder, read: Read, request: RowRequest, count: number): Promise<Row[]> {
  const { address, codeBits } = request;
  const window = BigInt((count + 1) * MAX_INSTRUCTION_LENGTH);
  const { bytes, start } = await readBefore(read, address, address < window ? address : window);
  // arrives[i]: decoding from byte i leads exactly to the end, which is the address.
  const arrives = new Uint8Array(bytes.length + 1);
  arrives[bytes.length] = 1;
  for (let at = bytes.length - 1; at >= 0; at--) {
    const decoded = decoder.decode(bytes, at, bytes.length, codeBits);
    if (!('failure' in decoded)) arrives[at] = arrives[at + decoded.length]!;
  }
  const rows: Row[] = [];
  let at = arrives.indexOf(1);
  while (at < bytes.length) {
    const { row, length } = rowAt(decoder, bytes, at, start, request);
    rows.push(row);
    at += length;
  }
  const kept = rows.slice(-count);
  return [...Array.from({ length: count - kept.length }, () => PADDING), ...kept];
}

/** One row, and the bytes that it takes: bytes that are no instruction get a row of one byte. */
function rowAt(
  decoder: Decoder,
  bytes: Uint8Array,
  at: number,
  origin: bigint,
  { codeBits, base }: RowRequest,
): { row: Row; length: number } {
  const address = origin + BigInt(at);
  const decoded = decoder.decode(bytes, at, bytes.length, codeBits);
  const length = 'failure' in decoded ? 1 : decoded.length;
  const text = 'failure' in decoded ? '(bad)' : disassemble(decoded, BigInt.asUintN(64, address - base)).text;
  const shown = Array.from(bytes.subarray(at, at + length), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return { row: { address: hex(address), instructionBytes: shown, instruction: text }, length };
}

/** Bytes from `from`, not past the end of the address space. */
function readUpTo(read: Read, from: bigint, length: number): Promise<Uint8Array> {
  return read(from, from + BigInt(length) > END ? Number(END - from) : length);
}

/** The bytes right before `address`, at most `window`: shorter where memory begins in between. */
async function readBefore(read: Read, address: bigint, window: bigint): Promise<{ bytes: Uint8Array; start: bigint }> {
  const PAGE = 4096n;
  // Page by page from the address down: memory that is there ends at a page's start.
  const pieces: Uint8Array[] = [];
  let end = address;
  const lowest = address - window;
  while (end > lowest) {
    const pageStart = ((end - 1n) / PAGE) * PAGE;
    const start = pageStart > lowest ? pageStart : lowest;
    const piece = await read(start, Number(end - start));
    if (piece.length < Number(end - start)) break;
    pieces.unshift(piece);
    end = start;
  }
  return { bytes: Buffer.concat(pieces), start: end };
}
