// Damaged kernels: every answer is an answer or a UserError, soon. `VMXRAY_SOAK=n` multiplies the number of mutants.
import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { UserError } from '../../../src/common/errors';
import { memoryBytes } from '../../../src/symbols/bytes';
import { Btf } from '../../../src/symbols/kernel/btf';
import { unpackKernel } from '../../../src/symbols/kernel/bzimage';
import { findKallsyms } from '../../../src/symbols/kernel/kallsyms';
import { KernelSymbols } from '../../../src/symbols/kernel/kernel-symbols';
import { unpackLz4 } from '../../../src/symbols/kernel/lz4';
import { OrcTable } from '../../../src/symbols/kernel/orc';
import { unwindStep, type UnwindFrame } from '../../../src/symbols/kernel/unwind';
import { unpackXz } from '../../../src/symbols/kernel/xz';
import { unpackZstd } from '../../../src/symbols/kernel/zstd/zstd';
import { memberNamed } from '../../../src/symbols/types/members';
import { isAggregate, plain, sizeOf } from '../../../src/symbols/types/plain';
import { btfImage, KERNEL_TYPES, stringsOf } from './btf-image';
import { imageOf, sized } from './bzimage-image';
import { kallsymsImage, testSymbols } from './kallsyms-image';
import { damaged, randomBytes } from './random';
import { XZ_CASES } from './xz-cases';
import { ZSTD_CASES } from './zstd-cases';

const SOAK = Number(process.env['VMXRAY_SOAK'] ?? 1);
/** What one mutant may take of the processor's time, milliseconds. */
const MOST_TIME = 2000;

/** An answer, or nothing where a UserError says why there is none. */
function attempt<T>(question: () => T): T | undefined {
  try {
    return question();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function askTypes(btf: Btf): void {
  for (let id = 0; id < Math.min(btf.end + 2, 200); id += 1) {
    attempt(() => {
      const type = btf.type(id);
      sizeOf(type);
      const aggregate = plain(type);
      if (isAggregate(aggregate)) memberNamed(aggregate, 'key');
      if (type.kind === 'enum') assert.ok(type.values.length <= 0xffff);
    });
  }
  attempt(() => assert.ok(btf.typeNames('', 1000).length <= 1000));
  for (const name of ['node', 'printk', 'WRONG', 'current_node']) {
    attempt(() => btf.typeNamed('struct', name));
    attempt(() => btf.typeOfSymbol(name));
    attempt(() => btf.enumerator(name));
    attempt(() => btf.perCpuVariable(name)?.type);
  }
}

const TEXT = 0xffff_ffff_8100_0000n;
const kernelBtf = btfImage(KERNEL_TYPES);
const goodBtf = new Btf(kernelBtf);
const age = { bits: 64, number: 4, addresses: 'absolutePerCpu', sequences: true } as const;
const lz4 = Uint8Array.from([
  2, 0x21, 0x4c, 0x18, 12, 0, 0, 0, 0x54, 0x7f, 0x45, 0x4c, 0x46, 0x20, 5, 0, 0x20, 1, 2, 3,
]);
const [calls, noise, words] = XZ_CASES;

interface Parser {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** How many bytes are changed at most. */
  readonly changes: number;
  readonly mutants: number;
  ask(bytes: Uint8Array): void | Promise<void>;
}

const PARSERS: readonly Parser[] = [
  { name: 'BTF', bytes: kernelBtf, changes: 12, mutants: 500, ask: (bytes) => askTypes(new Btf(bytes)) },
  {
    name: "a module's BTF",
    bytes: btfImage(KERNEL_TYPES, stringsOf(kernelBtf)),
    changes: 8,
    mutants: 200,
    ask: (bytes) => askTypes(new Btf(bytes, goodBtf)),
  },
  {
    name: 'ORC',
    bytes: Uint8Array.from({ length: 400 }, (_, index) => [16, 0, 0, 0, 8, 0, 0, 0, 0x15, 0][index % 10]!),
    changes: 60,
    mutants: 300,
    async ask(bytes) {
      const count = Math.floor(bytes.length / 10);
      const orc = new OrcTable(bytes.subarray(0, 4 * count), TEXT, bytes.subarray(4 * count, 10 * count));
      const read = (linear: bigint, length: number): Promise<Uint8Array> =>
        Promise.resolve(linear & 1n ? new Uint8Array(0) : bytes.slice(0, length));
      let frame: UnwindFrame | 'end' | undefined = { ip: TEXT + 20n, sp: TEXT, bp: TEXT, isExact: true };
      for (let step = 0; step < 20 && frame && frame !== 'end'; step += 1) frame = await unwindStep(orc, frame, read);
      for (let at = -8n; at < 500n; at += 3n) orc.at(TEXT + at);
    },
  },
  {
    name: 'kallsyms',
    bytes: kallsymsImage(age, testSymbols(1100, TEXT), TEXT + 0x100_0000n),
    changes: 6,
    mutants: 200,
    ask(bytes) {
      const found = findKallsyms({ bytes, base: TEXT + 0x100_0000n });
      if (!found) return;
      const symbols = new KernelSymbols(found, []);
      assert.equal(found.addresses.length, found.names.length);
      for (let index = 0; index < symbols.size; index += 50) {
        symbols.at(found.addresses[index]!);
        assert.ok(symbols.named(found.names[index]!).length > 0);
      }
    },
  },
  { name: 'LZ4', bytes: lz4, changes: 3, mutants: 300, ask: (bytes) => void unpackLz4(bytes, 4096) },
  ...[calls!, noise!, words!].map(({ name, packed, unpacked }) => ({
    name: `XZ: ${name}`,
    bytes: packed,
    changes: 5,
    mutants: 150,
    ask: (bytes: Uint8Array) => assert.equal(unpackXz(bytes, unpacked.length).length, unpacked.length),
  })),
  ...ZSTD_CASES.map(({ name, packed, unpacked }) => ({
    name: `zstd: ${name}`,
    bytes: packed,
    changes: 5,
    mutants: 100,
    ask: (bytes: Uint8Array) => assert.equal(unpackZstd(bytes, unpacked.length).length, unpacked.length),
  })),
  ...[
    { name: 'LZ4', bytes: sized(lz4, 20) },
    { name: 'xz', bytes: sized(calls!.packed, calls!.unpacked.length) },
    { name: 'gzip', bytes: gzipSync(randomBytes(300, 5, [0, 1, 2])) },
  ].map(({ name, bytes }) => ({
    name: `a bzImage packed with ${name}`,
    bytes: imageOf(bytes),
    changes: 20,
    mutants: 100,
    ask: (image: Uint8Array) => {
      const gzip = (packed: Uint8Array, maxOutputLength: number) => gunzipSync(packed, { maxOutputLength });
      unpackKernel(memoryBytes(image), { gzip });
    },
  })),
];

describe("symbols: damaged kernels' data", function () {
  this.timeout(SOAK * 60_000);
  for (const { name, bytes, changes, mutants, ask } of PARSERS) {
    it(name, async () => {
      let slowest = 0;
      for (let seed = 1; seed <= mutants * SOAK; seed += 1) {
        const mutant = damaged(bytes, changes, seed * 7919);
        const before = process.cpuUsage();
        try {
          await ask(mutant);
        } catch (error) {
          assert.ok(error instanceof UserError, `seed ${seed}: ${(error as Error).stack}`);
        }
        slowest = Math.max(slowest, process.cpuUsage(before).user / 1000);
        assert.ok(slowest < MOST_TIME, `seed ${seed} takes ${slowest} ms`);
      }
    });
  }
});
