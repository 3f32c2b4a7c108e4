// What gdb and we say differently of one stack, by kinds that can be explained.
import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';
import type { Images } from '../../../src/dap/images/images';
import { variablesIn } from '../../../src/symbols/expression/bind-registers';
import { ON_ENTRY } from '../../../src/symbols/symbol-file';
import type { Variable } from '../../../src/symbols/types/place';
import type { ToldVariable } from '../../symbols/dwarf/gdb-stops';
import { leavesOf } from '../../symbols/dwarf/leaves';
import { MOST_FRAMES, TOLD_FRAMES, type KernelFrame, type KernelStack } from './gdb-teller';
import type { OurRow } from './our-stack';

/** Rows in or out in which a variable is looked for. */
const NEAR = 3;

/** Kinds of differences that have a reason, which is not that we are wrong. */
export const REASONS = {
  'caller of the last frame': 'where a stack ends gdb shows one more frame, at address 0',
  'frame of a tail call':
    'gdb shows functions that jumped to another one instead of calling it; they have left the stack',
  'caller of assembly': 'gdb has no call frame information for it and guesses; we go on by ORC',
  'static of an empty block': 'gdb shows statics of blocks that have no code here as those of the block around',
  'array without a length': 'gdb shows its first element',
  'line by addr2line': 'gdb passes over rows of the line table that begin no statement; addr2line agrees with us',
  'value in another row':
    'gdb tells ours for the same variable one call further in or out, and contradicts itself here',
  'value through a tail call':
    'the caller jumped here from a function that it called; gdb looks for ways by which it can have come, we do not',
  'value on entry of a clone':
    'gdb knows the called function by its symbol, which a copy that the compiler made has not; ours is what the call passed',
} as const;

/** A line that gdb and we tell differently: of the function at a depth of the chain at an address, innermost first. */
export interface DisputedLine {
  readonly address: bigint;
  readonly depth: number;
  readonly theirs: string;
  readonly ours: string;
  readonly text: string;
}

/** Counts of what was compared, and of what is different: texts by kind. */
export class Findings {
  frames = 0;
  inlined = 0;
  lines = 0;
  variables = 0;
  numbers = 0;
  /** Numbers that gdb and we know. */
  known = 0;
  readonly differences = new Map<string, string[]>();
  readonly disputed: DisputedLine[] = [];

  readonly note = (kind: string, text: string): void => {
    const texts = this.differences.get(kind) ?? [];
    texts.push(text);
    this.differences.set(kind, texts);
  };
}

/** Lets addr2line, which lists the same chains, decide between two lines. */
export function judgeLines(addr2line: string, vmlinux: string, { disputed, note }: Findings): void {
  if (disputed.length === 0) return;
  const addresses = disputed.map(({ address }) => address.toString(16));
  const told = execFileSync(addr2line, ['-a', '-i', '-e', vmlinux, ...addresses], { encoding: 'utf8' });
  const chains = told.split(/^0x.*\n/m).slice(1);
  for (const [index, { depth, theirs, ours, text }] of disputed.entries()) {
    const line = basename(chains[index]?.split('\n')[depth] ?? '').replace(/ \(disc.*/, '');
    const [who] = Object.entries({ gdb: theirs, us: ours }).find(([, one]) => one === line) ?? ['nobody'];
    note(who === 'us' ? 'line by addr2line' : `line; addr2line agrees with ${who}`, text);
  }
}

/** Compares the rows of a stack, `where` it was found. */
export function compareStacks(
  where: string,
  told: KernelStack,
  ours: readonly OurRow[],
  images: Images,
  findings: Findings,
): void {
  const theirs = told.frames.filter(({ tail }) => !tail);
  for (const frame of told.frames) if (frame.tail) findings.note('frame of a tail call', `${where}: ${frame.name}`);
  // From assembly on, of which there is no call frame information, gdb guesses.
  let guesses = false;
  for (const [index, frame] of theirs.slice(0, MOST_FRAMES).entries()) {
    const our = ours[index];
    const at = `${where} #${index}`;
    if (frame.name === null) {
      // There is no symbol in user mode, and none behind the end of a stack.
      const isEnd = !our && BigInt(frame.pc) === 0n;
      const kind = isEnd ? 'caller of the last frame' : guesses ? 'caller of assembly' : 'function without a name';
      if (index > 0) findings.note(kind, `${at}: ${frame.pc}; ours ${our?.name}`);
      return;
    }
    if (!our || !sameFunction(frame, our, images)) {
      const kind = guesses ? 'caller of assembly' : our ? 'function' : 'stack ends';
      findings.note(kind, `${at}: ${described(frame)} is ${our ? described(our) : 'not there'}`);
      return;
    }
    findings.frames += 1;
    if (frame.inlined) findings.inlined += 1;
    if (frame.debug) {
      findings.lines += 1;
      const line = `${basename(frame.file ?? '')}:${frame.line}`;
      const mine = `${basename(our.line?.file ?? '')}:${our.line?.line ?? 0}`;
      if (line !== mine) {
        const text = `${at} ${described(frame)}: ${line} is ${mine}`;
        findings.disputed.push({ address: our.at, depth: depthOf(our, ours), theirs: line, ours: mine, text });
      }
    }
    const near = theirs.slice(Math.max(0, index - NEAR), index + NEAR + 1);
    compareVariables(`${at} ${frame.name}`, { frame, our, near, isTail: isTail(told, frame) }, findings);
    if (!frame.debug) guesses = true;
  }
  const next = ours[theirs.length];
  if (!next || told.frames.length === TOLD_FRAMES) return;
  const kind = guesses ? 'caller of assembly' : 'stack ends for gdb';
  findings.note(kind, `${where}: ${told.error ?? 'gdb ends it'}; ours ${next.name}`);
}

/** Whether the function that a row is of was jumped to. */
function isTail({ frames }: KernelStack, row: KernelFrame): boolean {
  const rest = frames.slice(frames.indexOf(row));
  return rest[rest.findIndex(({ inlined }) => !inlined) + 1]?.tail ?? false;
}

function depthOf(row: OurRow, rows: readonly OurRow[]): number {
  return rows.filter(({ physical }) => physical === row.physical).indexOf(row);
}

function described(row: KernelFrame | OurRow): string {
  const isInlined = 'inlined' in row ? row.inlined : row.scope?.isInlined;
  return `${row.name}${isInlined ? ' inlined' : ''}`;
}

/** An address can have several names, of which any will do. */
function sameFunction(frame: KernelFrame, our: OurRow, images: Images): boolean {
  if (frame.inlined !== (our.scope?.isInlined ?? false)) return false;
  if (frame.name === our.bare) return true;
  const mine = images.symbolAt(our.at);
  const named = frame.name === null ? [] : images.named(frame.name);
  return !frame.inlined && named.some(({ symbol }) => symbol.address === mine?.symbol.address);
}

/** A row as gdb and we have it. */
interface Pair {
  readonly frame: KernelFrame;
  readonly our: OurRow;
  /** Rows further in and out, and itself. */
  readonly near: readonly KernelFrame[];
  readonly isTail: boolean;
}

function compareVariables(at: string, pair: Pair, findings: Findings): void {
  const { frame, our } = pair;
  const key = (name: string, line: number): string => `${name}:${line}`;
  const ours = new Map(our.scope?.variables().map((one) => [key(one.name, one.declared?.line ?? 0), one]));
  for (const variable of frame.variables) {
    const name = key(variable.name, variable.line);
    const mine = ours.get(name);
    // gdb shows a variable as optimised out, again or outside of its block, if the compiler put it into a new block.
    if (!mine && (variable.leaves[''] === null || isRepeated(variable, frame.variables))) continue;
    ours.delete(name);
    if (mine) compareVariable(`${at}: ${variable.name}`, variable, mine, pair, findings);
    else
      findings.note(
        variable.static ? 'static of an empty block' : 'variable is not there',
        `${at}: ${name} ${JSON.stringify(variable.leaves)}`,
      );
  }
  for (const [name, { place }] of ours) findings.note('variable is too much', `${at}: ${name} (${place.kind})`);
}

/** The compiler can describe a parameter of an inlined call twice. */
function isRepeated(one: ToldVariable, all: readonly ToldVariable[]): boolean {
  const text = JSON.stringify(one);
  return all.filter((other) => JSON.stringify(other) === text).length > 1;
}

function compareVariable(at: string, told: ToldVariable, our: Variable, pair: Pair, findings: Findings): void {
  findings.variables += 1;
  const leaves = leavesOf(our.type, our.place, pair.our.values);
  if ((our.kind === 'parameter') !== told.argument) findings.note('parameter or local', at);
  const [whole] = [told.leaves['']];
  const isLost = whole === null || whole?.startsWith('error');
  // gdb takes a value that is not there in parts for one that is not there.
  if (isLost && (Object.values(leaves).includes(null) || leaves[''] === undefined)) {
    findings.numbers += 1;
    return;
  }
  for (const [path, value] of Object.entries(told.leaves)) {
    // Arrays of variable length: how long they are is not implemented.
    if (our.type.kind === 'array' && our.type.count === undefined) continue;
    findings.numbers += 1;
    const mine = leaves[path];
    if (mine !== null && value !== null) findings.known += 1;
    if (mine === value) continue;
    findings.note(kindOf(path, value, mine, told, our, pair), `${at}${path} ${value} is ${mine} (${our.place.kind})`);
  }
}

function kindOf(
  path: string,
  value: string | null | undefined,
  mine: string | null | undefined,
  told: ToldVariable,
  our: Variable,
  { near, isTail }: Pair,
): string {
  if (mine === null) return isTail ? 'value through a tail call' : 'value that only gdb knows';
  if (mine === undefined) return path.endsWith('[0]') ? 'array without a length' : 'value';
  const isElsewhere = near.some(({ variables }) =>
    variables.some(({ name, leaves }) => name === told.name && leaves[path] === mine),
  );
  if (isElsewhere) return 'value in another row';
  if (value !== null) return 'value';
  return our.place.kind === 'value' && [...variablesIn(our.place.value)].some((name) => name.startsWith(ON_ENTRY))
    ? 'value on entry of a clone'
    : 'value that only we know';
}
