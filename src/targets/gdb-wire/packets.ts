/**
 * The remote protocol's framing: `$payload#checksum`, acknowledgements, the interrupt byte. Payloads are strings of one
 * character a byte. What is no packet is skipped; a packet that is too long or damaged is said to be so, and the reader
 * goes on with the next. Source: "Debugging with GDB", E.1 (overview), E.9 (interrupts), E.11 (packet acknowledgment).
 * NOT IMPLEMENTED: run-length encoding, which no debugger uses towards a stub; notifications.
 */
import { hexByte } from './hex';

/** Most bytes of a packet as it travels, as `PacketSize` says it. */
export const PACKET_BYTES = 0x4000;

/** What comes in. */
export type Incoming =
  | { readonly kind: 'packet'; readonly payload: string }
  /** A packet whose checksum is wrong, or that is longer than `PacketSize`. */
  | { readonly kind: 'damaged' }
  | { readonly kind: 'ack' | 'nak' | 'interrupt' };

const INTERRUPT = 0x03;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOLLAR = 0x24;
const HASH = 0x23;
const ESCAPE = 0x7d;
const ESCAPED_BIT = 0x20;

/** Sum of the bytes, modulo 256. */
export function checksum(payload: string): number {
  let sum = 0;
  for (let at = 0; at < payload.length; at++) sum += payload.charCodeAt(at);
  return sum & 0xff;
}

/** A payload as it travels; its bytes are already free of `#`, `$`, `}` and `*`. */
export const packet = (payload: string): string => `$${payload}#${hexByte(checksum(payload))}`;

/** Bytes as a binary answer carries them. */
export function escapeBinary(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return text.replace(/[#$}*]/g, (character) => `}${String.fromCharCode(character.charCodeAt(0) ^ ESCAPED_BIT)}`);
}

/** The bytes of a payload's binary part, whose escapes the reader has undone. */
export const binaryOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');

type State = 'between' | 'payload' | 'escaped' | 'first digit' | 'second digit';

/** Cuts a stream of bytes into packets and signs. */
export class PacketReader {
  /** False once both ends do without acknowledgements: checksums say nothing then. */
  checksEverything = true;
  private state: State = 'between';
  private bytes = Buffer.alloc(PACKET_BYTES);
  private length = 0;
  private travelled = 0;
  private sum = 0;
  private digit = '';

  /** What these bytes complete, in order. Whoever takes an item may change `checksEverything` before the next one. */
  *push(bytes: Uint8Array): Generator<Incoming> {
    for (const byte of bytes) {
      const item = this.take(byte);
      if (item) yield item;
    }
  }

  private take(byte: number): Incoming | undefined {
    if (byte === DOLLAR && this.state !== 'between') return this.begin();
    switch (this.state) {
      case 'between':
        return this.between(byte);
      case 'payload':
        if (byte === HASH) this.state = 'first digit';
        else this.keep(byte);
        return undefined;
      case 'escaped':
        this.sum += byte;
        this.state = 'payload';
        this.put(byte ^ ESCAPED_BIT);
        return undefined;
      case 'first digit':
        this.digit = String.fromCharCode(byte);
        this.state = 'second digit';
        return undefined;
      case 'second digit':
        this.state = 'between';
        return this.complete(this.digit + String.fromCharCode(byte));
    }
  }

  private between(byte: number): Incoming | undefined {
    switch (byte) {
      case DOLLAR:
        return this.begin();
      case PLUS:
        return { kind: 'ack' };
      case MINUS:
        return { kind: 'nak' };
      case INTERRUPT:
        return { kind: 'interrupt' };
      default:
        return undefined;
    }
  }

  private begin(): undefined {
    this.state = 'payload';
    this.length = this.travelled = this.sum = 0;
  }

  private keep(byte: number): void {
    this.sum += byte;
    if (byte === ESCAPE) this.state = 'escaped';
    else this.put(byte);
  }

  private put(byte: number): void {
    this.travelled++;
    if (this.length < PACKET_BYTES) this.bytes[this.length++] = byte;
  }

  private complete(digits: string): Incoming {
    const isWhole = this.travelled <= PACKET_BYTES;
    const isTrue = !this.checksEverything || digits.toLowerCase() === hexByte(this.sum);
    if (!isWhole || !isTrue) return { kind: 'damaged' };
    return { kind: 'packet', payload: this.bytes.toString('latin1', 0, this.length) };
  }
}
