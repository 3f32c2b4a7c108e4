/** Commands on VM exits and the VMCS: `exit`, `exits`, `vmcs`. */
import type { ExitDescription, ExitsQuery } from '../../protocol/exit';
import type { VmcsFieldBits, VmcsFieldDescription } from '../../protocol/vmcs';
import { countArgument, phraseCompletions, plain, wordCompletions } from './arguments';
import type { Command, ConsoleContext, ConsoleNames } from './command';
import { noSuch } from './errors';
import { bounded, columns, counted, hex, nameSuffix, shortened, withParts } from './layout';
import { bitsText } from './registers';

const DEFAULT_COUNT = 20;
const MAX_COUNT = 200;
const NONE_YET = 'There has been no VM exit yet.';

/** The SDM's name as one word that can be typed: `EPT_VIOLATION`. */
const asWord = (name: string): string =>
  name
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^_|_$/g, '');

function exitLines(exit: ExitDescription, names: ConsoleNames): string[] {
  const fields = Object.entries(exit.qualificationFields)
    .map(([name, value]) => `${name}=${value < 10 ? value : hex(value)}`)
    .join(' ');
  const rip = exit.rip + nameSuffix(names.symbolAt(BigInt(exit.rip)));
  const line = names.lineAt(BigInt(exit.rip));
  const rows: (readonly [string, string | undefined])[] = [
    ['reason', `${exit.reason} ${exit.name}`],
    ['qualification', [exit.qualification, exit.qualificationText].filter((part) => part !== '').join('  ')],
    ['', fields],
    ['guest RIP', line === undefined ? rip : `${rip} ${line}`],
    ['instruction length', exit.instructionLength > 0 ? counted(exit.instructionLength, 'byte') : undefined],
    ['guest-linear', exit.guestLinear],
    ['guest-physical', exit.guestPhysical],
    ['instructions', exit.instructions],
    ['ticks', `${exit.ticks} ns`],
    ['hypervisor', exit.action],
  ];
  const shown = rows.flatMap(([name, value]) => (value ? [[`  ${name}`, value]] : []));
  return [`Exit #${exit.number}: ${exit.name}`, ...columns(shown)];
}

const exit: Command = {
  name: 'exit',
  topic: 'Virtualization',
  usage: 'exit [NUMBER]',
  summary: 'the last VM exit in full, or another one of the log',
  help: ['  exit', '  exit 1041'],
  async run({ rest }, { target, thread, names }) {
    const found = rest === '' ? await target.lastExit(thread) : await exitNumbered(rest, target);
    if (found) return exitLines(found, names).join('\n');
    const { first, total } = await target.exits({ count: 1 });
    if (rest === '' || total === '0') return NONE_YET;
    throw noSuch('exit', rest, `the log holds ${first} to ${BigInt(total) - 1n}`);
  },
};

async function exitNumbered(text: string, target: ConsoleContext['target']): Promise<ExitDescription | undefined> {
  const number = /^#?[0-9]{1,15}$/.test(text) ? text.replace('#', '') : undefined;
  if (number === undefined) return undefined;
  const { exits } = await target.exits({ start: Number(number), count: 1 });
  return exits.find((one) => one.number === number);
}

function exitRow(
  { number, instructions, name, rip, qualificationText, guestPhysical, action }: ExitDescription,
  names: ConsoleNames,
): string[] {
  const what = qualificationText !== '' ? qualificationText : guestPhysical === undefined ? '' : `at ${guestPhysical}`;
  const symbol = names.symbolAt(BigInt(rip));
  return [
    `#${number}`,
    `@${instructions}`,
    name,
    symbol === undefined ? rip : shortened(symbol),
    [what, action].filter((part) => part !== '').join('; '),
  ];
}

/** Exact totals since the start, the largest first. */
function totalLines(totals: Readonly<Record<string, string>>, total: string): string[] {
  const all = BigInt(total);
  const rows = Object.entries(totals)
    .filter(([, count]) => count !== '0')
    .sort(([, a], [, b]) => (BigInt(a) < BigInt(b) ? 1 : BigInt(a) > BigInt(b) ? -1 : 0))
    .map(([name, count]) => {
      const tenths = all === 0n ? 0n : (BigInt(count) * 1000n) / all;
      return [count, `${tenths / 10n}.${tenths % 10n}%`, name];
    });
  return [`${counted(total, 'exit')} since the start:`, ...columns(rows, [0, 1]).map((line) => `  ${line}`)];
}

const exits: Command = {
  name: 'exits',
  topic: 'Virtualization',
  usage: 'exits [COUNT] [REASON...]',
  summary: 'the last VM exits, and totals by reason',
  help: [
    `Shows the last ${DEFAULT_COUNT} exits, or as many as asked for (at most ${MAX_COUNT}): number, instructions completed,`,
    "reason, place, and what the hypervisor did. REASON is the SDM's name with _ for spaces, or a number.",
    '  exits',
    '  exits 50 EPT_VIOLATION',
    '  exits CPUID HLT 30',
  ],
  async complete(text, caret, { target }) {
    const { totals } = await target.exits({ count: 1 });
    return wordCompletions(text, caret, Object.keys(totals).map(asWord));
  },
  async run({ rest }, { target, names }) {
    const words = rest.split(/[\s,]+/).filter((word) => word !== '');
    const startsWithCount = /^[0-9]+$/.test(words[0] ?? '');
    const count = startsWithCount ? countArgument(words.shift()!, MAX_COUNT) : DEFAULT_COUNT;
    const query: ExitsQuery = { count, ...(words.length > 0 && { reasons: words }) };
    const answer = await target.exits(query);
    if (answer.total === '0') return NONE_YET;
    const rows = answer.exits.map((one) => exitRow(one, names));
    const none = rows.length === 0 ? ['The log holds none of these.'] : [];
    return [...columns(rows, [0, 1]), ...none, ...totalLines(answer.totals, answer.total)].join('\n');
  },
};

const SHOWN_IN_FULL = 3;

function vmcsLines(fields: readonly VmcsFieldDescription[]): string[] {
  const lines = columns(fields.map(({ encoding, name, value }) => [`  ${encoding}`, name, value]));
  return fields.flatMap(({ fields: bits = [] }, at) =>
    withParts(lines[at]!, bits.filter(({ value }) => BigInt(value) !== 0n).map(bitName), ', '),
  );
}

const bitName = ({ name, high, low, value }: VmcsFieldBits): string =>
  high === low ? name : `${name}=${BigInt(value) < 10n ? BigInt(value) : value}`;

function vmcsDetails(field: VmcsFieldDescription): string[] {
  const rows = (field.fields ?? []).map(({ name, high, low, value, meaning = '' }) => [
    bitsText(high, low),
    high === low ? String(BigInt(value)) : value,
    name,
    meaning,
  ]);
  return [
    `${field.name}  ${field.value}  (${field.group}, ${field.encoding}, ${field.bits} bits)`,
    ...columns(rows, [0]).map((line) => `  ${line}`),
  ];
}

const vmcs: Command = {
  name: 'vmcs',
  topic: 'Virtualization',
  usage: 'vmcs [GROUP|NAME|ENCODING]',
  summary: 'fields of the VMCS',
  help: [
    'GROUP is guest state, host state, control or read-only data; NAME is a part of a name. Up to three',
    'fields are shown with all their bits. Guest state is that of the last VM exit.',
    '  vmcs',
    '  vmcs control',
    '  vmcs exception bitmap',
    '  vmcs 0x4402',
  ],
  async complete(text, caret, { target, thread }) {
    const { fields } = await target.vmcs(thread);
    return phraseCompletions(text, caret, [
      ...new Set(fields.map(({ group }) => group)),
      ...fields.map(({ name }) => name),
    ]);
  },
  async run({ rest }, { target, thread }) {
    const answer = await target.vmcs(thread);
    const found = fieldsNamed(rest, answer.fields);
    if (found.length === 0) throw noSuch('VMCS field or group', rest, '"vmcs" lists them all');
    const asOf = answer.exit === undefined ? 'before the first exit' : `as of exit #${answer.exit}`;
    if (rest !== '' && found.length <= SHOWN_IN_FULL) return found.flatMap(vmcsDetails).join('\n');
    const lines: string[] = [];
    for (const group of new Set(found.map((field) => field.group))) {
      lines.push(`${group}${group === 'guest state' ? ` (${asOf})` : ''}:`);
      lines.push(...vmcsLines(found.filter((field) => field.group === group)));
    }
    return bounded(lines, 'ask for a group');
  },
};

/** A field by its exact name or encoding, else a group, else all whose names contain the text. */
function fieldsNamed(text: string, fields: readonly VmcsFieldDescription[]): readonly VmcsFieldDescription[] {
  const key = plain(text);
  const exact = fields.filter(({ name, encoding }) => plain(name) === key || encoding === text.toLowerCase());
  if (exact.length > 0) return exact;
  if (text !== '' && key === '') return [];
  const group = fields.filter((field) => key !== '' && plain(field.group).startsWith(key));
  return group.length > 0 ? group : fields.filter(({ name }) => plain(name).includes(key));
}

export const EXIT_COMMANDS: readonly Command[] = [exit, exits, vmcs];
