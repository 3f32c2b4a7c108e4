/**
 * Floating-point numbers as text and back: IEEE 754 binary16, 32 and 64, and the x87's 80 bits. Source: IEEE 754-2019 3.4,
 * SDM Vol. 1 4.2.2. NOT IMPLEMENTED: binary128, decimal and complex numbers, writing 80 bits.
 */
import type { FloatType } from '../../symbols/types/type';

const X87_DIGITS = 21;
const X87_BIAS = 16_383;

/** The number that bits make; undefined for a form that is not known here. */
export function floatText({ name, size }: FloatType, bits: bigint): string | undefined {
  if (size === 4) return singleText(bits);
  if (size === 8) return doubleText(doubleOf(bits));
  if (size === 2) return doubleText(halfOf(Number(bits)));
  const isX87 = (size === 10 || size === 12 || size === 16) && !/128/.test(name);
  return isX87 ? x87Text(BigInt.asUintN(80, bits)) : undefined;
}

/** The bits of a number that is written as C or JavaScript do; undefined for other texts, and for forms not known here. */
export function floatBits({ size }: FloatType, text: string): bigint | undefined {
  const view = new DataView(new ArrayBuffer(8));
  const value = numberOf(text);
  if (value === undefined) return undefined;
  if (size === 4) {
    view.setFloat32(0, value, true);
    return BigInt(view.getUint32(0, true));
  }
  if (size !== 8) return undefined;
  view.setFloat64(0, value, true);
  return view.getBigUint64(0, true);
}

const SPECIAL: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, '+inf': Infinity, '-inf': -Infinity };

function numberOf(text: string): number | undefined {
  const written = text.trim().toLowerCase();
  if (written in SPECIAL) return SPECIAL[written];
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?f?$/.test(written) ? Number(written.replace(/f$/, '')) : undefined;
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Object.is(value, -0) ? '-0' : String(value);
}

function doubleOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits, true);
  return view.getFloat64(0, true);
}

/** The shortest digits that make the same single. */
function singleText(bits: bigint): string {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, Number(bits), true);
  const value = view.getFloat32(0, true);
  if (!Number.isFinite(value)) return doubleText(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return doubleText(Object.is(value, -0) ? -0 : short);
  }
  return doubleText(Number(value.toPrecision(9)));
}

function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (fraction + 0x400) * 2 ** (exponent - 25));
}

/** A sign, 15 bits of exponent, and 64 bits of which the first stands before the point. */
function x87Text(bits: bigint): string {
  const sign = bits >> 79n ? '-' : '';
  const exponent = Number((bits >> 64n) & 0x7fffn);
  const significand = BigInt.asUintN(64, bits);
  if (exponent === 0x7fff) return BigInt.asUintN(63, bits) === 0n ? `${sign}inf` : 'nan';
  if (significand === 0n) return `${sign}0`;
  const power = Math.max(exponent, 1) - X87_BIAS - 63;
  const asDouble = Number(significand) * 2 ** power;
  const isExact = BigInt(Number(significand)) === significand && Math.abs(exponent - X87_BIAS) < 1000;
  return isExact ? sign + String(asDouble) : sign + decimal(significand, power);
}

/** significand · 2^power with 21 digits, the last one rounded. */
function decimal(significand: bigint, power: number): string {
  const estimate = Math.floor((significand.toString(2).length - 1 + power) * Math.log10(2));
  const digitsAt = (exponent: number): string => {
    const shift = X87_DIGITS - 1 - exponent;
    let top = significand * (shift > 0 ? 10n ** BigInt(shift) : 1n);
    let bottom = shift < 0 ? 10n ** BigInt(-shift) : 1n;
    if (power > 0) top <<= BigInt(power);
    else bottom <<= BigInt(-power);
    return ((2n * top + bottom) / (2n * bottom)).toString();
  };
  let exponent = estimate;
  let digits = digitsAt(exponent);
  while (digits.length > X87_DIGITS) digits = digitsAt(++exponent);
  while (digits.length < X87_DIGITS) digits = digitsAt(--exponent);
  const isPlain = exponent > -7 && exponent < X87_DIGITS;
  if (!isPlain) return `${trimmed(`${digits[0]}.${digits.slice(1)}`)}e${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
  if (exponent < 0) return trimmed(`0.${'0'.repeat(-exponent - 1)}${digits}`);
  return trimmed(`${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`);
}

const trimmed = (text: string): string => text.replace(/\.?0+$/, '');
