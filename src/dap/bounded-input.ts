/**
 * Keeps a client's messages to a bound before the protocol's reader gathers them: that reader waits for as many bytes as
 * a header promises, whatever the number is.
 */
import { Transform, type TransformCallback } from 'node:stream';

/** Most bytes of one message, and of one header. */
const MAX_MESSAGE = 2 ** 26;
const MAX_HEADER = 4096;
const HEADER_END = '\r\n\r\n';

/** Passes whole messages on; what is no message, or too large, is passed over and complained about. */
export class BoundedInput extends Transform {
  private pending: Buffer = Buffer.alloc(0);
  /** Bytes still to come of the message at hand. */
  private left = 0;

  constructor(private readonly complain: (why: string) => void) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.pending = this.pending.length > 0 ? Buffer.concat([this.pending, chunk]) : chunk;
    while (this.pending.length > 0 && (this.left > 0 ? this.takeBody() : this.takeHeader()));
    done();
  }

  private takeBody(): boolean {
    const part = this.pending.subarray(0, this.left);
    this.push(part);
    this.pending = this.pending.subarray(part.length);
    this.left -= part.length;
    return true;
  }

  /** False if the rest of it is still to come. */
  private takeHeader(): boolean {
    const end = this.pending.subarray(0, MAX_HEADER).indexOf(HEADER_END);
    if (end < 0) {
      if (this.pending.length < MAX_HEADER) return false;
      // Nothing that starts here is a header: the next one is looked for behind the line.
      const line = this.pending.indexOf('\n') + 1;
      this.complain('a header without an end');
      this.pending = this.pending.subarray(line > 0 ? line : this.pending.length);
      return true;
    }
    const header = this.pending.toString('latin1', 0, end);
    this.pending = this.pending.subarray(end + HEADER_END.length);
    // What a broken message left may stand before it on its line.
    const length = Number(/Content-Length: *([0-9]{1,12}) *(?:\r\n|$)/i.exec(header)?.[1] ?? NaN);
    if (length <= MAX_MESSAGE) {
      this.push(`Content-Length: ${length}${HEADER_END}`);
      this.left = length;
    } else {
      this.complain(Number.isNaN(length) ? 'a header without a length' : `${length} bytes are too many`);
    }
    return true;
  }
}
