/** Huffman's codes as Zstandard uses them for literals. Source: RFC 8878, 4.2. */
import { BackwardBits, damagedZstd } from './bits';
import { FseState, readFseTable } from './fse';

const MOST_BITS = 11;
const MOST_SYMBOLS = 256;
/** Weights are at most 12, and their table has at most 64 states. */
const MOST_WEIGHTS = 13;
const WEIGHT_ACCURACY = 6;

/** A symbol, and the length of its code, for each value of the next bits. */
export interface HuffmanTable {
  readonly bits: number;
  readonly symbols: Uint8Array;
  readonly lengths: Uint8Array;
}

/** Reads a description; gives its length in bytes too. */
export function readHuffmanTable(bytes: Uint8Array): { table: HuffmanTable; length: number } {
  const head = bytes[0] ?? 0;
  if (head < 128) {
    const packed = bytes.subarray(1, 1 + head);
    if (packed.length < head) throw damagedZstd('it ends too early');
    return { table: huffmanTable(unpackWeights(packed)), length: 1 + head };
  }
  const count = head - 127;
  const length = 1 + Math.ceil(count / 2);
  if (length > bytes.length) throw damagedZstd('it ends too early');
  const weights = Array.from({ length: count }, (_, index) => (bytes[1 + (index >> 1)]! >> (index & 1 ? 0 : 4)) & 15);
  return { table: huffmanTable(weights), length };
}

/** Decodes a stream of exactly `output.length` literals. */
export function decodeHuffman({ bits, symbols, lengths }: HuffmanTable, packed: Uint8Array, output: Uint8Array): void {
  const reader = new BackwardBits(packed);
  for (let at = 0; at < output.length; at += 1) {
    const next = reader.peek(bits);
    output[at] = symbols[next]!;
    reader.left -= lengths[next]!;
  }
  if (reader.left !== 0) throw damagedZstd('a stream in it has another length');
}

/** Weights packed by two states that take turns; the stream ends when a state asks for more bits than there are. */
function unpackWeights(packed: Uint8Array): number[] {
  const { table, length } = readFseTable(packed, WEIGHT_ACCURACY, MOST_WEIGHTS);
  const reader = new BackwardBits(packed.subarray(length));
  const states = [new FseState(table, reader), new FseState(table, reader)] as const;
  const weights: number[] = [];
  for (let turn = 0; weights.length < MOST_SYMBOLS; turn ^= 1) {
    weights.push(states[turn]!.symbol);
    states[turn]!.advance();
    if (reader.left >= 0) continue;
    weights.push(states[turn ^ 1]!.symbol);
    return weights;
  }
  throw damagedZstd('a code in it has too many symbols');
}

/** The table of a code: the last symbol's weight is what is missing to a power of two. */
function huffmanTable(weights: readonly number[]): HuffmanTable {
  const sum = weights.reduce((total, weight) => total + (weight > 0 ? 1 << (weight - 1) : 0), 0);
  const bits = 32 - Math.clz32(sum);
  const missing = (1 << bits) - sum;
  const last = 32 - Math.clz32(missing);
  if (sum === 0 || bits > MOST_BITS || missing !== 1 << (last - 1) || weights.length >= MOST_SYMBOLS) {
    throw damagedZstd('a code in it is not complete');
  }
  const all = [...weights, last];
  const symbols = new Uint8Array(1 << bits);
  const lengths = new Uint8Array(1 << bits);
  let at = 0;
  for (let weight = 1; weight <= bits; weight += 1) {
    all.forEach((own, symbol) => {
      if (own !== weight) return;
      const end = at + (1 << (weight - 1));
      symbols.fill(symbol, at, end);
      lengths.fill(bits + 1 - weight, at, end);
      at = end;
    });
  }
  return { bits, symbols, lengths };
}
