/**
 * Giving values of the guest's program another one: numbers, enumerators by name, flags as `A | B`, `true` and `false`,
 * floating point, pointers by symbols or expressions, strings into arrays of characters.
 */
import { UserError } from '../../common/errors';
import { quoted } from '../../symbols/expression/errors';
import type { ExpressionNames } from '../../symbols/expression/names';
import { parseExpression } from '../../symbols/expression/parse';
import { tokenize } from '../../symbols/expression/tokens';
import { isCharacter } from '../../symbols/expression/value-type';
import { type PlainType, sizeOf } from '../../symbols/types/plain';
import type { Type } from '../../symbols/types/type';
import { typeText } from '../../symbols/types/type-text';
import { littleEndian } from './contents';
import { floatBits } from './floats';
import type { Located } from './located';
import type { ValueContext } from './reader';

/** A text that is no value of the type. */
const badValue = (text: string, type: Type, why: string): UserError =>
  new UserError('value/assign', `${quoted(text)} is no ${quoted(typeText(type))}: ${why}.`);

/** True for what `writeText` can write: scalars and arrays of characters, in memory or in a register. */
export function isAssignable(type: PlainType, located: Located): boolean {
  const isPlace = located.kind === 'memory' || (located.kind === 'known' && located.register !== undefined);
  if (type.kind === 'array') return located.kind === 'memory' && isCharacter(type.of) && type.count !== undefined;
  return isPlace && ['integer', 'enum', 'float', 'pointer'].includes(type.kind);
}

/** Writes what a text says to where a value lies. Rejects with a UserError for a text that is no such value. */
export async function writeText(text: string, type: PlainType, located: Located, context: ValueContext): Promise<void> {
  if (type.kind === 'array') return writeString(text, type, located, context);
  const size = (sizeOf(type) ?? 0) * 8;
  const width = (located.kind === 'absent' ? undefined : located.bits?.size) ?? size;
  const bits = BigInt.asUintN(width, await bitsOf(text, type, width, context));
  await writeBits(bits, size, located, context);
}

async function writeBits(bits: bigint, size: number, located: Located, { reader }: ValueContext): Promise<void> {
  if (located.kind === 'memory') {
    const { space, address, bits: range } = located;
    if (!range) return reader.write(space, address, littleEndian(bits, size / 8));
    const length = Math.ceil((range.offset + range.size) / 8);
    const bytes = await reader.read(space, address, length);
    const whole = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    return reader.write(space, address, littleEndian(replaced(whole, range, bits), bytes.length));
  }
  if (located.kind === 'known' && located.register !== undefined) {
    const { value } = await reader.evaluate({ kind: 'register', name: located.register });
    await reader.writeRegister(located.register, replaced(value, located.bits ?? { offset: 0, size }, bits));
  }
}

function replaced(whole: bigint, { offset, size }: { offset: number; size: number }, bits: bigint): bigint {
  const mask = ((1n << BigInt(size)) - 1n) << BigInt(offset);
  return (whole & ~mask) | (bits << BigInt(offset));
}

/** The value that a text says, in two's complement. */
async function bitsOf(text: string, type: PlainType, width: number, context: ValueContext): Promise<bigint> {
  if (type.kind === 'float') {
    const bits = floatBits(type, text);
    if (bits === undefined) throw badValue(text, type, 'write a number such as 0.5, 1e-3, inf or nan');
    return bits;
  }
  const value = await valueOf(text, namesFor(type, context.names), context);
  if (type.kind === 'integer' && type.shown === 'boolean') return value === 0n ? 0n : 1n;
  const least = -(1n << BigInt(width - 1));
  if (value < least || value >> BigInt(width) > 0n) throw badValue(text, type, `it does not fit in ${width} bits`);
  return value;
}

/** The names that a value of the type can be said with. */
function namesFor(type: PlainType, names: ExpressionNames): ExpressionNames {
  const own = new Map<string, bigint>();
  if (type.kind === 'enum') for (const { name, value } of type.values) own.set(name, value);
  if (type.kind === 'integer' && type.shown === 'boolean') own.set('true', 1n).set('false', 0n);
  if (type.kind === 'pointer') own.set('NULL', 0n);
  return {
    ...names,
    symbol: (name) => names.symbol(name),
    register: (name) => names.register(name),
    local: (name) => (own.has(name) ? undefined : names.local?.(name)),
    constant: (name) => own.get(name) ?? names.constant?.(name),
    perCpuOffset: (name) => names.perCpuOffset?.(name),
    nearest: (name) => names.nearest?.(name),
  };
}

/** What a shown value has behind it: `26 (0x1a)`, `65 'A'`, `0x1000 <symbol>`. */
const DECORATION = /^(\S+)\s+(\(0x[0-9a-f]+\)( '[^]+')?|<[^>]*>|'[^]+'|"[^]*"\u2026?)$/i;

async function valueOf(text: string, names: ExpressionNames, { reader }: ValueContext): Promise<bigint> {
  // A client offers the shown value to be edited.
  const bare = DECORATION.exec(text.trim())?.[1] ?? text;
  const { value } = await reader.evaluate(parseExpression(bare, names));
  return value;
}

async function writeString(text: string, type: PlainType, located: Located, { reader }: ValueContext): Promise<void> {
  if (located.kind !== 'memory') return;
  const [token] = tokenize(text.trim());
  const length = sizeOf(type) ?? 0;
  if (token?.kind !== 'string') throw badValue(text, type, 'write a string such as "init"');
  if (token.bytes.length > length) throw badValue(text, type, `it has more than ${length} characters`);
  const bytes = new Uint8Array(length);
  bytes.set(token.bytes);
  await reader.write(located.space, located.address, bytes);
}
