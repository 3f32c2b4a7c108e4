/** Commands on values: `p`, `set`. */
import type { Value } from '../../symbols/expression/ast';
import { formatValue } from '../../symbols/expression/format';
import { isPointer } from '../../symbols/expression/types';
import { expressionCompletions } from './arguments';
import type { Command, ConsoleNames } from './command';
import { badOption, badUsage } from './errors';
import type { ValueFormat } from '../values/reader';
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

const FORMATS: readonly string[] = ['', 'x', 'd', 'b', 'o', 'c', 's'] satisfies ValueFormat[];
const isFormat = (option: string): option is ValueFormat => FORMATS.includes(option);

const p: Command = {
  name: 'p',
  aliases: ['print'],
  topic: 'Values',
  usage: 'p[/FORMAT] EXPRESSION',
  summary: 'the value of an expression',
  help: [
    "C's operators over $registers and the variables of the guest's program, casts to its types,",
    'members, elements. Without types a function or a variable that is no integer is its address.',
    'FORMAT is x (hexadecimal), d (decimal), b (binary), o (octal), c (character), s (string). What is',
    'typed without a command is an expression too, with its format behind a comma: jiffies,x;',
    'p is for those that look like a command.',
    '  p $rax + 8',
    '  p/x *(u16*)physical(0x1000)',
    '  p &jiffies                            an address',
    '  p $current->comm                      the task that the processor runs',
    '  p ((struct page *)$rdi)->flags        a member of any type',
    '  p *files@4                            an array that begins there',
    '  p task->comm == "init"                text is compared by its characters',
    "  p this_cpu(runqueues).nr_running      this processor's copy; per_cpu(runqueues, 1) another's",
    '  p container_of(node, struct task_struct, tasks)->pid',
    '  p list(init_task.tasks, struct task_struct, tasks)      entries of a list_head; hlist(…), rbtree(…)',
    '  p xarray(mapping->i_pages, struct folio)                what the entries of an xarray point to',
  ],
  complete: expressionCompletions,
  async run({ option, rest }, context) {
    if (rest === '') throw badUsage('p', this.usage);
    if (!isFormat(option)) throw badOption(option, 'formats are /x, /d, /b, /o, /c and /s');
    return context.show(rest, option);
  },
};

const set: Command = {
  name: 'set',
  topic: 'Values',
  usage: 'set PLACE = EXPRESSION',
  summary: 'writes a register or memory',
  help: [
    'PLACE is a register, a part of one (the other bits stay), a variable, a member, or a dereference.',
    "Memory is written in any space, whatever the guest's page tables permit.",
    '  set $rax = 5',
    '  set zf = 1',
    '  set *(u8*)physical(0x1000) = 0x90',
    '  set jiffies = jiffies + 1',
    '  set $current->comm = "renamed"',
  ],
  complete: expressionCompletions,
  async run({ rest }, context) {
    const at = rest.search(ASSIGNMENT);
    const left = rest.slice(0, at).trim();
    const right = rest.slice(at + 1).trim();
    if (at < 0 || left === '' || right === '') throw badUsage('set', this.usage);
    return `${left} = ${await context.set(left, right)}`;
  },
};

export const VALUE_COMMANDS: readonly Command[] = [p, set];
