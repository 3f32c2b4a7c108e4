/** The newest of what a guest has sent on its serial line: for who comes later, such as a window after a reload. */

/** How much is kept, in bytes. */
const MOST_KEPT = 2 ** 20;
const MOST_CHUNKS = 2 ** 14;

export class SerialLog {
  private chunks: Uint8Array[] = [];
  private length = 0;

  /** Notes what comes next. */
  keep(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    this.length += bytes.length;
    // Cut rarely, and much then: each cut copies.
    if (this.length <= 2 * MOST_KEPT && this.chunks.length <= MOST_CHUNKS) return;
    this.chunks = [this.bytes()];
    this.length = this.chunks[0]!.length;
  }

  /** A copy of at most the last 1 MiB. */
  bytes(): Uint8Array {
    const all = Buffer.concat(this.chunks);
    return Uint8Array.from(all.subarray(Math.max(0, all.length - MOST_KEPT)));
  }
}
