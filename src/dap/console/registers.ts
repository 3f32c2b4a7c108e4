/** `regs`: registers by group, and one register with its fields. */
import { registersFor } from '../../symbols/expression/complete';
import { registerPlace } from '../../targets/inspection/register-names';
import type { Register, RegisterField } from '../../targets/target';
import { plain, wordCompletions } from './arguments';
import { findRegister } from './assign';
import type { Command, ConsoleContext } from './command';
import { noSuch } from './errors';
import { bounded, columns, hex, nameSuffix, padded, sideBySide, withParts } from './layout';

const PER_ROW = 3;
/** Groups that `regs` alone shows. */
const USUAL = ['General', 'Flags'];
/** The group that has a command of its own. */
const VMCS = 'VMCS';

/** The fields that are not 0 by name, those of several bits with their value: `IF`, `ZF`, `IOPL=3`. */
function fieldTexts(value: bigint, fields: readonly RegisterField[]): string[] {
  return fields
    .map((field) => ({ ...field, held: fieldValue(value, field) }))
    .filter(({ held }) => held !== 0n)
    .map(({ name, high, low, held, values }) =>
      high === low ? name : `${name}=${values?.[Number(held)] ?? (held < 10n ? held : hex(held))}`,
    );
}

/** Names of several words need more than a space between them. */
const separatorOf = (parts: readonly string[]): string => (parts.some((part) => part.includes(' ')) ? ', ' : ' ');

const fieldValue = (value: bigint, { high, low }: Pick<RegisterField, 'high' | 'low'>): bigint =>
  (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);

/** A bit or range as the manuals write it: `7`, `13:12`. */
export const bitsText = (high: number, low: number): string => (high === low ? `${high}` : `${high}:${low}`);

/** Registers without fields side by side, those with fields a line each. */
async function groupLines(group: string, { target, thread, names }: ConsoleContext): Promise<string[]> {
  const registers = await target.registers(thread, group);
  const simple = registers.filter(({ fields }) => !fields?.length);
  const nameWidth = Math.max(0, ...simple.map(({ name }) => name.length));
  const cells = simple.map(({ name, value, bits }) => `${name.padEnd(nameWidth)} ${padded(value, bits)}`);
  // Names of 128-bit registers and long names leave room for fewer.
  const widest = Math.max(0, ...cells.map(({ length }) => length));
  const perRow = Math.max(1, Math.min(PER_ROW, Math.floor(100 / (widest + 2))));
  const decoded = registers
    .filter(({ fields }) => fields?.length)
    .map(({ name, value, bits, fields }) => ({ row: [name, padded(value, bits)], parts: fieldTexts(value, fields!) }));
  const decodedLines = columns(decoded.map(({ row }) => row)).flatMap((line, at) =>
    withParts(line, decoded[at]!.parts, separatorOf(decoded[at]!.parts)),
  );
  const hasRip = registers.some(({ name }) => name === 'RIP');
  const symbol = hasRip ? nameSuffix(names.symbolAt((await target.position(thread)).linear)) : '';
  return [...sideBySide(cells, perRow), ...(symbol === '' ? [] : [`RIP is in${symbol}`]), ...decodedLines];
}

function registerLines({ name, group, value, bits, fields, readOnly }: Register): string[] {
  const rights = readOnly ? ', read-only' : '';
  const head = `${name}  ${padded(value, bits)}  (${group}, ${bits} bits${rights})`;
  const rows = (fields ?? []).map((field) => {
    const held = fieldValue(value, field);
    return [
      bitsText(field.high, field.low),
      field.name,
      field.high === field.low ? `${held}` : hex(held),
      field.values?.[Number(held)] ?? field.meaning ?? '',
    ];
  });
  return [head, ...columns(rows, [0]).map((line) => `  ${line}`)];
}

const regs: Command = {
  name: 'regs',
  aliases: ['registers'],
  topic: 'Values',
  usage: 'regs [GROUP|REGISTER|all]',
  summary: 'registers, with their fields decoded',
  help: [
    'Without an argument the general registers and RFLAGS. Of fields those that are not 0 are shown;',
    'a single register shows all of them with their bits. "regs all" leaves the VMCS to "vmcs".',
    '  regs control',
    '  regs cr4',
    '  regs all',
  ],
  async complete(text, caret, { target, thread, names }) {
    const groups = await target.registerGroups(thread);
    const sign = text.startsWith('$') ? '$' : '';
    const registers = registersFor(text.slice(sign.length, caret), names.registers).map((name) => sign + name);
    return wordCompletions(text, caret, [...groups, 'all', ...registers]);
  },
  async run({ rest }, context) {
    const { target, thread } = context;
    const groups = await target.registerGroups(thread);
    const wanted = groupsNamed(rest, groups);
    if (wanted.length > 0) {
      const lines: string[] = [];
      for (const group of wanted) {
        if (wanted.length > 1 && rest !== '') lines.push(`${group}:`);
        lines.push(...(await groupLines(group, context)));
      }
      if (rest === '') lines.push(`Groups: ${groups.join(', ')}`);
      return bounded(lines, 'ask for one group');
    }
    const place = registerPlace(rest.replace(/^\$/, '').toLowerCase());
    const register = place && (await findRegister(target, thread, place));
    if (!register) throw noSuch('register or group', rest, `groups are ${groups.join(', ')}`);
    return registerLines(register).join('\n');
  },
};

function groupsNamed(text: string, groups: readonly string[]): readonly string[] {
  if (text === '') return groups.filter((group) => USUAL.includes(group));
  if (text.toLowerCase() === 'all') return groups.filter((group) => group !== VMCS);
  return groups.filter((group) => plain(group) === plain(text));
}

export const REGISTER_COMMANDS: readonly Command[] = [regs];
