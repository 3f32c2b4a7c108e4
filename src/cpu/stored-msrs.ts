/** The MSRs that are plain storage: one cell each, which who needs an MSR often may keep. Source: SDM Vol. 4. */

/** One MSR's value, unsigned 64 bits. */
export interface MsrCell {
  value: bigint;
}

/** Cells by MSR number. */
export class StoredMsrs {
  private readonly cells = new Map<number, MsrCell>();

  /** The MSR's value, or undefined if it was never stored. */
  get(index: number): bigint | undefined {
    return this.cells.get(index)?.value;
  }

  /** Stores `value`, unsigned 64 bits. */
  set(index: number, value: bigint): void {
    this.cell(index).value = value;
  }

  /** The MSR's cell, always the same object; made with 0 if the MSR was never stored. */
  cell(index: number): MsrCell {
    let cell = this.cells.get(index);
    if (!cell) {
      cell = { value: 0n };
      this.cells.set(index, cell);
    }
    return cell;
  }
}
