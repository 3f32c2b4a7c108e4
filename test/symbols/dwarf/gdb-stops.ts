// Programs built by gcc and stepped through by gdb, which tells what it knows at every stop (programs/tell.py).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCommand, run } from '../../support/lab/command';
import type { Leaves } from './leaves';

/** A variable as gdb shows it. */
export interface ToldVariable {
  readonly name: string;
  readonly line: number;
  readonly argument: boolean;
  /** It has one address for the whole program. */
  readonly static: boolean;
  readonly leaves: Leaves;
}

/** A frame, an inlined one too. */
export interface ToldFrame {
  readonly name: string;
  readonly line: number;
  readonly inlined: boolean;
  readonly pc: string;
  readonly variables: readonly ToldVariable[];
}

/** One stop; numbers are decimal, memory is an address and hexadecimal bytes. */
export interface ToldStop {
  readonly registers: Readonly<Record<string, string>>;
  readonly frames: readonly ToldFrame[];
  readonly memory: readonly (readonly [string, string])[];
}

/** A program that was built and what gdb told of it. */
export interface ToldProgram {
  readonly path: string;
  /** Linear address of `_start`. */
  readonly start: bigint;
  readonly stops: readonly ToldStop[];
}

const PROGRAMS = 'test/symbols/dwarf/programs';
const BARE = '-ffreestanding -fno-exceptions -nostdlib -static -fno-stack-protector -fcf-protection=none';

/** Builds and steps a program; `use` gets it before its files are removed. Undefined without gdb or the compiler. */
export async function withStops<T>(
  compiler: string,
  flags: string,
  sources: readonly string[],
  use: (program: ToldProgram) => T | Promise<T>,
  stride = 3,
): Promise<T | undefined> {
  const command = findCommand(compiler);
  const gdb = findCommand('gdb');
  if (!command || !gdb) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'vmxray-dwarf-'));
  try {
    const path = join(folder, 'program');
    const files = sources.map((source) => `${PROGRAMS}/${source}`);
    await run(command, [...`${flags} ${BARE}`.split(' '), '-o', path, ...files]);
    const script = ['-nx', '-q', '-batch', '-x', `${PROGRAMS}/tell.py`, path];
    const text = await run(gdb, script, { env: { ...process.env, STEPS: '3000', STRIDE: String(stride) } });
    const lines = text.split('\n');
    const told = (word: string): unknown[] =>
      lines.filter((line) => line.startsWith(word)).map((line) => JSON.parse(line.slice(word.length)) as unknown);
    const [begin] = told('BEGIN ') as { start: string }[];
    return await use({ path, start: BigInt(begin!.start), stops: told('STOP ') as ToldStop[] });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
