/** Expressions and variables as rows: the door to this folder. */
import { UserError } from '../../common/errors';
import type { Expression, Value } from '../../symbols/expression/ast';
import { unreadable } from '../../symbols/expression/errors';
import { parseExpression, parseTyped } from '../../symbols/expression/parse';
import type { TypedExpression } from '../../symbols/expression/typed';
import { isPointer, sizeOf as sizeOfValue } from '../../symbols/expression/types';
import { operandOf } from '../../symbols/expression/resolve';
import { isAggregate, plain, sizeOf } from '../../symbols/types/plain';
import type { Variable } from '../../symbols/types/place';
import type { Type } from '../../symbols/types/type';
import { notWritable as noPlace } from '../console/errors';
import { describeValue } from '../console/print';
import { notWritable } from '../errors';
import { viewRow } from './container-rows';
import { littleEndian, missing } from './contents';
import { addressOf, contentsOf, type Located, locate, rangeOf } from './located';
import { splitFormat, type ValueContext, type ValueFormat } from './reader';
import type { MemoryRange, Row } from './row';
import { rowOf } from './rows';

/** Codes of errors that say that a frame has lost what a variable was in. */
const LOST: readonly string[] = ['value/entry', 'value/lost'];
/** Most elements of an array whose length is computed. */
const MAX_LENGTH = 0x7fff_ffffn;

/**
 * The value of an expression; `,x` and the like behind it say how numbers are written, `format` what holds otherwise.
 * Rejects with a UserError for what cannot be parsed, computed or read.
 */
export async function showExpression(text: string, format: ValueFormat, context: ValueContext): Promise<Row> {
  const split = splitFormat(text, format);
  const found = parseTyped(split.text, context.names);
  const { type, view } = found;
  if (view) {
    const { address } = addressOf(await context.reader.evaluate(view.head));
    return viewRow(split.text.trim(), view, address, split.format, context, rowOf);
  }
  if (!type) return untypedRow(split.text, found.value!, split.format, context);
  const { located, space } = await locatedOf(found, context);
  const whole = await counted(type, found.length, context);
  if (located.kind === 'memory') await requireMemory(located, whole, context);
  const shown = { type: whole, located, space, format: split.format };
  return rowOf({ ...shown, name: text, evaluateName: split.text.trim() }, context);
}

/** Variables of a frame, innermost first or last as they come; outer ones of the same name are marked. */
export function showVariables(
  variables: readonly Variable[],
  format: ValueFormat,
  context: ValueContext,
): Promise<readonly Row[]> {
  return Promise.all(
    variables.map(async (variable, index) => {
      const { name } = variable;
      const isHidden = variables.some((other, at) => at > index && other.name === name);
      const shown = isHidden ? { name: `${name} (outer)` } : { name, evaluateName: name };
      try {
        const { place, type, bits } = operandOf(variable);
        const located = await locate(place!, bits, context.reader);
        return await rowOf({ ...shown, type: type ?? variable.type, located, format }, context);
      } catch (error) {
        // One that cannot be computed does not hide the others.
        if (error instanceof UserError) return { name: shown.name, value: missing(error.message) };
        throw error;
      }
    }),
  );
}

/**
 * The memory that an expression names, for data breakpoints and memory views: of a bit-field the bytes that hold it, of a
 * computed pointer what it points to. Undefined for registers and other values.
 */
export async function placeOf(text: string, context: ValueContext): Promise<MemoryRange | undefined> {
  const { value, type, place, bits } = parseTyped(splitFormat(text, '').text, context.names);
  if (type && place) {
    const size = sizeOf(type);
    return size === undefined ? undefined : rangeOf(await locate(place, bits, context.reader), size);
  }
  if (!value) return undefined;
  const computed = await context.reader.evaluate(value);
  const pointed = type && plain(type);
  const bytes = pointed?.kind === 'pointer' ? sizeOf(pointed.to) : undefined;
  return rangeOfValue(computed, bytes);
}

/** Gives an expression the value that a text says; the row as it is then. Rejects with UserErrors. */
export async function assignExpression(
  text: string,
  value: string,
  format: ValueFormat,
  context: ValueContext,
): Promise<Row> {
  const { text: bare } = splitFormat(text, '');
  const { type, value: of } = parseTyped(bare, context.names);
  // One that is not there now is refused where it is written.
  if (!type && of?.kind === 'register') return assignRegister(bare, of.name, value, format, context);
  const row = await showExpression(text, format, context);
  if (!row.assign) throw type ? notWritable(row.name) : noPlace();
  return row.assign(value);
}

async function assignRegister(
  text: string,
  name: string,
  written: string,
  format: ValueFormat,
  context: ValueContext,
): Promise<Row> {
  const { reader, names } = context;
  const { value } = await reader.evaluate(parseExpression(written, names));
  return valueRow(text, await reader.writeRegister(name, value), format, context);
}

/** Where a place is; what is lost of a frame is nowhere. */
async function locatedOrLost(...[place, bits, reader]: Parameters<typeof locate>): Promise<Located> {
  try {
    return await locate(place, bits, reader);
  } catch (error) {
    if (error instanceof UserError && LOST.includes(error.code)) return { kind: 'absent', why: error.message };
    throw error;
  }
}

/** What the user asks for by itself must be there; parts of what is shown say for themselves that they are not. */
async function requireMemory(
  { space, address, bits }: Extract<Located, { kind: 'memory' }>,
  type: Type,
  { reader }: ValueContext,
): Promise<void> {
  const found = plain(type);
  const size = bits ? Math.ceil((bits.offset + bits.size) / 8) : (sizeOf(found) ?? 0);
  const needed = isAggregate(found) || found.kind === 'array' ? Math.min(size, 1) : size;
  if ((await reader.read(space, address, needed)).length < needed) throw unreadable(space, address, size);
}

async function locatedOf(
  { place, bits, value }: TypedExpression,
  { reader }: ValueContext,
): Promise<{ located: Located; space?: MemoryRange['space'] }> {
  if (place) return { located: await locatedOrLost(place, bits, reader) };
  const computed = await reader.evaluate(value!);
  const space = isPointer(computed.type) ? computed.type.space : undefined;
  return { located: { kind: 'known', contents: contentsOf(computed) }, ...(space && { space }) };
}

/** The array type with its length, where that was to be computed. */
async function counted(type: Type, length: Expression | undefined, { reader }: ValueContext): Promise<Type> {
  const found = plain(type);
  if (!length || found.kind !== 'array') return type;
  const { value } = await reader.evaluate(length);
  if (value < 0n || value > MAX_LENGTH)
    throw new UserError('expression/value', `An array with @ has 0 to ${MAX_LENGTH} elements, not ${value}.`);
  return { ...found, count: Number(value) };
}

function rangeOfValue({ value, type, place }: Value, bytes?: number): MemoryRange | undefined {
  if (place) return { ...place, bytes: sizeOfValue(type) };
  if (!isPointer(type)) return undefined;
  return { ...addressOf({ value, type }), bytes: bytes ?? sizeOfValue(type.to) };
}

/** What has no type in the program: registers, numbers, symbols. */
async function untypedRow(text: string, of: Expression, format: ValueFormat, context: ValueContext): Promise<Row> {
  const { reader } = context;
  const computed = await reader.evaluate(of);
  const row = valueRow(text, computed, format, context);
  if (of.kind === 'register')
    return { ...row, assign: (written) => assignRegister(text, of.name, written, format, context) };
  if (!computed.place) return row;
  const { space, address } = computed.place;
  const assign = async (written: string): Promise<Row> => {
    const { value } = await reader.evaluate(parseExpression(written, context.names));
    await reader.write(space, address, littleEndian(value, sizeOfValue(computed.type)));
    return untypedRow(text, of, format, context);
  };
  return { ...row, assign };
}

function valueRow(text: string, value: Value, format: ValueFormat, context: ValueContext): Row {
  const { type } = value;
  const isAddress = isPointer(type) || type.bits === 64;
  const place = rangeOfValue(value);
  return {
    name: text,
    value: untypedText(value, format, context),
    type: isPointer(type) ? 'pointer' : `${type.signed ? 's' : 'u'}${type.bits}`,
    evaluateName: text,
    memory: place ?? (isAddress ? { ...addressOf(value), bytes: 1 } : undefined),
    place: value.place && place,
  };
}

function untypedText(value: Value, format: ValueFormat, context: ValueContext): string {
  const { type } = value;
  if (format === 'b' && !isPointer(type)) return `0b${BigInt.asUintN(type.bits, value.value).toString(2)}`;
  return describeValue(value, context, format === 'h' ? 'x' : format === 'x' || format === 'd' ? format : '');
}
