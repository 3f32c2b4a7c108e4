/**
 * Frames on a byte stream: a length in bytes (4, little-endian), then as many bytes. The reader takes any chunks and is
 * bounded, so that a wrong peer costs no more than one frame's memory.
 */
import { deserialize, serialize } from 'node:v8';
import { tooLarge } from './errors';

const HEADER_BYTES = 4;

/** The longest frame, in bytes without its header. */
export const MAX_FRAME_BYTES = 64 * 2 ** 20;

/** The longest first frame: a hello is short. */
export const MAX_HELLO_BYTES = 4096;

/** Version of the wire format that this process clones values in: the second byte of every clone. */
export const CLONE_VERSION = serialize(null)[1]!;

/** Header and bytes of one frame. Throws a UserError (`host/too-large`) for more than a frame may hold. */
export function frame(bytes: Buffer): Buffer {
  if (bytes.length > MAX_FRAME_BYTES) throw tooLarge(MAX_FRAME_BYTES);
  const whole = Buffer.allocUnsafe(HEADER_BYTES + bytes.length);
  whole.writeUInt32LE(bytes.length);
  bytes.copy(whole, HEADER_BYTES);
  return whole;
}

/** A frame with a value's structured clone. */
export const cloneFrame = (value: unknown): Buffer => frame(serialize(value));

/** The value of a cloned frame; its byte arrays share the frame's memory. Throws for bytes that are no clone. */
export const readClone = (bytes: Buffer): unknown => deserialize(bytes) as unknown;

/** A frame with a value as JSON. */
export const jsonFrame = (value: unknown): Buffer => frame(Buffer.from(JSON.stringify(value)));

/** The value of a JSON frame. Throws for bytes that are no JSON. */
export const readJson = (bytes: Buffer): unknown => JSON.parse(bytes.toString('utf8')) as unknown;

/** Cuts a stream of chunks into frames. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private held = 0;

  constructor(
    /** Longest frame that is taken, in bytes; may change between frames. */
    public limit: number,
  ) {}

  /** Takes the next bytes of the stream. */
  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.held += chunk.length;
  }

  /** The next whole frame without its header, or undefined until it has come. Throws for one beyond the limit. */
  next(): Buffer | undefined {
    if (this.held < HEADER_BYTES) return undefined;
    if (this.chunks[0]!.length < HEADER_BYTES) this.join();
    const length = this.chunks[0]!.readUInt32LE();
    if (length > this.limit) throw new RangeError(`a frame of ${length} bytes`);
    const end = HEADER_BYTES + length;
    if (this.held < end) return undefined;
    if (this.chunks[0]!.length < end) this.join();
    const whole = this.chunks[0]!;
    this.chunks[0] = whole.subarray(end);
    this.held -= end;
    return whole.subarray(HEADER_BYTES, end);
  }

  private join(): void {
    this.chunks = [Buffer.concat(this.chunks)];
  }
}
