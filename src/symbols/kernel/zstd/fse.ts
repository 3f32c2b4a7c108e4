/** Finite-state entropy: tables of states, each with a symbol and the bits that lead to the next one. RFC 8878, 4.1. */
import { type BackwardBits, damagedZstd, ForwardBits } from './bits';

/** A table for decoding. */
export interface FseTable {
  /** Bits of a state. */
  readonly accuracy: number;
  readonly symbols: Uint8Array;
  /** Bits to read for the next state, which are added to `bases`. */
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

/** Reads a table's description; gives its length in bytes too. */
export function readFseTable(
  bytes: Uint8Array,
  mostAccuracy: number,
  mostSymbols: number,
): { table: FseTable; length: number } {
  const reader = new ForwardBits(bytes);
  const accuracy = reader.peek(4) + 5;
  reader.skip(4);
  if (accuracy > mostAccuracy) throw damagedZstd('a table in it is too large');
  const counts: number[] = [];
  let left = 1 << accuracy;
  while (left > 0) {
    if (counts.length >= mostSymbols) throw damagedZstd('a table in it has too many symbols');
    const count = readCount(reader, left);
    left -= Math.abs(count);
    counts.push(count);
    if (count !== 0) continue;
    for (let repeat = 3; repeat === 3;) {
      repeat = reader.peek(2);
      reader.skip(2);
      for (let zero = 0; zero < repeat; zero += 1) counts.push(0);
      if (counts.length > mostSymbols) throw damagedZstd('a table in it has too many symbols');
    }
  }
  return { table: fseTable(counts, accuracy), length: reader.length };
}

/** A share of the states: -1 for less than one. Small values may be written with a bit less. */
function readCount(reader: ForwardBits, left: number): number {
  const bits = 32 - Math.clz32(left + 1);
  const value = reader.peek(bits);
  const short = value & ((1 << (bits - 1)) - 1);
  const saved = (1 << bits) - 1 - (left + 1);
  if (short < saved) {
    reader.skip(bits - 1);
    return short - 1;
  }
  reader.skip(bits);
  const count = (value === short ? value : value - saved) - 1;
  if (count > left) throw damagedZstd('a table in it has too many states');
  return count;
}

/** The table in which each symbol has so many of the states; -1 for one at the end. */
export function fseTable(counts: readonly number[], accuracy: number): FseTable {
  const size = 1 << accuracy;
  const symbols = new Uint8Array(size);
  const next = counts.map((count) => Math.abs(count));
  let high = size;
  counts.forEach((count, symbol) => {
    if (count < 0) symbols[(high -= 1)] = symbol;
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  counts.forEach((count, symbol) => {
    for (let left = count; left > 0; left -= 1) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= high);
    }
  });
  if (at !== 0) throw damagedZstd('a table in it has holes');
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let state = 0; state < size; state += 1) {
    const symbol = symbols[state]!;
    const number = next[symbol]!;
    next[symbol] = number + 1;
    bits[state] = accuracy - (31 - Math.clz32(number));
    bases[state] = (number << bits[state]!) - size;
  }
  return { accuracy, symbols, bits, bases };
}

/** The table of one symbol, which takes no bits. */
export function constantTable(symbol: number): FseTable {
  return { accuracy: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), bases: new Uint16Array(1) };
}

/** A state that goes through a table. */
export class FseState {
  private state: number;

  constructor(
    private readonly table: FseTable,
    private readonly reader: BackwardBits,
  ) {
    this.state = reader.read(table.accuracy);
  }

  get symbol(): number {
    return this.table.symbols[this.state]!;
  }

  advance(): void {
    const { bases, bits } = this.table;
    this.state = bases[this.state]! + this.reader.read(bits[this.state]!);
  }
}
