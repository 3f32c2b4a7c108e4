/**
 * The output of a container without a terminal: frames of an 8-byte header (stream, three zeros, length big-endian) and
 * that many bytes. Both streams come out in the engine's order, with the line ends that terminals want.
 * Source: Docker Engine API 1.41, "Stream format" of container attach.
 */
import { Transform, type TransformCallback } from 'node:stream';

const HEADER = 8;

/** Takes the frames off. */
export class Demultiplexer extends Transform {
  private header = Buffer.alloc(0);
  private left = 0;

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    let bytes = chunk;
    while (bytes.length > 0) {
      if (this.left === 0) {
        const part = bytes.subarray(0, HEADER - this.header.length);
        this.header = Buffer.concat([this.header, part]);
        bytes = bytes.subarray(part.length);
        if (this.header.length < HEADER) break;
        this.left = this.header.readUInt32BE(4);
        this.header = Buffer.alloc(0);
      } else {
        const part = bytes.subarray(0, this.left);
        this.push(part);
        this.left -= part.length;
        bytes = bytes.subarray(part.length);
      }
    }
    done();
  }
}

/** Puts a carriage return before each line feed that has none. */
export class TerminalLines extends Transform {
  private last = 0;

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    const out: number[] = [];
    for (const byte of chunk) {
      if (byte === 0x0a && this.last !== 0x0d) out.push(0x0d);
      out.push(byte);
      this.last = byte;
    }
    done(null, Buffer.from(out));
  }
}
