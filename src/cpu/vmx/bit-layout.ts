/**
 * Bit layouts of 32-bit words: one description serves the encoder, the decoder and the views. Used for exit
 * qualifications and the VM-exit instruction-information field.
 */
import { assert } from '../../common/assert';

/** Positions of a word's fields: highest and lowest bit, inclusive. */
export type BitPositions = Readonly<Record<string, readonly [high: number, low: number]>>;

/** Values of a word's fields, unsigned. */
export type BitValues<T extends BitPositions> = { [K in keyof T]: number };

/** The fields of a 32-bit word. */
export class BitLayout<T extends BitPositions> {
  constructor(readonly positions: T) {}

  /** Packs `values` into an unsigned 32-bit word; fields left out are 0. A value that does not fit is a bug of ours. */
  encode(values: Partial<BitValues<T>>): number {
    let word = 0;
    for (const [name, value] of Object.entries(values) as [keyof T & string, number][]) {
      const [high, low] = this.positions[name]!;
      assert(value >= 0 && value < 2 ** (high - low + 1), `${name} = ${value} does not fit bits ${high}:${low}`);
      word += value * 2 ** low;
    }
    return word;
  }

  /** Unpacks the low 32 bits of `word`. */
  decode(word: number): BitValues<T> {
    const entries = Object.entries(this.positions).map(([name, [high, low]]) => [
      name,
      Math.floor((word >>> 0) / 2 ** low) % 2 ** (high - low + 1),
    ]);
    return Object.fromEntries(entries) as BitValues<T>;
  }
}
