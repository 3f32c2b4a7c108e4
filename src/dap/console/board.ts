/** Commands on the machine as a whole: `info`, `devices`, `interrupts`. */
import type { DeviceAnswer, DeviceRegister } from '../../protocol/devices';
import type { InterruptHop, InterruptLine } from '../../protocol/interrupts';
import { phraseCompletions, plain } from './arguments';
import type { Command } from './command';
import { noSuch } from './errors';
import { bounded, columns, counted, hex, nameSuffix } from './layout';
import { bitsText } from './registers';

const MIB = 2 ** 20;

const info: Command = {
  name: 'info',
  topic: 'Machine',
  usage: 'info',
  summary: 'the machine, its mode and how far it has come',
  help: ['Ticks are nanoseconds of guest time.'],
  async run(_line, { target, thread, names }) {
    const { name, kernel, memoryBytes, bare } = await target.describe();
    const { instructions, ticks, exits } = await target.state();
    const { linear, mode } = await target.position(thread);
    const line = names.lineAt(linear);
    return columns([
      ['machine', `${name}, ${memoryBytes / MIB} MiB, ${bare ? 'bare' : 'under the hypervisor'}`],
      ['kernel', kernel],
      ['mode', mode],
      ['next', `${hex(linear)}${nameSuffix(names.symbolAt(linear))}${line === undefined ? '' : ` ${line}`}`],
      ['completed', `${counted(instructions, 'instruction')}, ${counted(ticks, 'tick')}, ${counted(exits, 'VM exit')}`],
    ]).join('\n');
  },
};

/** A register and, indented, its fields. */
function registerRows({ name, bits, value, location, meaning, fields = [] }: DeviceRegister): string[][] {
  const about = [`${bits} bits`, location, meaning].filter((part) => part !== undefined);
  const head = [`  ${name}`, value, about.join(', ')];
  return [
    head,
    ...fields.map((field) => [
      `    ${bitsText(field.high, field.low)} ${field.name}`,
      field.high === field.low ? String(BigInt(field.value)) : field.value,
      field.meaning ?? '',
    ]),
  ];
}

const deviceLines = ({ name, title, places, registers }: DeviceAnswer): string[] => [
  [title === undefined ? name : `${name}: ${title}`, ...places].join(', '),
  ...columns(registers.flatMap(registerRows)),
];

const devices: Command = {
  name: 'devices',
  aliases: ['device'],
  topic: 'Machine',
  usage: 'devices [NAME]',
  summary: 'the devices; one with all its registers',
  help: ['Reading has no side effects. NAME is a part of a name or title.', '  devices', '  devices uart'],
  async complete(text, caret, { target }) {
    const answer = await target.devices();
    return phraseCompletions(
      text,
      caret,
      answer.devices.map(({ name }) => name),
    );
  },
  async run({ rest }, { target }) {
    const { devices: all } = await target.devices();
    if (rest === '')
      return columns(all.map(({ name, title = '', places }) => [name, title, places.join(', ')])).join('\n');
    const exact = all.filter(({ name }) => plain(name) === plain(rest));
    const found =
      exact.length > 0 ? exact : all.filter(({ name, title = '' }) => plain(name + title).includes(plain(rest)));
    if (found.length === 0) throw noSuch('device', rest, '"devices" lists them');
    return bounded(found.flatMap(deviceLines), 'write more of the name');
  },
};

const hopText = ({ controller, input, masked, pending, inService, trigger }: InterruptHop): string =>
  [controller, input, trigger, masked && 'masked', pending && 'pending', inService && 'in service']
    .filter((part) => part !== false && part !== '')
    .join(' ');

function lineRow({ source, asserted, hops, vector, blocked }: InterruptLine): string[] {
  const level = asserted === undefined ? '' : asserted ? 'high' : 'low';
  const end = vector === undefined ? '' : ` -> vector ${hex(vector)}`;
  const why = blocked === undefined ? '' : ` (blocked: ${blocked})`;
  return [source, level, hops.map(hopText).join(' -> ') + end + why];
}

const interrupts: Command = {
  name: 'interrupts',
  aliases: ['irqs'],
  topic: 'Machine',
  usage: 'interrupts [SOURCE]',
  summary: 'the way of each interrupt line to its vector',
  help: [
    'A line each: the source, its level, the inputs of the controllers on its way, the vector, and what',
    'keeps it from the processor.',
    '  interrupts',
    '  interrupts irq 4',
  ],
  async complete(text, caret, { target }) {
    const { lines } = await target.interrupts();
    return phraseCompletions(
      text,
      caret,
      lines.map(({ source }) => source),
    );
  },
  async run({ rest }, { target }) {
    const { lines } = await target.interrupts();
    const found = lines.filter(({ source }) => plain(source).includes(plain(rest)));
    if (found.length === 0) throw noSuch('interrupt source', rest, '"interrupts" lists them');
    return columns(found.map(lineRow)).join('\n');
  },
};

export const BOARD_COMMANDS: readonly Command[] = [info, devices, interrupts];
