/** Plain text in columns: the debug console has a fixed-width font and no styles. */
import type { AddressSpace, Hex } from '../../protocol/address';

/** Most lines that a command shows. */
export const MAX_LINES = 300;
const GAP = '  ';
const MAX_NAME = 40;
const MAX_COLUMNS = 100;
const CONTINUATION = '      ';

/** Rows as lines: each column as wide as its widest cell; the columns named in `right` end together. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  }
  return rows.map((row) =>
    row
      .map((cell, at) => (right.includes(at) ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)))
      .join(GAP)
      .trimEnd(),
  );
}

/** Lines as a text of bounded length that says how much is missing; `how` says how to see it. */
export function bounded(lines: readonly string[], how: string): string {
  if (lines.length <= MAX_LINES) return lines.join('\n');
  return [...lines.slice(0, MAX_LINES), `… ${lines.length - MAX_LINES} more lines: ${how}.`].join('\n');
}

/** Cells side by side, `count` to a row, filled column by column. */
export function sideBySide(cells: readonly string[], count: number): string[] {
  const height = Math.ceil(cells.length / count);
  const rows = Array.from({ length: height }, (_, row) =>
    Array.from({ length: count }, (_, column) => cells[column * height + row] ?? ''),
  );
  return columns(rows);
}

/** A line with parts behind it, which go on in further lines where they are too many for one. */
export function withParts(line: string, parts: readonly string[], separator: string): string[] {
  const lines = [line];
  parts.forEach((part, at) => {
    const last = lines.at(-1)!;
    const text = at < parts.length - 1 ? part + separator.trimEnd() : part;
    const gap = at === 0 ? GAP : ' ';
    if (last.length + gap.length + text.length <= MAX_COLUMNS) lines[lines.length - 1] = last + gap + text;
    else lines.push(CONTINUATION + text);
  });
  return lines;
}

/** A number in lower-case hexadecimal with its `0x`. */
export const hex = (value: bigint | number): Hex => `0x${value.toString(16)}`;

/** A number with all the digits of its width. */
export const padded = (value: bigint, bits: number): string =>
  `0x${value.toString(16).padStart(Math.ceil(bits / 4), '0')}`;

/** A place as it can be typed: `0x1000`, `physical:0x1000`. */
export const placeText = (space: AddressSpace, address: bigint): string =>
  space === 'linear' ? hex(address) : `${space}:${hex(address)}`;

/** ` <name+0x10>`, or nothing. */
export const nameSuffix = (name: string | undefined): string => (name === undefined ? '' : ` <${shortened(name)}>`);

/** A name that does not burst its line. */
export const shortened = (name: string): string => (name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name);

/** `1 exit`, `2 exits`. */
export const counted = (count: number | string, noun: string): string =>
  `${count} ${noun}${String(count) === '1' ? '' : 's'}`;
