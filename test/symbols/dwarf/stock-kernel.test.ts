// The debug information of Debian's stock kernel, 590 MB: chains of inlined functions as addr2line tells them, variables
// that all can be read, bounded memory and time.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { openSymbolFile, type RandomAccessBytes, type SymbolFile } from '../../../src/symbols/symbol-file';
import { lab, requireLab } from '../../support/lab/lab';
import { findCommand } from '../../support/lab/command';

/** A file that is read where it is needed. */
function fileBytes(path: string): RandomAccessBytes & { close(): void } {
  const file = openSync(path, 'r');
  return {
    size: Number.MAX_SAFE_INTEGER,
    read(offset, length) {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
    },
    close: () => closeSync(file),
  };
}

const COUNT = 200;

/** Addresses in functions, the same ones every time. */
function someAddresses(symbols: SymbolFile): bigint[] {
  const functions = symbols.symbolsMatching(
    ({ kind, size, address }) => kind === 'function' && size > 8n && address > 0n,
    1e6,
  );
  let state = 4711;
  const random = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 3) % limit;
  };
  return Array.from({ length: COUNT }, () => {
    const { address, size } = functions[random(functions.length)]!;
    return address + BigInt(random(Number(size)));
  });
}

describe("symbols: a stock kernel's debug information", function () {
  this.timeout(300_000);
  let path: string;
  let bytes: RandomAccessBytes & { close(): void };
  let symbols: SymbolFile;
  let addresses: bigint[];
  let rss: number;

  before(async function () {
    this.timeout(1_200_000);
    path = requireLab(this, await lab.debugKernel()).vmlinux;
    bytes = fileBytes(path);
    rss = process.memoryUsage().rss;
    symbols = openSymbolFile(bytes);
    addresses = someAddresses(symbols);
  });

  after(() => bytes?.close());

  it(`tells the functions at ${COUNT} addresses as addr2line does`, function () {
    const command = findCommand('addr2line');
    if (!command) return this.skip();
    const list = addresses.map((address) => address.toString(16));
    const told = execFileSync(command, ['-i', '-f', '-a', '-e', path, ...list], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    let empty = 0;
    let statements = 0;
    for (const [index, text] of told.split(/^0x/m).slice(1).entries()) {
      const [, ...lines] = text.trim().split('\n');
      const wanted: string[] = [];
      // A function and its line; for the first it is the address's own, else where the one before is called.
      for (let at = 0; at < lines.length; at += 2) {
        wanted.push(`${lines[at]}:${lines[at + 1]!.replace(/ \(disc.*/, '').replace(/^.*:/, '')}`);
      }
      const address = addresses[index]!;
      const chain = symbols.scopesAt!(address);
      const found = chain.map(({ name }, at) => {
        const line = at === 0 ? symbols.lineAt(address)?.line : chain[at - 1]!.calledAt?.line;
        return `${name}:${line ?? '?'}`;
      });
      // Assembly and aliases of functions are symbols without an entry.
      if (chain.length === 0 && wanted.length === 1) empty += 1;
      else {
        // Where rows share an address addr2line tells the last one; who steps wants the one that begins a statement.
        const isOtherRow = found[0] !== wanted[0] && symbols.lineAt(address)!.isStatement;
        if (isOtherRow) statements += 1;
        assert.deepEqual(
          found.slice(Number(isOtherRow)),
          wanted.slice(Number(isOtherRow)),
          `0x${address.toString(16)}`,
        );
      }
    }
    assert.ok(statements < COUNT / 10, `${statements} other rows`);
    assert.ok(empty < COUNT / 20, `${empty} without an entry`);
  });

  it('tells every variable there, and where it is or why not', () => {
    const variables = addresses.flatMap((address) => symbols.scopesAt!(address)).flatMap((scope) => scope.variables());
    const absent = variables.filter(({ place }) => place.kind === 'absent');
    assert.ok(variables.length > 800);
    assert.ok(absent.length < variables.length / 2, `${absent.length} of ${variables.length}`);
    for (const { place } of absent)
      assert.ok(place.kind === 'absent' && /^(Optimised out|It cannot be shown): /.test(place.why));
    // Where a frame is, is known everywhere.
    assert.ok(!absent.some(({ place }) => place.kind === 'absent' && /frame/.test(place.why)));
  });

  it('is looked up by name from an index of a few megabytes that can be kept', () => {
    const before = process.cpuUsage();
    const task = symbols.types!.typeNamed('struct', 'task_struct');
    assert.ok(process.cpuUsage(before).user < 8_000_000, 'the index takes seconds');
    assert.ok(task?.kind === 'struct' && task.members.length > 150);
    const kept = symbols.typeIndex!.serialise()!;
    assert.ok(kept.length < 10_000_000);
    const again = openSymbolFile(bytes);
    assert.ok(again.typeIndex!.restore(kept));
    const begin = process.cpuUsage();
    const found = again.types!.typeNamed('struct', 'task_struct');
    assert.ok(process.cpuUsage(begin).user < 1_000_000);
    assert.ok(found?.kind === 'struct' && found.members.length === task.members.length);
    assert.deepEqual(again.types!.typeNames('task_str', 5), ['task_struct']);
    assert.equal(again.types!.typeOfSymbol('init_task')?.kind, 'struct');
    assert.equal(again.types!.typeOfSymbol('schedule')?.kind, 'function');
  });

  it('takes less than 1 GB for all that', () => {
    assert.ok(process.memoryUsage().rss - rss < 1_000_000_000);
  });
});
