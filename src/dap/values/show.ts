/** Expressions and variables as rows: the door to this folder. */
import { UserError } from '../../common/errors';
import type { Expression, Value } from '../../symbols/expression/ast';
import { parseExpression, parseTyped } from '../../symbols/expression/parse';
import type { TypedExpression } from '../../symbols/expression/typed';
import { isPointer, sizeOf as sizeOfValue } from '../../symbols/expression/types';
import { operandOf } from '../../symbols/expression/resolve';
import { plain, sizeOf } from '../../symbols/types/plain';
import type { Variable } from '../../symbols/types/place';
import type { Type } from '../../symbols/types/type';
import { describeValue } from '../console/print';
import { notWritable } from '../errors';
import { viewRow } from './container-rows';
import { littleEndian, missing } from './contents';
import { addressOf, contentsOf, type Located, locate, rangeOf } from './located';
import { splitFormat, type ValueContext, type ValueFormat } from './reader';
import type { MemoryRange, Row } from './row';
import { rowOf } from './rows';

/** Most elements of an array whose length is computed. */
const MAX_LENGTH = 0x7fff_ffffn;

/**
 * The value of an expression; `,x` and the like behind it say how numbers are written, `format` what holds otherwise.
 * Rejects with a UserError for what cannot be parsed or computed; memory that is not there is said in the row.
 */
export async function showExpression(text: string, format: ValueFormat, context: ValueContext): Promise<Row> {
  const split = splitFormat(text, format);
  const found = parseTyped(split.text, context.names);
  const { type, view } = found;
  if (view) {
    const { address } = addressOf(await context.reader.evaluate(view.head));
    return viewRow(split.text.trim(), view, address, split.format, context, rowOf);
  }
  if (!type) return untypedRow(split.text, found, split.format, context);
  const { located, space } = await locatedOf(found, context);
  const shown = { type: await counted(type, found.length, context), located, space, format: split.format };
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
  const row = await showExpression(text, format, context);
  if (!row.assign) throw notWritable(row.name);
  return row.assign(value);
}

async function locatedOf(
  { place, bits, value }: TypedExpression,
  { reader }: ValueContext,
): Promise<{ located: Located; space?: MemoryRange['space'] }> {
  if (place) return { located: await locate(place, bits, reader) };
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
async function untypedRow(
  text: string,
  { value }: TypedExpression,
  format: ValueFormat,
  context: ValueContext,
): Promise<Row> {
  const { reader } = context;
  const computed = await reader.evaluate(value!);
  const { type } = computed;
  const isAddress = isPointer(type) || type.bits === 64;
  const place = rangeOfValue(computed);
  const assigned = async (written: string): Promise<Row> => {
    const { value: number } = await reader.evaluate(parseExpression(written, context.names));
    if (value!.kind === 'register') await reader.writeRegister(value!.name, number);
    else if (computed.place) {
      const { space, address } = computed.place;
      await reader.write(space, address, littleEndian(number, sizeOfValue(type)));
    }
    return untypedRow(text, { value } as TypedExpression, format, context);
  };
  return {
    name: text,
    value: untypedText(computed, format, context),
    type: isPointer(type) ? 'pointer' : `${type.signed ? 's' : 'u'}${type.bits}`,
    evaluateName: text,
    memory: place ?? (isAddress ? { ...addressOf(computed), bytes: 1 } : undefined),
    place: computed.place && place,
    ...((value!.kind === 'register' || computed.place) && { assign: assigned }),
  };
}

function untypedText(value: Value, format: ValueFormat, context: ValueContext): string {
  const { type } = value;
  if (format === 'b' && !isPointer(type)) return `0b${BigInt.asUintN(type.bits, value.value).toString(2)}`;
  return describeValue(value, context, format === 'h' ? 'x' : format === 'x' || format === 'd' ? format : '');
}
