/**
 * Numbers and bytes as the remote protocol writes them: hexadecimal without a prefix, two digits a byte, texts as the
 * bytes of their UTF-8. Source: "Debugging with GDB", E.1 (overview).
 */
import { malformed } from './errors';

/** Bytes as hexadecimal digits. */
export const hexOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');

/** A text as hexadecimal digits. */
export const hexOfText = (text: string): string => Buffer.from(text, 'utf8').toString('hex');

/** One byte as two digits. */
export const hexByte = (value: number): string => (value & 0xff).toString(16).padStart(2, '0');

/** The bytes that pairs of digits stand for. Throws a UserError for anything else. */
export function bytesOf(hex: string): Uint8Array {
  if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(hex)) throw malformed('these are not pairs of hexadecimal digits');
  return Buffer.from(hex, 'hex');
}

/** The text that pairs of digits stand for. Throws a UserError for anything else. */
export const textOf = (hex: string): string => Buffer.from(bytesOf(hex)).toString('utf8');

/** An unsigned number of at most 64 bits. Throws a UserError for anything else. */
export function parseNumber(text: string | undefined): bigint {
  const digits = /^0*([0-9a-f]{1,16})$/i.exec(text ?? '')?.[1];
  if (digits === undefined) throw malformed(`"${(text ?? '').slice(0, 20)}" is not a hexadecimal number of 64 bits`);
  return BigInt(`0x${digits}`);
}

/** A number of bytes, a register's number or the like: at most 2^31 - 1. Throws a UserError for anything else. */
export function parseCount(text: string | undefined): number {
  const value = parseNumber(text);
  if (value > 0x7fff_ffffn) throw malformed(`0x${value.toString(16)} is too much`);
  return Number(value);
}

/** `width` bits of a value as little-endian bytes. */
export function littleEndian(value: bigint, width: number): Uint8Array {
  const bytes = new Uint8Array(width / 8);
  for (let at = 0, rest = value; at < bytes.length; at++, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}

/** The number that little-endian bytes are. */
export function fromLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
