/** What was typed and waits for the guest's UART to take it: nothing is lost because the guest reads slowly. */

/** The receiving end: false when its FIFO is full. */
export interface SerialReceiver {
  sendSerial(byte: number): boolean;
}

// Typed or pasted text; what exceeds this has no reader.
const MOST_WAITING = 2 ** 24;

export class SerialInput {
  private waiting: number[] = [];
  private next = 0;

  constructor(private readonly receiver: SerialReceiver) {}

  /** Queues bytes; what would exceed 16 MiB is dropped. */
  push(bytes: Uint8Array): void {
    for (const byte of bytes) if (this.waiting.length < MOST_WAITING) this.waiting.push(byte);
  }

  /** Hands over what the receiver takes now; true if that was anything. */
  feed(): boolean {
    const start = this.next;
    while (this.next < this.waiting.length && this.receiver.sendSerial(this.waiting[this.next]!)) this.next++;
    const fed = this.next > start;
    if (this.next === this.waiting.length) {
      this.waiting = [];
      this.next = 0;
    }
    return fed;
  }
}
