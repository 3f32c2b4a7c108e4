/** Commands on code and symbols: `dis`, `sym`. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { disassembleRows } from '../disassembly';
import {
  countArgument,
  expressionCompletions,
  placeArgument,
  placeOfValue,
  splitCount,
  type PlaceArgument,
} from './arguments';
import type { Command, ConsoleContext } from './command';
import { badUsage, noMemory } from './errors';
import { columns, hex, nameSuffix, placeText, shortened } from './layout';

/** Most instructions of one command. */
export const MAX_INSTRUCTIONS = 200;
const DEFAULT_COUNT = 10;

type Row = DebugProtocol.DisassembledInstruction;

/** Instructions from a place on, in the vCPU's code size; `=>` marks the next one, a line before a piece names it. */
export async function instructionLines(
  place: PlaceArgument,
  count: number,
  context: ConsoleContext,
): Promise<string[]> {
  const { target, thread, decoder } = context;
  const { space, address } = place;
  const { linear, rip, codeBits } = await target.position(thread);
  const base = BigInt.asUintN(64, linear - rip);
  const read = (from: bigint, length: number): Promise<Uint8Array> => target.readMemory(thread, space, from, length);
  const rows = await disassembleRows(decoder, read, { address, first: 0, count, codeBits, base });
  const shown = rows.filter(({ address: at }) => at.startsWith('0x'));
  if (shown.length === 0) throw noMemory(placeText(space, address));
  const texts = columns(
    shown.map((row) => [
      space === 'linear' && BigInt(row.address) === linear ? '=>' : '',
      placeText(space, BigInt(row.address)),
      row.instructionBytes ?? '',
      row.instruction + destination(row, base, space, context),
    ]),
  );
  if (space !== 'linear') return texts;
  let last = '';
  return texts.flatMap((text, index) => {
    const title = titleOf(BigInt(shown[index]!.address), index === 0, context);
    if (title === undefined || title.piece === last) return [text];
    last = title.piece;
    return [`${title.text}:`, text];
  });
}

/** What the instructions from here on belong to: a function and, where it is known, a line. */
function titleOf(
  address: bigint,
  isFirst: boolean,
  { names }: ConsoleContext,
): { piece: string; text: string } | undefined {
  const symbol = names.symbolAt(address);
  if (symbol === undefined) return undefined;
  const line = names.lineAt(address);
  const name = symbol.replace(/\+0x[0-9a-f]+$/, '');
  return {
    piece: `${name} ${line ?? ''}`,
    text: shortened(isFirst ? symbol : name) + (line === undefined ? '' : ` ${line}`),
  };
}

/** The symbol that a near branch goes to. */
function destination({ instruction }: Row, base: bigint, space: string, { names }: ConsoleContext): string {
  const [, offset] = /^(?:call|j[a-z]+|loop[a-z]*) (0x[0-9a-f]+)$/.exec(instruction) ?? [];
  if (offset === undefined || space !== 'linear') return '';
  return nameSuffix(names.symbolAt(BigInt.asUintN(64, base + BigInt(offset))));
}

const dis: Command = {
  name: 'dis',
  aliases: ['disassemble'],
  topic: 'Memory and code',
  usage: 'dis[/COUNT] [ADDRESS [COUNT]]',
  summary: 'instructions, from the next one on if no address is given',
  help: [
    `Shows ${DEFAULT_COUNT} instructions, or as many as asked for (at most ${MAX_INSTRUCTIONS}), in the mode that the`,
    'processor is in. => marks the next one.',
    '  dis',
    '  dis main 20',
    '  dis/5 $rip + 16',
    '  dis physical:0x7c00',
  ],
  complete: expressionCompletions,
  async run({ option, rest }, context) {
    const { head, count = option } = splitCount(rest, context);
    const place: PlaceArgument =
      head === ''
        ? { space: 'linear', address: (await context.target.position(context.thread)).linear }
        : await placeArgument(head, context);
    const wanted = count === '' ? DEFAULT_COUNT : countArgument(count, MAX_INSTRUCTIONS);
    return (await instructionLines(place, wanted, context)).join('\n');
  },
};

const sym: Command = {
  name: 'sym',
  aliases: ['symbol'],
  topic: 'Memory and code',
  usage: 'sym NAME|ADDRESS',
  summary: 'the address of a symbol, or the symbol at an address',
  help: ['  sym start_kernel', '  sym $rip', '  sym *(u64*)$rsp'],
  complete: expressionCompletions,
  async run({ rest }, context) {
    if (rest === '') throw badUsage('sym', this.usage);
    const { names } = context;
    const symbol = names.symbol(rest);
    const address = symbol ? symbol.address : placeOfValue(await context.evaluate(rest)).address;
    const size = symbol?.size === undefined ? '' : `, ${symbol.size} bytes`;
    const line = names.lineAt(address);
    const at = names.symbolAt(address);
    if (!symbol && at === undefined) return `${hex(address)}: no symbol`;
    return `${hex(address)}${nameSuffix(symbol ? rest : at)}${size}${line === undefined ? '' : `, ${line}`}`;
  },
};

export const CODE_COMMANDS: readonly Command[] = [dis, sym];
