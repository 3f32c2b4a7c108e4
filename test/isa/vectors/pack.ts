// The file of vectors: one line of JSON (the CPU, and key, count and first seed of each group), then the vectors, packed. Numbers
// are variable-length, seven bits a byte, low bits first; signed ones have their sign in the lowest bit.

import { CODE, DATA, segmentBase } from './layout';
import type { Mode } from './layout';
import { PROFILES } from './random-state';
import type { Run, Span, Vector, VectorGroup } from './vector';

/** Vectors and the CPU that made them. */
export interface VectorFile {
  readonly cpu: string;
  readonly groups: readonly VectorGroup[];
}

const COMPLETED = 0xff;
/** Flags as one byte: CF, PF, AF, ZF, SF, OF, DF, AC. */
const FLAG_BITS = [1, 4, 0x10, 0x40, 0x80, 0x800, 0x400, 0x40000];
const ALWAYS = 0x202;

const packFlags = (flags: number): number => FLAG_BITS.reduce((byte, bit, n) => byte | (flags & bit ? 1 << n : 0), 0);
const unpackFlags = (byte: number): number =>
  FLAG_BITS.reduce((flags, bit, n) => flags | (byte & (1 << n) ? bit : 0), 0);

class Writer {
  private bytes = Buffer.alloc(1 << 16);
  private length = 0;

  byte(value: number): void {
    if (this.length === this.bytes.length) this.bytes = Buffer.concat([this.bytes, Buffer.alloc(this.length)]);
    this.bytes[this.length++] = value;
  }

  raw(bytes: Uint8Array): void {
    for (const value of bytes) this.byte(value);
  }

  unsigned(value: bigint | number): void {
    let rest = BigInt(value);
    for (; rest >= 0x80n; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest));
  }

  signed(value: bigint): void {
    this.unsigned(value < 0n ? ((-value - 1n) << 1n) | 1n : value << 1n);
  }

  get content(): Buffer {
    return this.bytes.subarray(0, this.length);
  }
}

class Reader {
  constructor(
    private readonly bytes: Buffer,
    private at: number,
  ) {}

  byte(): number {
    return this.bytes.readUInt8(this.at++);
  }

  raw(length: number): Uint8Array {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  wide(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  unsigned(): number {
    return Number(this.wide());
  }

  signed(): bigint {
    const value = this.wide();
    return value & 1n ? -(value >> 1n) - 1n : value >> 1n;
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.unsigned() }, read);
  }
}

function startOf(mode: Mode, at: number): bigint {
  return BigInt(at - segmentBase(mode, 1));
}

function writeVector(to: Writer, vector: Vector, firstSeed: number): void {
  const { mode, ending } = vector;
  const shape = (mode.stack === 32 ? 4 : 0) | (vector.crosses ? 8 : 0) | (PROFILES.indexOf(vector.profile) << 4);
  to.byte([16, 32, 64].indexOf(mode.bits) | shape);
  to.unsigned(vector.seed - firstSeed);
  to.unsigned(vector.at - CODE.at);
  to.byte(vector.code.length);
  to.raw(vector.code);
  to.byte(packFlags(vector.flags));
  to.byte(packFlags(vector.undefinedFlags));
  to.unsigned(vector.overrides.length);
  for (const [register, value] of vector.overrides) {
    to.byte(register);
    to.unsigned(value);
  }
  to.unsigned(vector.patches.length);
  for (const { at, bytes } of vector.patches) {
    to.unsigned(at - DATA.at);
    to.byte(bytes.length);
    to.raw(bytes);
  }
  to.unsigned(vector.ignored.length);
  for (const [at, bytes] of vector.ignored) {
    to.signed(BigInt(at - DATA.at));
    to.unsigned(bytes);
  }
  to.byte(ending.fault ?? COMPLETED);
  if (ending.fault !== undefined) {
    to.unsigned(ending.error);
    to.unsigned(ending.address);
  }
  to.signed(ending.rip - startOf(mode, vector.at));
  to.byte(packFlags(ending.flags));
  to.unsigned(ending.runs.length);
  let end = 0;
  for (const { offset, bytes } of ending.runs) {
    to.unsigned(offset - end);
    to.unsigned(bytes.length);
    to.raw(bytes);
    end = offset + bytes.length;
  }
}

function readVector(from: Reader, firstSeed: number): Vector {
  const head = from.byte();
  const bits = ([16, 32, 64] as const)[head & 3]!;
  const mode: Mode = { bits, stack: head & 4 ? 32 : 16 };
  const profile = PROFILES[head >> 4]!;
  const seed = firstSeed + from.unsigned();
  const at = CODE.at + from.unsigned();
  const code = from.raw(from.byte());
  const flags = unpackFlags(from.byte()) | ALWAYS;
  const undefinedFlags = unpackFlags(from.byte());
  const overrides = from.list((): [number, bigint] => [from.byte(), from.wide()]);
  const patches = from.list(() => ({ at: DATA.at + from.unsigned(), bytes: from.raw(from.byte()) }));
  const ignored = from.list((): Span => [DATA.at + Number(from.signed()), from.unsigned()]);
  const outcome = from.byte();
  const fault = outcome === COMPLETED ? undefined : outcome;
  const error = fault === undefined ? 0 : from.unsigned();
  const address = fault === undefined ? 0n : from.wide();
  const rip = startOf(mode, at) + from.signed();
  const flagsAfter = unpackFlags(from.byte());
  let end = 0;
  const runs = from.list((): Run => {
    const offset = end + from.unsigned();
    const bytes = from.raw(from.unsigned());
    end = offset + bytes.length;
    return { offset, bytes };
  });
  const ending = { fault, error, address, rip, flags: flagsAfter, runs };
  const crosses = (head & 8) !== 0;
  return { mode, profile, seed, code, at, overrides, patches, flags, undefinedFlags, crosses, ignored, ending };
}

/** The file's bytes. */
export function packVectors({ cpu, groups }: VectorFile): Buffer {
  const writer = new Writer();
  for (const { vectors } of groups) for (const vector of vectors) writeVector(writer, vector, vectors[0]!.seed);
  const head = { cpu, groups: groups.map(({ key, vectors }) => [key, vectors.length, vectors[0]?.seed ?? 0]) };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), writer.content]);
}

/** The inverse of `packVectors`, group by group, so that they need not all be in memory. */
export function* unpackVectors(file: Buffer): Generator<VectorGroup, void, undefined> {
  const end = file.indexOf(10);
  const head = JSON.parse(file.toString('utf8', 0, end)) as { groups: [string, number, number][] };
  const reader = new Reader(file, end + 1);
  for (const [key, count, seed] of head.groups) {
    yield { key, vectors: Array.from({ length: count }, () => readVector(reader, seed)) };
  }
}

/** Name and signature of the CPU that made a file. */
export function cpuOf(file: Buffer): string {
  return (JSON.parse(file.toString('utf8', 0, file.indexOf(10))) as { cpu: string }).cpu;
}
