/**
 * A decoded instruction as the interpreter runs it: 32 bytes in the arena, naming state offsets instead of register
 * numbers. A block is a 32-byte header followed by its entries, the last of them a pseudo entry that ends it.
 */
import { i32, i64, load32, load64 } from '../wasm/expr';
import type { I32, I64 } from '../wasm/expr';

export const ENTRY_BYTES = 32;

/** Byte offsets of an entry's fields. */
export const ENTRY = {
  /** Handler number, u16. */
  handler: 0,
  /** Offset of the instruction from the block's start, u16. */
  offset: 2,
  /** Length in bytes, u8. */
  length: 4,
  /** Bits 0-1 log2 of the index factor, bits 2-3 address size (0 16, 1 32, 2 64); u8. */
  shape: 5,
  /** Instructions of the block from this one on, u16. */
  left: 6,
  /** State offsets (general, XMM, MMX) or numbers (segment, control, debug, x87) of the register operands, u16. */
  register0: 8,
  register1: 10,
  /** State offset of the record whose base is added to an address: a segment, or zero; u16. */
  segmentBase: 12,
  /** Segment number of the memory operand, or of the default data segment; u16. */
  segment: 14,
  /** State offsets of base and index registers, u16. */
  base: 16,
  index: 18,
  /** Displacement, signed 32 bits; the second immediate; a far pointer's selector. */
  displacement: 20,
  /** Immediate, relative target from the block's start, moffs offset, or far offset; i64. */
  immediate: 24,
} as const;

/** Byte offsets of a block's header. */
export const BLOCK = {
  /** Instructions, u32. */
  count: 0,
  /** Host address of the first byte, u32; and the key's mode part, u32. */
  host: 4,
  mode: 8,
  /** Bytes of code, u32. */
  bytes: 12,
  /** Table index of the compiled region that holds the block, u32; 0 for none. */
  region: 16,
  /** Number of the block among the region's, u32. */
  regionBlock: 20,
  /** Executions by the interpreter until the block is hot, u32. */
  heat: 24,
  headerBytes: 32,
} as const;

export const field16 = (entry: I32, field: number): I32 => load32(entry, 16, field);
export const field8 = (entry: I32, field: number): I32 => load32(entry, 8, field);
export const displacementOf = (entry: I32): I64 => i64.extendS(load32(entry, 32, ENTRY.displacement));
export const immediateOf = (entry: I32): I64 => load64(entry, 64, ENTRY.immediate);
export const immediate32 = (entry: I32): I32 => load32(entry, 32, ENTRY.immediate);
/** The entry behind. */
export const nextEntry = (entry: I32): I32 => i32.add(entry, i32.const(ENTRY_BYTES));
