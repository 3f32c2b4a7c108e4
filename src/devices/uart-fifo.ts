/** The 16550A's receiver FIFO: 16 characters, each with the line status that it arrived with. */

/** Plain data: entries oldest first, character in bits 7-0, its PE, FE and BI at their place in LSR, shifted by 8. */
export type UartFifoState = readonly number[];

const DEPTH = 16;

/** A ring of 16 characters; `limit` is 1 while the FIFO is disabled. */
export class UartFifo {
  private readonly entries = new Uint16Array(DEPTH);
  private head = 0;
  private length = 0;
  private errors = 0;
  limit = 1;

  get size(): number {
    return this.length;
  }

  get full(): boolean {
    return this.length >= this.limit;
  }

  /** At least one character carries an error. */
  get hasErrors(): boolean {
    return this.errors > 0;
  }

  /** The oldest entry; 0 when empty. */
  get front(): number {
    return this.length === 0 ? 0 : this.entries[this.head]!;
  }

  /** Appends a character with its error bits. The caller checks `full`. */
  push(character: number, status: number): void {
    this.entries[(this.head + this.length) % DEPTH] = character | (status << 8);
    this.length++;
    if (status !== 0) this.errors++;
  }

  /** Replaces the newest character: what an overrun does while the FIFO is disabled. */
  replaceLast(character: number, status: number): void {
    this.length--;
    if (this.entries[(this.head + this.length) % DEPTH]! >> 8) this.errors--;
    this.push(character, status);
  }

  /** Removes the oldest entry. */
  pop(): void {
    if (this.front >> 8) this.errors--;
    this.head = (this.head + 1) % DEPTH;
    this.length--;
  }

  /** The errors of the oldest character have been reported by a read of LSR. */
  clearFrontErrors(): void {
    if (this.length === 0 || this.front >> 8 === 0) return;
    this.errors--;
    this.entries[this.head]! &= 0xff;
  }

  clear(): void {
    this.head = this.length = this.errors = 0;
  }

  /** Sets the depth: 16, or 1 while the FIFO is disabled. */
  setEnabled(enabled: boolean): void {
    this.limit = enabled ? DEPTH : 1;
  }

  save(): UartFifoState {
    return Array.from({ length: this.length }, (_, i) => this.entries[(this.head + i) % DEPTH]!);
  }

  restore(state: UartFifoState): void {
    this.clear();
    for (const entry of state.slice(0, DEPTH)) this.push(entry & 0xff, entry >> 8);
  }
}
