// Builds host.c and runs trials on the host's CPU.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IMAGE, segmentBase } from './layout';
import { dataPages, fillState } from './random-state';
import { COMPARED_FLAGS } from './vector';
import type { Ending, Run, Trial, Vector } from './vector';

const SOURCE = 'test/isa/vectors/host.c';
const TEST_BYTES = 24 + 128 + 8 + 4 * 24 + 416;
const RESULT_BYTES = 32;
const BREAKPOINT = 3;
const PAGE_FAULT = 14;
const FETCH = 0x10;

/** The host's CPU behind the harness. */
export class Host {
  /** Its name and CPUID signature. */
  readonly cpu: string;

  private constructor(
    private readonly folder: string,
    private readonly program: string,
  ) {
    this.cpu = execFileSync(program).toString().trim();
  }

  /** Builds the harness; undefined without gcc, or where 16-bit segments cannot be had. */
  static build(): Host | undefined {
    if (process.arch !== 'x64' || process.platform !== 'linux') return undefined;
    const folder = mkdtempSync(join(tmpdir(), 'vmxray-vectors-'));
    const program = join(folder, 'host');
    try {
      execFileSync('gcc', ['-O1', '-o', program, SOURCE], { stdio: 'ignore' });
      const host = new Host(folder, program);
      host.run([]);
      return host;
    } catch {
      rmSync(folder, { recursive: true, force: true });
      return undefined;
    }
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What the CPU does in each trial. */
  run(trials: readonly Trial[]): Vector[] {
    const data = dataPages();
    const input = Buffer.alloc(data.length + TEST_BYTES * trials.length);
    input.set(data);
    trials.forEach((trial, n) => writeTest(input, data.length + n * TEST_BYTES, trial));
    const output = execFileSync(this.program, ['run'], {
      input,
      maxBuffer: 2 ** 30,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let at = 0;
    return trials.map((trial) => {
      const { ending, next } = readResult(output, at, trial);
      at = next;
      return { ...trial, ending };
    });
  }
}

function writeTest(buffer: Buffer, at: number, trial: Trial): void {
  const { code, mode, patches, overrides } = trial;
  const state = new DataView(new ArrayBuffer(IMAGE.bytes));
  fillState(state, trial.seed, trial.profile, mode.bits);
  for (const [register, value] of overrides) state.setBigUint64(IMAGE.registers + register * 8, value, true);
  const image = Buffer.from(state.buffer);
  buffer.set(code, at);
  buffer.set([code.length, mode.bits, mode.stack, patches.length], at + 16);
  buffer.writeUInt32LE(trial.at, at + 20);
  image.copy(buffer, at + 24, IMAGE.registers, IMAGE.fxsave);
  buffer.writeBigUInt64LE(BigInt(trial.flags), at + 152);
  patches.forEach(({ at: linear, bytes }, n) => {
    const place = at + 160 + n * 24;
    buffer.writeUInt32LE(linear, place);
    buffer.writeUInt32LE(bytes.length, place + 4);
    buffer.set(bytes, place + 8);
  });
  image.copy(buffer, at + 256, IMAGE.fxsave, IMAGE.data);
}

function readResult(buffer: Buffer, at: number, trial: Trial): { ending: Ending; next: number } {
  const vector = buffer.readUInt8(at);
  const count = buffer.readUInt16LE(at + 2);
  const error = buffer.readUInt32LE(at + 4);
  const rip = buffer.readBigUInt64LE(at + 16);
  let next = at + RESULT_BYTES;
  const runs: Run[] = [];
  for (let n = 0; n < count; n++) {
    const offset = buffer.readUInt16LE(next);
    const length = buffer.readUInt16LE(next + 2);
    runs.push({ offset, bytes: Uint8Array.from(buffer.subarray(next + 4, next + 4 + length)) });
    next += 4 + length;
  }
  const start = BigInt(trial.at - segmentBase(trial.mode, 1));
  const atTarget = vector === PAGE_FAULT && (error & FETCH) !== 0 && rip !== start; // it completed and went there
  const completed = vector === BREAKPOINT || atTarget;
  const address = vector === PAGE_FAULT && !completed ? buffer.readBigUInt64LE(at + 8) : 0n;
  const flags = Number(buffer.readBigUInt64LE(at + 24)) & COMPARED_FLAGS;
  const fault = completed ? undefined : vector;
  return { ending: { fault, error: completed ? 0 : error, address, rip, flags, runs }, next };
}
