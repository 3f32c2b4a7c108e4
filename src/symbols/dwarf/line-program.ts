/**
 * Runs a unit's line program into rows. Sources: DWARF 5 sections 6.2.2 (registers) and 6.2.5 (opcodes). NOT
 * IMPLEMENTED: op_index, discriminators, ISA numbers, DW_LNE_define_file (rows of such files are left out).
 */
import { UserError } from '../../common/errors';
import { ByteReader } from '../byte-reader';
import type { LineHeader } from './line-header';

/** Bits of a row's `flags`. */
export const IS_STATEMENT = 1;
export const PROLOGUE_END = 2;

/** A run of rows with rising addresses: mostly one function or one section of a unit. */
export interface LineSequence {
  /** Link addresses of its first byte and after its last. */
  readonly start: bigint;
  readonly end: bigint;
  /** Its rows: [firstRow, endRow). */
  readonly firstRow: number;
  readonly endRow: number;
}

/** All rows of a unit, in columns. */
export interface LineRows {
  /** By start address. */
  readonly sequences: readonly LineSequence[];
  /** Bytes after the sequence's start. */
  readonly offsets: Uint32Array;
  readonly lines: Uint32Array;
  /** The unit's file numbers. */
  readonly files: Uint16Array;
  /** 0 if unknown; 65535 for that and above. */
  readonly columns: Uint16Array;
  readonly flags: Uint8Array;
}

/** The longest program that is run, bytes; the biggest units of kernels have some hundred KiB. */
export const MAX_PROGRAM = 0x80_0000;

/** Standard opcodes DW_LNS_* and extended opcodes DW_LNE_*. */
const LNS = {
  extended: 0,
  copy: 1,
  advancePc: 2,
  advanceLine: 3,
  setFile: 4,
  setColumn: 5,
  negateStatement: 6,
  constAddPc: 8,
  fixedAdvancePc: 9,
  setPrologueEnd: 10,
} as const;
const LNE_END_SEQUENCE = 1;
const LNE_SET_ADDRESS = 2;

/** Rows under construction; a program makes at most one for each of its bytes. */
class RowColumns {
  count = 0;
  readonly offsets: Uint32Array;
  readonly lines: Uint32Array;
  readonly files: Uint16Array;
  readonly columns: Uint16Array;
  readonly flags: Uint8Array;

  constructor(capacity: number) {
    this.offsets = new Uint32Array(capacity);
    this.lines = new Uint32Array(capacity);
    this.files = new Uint16Array(capacity);
    this.columns = new Uint16Array(capacity);
    this.flags = new Uint8Array(capacity);
  }

  finish(sequences: LineSequence[]): LineRows {
    const { count } = this;
    return {
      sequences: sequences.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0)),
      offsets: this.offsets.slice(0, count),
      lines: this.lines.slice(0, count),
      files: this.files.slice(0, count),
      columns: this.columns.slice(0, count),
      flags: this.flags.slice(0, count),
    };
  }
}

/**
 * Runs the program `bytes` of a unit. `isCode` says whether a link address is the file's code: linkers leave programs of
 * functions that they dropped, at address 0. What follows damage is left out.
 */
export function runLineProgram(bytes: Uint8Array, header: LineHeader, isCode: (address: bigint) => boolean): LineRows {
  const reader = new ByteReader(bytes, 'A line program');
  const { operandCounts, lineBase, lineRange, minimumInstructionLength: unit, defaultIsStatement } = header;
  const opcodeBase = operandCounts.length;
  const constAdvance = Math.floor((255 - opcodeBase) / lineRange) * unit;
  const rows = new RowColumns(bytes.length);
  const sequences: LineSequence[] = [];

  let start = 0n;
  let firstRow = 0;
  // The registers; the address is kept as bytes after `start`, so that it is a small number.
  let offset = 0;
  let line = 1;
  let file = 1;
  let column = 0;
  let isStatement = defaultIsStatement;
  let isPrologueEnd = false;
  let isRising = true;

  const emit = (): void => {
    const at = rows.count;
    if (at === firstRow) {
      start += BigInt(offset);
      offset = 0;
    } else {
      const before = rows.offsets[at - 1]!;
      if (offset < before || offset > 0xffff_ffff) isRising = false;
    }
    rows.offsets[at] = offset;
    rows.lines[at] = line > 0 && line < 0x7fff_ffff ? line : 0;
    rows.files[at] = file < 0xffff ? file : 0xffff;
    rows.columns[at] = Math.min(column, 0xffff);
    rows.flags[at] = (isStatement ? IS_STATEMENT : 0) | (isPrologueEnd ? PROLOGUE_END : 0);
    rows.count = at + 1;
    isPrologueEnd = false;
  };
  const endSequence = (): void => {
    const last = rows.count - 1;
    const isUsable = isRising && rows.count > firstRow && offset >= rows.offsets[last]! && offset <= 0xffff_ffff;
    if (isUsable && offset > 0 && isCode(start)) {
      sequences.push({ start, end: start + BigInt(offset), firstRow, endRow: rows.count });
    } else {
      rows.count = firstRow;
    }
    firstRow = rows.count;
    start = 0n;
    offset = 0;
    line = 1;
    file = 1;
    column = 0;
    isStatement = defaultIsStatement;
    isPrologueEnd = false;
    isRising = true;
  };
  const setAddress = (address: bigint): void => {
    if (rows.count === firstRow) {
      start = address;
      offset = 0;
    } else {
      offset = Number(address - start);
    }
  };
  const extended = (): void => {
    const length = reader.uleb();
    const next = reader.position + length;
    const opcode = length > 0 ? reader.u8() : 0;
    if (opcode === LNE_END_SEQUENCE) endSequence();
    else if (opcode === LNE_SET_ADDRESS) setAddress(reader.unsigned(length - 1));
    if (length > 0) reader.skip(next - reader.position);
  };

  try {
    while (reader.remaining > 0) {
      const opcode = reader.u8();
      if (opcode >= opcodeBase) {
        const adjusted = opcode - opcodeBase;
        offset += Math.floor(adjusted / lineRange) * unit;
        line += lineBase + (adjusted % lineRange);
        emit();
        continue;
      }
      switch (opcode) {
        case LNS.extended:
          extended();
          break;
        case LNS.copy:
          emit();
          break;
        case LNS.advancePc:
          offset += reader.uleb() * unit;
          break;
        case LNS.advanceLine:
          line += reader.sleb();
          break;
        case LNS.setFile:
          file = reader.uleb();
          break;
        case LNS.setColumn:
          column = reader.uleb();
          break;
        case LNS.negateStatement:
          isStatement = !isStatement;
          break;
        case LNS.constAddPc:
          offset += constAdvance;
          break;
        case LNS.fixedAdvancePc:
          offset += reader.u16();
          break;
        case LNS.setPrologueEnd:
          isPrologueEnd = true;
          break;
        default:
          for (let count = operandCounts[opcode]!; count > 0; count -= 1) reader.uleb();
      }
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  // Rows without the end of their sequence have no end address.
  rows.count = firstRow;
  return rows.finish(sequences);
}
