/**
 * Numbers of the guest's program as C writes them: characters with their glyph, `true` and `false`, enumerators by name,
 * pointers with the symbol that they point to.
 */
import type { IntegerType as IntegerValue, Value } from '../../symbols/expression/ast';
import { formatValue } from '../../symbols/expression/format';
import { pointer, U8 } from '../../symbols/expression/types';
import type { PlainType } from '../../symbols/types/plain';
import type { EnumType, IntegerType } from '../../symbols/types/type';
import { nameSuffix } from '../console/layout';
import { floatText } from './floats';
import type { ValueFormat } from './reader';
import { characterText, isPrintable } from './text';

/** How scalars are written. */
export interface ScalarOptions {
  readonly format: ValueFormat;
  /** Inside of a line with others: a number alone. */
  readonly isBrief: boolean;
  symbolAt(linear: bigint): string | undefined;
}

/** Bit-fields have other ones. */
const WIDTHS: readonly number[] = [8, 16, 32, 64, 128];

/** `bits`, an unsigned number of `size` bits, as a value of the type; undefined for what is no scalar. */
export function scalarText(type: PlainType, bits: bigint, size: number, options: ScalarOptions): string | undefined {
  switch (type.kind) {
    case 'integer':
      return formatted(bits, size, options.format, type.isSigned) ?? integerText(type, bits, size, options);
    case 'enum':
      return formatted(bits, size, options.format, type.isSigned) ?? enumText(type, bits, size);
    case 'float':
      return floatText(type, bits) ?? `0x${bits.toString(16)}`;
    case 'pointer':
      return options.format === 'd' ? String(bits) : pointerText(bits, options);
    default:
      return undefined;
  }
}

/** An address with the symbol that it lies in: `0xffffffff81000010 <main+0x10>`. */
export function pointerText(address: bigint, { symbolAt }: Pick<ScalarOptions, 'symbolAt'>): string {
  const text = formatValue({ value: address, type: pointer(U8, 'linear') });
  return address === 0n ? text : text + nameSuffix(symbolAt(address));
}

function formatted(bits: bigint, size: number, format: ValueFormat, isSigned: boolean): string | undefined {
  switch (format) {
    case 'x':
      return `0x${bits.toString(16)}`;
    case 'o':
      return `0${bits.toString(8)}`;
    case 'b':
      return `0b${bits.toString(2).padStart(size, '0')}`;
    case 'd':
      return String(isSigned ? BigInt.asIntN(size, bits) : bits);
    case 'c':
      return `${isSigned ? BigInt.asIntN(size, bits) : bits} ${characterText(Number(bits & 0xffn))}`;
    default:
      return undefined;
  }
}

function integerText(
  { shown, isSigned }: IntegerType,
  bits: bigint,
  size: number,
  { isBrief, format }: ScalarOptions,
): string {
  const value = isSigned ? BigInt.asIntN(size, bits) : bits;
  if (format === 'h' && shown === 'number') return `0x${bits.toString(16)}`;
  if (shown === 'boolean' && value <= 1n) return value === 1n ? 'true' : 'false';
  // Most bytes without a sign are numbers.
  const isGlyph = isSigned || isPrintable(Number(bits));
  if (shown === 'character' && size === 8 && isGlyph) return `${value} ${characterText(Number(bits))}`;
  if (!WIDTHS.includes(size))
    return isBrief || (value >= 0n && value <= 9n) ? `${value}` : `${value} (0x${bits.toString(16)})`;
  const whole: Value = { value, type: { bits: size as IntegerValue['bits'], signed: isSigned } };
  // What is shown in hexadecimal alone is an address or a mask.
  const text = formatValue(whole);
  return isBrief && !text.startsWith('0x') ? String(value) : text;
}

/** The enumerator; of flags, those that are set; else the number. */
function enumText(type: EnumType, bits: bigint, size: number): string {
  const value = type.isSigned ? BigInt.asIntN(size, bits) : bits;
  const exact = type.values.find((one) => one.value === value);
  if (exact) return exact.name;
  const names = value > 0n && isFlags(type) ? flagNames(type, value) : [];
  return names.length > 0 ? names.join(' | ') : String(value);
}

const isSingleBit = (value: bigint): boolean => value > 0n && (value & (value - 1n)) === 0n;

/** Flags are made of single bits; values of several are their combinations. */
function isFlags({ values }: EnumType): boolean {
  const single = values.filter(({ value }) => isSingleBit(value)).reduce((all, { value }) => all | value, 0n);
  return (
    values.filter(({ value }) => isSingleBit(value)).length > 1 &&
    values.every(({ value }) => value >= 0n && (value & ~single) === 0n)
  );
}

function flagNames({ values }: EnumType, value: bigint): string[] {
  let left = value;
  const names: string[] = [];
  for (const { name, value: bit } of values) {
    if (!isSingleBit(bit) || (left & bit) === 0n) continue;
    names.push(name);
    left &= ~bit;
  }
  if (names.length > 0 && left !== 0n) names.push(`0x${left.toString(16)}`);
  return names;
}
