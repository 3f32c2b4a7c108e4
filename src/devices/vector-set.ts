/** A set of interrupt vectors 0..255, as the local APIC's IRR, ISR and TMR hold them (SDM Vol. 3A, 11.8.4). */

/** 256 bits in eight words of 32, the lowest vectors first. */
export class VectorSet {
  private readonly words = new Int32Array(8);

  add(vector: number): void {
    this.words[vector >> 5]! |= 1 << (vector & 31);
  }

  delete(vector: number): void {
    this.words[vector >> 5]! &= ~(1 << (vector & 31));
  }

  has(vector: number): boolean {
    return (this.words[vector >> 5]! & (1 << (vector & 31))) !== 0;
  }

  clear(): void {
    this.words.fill(0);
  }

  /** The highest vector of the set; -1 when it is empty. */
  highest(): number {
    for (let i = 7; i >= 0; i--) {
      const word = this.words[i]!;
      if (word !== 0) return 32 * i + 31 - Math.clz32(word);
    }
    return -1;
  }

  /** Word `index` (0..7) as an unsigned 32-bit number: one register. */
  word(index: number): number {
    return this.words[index]! >>> 0;
  }

  save(): readonly number[] {
    return [...this.words];
  }

  restore(words: readonly number[]): void {
    this.words.set(words.slice(0, 8));
  }
}
