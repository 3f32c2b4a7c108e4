/** Commands on values: `p`, `set`. */
import type { Value } from '../../symbols/expression/ast';
import { formatValue } from '../../symbols/expression/format';
import { isPointer } from '../../symbols/expression/types';
import { expressionCompletions } from './arguments';
import type { Command, ConsoleNames } from './command';
import { badOption, badUsage } from './errors';
import { nameSuffix } from './layout';

/** An = that belongs to no comparison. */
const ASSIGNMENT = /(?<![=!<>])=(?!=)/;

/** A value with the symbol that it points into: `0xffffffff81000010 <main+0x10>`. */
export function describeValue(
  value: Value,
  names: Pick<ConsoleNames, 'symbolAt'>,
  format: 'x' | 'd' | '' = '',
): string {
  if (format === 'd') return String(value.value);
  const text = formatValue(value, { hex: format === 'x' });
  const { type } = value;
  const isAddress = isPointer(type) ? type.space === 'linear' : type.bits === 64 && !type.signed;
  return isAddress ? text + nameSuffix(names.symbolAt(value.value)) : text;
}

const p: Command = {
  name: 'p',
  aliases: ['print'],
  topic: 'Values',
  usage: 'p[/FORMAT] EXPRESSION',
  summary: 'the value of an expression',
  help: [
    "C's operators over 64-bit integers, $registers, variables of the guest's program, casts and",
    'dereferences. A function is its address, as is a variable that is no integer.',
    'FORMAT is x (hexadecimal) or d (decimal). What is typed without a command is an expression too;',
    'p is for those that look like a command.',
    '  p $rax + 8',
    '  p *(u32*)$rsp',
    '  p/x *(u16*)physical(0x1000)',
    '  p jiffies            a variable',
    '  p &jiffies           its address',
  ],
  complete: expressionCompletions,
  async run({ option, rest }, context) {
    if (rest === '') throw badUsage('p', this.usage);
    if (option !== '' && option !== 'x' && option !== 'd') throw badOption(option, 'formats are /x and /d');
    return describeValue(await context.evaluate(rest), context.names, option);
  },
};

const set: Command = {
  name: 'set',
  topic: 'Values',
  usage: 'set PLACE = EXPRESSION',
  summary: 'writes a register or memory',
  help: [
    'PLACE is a register, a part of one (the other bits stay), or a dereference. Memory is written in',
    "any space, whatever the guest's page tables permit.",
    '  set $rax = 5',
    '  set zf = 1',
    '  set *(u8*)physical(0x1000) = 0x90',
    '  set jiffies = jiffies + 1',
  ],
  complete: expressionCompletions,
  async run({ rest }, context) {
    const at = rest.search(ASSIGNMENT);
    const left = rest.slice(0, at).trim();
    const right = rest.slice(at + 1).trim();
    if (at < 0 || left === '' || right === '') throw badUsage('set', this.usage);
    const { value } = await context.evaluate(right);
    return `${left} = ${describeValue(await context.assign(left, value), context.names)}`;
  },
};

export const VALUE_COMMANDS: readonly Command[] = [p, set];
