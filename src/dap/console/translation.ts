/** Commands on address translation: `walk`, `ept`, `maps`, `memmap`. */
import type { Access, Hex } from '../../protocol/address';
import type { MappedRange } from '../../protocol/mappings';
import type { WalkAnswer, WalkLevel } from '../../protocol/walk';
import { expressionCompletions, placeArgument, splitLastWord, wordCompletions, type PlaceArgument } from './arguments';
import type { Command, ConsoleContext } from './command';
import { badUsage, noSuch } from './errors';
import { columns, hex, nameSuffix } from './layout';

const ACCESSES: readonly Access[] = ['read', 'write', 'execute'];
const MAX_RANGES = 100;
const KIB = 1024;
const UNITS = ['K', 'M', 'G', 'T'];

/** A size in the largest unit that divides it: `4K`, `2M`, `1G`. */
function sizeText(bytes: bigint): string {
  if (bytes === 0n || bytes % BigInt(KIB) !== 0n) return `${bytes}`;
  let size = bytes / BigInt(KIB);
  let unit = 0;
  while (size % BigInt(KIB) === 0n && unit < UNITS.length - 1) {
    size /= BigInt(KIB);
    unit++;
  }
  return `${size}${UNITS[unit]}`;
}

/** One entry: `PTE [5]  physical:0x2028 (guestPhysical:0x1028)  0x5067  P R/W U/S A D`. */
function levelRow({ table, index, entryAddress, guestEntryAddress, entry, bits, pageBytes }: WalkLevel): string[] {
  // The entries of the EPT belong to the guest's entry below them.
  const name = table.startsWith('EPT ') ? `  ${table}` : table;
  const guest = guestEntryAddress === undefined ? '' : ` (guestPhysical:${guestEntryAddress})`;
  const page = pageBytes === undefined ? '' : `${sizeText(BigInt(pageBytes))} page`;
  const place = entryAddress === undefined ? `-${guest}` : `physical:${entryAddress}${guest}`;
  return [name, `[${index}]`, place, entry, [...bits, page].filter((part) => part !== '').join(' ')];
}

function walkLines(answer: WalkAnswer, { space, address }: PlaceArgument, access: Access): string[] {
  const { levels, permission, guestPhysical, physical, fault } = answer;
  const lines = columns(levels.map(levelRow));
  if (fault?.level !== undefined && lines[fault.level] !== undefined) lines[fault.level] += `  <-- ${fault.bit}`;
  const way = [`${space === 'linear' ? space : 'guest-physical'} ${hex(address)}`];
  if (space === 'linear' && guestPhysical !== undefined) way.push(`guest-physical ${guestPhysical}`);
  if (physical !== undefined) way.push(`physical ${physical}`);
  lines.push(way.join(' -> '));
  if (permission) {
    const { read, write, execute, user } = permission;
    const allowed = Object.entries({ read, write, execute, user })
      .filter(([, is]) => is)
      .map(([name]) => name);
    lines.push(`allowed: ${allowed.length > 0 ? allowed.join(', ') : 'nothing'}`);
  }
  if (fault) lines.push(`A ${access} here fails: ${fault.text}`);
  return lines;
}

async function runWalk(
  text: string,
  space: 'linear' | 'guestPhysical',
  context: ConsoleContext,
  usage: () => Error,
): Promise<string> {
  const { head, word: access = 'read' } = splitLastWord(text, ACCESSES);
  if (head === '') throw usage();
  const place = await placeArgument(head, context);
  // A pointer that says its space is taken at its word; a plain number is what the command is for.
  const from = place.space === 'guestPhysical' ? 'guestPhysical' : space;
  if (place.space === 'physical') throw usage();
  const { address } = place;
  const answer = await context.target.walk(context.thread, from, address, access);
  return walkLines(answer, { space: from, address }, access).join('\n');
}

const completeWalk: NonNullable<Command['complete']> = (text, caret, context) => [
  ...(/\S\s+\S*$/.test(text.slice(0, caret)) ? wordCompletions(text, caret, ACCESSES) : []),
  ...expressionCompletions(text, caret, context),
];

const walk: Command = {
  name: 'walk',
  topic: 'Memory and code',
  usage: 'walk ADDRESS [read|write|execute]',
  summary: 'every table entry from a linear address to physical memory',
  help: [
    "Shows the entries of the guest's page tables and, indented before each of them, those of the EPT that",
    'lead to it; then what all of them allow, and where the address ends, or why the access fails.',
    '  walk $rip execute',
    '  walk main',
    '  walk guestPhysical:0xfee00000 write',
  ],
  complete: completeWalk,
  run({ rest }, context) {
    return runWalk(rest, 'linear', context, () => badUsage('walk', this.usage));
  },
};

const ept: Command = {
  name: 'ept',
  topic: 'Virtualization',
  usage: 'ept ADDRESS [read|write|execute]',
  summary: 'the EPT entries from a guest-physical address to physical memory',
  help: ['  ept 0xfee00000', '  ept $cr3 & ~0xfff write'],
  complete: completeWalk,
  run({ rest }, context) {
    return runWalk(rest, 'guestPhysical', context, () => badUsage('ept', this.usage));
  },
};

const SPACES: Readonly<Record<string, 'linear' | 'guestPhysical'>> = {
  linear: 'linear',
  ept: 'guestPhysical',
  guestphysical: 'guestPhysical',
};

function rangeRow({ start, end, target, pageBytes, read, write, execute, user, global }: MappedRange): string[] {
  const flag = (letter: string, is: boolean | undefined): string => (is ? letter : '-');
  const rights =
    flag('r', read) +
    flag('w', write) +
    flag('x', execute) +
    (user === undefined ? '' : flag('u', user)) +
    (global === undefined ? '' : flag('g', global));
  const size = sizeText(BigInt(end) - BigInt(start));
  return [`${start}-${end}`, size, rights, `${sizeText(BigInt(pageBytes))} pages`, `-> ${target}`];
}

const maps: Command = {
  name: 'maps',
  topic: 'Memory and code',
  usage: 'maps [linear|ept] [START]',
  summary: 'what the page tables or the EPT map',
  help: [
    'Neighbouring pages with equal rights are one range: addresses, size, rights (read, write, execute,',
    'user, global), size of the pages, and the guest-physical (linear) or physical (ept) address it starts at.',
    '  maps',
    '  maps ept',
    '  maps linear 0xffff800000000000',
  ],
  complete: (text, caret, context) => [
    ...(/^\S*$/.test(text.slice(0, caret)) ? wordCompletions(text, caret, ['linear', 'ept']) : []),
    ...expressionCompletions(text, caret, context),
  ],
  async run({ rest }, context) {
    const [, word, expression] = /^(?:(linear|ept|guestPhysical)(?=\s|$))?\s*(.*)$/is.exec(rest)!;
    const space = SPACES[word?.toLowerCase() ?? 'linear']!;
    const start: Hex = expression ? hex((await placeArgument(expression, context)).address) : '0x0';
    const { ranges, next, note } = await context.target.mappings(context.thread, { space, start, count: MAX_RANGES });
    const lines = columns(ranges.map(rangeRow), [1]);
    if (space === 'linear') {
      ranges.forEach((range, at) => (lines[at] += nameSuffix(context.names.symbolAt(BigInt(range.start)))));
    }
    if (lines.length === 0) return note ?? `Nothing is mapped${start === '0x0' ? '' : ` from ${start} on`}.`;
    if (note !== undefined) lines.push(note);
    if (next !== undefined) lines.push(`… more: maps ${space === 'linear' ? 'linear' : 'ept'} ${next}`);
    return lines.join('\n');
  },
};

const memmap: Command = {
  name: 'memmap',
  topic: 'Machine',
  usage: 'memmap [KIND]',
  summary: 'what guest-physical memory holds',
  help: ['KIND is RAM, firmware, device or none.', '  memmap', '  memmap device'],
  complete: (text, caret) => wordCompletions(text, caret, ['RAM', 'firmware', 'device', 'none']),
  async run({ rest }, { target }) {
    const { regions } = await target.memoryMap();
    const wanted = regions.filter(({ kind }) => rest === '' || kind.toLowerCase() === rest.toLowerCase());
    if (wanted.length === 0) {
      throw noSuch('kind of memory', rest, `there is ${[...new Set(regions.map(({ kind }) => kind))].join(', ')}`);
    }
    const rows = wanted.map(({ start, end, kind, name }) => [
      `${start}-${end}`,
      sizeText(BigInt(end) - BigInt(start)),
      kind,
      name,
    ]);
    return columns(rows, [1]).join('\n');
  },
};

export const TRANSLATION_COMMANDS: readonly Command[] = [walk, ept, maps, memmap];
