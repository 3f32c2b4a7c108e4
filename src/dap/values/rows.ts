/**
 * Values of any type as rows: what they show, and what they open into. Structures open into their members, arrays into
 * their elements, pointers into what they point to; each is read when it is opened, a structure at once.
 */
import { containerKindOf } from '../../symbols/expression/container-view';
import { isCharacter } from '../../symbols/expression/value-type';
import { completed, isAggregate, type PlainType, plain, sizeOf } from '../../symbols/types/plain';
import type { AggregateType, ArrayType, Member, PointerType } from '../../symbols/types/type';
import { typeText } from '../../symbols/types/type-text';
import { isAssignable, writeText } from './assign';
import { containerRows } from './container-rows';
import { bitsIn, littleEndian, missing } from './contents';
import { contentsAt, type Located, MAX_READ, partAt, rangeOf } from './located';
import type { ValueContext, ValueReader } from './reader';
import { type MemoryRange, note, type Page, type Row, WHOLE } from './row';
import type { Shown } from './shown';
import { pointerText, type ScalarOptions } from './scalars';
import { arrayText, SUMMARY_BYTES, summaryOf } from './summary';
import { stringAt } from './text';
import { presentMembers } from './variants';

/** The row of a value. Never rejects for memory that is not there: the row says so. */
export async function rowOf(shown: Shown, context: ValueContext): Promise<Row> {
  const { located } = shown;
  const type = completed(shown.type, context.names.types);
  const size = sizeOf(type);
  const own = shown.read ?? {
    contents: await contentsAt(located, Math.min(size ?? 0, summaryBytes(type)), context.reader),
    bitOffset: bitsOffset(located),
  };
  const place = size === undefined ? undefined : rangeOf(located, size);
  const pointee = type.kind === 'pointer' ? pointeeOf(type, shown, own) : undefined;
  const opened = childrenOf(type, shown, pointee, context);
  return {
    name: shown.name,
    value: await valueText(type, shown, own, pointee, context),
    type: typeText(shown.type),
    evaluateName: shown.evaluateName,
    memory: pointee ?? place ?? (located.kind === 'memory' ? { ...located, bytes: 1 } : undefined),
    place,
    indexed: opened?.indexed,
    children: opened?.children,
    ...(isAssignable(type, located)
      ? {
          assign: async (text: string) => {
            await writeText(text, type, located, context);
            return rowOf({ ...shown, located: await refreshed(located, context), read: undefined }, context);
          },
        }
      : { presentationHint: { attributes: ['readOnly'] } }),
  };
}

const bitsOffset = (located: Located): number => (located.kind === 'absent' ? 0 : (located.bits?.offset ?? 0));

/** Aggregates are summed up; what is wider than that is no single number. */
const summaryBytes = (type: PlainType): number =>
  isAggregate(type) || type.kind === 'array' ? SUMMARY_BYTES : Number.MAX_SAFE_INTEGER;

/** A register as it is after a change; memory is read again anyway. */
async function refreshed(located: Located, { reader }: ValueContext): Promise<Located> {
  if (located.kind !== 'known' || located.register === undefined) return located;
  const { value } = await reader.evaluate({ kind: 'register', name: located.register });
  return { ...located, contents: { ...located.contents, bytes: littleEndian(value, located.contents.bytes.length) } };
}

/** What a pointer points to; undefined if it is null or not known. */
function pointeeOf(
  { to, size }: PointerType,
  { space = 'linear' }: Shown,
  { contents, bitOffset }: NonNullable<Shown['read']>,
): MemoryRange | undefined {
  const address = bitsIn(contents, bitOffset, size * 8);
  return typeof address === 'string' || address === 0n ? undefined : { space, address, bytes: sizeOf(to) ?? 1 };
}

async function valueText(
  type: PlainType,
  shown: Shown,
  { contents, bitOffset }: NonNullable<Shown['read']>,
  pointee: MemoryRange | undefined,
  { reader, ...context }: ValueContext,
): Promise<string> {
  const { located, format } = shown;
  const options: ScalarOptions = { format, isBrief: false, symbolAt: (linear) => context.symbolAt(linear) };
  if (located.kind === 'absent') return missing(located.why);
  if (type.kind === 'function') return located.kind === 'memory' ? pointerText(located.address, options) : 'function';
  if (isAggregate(type) && type.size === undefined) return '<incomplete type>';
  // A value without bytes has nothing to be missing.
  const why = type.kind !== 'void' && (sizeOf(type) ?? 0) > 0 ? bitsIn(contents, bitOffset, 1) : 0n;
  if (typeof why === 'string' && (contents.holes ?? []).length === 0) return missing(why);
  const bitSize = located.bits && !isAggregate(type) && type.kind !== 'array' ? located.bits.size : undefined;
  if (type.kind === 'array') {
    const text = arrayText(type, contents, bitOffset, options) ?? (await endlessText(type, located, reader));
    if (text !== undefined) return text;
  }
  const text = summaryOf(type, contents, bitOffset, bitSize, options);
  const isString = type.kind === 'pointer' && (format === 's' || (isCharacter(type.to) && format === ''));
  if (!pointee || !isString) return text;
  const string = await stringAt(reader, pointee.space, pointee.address);
  return string === undefined ? text : `${text} ${string}`;
}

/** The text in an array of characters whose length the program does not say. */
const endlessText = async (
  { of, count }: ArrayType,
  located: Located,
  reader: ValueReader,
): Promise<string | undefined> =>
  count === undefined && isCharacter(of) && located.kind === 'memory'
    ? stringAt(reader, located.space, located.address)
    : undefined;

interface Opened {
  readonly indexed?: number | undefined;
  readonly children: (page: Page) => Promise<readonly Row[]>;
}

/** What a value opens into, if it does. */
function childrenOf(
  type: PlainType,
  shown: Shown,
  pointee: MemoryRange | undefined,
  context: ValueContext,
): Opened | undefined {
  if (shown.located.kind === 'absent') return undefined;
  if (isAggregate(type)) return type.members.length > 0 ? aggregateChildren(type, shown, '.', context) : undefined;
  if (type.kind === 'array') return arrayChildren(type, shown, context);
  if (type.kind !== 'pointer' || !pointee) return undefined;
  const to = completed(type.to, context.names.types);
  const target: Shown = {
    name: `*${shown.name}`,
    type: type.to,
    located: { kind: 'memory', space: pointee.space, address: pointee.address },
    evaluateName: shown.evaluateName === undefined ? undefined : `*${operand(shown.evaluateName)}`,
    format: shown.format,
  };
  if (isAggregate(to)) {
    if (to.members.length === 0) return undefined;
    return aggregateChildren(to, { ...target, evaluateName: shown.evaluateName }, '->', context);
  }
  if (sizeOf(to) === undefined || isCharacter(to)) return undefined;
  return { children: async (page) => sliced([await rowOf(inFormat(target, page), context)], page) };
}

/** A page can want hexadecimal numbers of what has no format of its own. */
const inFormat = (shown: Shown, { hex }: Page): Shown =>
  hex && shown.format === '' ? { ...shown, format: 'h' } : shown;

const sliced = <T>(rows: readonly T[], { start, count }: Page): readonly T[] => rows.slice(start, start + count);

/** An expression that can stand before `.` or `[`: in parentheses, unless it binds as tightly itself. */
function operand(expression: string): string {
  const [, base = ''] = /^(.*?)(?:(?:->|\.)\w+|\[\d+\])*$/s.exec(expression) ?? [];
  return /^[$\w.:]+$/.test(base) || isParenthesized(base) ? expression : `(${expression})`;
}

/** True if the first parenthesis is closed by the last character. */
function isParenthesized(text: string): boolean {
  let depth = 0;
  for (const [at, character] of [...text].entries()) {
    if (character === '(') depth++;
    else if (character === ')') depth--;
    if (depth === 0) return at > 0 && at === text.length - 1;
  }
  return false;
}

function aggregateChildren(type: AggregateType, shown: Shown, operator: '.' | '->', context: ValueContext): Opened {
  return {
    children: async (page) => {
      const { located } = shown;
      const contents = await contentsAt(located, type.size ?? 0, context.reader);
      const read = { contents, bitOffset: bitsOffset(located) };
      const outer =
        shown.path ?? (shown.evaluateName === undefined ? undefined : `${operand(shown.evaluateName)}${operator}`);
      const members = sliced(presentMembers(type.members, contents, read.bitOffset), page);
      const rows = await Promise.all(
        members.map((member) => rowOf(memberShown(member, { ...inFormat(shown, page), read }, outer), context)),
      );
      const isLast = page.start + page.count >= type.members.length;
      const container = isLast ? containerKindOf(type) : undefined;
      return container && located.kind === 'memory' && located.space === 'linear'
        ? [...rows, ...(await containerRows(container, located.address, inFormat(shown, page).format, context, rowOf))]
        : rows;
    },
  };
}

function memberShown({ name, type, bitOffset, bitSize }: Member, outer: Shown, path: string | undefined): Shown {
  const { contents, bitOffset: base } = outer.read!;
  const size = sizeOf(type) ?? 0;
  const found = plain(type);
  // Its members are the outer one's: no expression names it, but those.
  const isNameless = name === undefined && isAggregate(found);
  const part = partAt(outer.located, bitOffset, bitSize, size);
  const isPast = contents.bytes.length >= MAX_READ && (base + bitOffset) / 8 + size > contents.bytes.length;
  return {
    name: name ?? (isAggregate(found) ? (found.name ?? `<${found.kind}>`) : '<no name>'),
    type,
    located: part,
    evaluateName: isNameless || path === undefined || name === undefined ? undefined : path + name,
    format: outer.format,
    path: isNameless ? path : undefined,
    // A structure that is too large to be read at once is read by its members.
    read: isPast && part.kind === 'memory' ? undefined : { contents, bitOffset: base + bitOffset },
  };
}

function arrayChildren(type: ArrayType, shown: Shown, context: ValueContext): Opened | undefined {
  const stride = sizeOf(type.of);
  const { count } = type;
  if (!stride || !count) return undefined;
  return {
    indexed: count,
    children: async (page) => {
      const first = Math.min(page.start, count);
      const wanted = Math.min(page.count, count - first);
      const batch = Math.max(1, Math.floor(MAX_READ / stride));
      const rows: Row[] = [];
      for (let at = first; at < first + wanted; at += batch) {
        const length = Math.min(batch, first + wanted - at);
        const part = partAt(shown.located, at * stride * 8, undefined, length * stride);
        const contents = await contentsAt(part, length * stride, context.reader);
        const base = bitsOffset(part);
        for (let index = at; index < at + length; index++) {
          const offset = (index - at) * stride * 8;
          const element: Shown = {
            name: `[${index}]`,
            type: type.of,
            located: partAt(part, offset, undefined, stride),
            evaluateName: shown.evaluateName === undefined ? undefined : `${operand(shown.evaluateName)}[${index}]`,
            format: inFormat(shown, page).format,
            read: { contents, bitOffset: base + offset },
          };
          rows.push(await rowOf(element, context));
        }
      }
      // Whoever asks for pages knows that there are more.
      const isCut = page.count >= WHOLE.count && first + wanted < count;
      return isCut ? [...rows, note('…', `${count - first - wanted} more`)] : rows;
    },
  };
}
