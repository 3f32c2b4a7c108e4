// Reads the records that host.c writes.

import type { Extended } from '../../../src/cpu/float/formats';

const RECORD_BYTES = 45;

/** One execution on the host's CPU. */
export interface Vector {
  readonly operation: string;
  /** The x87 control word or MXCSR (flags clear). */
  readonly control: number;
  /** The x87 status word; or MXCSR's flags, with bit 15 when an unmasked exception was delivered. */
  readonly status: number;
  readonly a: Buffer;
  readonly b: Buffer;
  readonly r: Buffer;
  readonly r2: Buffer;
}

/** The vectors of one file, and the CPU that made them. */
export interface VectorFile {
  readonly cpu: string;
  readonly operations: readonly string[];
  readonly vectors: readonly Vector[];
}

/** Parses what host.c wrote. */
export function parseVectors(file: Buffer): VectorFile {
  const headerEnd = file.indexOf(10);
  const [cpu = '', names = ''] = file.toString('latin1', 0, headerEnd).split('\t');
  const operations = names.split(',');
  const vectors: Vector[] = [];
  for (let at = headerEnd + 1; at + RECORD_BYTES <= file.length; at += RECORD_BYTES) {
    const field = (offset: number): Buffer => file.subarray(at + offset, at + offset + 10);
    vectors.push({
      operation: operations[file.readUInt8(at)] ?? '',
      control: file.readUInt16LE(at + 1),
      status: file.readUInt16LE(at + 3),
      a: field(5),
      b: field(15),
      r: field(25),
      r2: field(35),
    });
  }
  return { cpu, operations, vectors };
}

/** A double extended value of 10 bytes, little-endian. */
export function readExtended(bytes: Buffer): Extended {
  return { signExponent: bytes.readUInt16LE(8), significand: bytes.readBigUInt64LE(0) };
}

/** An 80-bit little-endian value. */
export function read80(bytes: Buffer): bigint {
  return (BigInt(bytes.readUInt16LE(8)) << 64n) | bytes.readBigUInt64LE(0);
}

/** A double extended value as its 80 bits. */
export function bits80(value: Extended): bigint {
  return (BigInt(value.signExponent) << 64n) | value.significand;
}
