/**
 * Entries by name while an index is made: open addressing over typed arrays, since a kernel names millions of entries that
 * are the same few hundred thousand. A name is a number (where its text lies), so that no text is read twice.
 */

/** What a name stands for; the first six are types. A constant of an enumeration leads to that. */
export const NAME_KINDS = [
  'struct',
  'union',
  'class',
  'enum',
  'typedef',
  'base',
  'variable',
  'function',
  'enumerator',
] as const;

/** A kind by its index. */
export type NameKind = (typeof NAME_KINDS)[number];

const FIRST_CAPACITY = 1 << 16;
/** Names of one file; a kernel has half a million. */
const MAX_NAMES = 1 << 23;
const EMPTY = 0xff;
const KIND_BITS = 4;

/** Names, kinds and the best entry of each pair. */
export class NameTable {
  size = 0;
  private capacity = FIRST_CAPACITY;
  private texts = new Uint32Array(FIRST_CAPACITY);
  /** Kind and rank, `EMPTY` for a free place. */
  private kinds = new Uint8Array(FIRST_CAPACITY).fill(EMPTY);
  private offsets = new Uint32Array(FIRST_CAPACITY);

  /** Notes an entry; of several of one name and kind the first with the highest rank (0 to 3) is kept. */
  add(text: number, kind: number, offset: number, rank: number): void {
    const mask = this.capacity - 1;
    let place = hash(text, kind) & mask;
    for (; this.kinds[place] !== EMPTY; place = (place + 1) & mask) {
      const known = this.kinds[place]!;
      if (this.texts[place] !== text || (known & ((1 << KIND_BITS) - 1)) !== kind) continue;
      if (known >> KIND_BITS >= rank) return;
      break;
    }
    if (this.kinds[place] === EMPTY) {
      if (this.size >= MAX_NAMES) return;
      this.size += 1;
    }
    this.texts[place] = text;
    this.kinds[place] = kind | (rank << KIND_BITS);
    this.offsets[place] = offset;
    if (this.size * 2 > this.capacity) this.grow();
  }

  /** Tells every name, in no order. */
  forEach(told: (text: number, kind: number, offset: number, rank: number) => void): void {
    for (let place = 0; place < this.capacity; place += 1) {
      const known = this.kinds[place]!;
      if (known === EMPTY) continue;
      told(this.texts[place]!, known & ((1 << KIND_BITS) - 1), this.offsets[place]!, known >> KIND_BITS);
    }
  }

  private grow(): void {
    const { texts, kinds, offsets, capacity } = this;
    this.capacity = capacity * 2;
    this.texts = new Uint32Array(this.capacity);
    this.kinds = new Uint8Array(this.capacity).fill(EMPTY);
    this.offsets = new Uint32Array(this.capacity);
    const mask = this.capacity - 1;
    for (let from = 0; from < capacity; from += 1) {
      if (kinds[from] === EMPTY) continue;
      let place = hash(texts[from]!, kinds[from]! & ((1 << KIND_BITS) - 1)) & mask;
      while (this.kinds[place] !== EMPTY) place = (place + 1) & mask;
      this.texts[place] = texts[from]!;
      this.kinds[place] = kinds[from]!;
      this.offsets[place] = offsets[from]!;
    }
  }
}

function hash(text: number, kind: number): number {
  const mixed = Math.imul(text ^ (kind << 29), 0x9e37_79b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
