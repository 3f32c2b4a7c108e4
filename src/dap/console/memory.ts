/** Commands on memory: `mem`, `x`. Formats and sizes of `x` are gdb's. */
import type { AddressSpace } from '../../protocol/address';
import { countArgument, expressionCompletions, placeArgument, splitCount, type PlaceArgument } from './arguments';
import { instructionLines, MAX_INSTRUCTIONS } from './code';
import type { Command, ConsoleContext } from './command';
import { badOption, badUsage, noMemory } from './errors';
import { columns, hex, nameSuffix, placeText } from './layout';

const BYTES_PER_LINE = 16;
const DEFAULT_DUMP = 128;
const MAX_DUMP = 4096;
const MAX_STRING = 1024;
const MAX_UNITS = 1024;
const END = 1n << 64n;

async function read(context: ConsoleContext, place: PlaceArgument, length: number): Promise<Uint8Array> {
  const { target, thread } = context;
  const left = END - place.address;
  const bytes = await target.readMemory(
    thread,
    place.space,
    place.address,
    left < BigInt(length) ? Number(left) : length,
  );
  if (bytes.length === 0) throw noMemory(placeText(place.space, place.address));
  return bytes;
}

const isPrintable = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e;

/** `0x1000  48 89 e5 ...  H..`, sixteen bytes a line. */
function dumpLines({ space, address }: PlaceArgument, bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_PER_LINE) {
    const line = bytes.subarray(at, at + BYTES_PER_LINE);
    const pairs = Array.from(line, (byte) => byte.toString(16).padStart(2, '0'));
    const digits = `${pairs.slice(0, 8).join(' ')}  ${pairs.slice(8).join(' ')}`.padEnd(3 * BYTES_PER_LINE);
    const text = Array.from(line, (byte) => (isPrintable(byte) ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${placeText(space, address + BigInt(at))}  ${digits}  ${text}`);
  }
  return lines;
}

const shortage = (place: PlaceArgument, got: number, wanted: number): string[] =>
  got < wanted ? [`Memory ends at ${placeText(place.space, place.address + BigInt(got))}.`] : [];

const mem: Command = {
  name: 'mem',
  aliases: ['hexdump'],
  topic: 'Memory and code',
  usage: 'mem[/BYTES] ADDRESS [BYTES]',
  summary: 'memory as bytes and characters',
  help: [
    `Shows ${DEFAULT_DUMP} bytes, or as many as asked for (at most ${MAX_DUMP}). An address is linear unless it says`,
    'physical:0x… or guestPhysical:0x…, or is a pointer into one of them.',
    '  mem $rsp',
    '  mem $rsp 64',
    '  mem/256 guestPhysical:0x1000',
  ],
  complete: expressionCompletions,
  async run({ option, rest }, context) {
    if (rest === '') throw badUsage('mem', this.usage);
    const { head, count = option } = splitCount(rest, context);
    const wanted = count === '' ? DEFAULT_DUMP : countArgument(count, MAX_DUMP);
    const place = await placeArgument(head, context);
    const bytes = await read(context, place, wanted);
    return [...dumpLines(place, bytes), ...shortage(place, bytes.length, wanted)].join('\n');
  },
};

/** Sizes of units in bytes by gdb's letters. */
const SIZES: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, g: 8 };
const FORMATS = 'xdutcasi';

interface Layout {
  readonly count: number | undefined;
  readonly size: number;
  readonly format: string;
}

function layoutOf(option: string): Layout {
  const [, count = '', letters = ''] = /^([0-9]*)([a-z]*)$/.exec(option) ?? [, '', '?'];
  let size: number | undefined;
  let format: string | undefined;
  for (const letter of letters) {
    if (size === undefined && letter in SIZES) size = SIZES[letter]!;
    else if (format === undefined && FORMATS.includes(letter)) format = letter;
    else throw badOption(option, 'write a count, a size b, h, w or g, and a format x, d, u, t, c, a, s or i');
  }
  format ??= 'x';
  return {
    count: count === '' ? undefined : countArgument(count, format === 'i' ? MAX_INSTRUCTIONS : MAX_UNITS),
    size: size ?? (format === 'c' ? 1 : 8),
    format,
  };
}

function unitText(value: bigint, { size, format }: Layout, context: ConsoleContext): string {
  const bits = size * 8;
  switch (format) {
    case 'd':
      return String(BigInt.asIntN(bits, value));
    case 'u':
      return String(value);
    case 't':
      return `0b${value.toString(2).padStart(bits, '0')}`;
    case 'c': {
      const code = Number(value & 0xffn);
      return isPrintable(code) ? `'${String.fromCharCode(code)}'` : hex(value);
    }
    case 'a':
      return hex(value) + nameSuffix(context.names.symbolAt(value));
    default:
      return `0x${value.toString(16).padStart(size * 2, '0')}`;
  }
}

/** Units on a line: as many as make sixteen bytes, at most eight, less where they are long. */
const perLine = ({ size, format }: Layout): number => {
  if (format === 'a') return 1;
  return format === 't' ? Math.max(1, 4 / size) : Math.min(8, BYTES_PER_LINE / size);
};

function unitLines(place: PlaceArgument, bytes: Uint8Array, layout: Layout, context: ConsoleContext): string[] {
  const { size, format } = layout;
  const units = Array.from({ length: Math.floor(bytes.length / size) }, (_, index) =>
    unitText(littleEndian(bytes, index * size, size), layout, context),
  );
  const step = perLine(layout);
  const starts = units.map((_, index) => index).filter((index) => index % step === 0);
  const rows = starts.map((first) => {
    const address = place.address + BigInt(first * size);
    const head = `${placeText(place.space, address)}${symbolIn(place.space, address, context)}:`;
    return [head, ...units.slice(first, first + step)];
  });
  const numbers = 'du'.includes(format) ? Array.from({ length: step }, (_, at) => at + 1) : [];
  return columns(rows, numbers);
}

const symbolIn = (space: AddressSpace, address: bigint, { names }: ConsoleContext): string =>
  space === 'linear' ? nameSuffix(names.symbolAt(address)) : '';

function littleEndian(bytes: Uint8Array, at: number, size: number): bigint {
  let value = 0n;
  for (let index = at + size - 1; index >= at; index--) value = (value << 8n) | BigInt(bytes[index]!);
  return value;
}

/** NUL-ended strings, one after the other. */
async function stringLines(place: PlaceArgument, count: number, context: ConsoleContext): Promise<string[]> {
  const lines: string[] = [];
  let { address } = place;
  while (lines.length < count && address < END) {
    const bytes = await read(context, { ...place, address }, MAX_STRING);
    const end = bytes.indexOf(0);
    const shown = bytes.subarray(0, end < 0 ? bytes.length : end);
    const text = Array.from(shown, (byte) =>
      isPrintable(byte) ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
    ).join('');
    lines.push(`${placeText(place.space, address)}:  "${text}"${end < 0 ? '…' : ''}`);
    if (end < 0) break;
    address += BigInt(end + 1);
  }
  return lines;
}

const x: Command = {
  name: 'x',
  topic: 'Memory and code',
  usage: 'x[/COUNT SIZE FORMAT] ADDRESS',
  summary: 'memory as numbers, strings or instructions',
  help: [
    "gdb's command: COUNT units, SIZE b (1 byte), h (2), w (4) or g (8), FORMAT x (hexadecimal),",
    'd (signed), u (unsigned), t (binary), c (characters), a (addresses with symbols), s (strings),',
    'i (instructions); without them two quadwords in hexadecimal.',
    '  x/8g $rsp',
    '  x/16a $rsp',
    '  x/4wd &jiffies',
    '  x/s $rdi',
    '  x/5i $rip',
    '  x/512g physical:0x1000',
  ],
  complete: expressionCompletions,
  async run({ option, rest }, context) {
    if (rest === '') throw badUsage('x', this.usage);
    const layout = layoutOf(option);
    const place = await placeArgument(rest, context);
    const { format, size, count = format === 's' || format === 'i' ? 1 : 2 } = layout;
    if (format === 's') return (await stringLines(place, count, context)).join('\n');
    if (format === 'i') return (await instructionLines(place, count, context)).join('\n');
    const bytes = await read(context, place, count * size);
    return [...unitLines(place, bytes, layout, context), ...shortage(place, bytes.length, count * size)].join('\n');
  },
};

export const MEMORY_COMMANDS: readonly Command[] = [mem, x];
