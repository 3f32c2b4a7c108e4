// The state before an instruction, from a seed: vectors store the seed and what differs. Changing a line here makes
// every stored vector wrong; then make them anew.

import { seededRandom } from '../../../src/isa/assemble/enumerate';
import type { Random } from '../../../src/isa/assemble/enumerate';
import type { CodeBits } from '../../../src/isa/decoded';
import { DATA, FXSAVE_BYTES, IMAGE, PAGE } from './layout';

/** What the state beside general registers holds: nothing of interest, integers, singles, doubles, or x87 values. */
export const PROFILES = ['none', 'integer', 'single', 'double', 'extended'] as const;
export type Profile = (typeof PROFILES)[number];

/** A generator for `seed`; neighbouring seeds give unrelated numbers. */
export function randomFor(seed: number): Random {
  const random = seededRandom((Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1);
  for (let n = 0; n < 4; n++) random();
  return random;
}

export function random64(random: Random): bigint {
  return (BigInt(random()) << 32n) | BigInt(random());
}

/** 64 bits that are often small, negative, at an edge or a run of ones. */
export function interesting64(random: Random): bigint {
  const raw = random64(random);
  switch (random() % 8) {
    case 0:
      return raw & 0xffn;
    case 1:
      return BigInt.asUintN(64, BigInt.asIntN(8, raw));
    case 2:
      return raw & 0xffffffffn;
    case 3:
      return random() % 2 ? 0n : BigInt.asUintN(64, -1n << BigInt(random() % 64));
    case 4:
      return BigInt.asUintN(64, BigInt.asIntN(32, raw));
    case 5:
      return 1n << BigInt(random() % 64);
    default:
      return raw;
  }
}

/** A floating-point encoding of `exponentBits` and `fractionBits`, rich in zeros, tiny ones, infinities and NaNs. */
export function interestingFloat(random: Random, exponentBits: number, fractionBits: number): bigint {
  const top = (1 << exponentBits) - 1;
  const bias = top >> 1;
  const kinds = [0, 0, 1, 2, top, top - 1, top - 2];
  const near = bias - 8 + (random() % 20);
  const shape = random() % 16;
  const exponent = shape < 3 ? kinds[random() % kinds.length]! : shape < 12 ? near : random() % (top + 1);
  const all = (1n << BigInt(fractionBits)) - 1n;
  const raw = random64(random) & all;
  const fractions = [
    0n,
    all,
    1n << BigInt(random() % fractionBits),
    raw,
    raw,
    raw & (all << BigInt(fractionBits >> 1)),
  ];
  const fraction = fractions[random() % fractions.length]! & all;
  const sign = BigInt(random() & 1);
  return (((sign << BigInt(exponentBits)) | BigInt(exponent)) << BigInt(fractionBits)) | fraction;
}

/** 64 bits of lanes as the profile has them. */
export function interestingLanes(random: Random, profile: Profile): bigint {
  const single = (): bigint => interestingFloat(random, 8, 23);
  if (profile === 'single') return (single() << 32n) | single();
  if (profile === 'double') return interestingFloat(random, 11, 52);
  return interesting64(random);
}

function fillExtended(view: DataView, at: number, random: Random): void {
  const bits = interestingFloat(random, 15, 63);
  const exponent = Number((bits >> 63n) & 0x7fffn);
  // Usually the integer bit that belongs there; now and then an unnormal or a pseudo-denormal.
  const integer = random() % 16 === 0 ? BigInt(random() & 1) : exponent === 0 ? 0n : 1n;
  view.setBigUint64(at, (bits & 0x7fffffffffffffffn) | (integer << 63n), true);
  view.setUint16(at + 8, Number(bits >> 63n), true);
}

function fillFxsave(view: DataView, at: number, random: Random, profile: Profile): void {
  const precision = profile === 'extended' && random() % 2 ? [0, 2, 3][random() % 3]! : 3;
  const masks = random() % 8 === 0 ? random() & 0x3f : 0x3f;
  const control = 0x40 | masks | (precision << 8) | ((random() & 3) << 10);
  const exceptions = random() % 6 === 0 ? random() & 0x7f : 0;
  const pending = exceptions & ~masks & 0x3f ? 0x8080 : 0;
  const status = exceptions | pending | (random() & 0x4700) | ((random() & 7) << 11);
  view.setUint16(at, control, true);
  view.setUint16(at + 2, status, true);
  view.setUint8(at + 4, random() % 3 === 0 ? random() & 0xff : 0xff);
  const sseMasks = random() % 8 === 0 ? random() & 0x1f80 : 0x1f80;
  const modes = random() % 2 ? random() & 0xe040 : 0;
  const flags = random() % 4 === 0 ? random() & 0x3f : 0;
  view.setUint32(at + 24, sseMasks | modes | flags, true);
  for (let n = 0; n < 8; n++) {
    const register = at + 32 + n * 16;
    if (profile === 'extended') fillExtended(view, register, random);
    else {
      view.setBigUint64(register, interestingLanes(random, profile), true);
      view.setUint16(register + 8, 0xffff, true);
    }
  }
  for (let n = 0; n < 32; n++) view.setBigUint64(at + 160 + n * 8, interestingLanes(random, profile), true);
}

/** Writes registers and FXSAVE area into an image. Outside 64-bit code R8-R15 and the upper halves are 0. */
export function fillState(image: DataView, seed: number, profile: Profile, bits: CodeBits): void {
  const random = randomFor(seed);
  for (let n = 0; n < 16; n++) {
    const value = interesting64(random);
    image.setBigUint64(IMAGE.registers + n * 8, bits === 64 ? value : n < 8 ? value & 0xffffffffn : 0n, true);
  }
  for (let n = 0; n < FXSAVE_BYTES; n += 8) image.setBigUint64(IMAGE.fxsave + n, 0n, true);
  if (profile === 'none') {
    image.setUint16(IMAGE.fxsave, 0x37f, true);
    image.setUint32(IMAGE.fxsave + 24, 0x1f80, true);
  } else {
    fillFxsave(image, IMAGE.fxsave, random, profile);
  }
  image.setUint32(IMAGE.fxsave + 28, 0x2ffff, true); // MXCSR_MASK of the CPU that made the vectors
}

/** What the data pages hold when no patch says otherwise. */
export function dataPages(): Uint8Array {
  const bytes = new Uint8Array(DATA.pages * PAGE);
  const view = new DataView(bytes.buffer);
  const random = randomFor(0xda7a);
  for (let at = 0; at < bytes.length; at += 8) view.setBigUint64(at, interesting64(random), true);
  return bytes;
}
