/** Any value in one line: `{pid = 1, comm = "swapper/0", …}`. Only its own bytes are looked at, never what it points to. */
import { isCharacter } from '../../symbols/expression/value-type';
import { isAggregate, plain, sizeOf } from '../../symbols/types/plain';
import type { AggregateType, ArrayType, Type } from '../../symbols/types/type';
import { bitsIn, bytesIn, type Contents, missing } from './contents';
import { type ScalarOptions, scalarText } from './scalars';
import { looksLikeText, stringText } from './text';
import { presentMembers } from './variants';

/** About how many characters a line has at most. */
const MAX_TEXT = 120;
/** Structures in structures that are shown. */
const MAX_DEPTH = 3;
const MORE = '…';

/** Bytes of a value that a line can show something of. */
export const SUMMARY_BYTES = 1024;

/** The value at a bit of the contents; `bitSize` is the width of a bit-field. */
export function summaryOf(
  type: Type,
  contents: Contents,
  bitOffset: number,
  bitSize: number | undefined,
  options: ScalarOptions,
): string {
  const found = plain(type);
  if (found.kind === 'void' || found.kind === 'function') return found.kind;
  const size = bitSize ?? (sizeOf(found) ?? 0) * 8;
  if (isAggregate(found) || found.kind === 'array') return new Line(contents, options).whole(found, bitOffset);
  const bits = bitsIn(contents, bitOffset, size);
  return typeof bits === 'string' ? missing(bits) : (scalarText(found, bits, size, options) ?? found.kind);
}

/** The text of an array of characters; undefined for other arrays, and for small numbers that make no text. */
export function arrayText(
  { of, count }: ArrayType,
  contents: Contents,
  bitOffset: number,
  { format }: Pick<ScalarOptions, 'format'>,
): string | undefined {
  const element = plain(of);
  if (count === undefined || element.kind !== 'integer' || element.size !== 1) return undefined;
  if (format !== '' && format !== 's' && format !== 'h') return undefined;
  const bytes = bytesIn(contents, bitOffset / 8, Math.min(count, SUMMARY_BYTES));
  if (bytes.length === 0) return count === 0 && isCharacter(of) ? '""' : undefined;
  const isText = isCharacter(of) && (element.isSigned || looksLikeText(bytes));
  return format === 's' || isText ? stringText(bytes, bytes.length === count) : undefined;
}

/** A line under construction: past its length only `…` is added. */
class Line {
  private room = MAX_TEXT;
  private readonly options: ScalarOptions;

  constructor(
    private readonly contents: Contents,
    options: ScalarOptions,
  ) {
    this.options = { ...options, isBrief: true };
  }

  whole(type: AggregateType | ArrayType, bitOffset: number): string {
    return this.part(type, bitOffset, undefined, 0);
  }

  private part(type: Type, bitOffset: number, bitSize: number | undefined, depth: number): string {
    const found = plain(type);
    if (isAggregate(found))
      return found.size === undefined ? '<incomplete type>' : this.members(found, bitOffset, depth);
    if (found.kind === 'array') return this.elements(found, bitOffset, depth);
    const text = summaryOf(found, this.contents, bitOffset, bitSize, this.options);
    this.room -= text.length;
    return text;
  }

  private members(type: AggregateType, bitOffset: number, depth: number): string {
    const members = presentMembers(type.members, this.contents, bitOffset);
    return this.list(depth, members.length, (index) => {
      const { name, type, bitOffset: at, bitSize } = members[index]!;
      this.room -= (name?.length ?? 0) + 5;
      const text = this.part(type, bitOffset + at, bitSize, depth + 1);
      return name === undefined ? text : `${name} = ${text}`;
    });
  }

  private elements(type: ArrayType, bitOffset: number, depth: number): string {
    const text = arrayText(type, this.contents, bitOffset, this.options);
    if (text !== undefined) {
      this.room -= text.length;
      return text;
    }
    const stride = (sizeOf(type.of) ?? 0) * 8;
    const count = stride === 0 ? 0 : (type.count ?? 0);
    return this.list(depth, count, (index) => {
      this.room -= 2;
      return this.part(type.of, bitOffset + index * stride, undefined, depth + 1);
    });
  }

  private list(depth: number, count: number, show: (index: number) => string): string {
    const parts: string[] = [];
    for (let index = 0; index < count; index++) {
      if (this.room <= 0 || depth >= MAX_DEPTH) {
        parts.push(MORE);
        break;
      }
      parts.push(show(index));
    }
    return `{${parts.join(', ')}}`;
  }
}
