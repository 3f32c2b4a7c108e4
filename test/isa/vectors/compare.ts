// Compares what our machine does with a vector.

import { DATA, IMAGE } from './layout';
import type { VectorMachine } from './machine';
import { approximate, ignoredState, sameApproximately, undefinedByComparison, undefinedStatus } from './tolerance';
import type { Vector } from './vector';
import { COMPARED_FLAGS } from './vector';

const STATUS = IMAGE.fxsave + 2;
const scratch = Buffer.alloc(IMAGE.bytes);
const expected = Buffer.alloc(IMAGE.bytes);
/** Bits 63-47 of an address in the half that belongs to the host's kernel, which hides whether pages are present. */
const KERNEL = 1n << 47n;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A vector in words. */
export function describeVector(vector: Vector): string {
  const { mode, code, at, overrides, patches, flags, seed, profile, ending } = vector;
  const registers = overrides.map(([n, value]) => `r${n}=${value.toString(16)}`).join(' ');
  const memory = patches.map((patch) => `[${patch.at.toString(16)}]=${hex(patch.bytes)}`).join(' ');
  const { fault, error, address, rip, runs } = ending;
  const end = fault === undefined ? 'completed' : `fault ${fault}(${error.toString(16)}) at ${address.toString(16)}`;
  const changes = runs.map((run) => `${placeName(run.offset)}:${hex(run.bytes)}`).join(' ');
  return (
    `${mode.bits}-bit code, stack ${mode.stack}, ${hex(code)} at ${at.toString(16)}, flags ${flags.toString(16)}, ` +
    `seed ${seed} ${profile} ${registers} ${memory}\n      host: ${end}, rip ${rip.toString(16)}, ` +
    `flags ${ending.flags.toString(16)}, ${changes}`
  );
}

function placeName(offset: number): string {
  if (offset < IMAGE.fxsave) return `r${offset >> 3}+${offset & 7}`;
  if (offset < IMAGE.data) return `fxsave+${offset - IMAGE.fxsave}`;
  return `data+${(offset - IMAGE.data).toString(16)}`;
}

function expectedImage(machine: VectorMachine, vector: Vector): void {
  machine.initialImage(vector, scratch);
  scratch.copy(expected);
  for (const { offset, bytes } of vector.ending.runs) expected.set(bytes, offset);
}

/** What differs, or undefined. */
export function check(machine: VectorMachine, key: string, vector: Vector): string | undefined {
  expectedImage(machine, vector);
  const { ending, undefinedFlags } = vector;
  const result = machine.run(vector, scratch);
  const differences: string[] = [];
  const note = (name: string, wanted: bigint | number | undefined, got: bigint | number | undefined): void => {
    if (wanted !== got) differences.push(`${name} is ${got?.toString(16)}, not ${wanted?.toString(16)}`);
  };
  note('fault', ending.fault, result.fault);
  const hides = ending.address & KERNEL ? 1 : 0;
  note('error code', ending.error & ~hides, result.error & ~hides);
  // Of the many bytes of an image or of several registers, any may be the one reported.
  const unit = /^(F(X|LDENV|NSTENV|RSTOR|NSAVE)|POPA |PUSHA |ENTER )/.test(key) ? 12n : 0n;
  note('address', ending.address >> unit, result.address >> unit);
  note('RIP', ending.rip, result.rip);
  const unset = undefinedByComparison(key, expected.readUInt16LE(IMAGE.fxsave), expected.readUInt16LE(STATUS));
  const compared = COMPARED_FLAGS & ~(ending.fault === undefined ? undefinedFlags | unset : 0);
  note('flags', ending.flags & compared, result.flags & compared);
  for (const [at, bytes] of vector.ignored) {
    const from = Math.max(at - DATA.at, 0) + IMAGE.data;
    const to = Math.min(at - DATA.at + IMAGE.data + bytes, IMAGE.bytes);
    if (from < to) result.image.copy(expected, from, from, to);
  }
  for (const [from, bytes] of ignoredState(key)) result.image.copy(expected, from, from, from + bytes);
  const open = undefinedStatus(key, expected.readUInt16LE(STATUS));
  const status = (expected.readUInt16LE(STATUS) & ~open) | (result.image.readUInt16LE(STATUS) & open);
  expected.writeUInt16LE(status, STATUS);
  const end = vector.profile === 'none' ? IMAGE.fxsave : IMAGE.data;
  compareImage(result.image, 0, end, differences, approximate(key));
  compareImage(result.image, IMAGE.data, IMAGE.bytes, differences, approximate(key));
  return differences.length === 0
    ? undefined
    : `${key}: ${differences.slice(0, 6).join('; ')}\n      ${describeVector(vector)}`;
}

function compareImage(actual: Buffer, from: number, to: number, differences: string[], tolerant: boolean): void {
  if (actual.compare(expected, from, to, from, to) === 0) return;
  if (tolerant && sameApproximately(actual, expected, from, to)) return;
  for (let n = from; n < to; n++) {
    if (actual[n] === expected[n]) continue;
    differences.push(`${placeName(n)} is ${actual[n]!.toString(16)}, not ${expected[n]!.toString(16)}`);
  }
}
