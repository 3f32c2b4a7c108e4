// The sample guests' symbols and lines against binutils, where they are installed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { SymbolFile } from '../../src/symbols/symbol-file';
import { memoryBytes, openSymbolFile } from '../../src/symbols/symbol-file';

const guests = ['tour', 'hypervisor', 'real16', 'protected32', 'exceptions'];
const pathOf = (guest: string): string => `test/guests/bin/${guest}.elf`;

/** What a program of binutils prints; undefined if it is not installed. */
function run(program: string, ...args: string[]): string | undefined {
  const { stdout, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  return error ? undefined : stdout;
}

/** A row of `readelf --debug-dump=decodedline`: name, line (`-` ends a sequence), address, view, statement. */
const ROW = /^(\S+)\s+(\d+|-)\s+(0x[0-9a-f]+|0)(?:\s+\d+)?(\s+x)?\s*$/;

function compareRows(symbols: SymbolFile, dump: string): number {
  let compared = 0;
  let last: { file: string; line: string; address: bigint; isStatement: boolean } | undefined;
  for (const text of dump.split('\n')) {
    const match = ROW.exec(text);
    if (!match) continue;
    const row = { file: match[1]!, line: match[2]!, address: BigInt(match[3]!), isStatement: match[4] !== undefined };
    // A row holds up to the next one; of rows of a file at one address the last that begins a statement, as gdb has it.
    if (last?.address === row.address && last.file === row.file && last.isStatement && !row.isStatement) {
      if (row.line !== '-') continue;
    }
    if (last && last.line !== '-' && row.address > last.address) {
      const found = symbols.lineAt(last.address);
      const name = found?.file.split('/').at(-1);
      assert.deepEqual({ ...last, ...found, file: name }, { ...last, ...found, file: last.file });
      assert.equal(`${found?.line} ${found?.isStatement}`, `${last.line} ${last.isStatement}`, text);
      assert.ok(found && found.start <= last.address && row.address <= found.end, text);
      assert.deepEqual(symbols.lineAt(row.address - 1n), found, text);
      compared += 1;
    }
    last = row;
  }
  return compared;
}

describe('symbols: sample guests', () => {
  for (const guest of guests) {
    const symbols = openSymbolFile(memoryBytes(readFileSync(pathOf(guest))));

    it(`${guest}: every row of the line tables as readelf decodes it`, function () {
      const dump = run('readelf', '--debug-dump=decodedline', pathOf(guest));
      if (dump === undefined) return this.skip();
      assert.ok(compareRows(symbols, dump) > 1000);
    });

    it(`${guest}: symbols as nm lists them`, function () {
      const list = run('nm', '--print-size', pathOf(guest));
      if (list === undefined) return this.skip();
      // Undefined weak symbols have no address.
      const wanted = list
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith(' '));
      for (const line of wanted) {
        const [, value, size, type, name] = /^([0-9a-f]+) (?:([0-9a-f]+) )?(\S) (.+)$/.exec(line)!;
        const found = symbols.symbolsByName(name!).find(({ address }) => address === BigInt(`0x${value}`));
        assert.ok(found, line);
        assert.equal(found.size, BigInt(`0x${size ?? 0}`), line);
        assert.equal(found.isGlobal, type === type!.toUpperCase() && type !== 'a', line);
        assert.equal(found.isAbsolute, type!.toLowerCase() === 'a', line);
      }
      assert.equal(symbols.symbols, wanted.length);
    });

    it(`${guest}: a breakpoint on a line goes to rows of that line`, function () {
      const dump = run('readelf', '--debug-dump=decodedline', pathOf(guest));
      if (dump === undefined) return this.skip();
      const rows = new Set<string>();
      for (const text of dump.split('\n')) {
        const [, file, line, address, isStatement] = ROW.exec(text) ?? [];
        if (isStatement && line !== '-') rows.add(`${file}:${line} ${BigInt(address!)}`);
      }
      const lines = new Set<string>();
      for (const file of symbols.sourceFiles()) {
        const name = file.split('/').at(-1);
        for (const line of symbols.linesOf(file)) {
          const { line: moved, addresses } = symbols.locationsOfLine(file, line)!;
          assert.equal(moved, line);
          assert.ok(addresses.length > 0);
          for (const address of addresses) assert.ok(rows.has(`${name}:${line} ${address}`), `${file}:${line}`);
          lines.add(`${name}:${line}`);
        }
      }
      assert.deepEqual([...lines].sort(), [...new Set([...rows].map((row) => row.split(' ')[0]!))].sort());
    });
  }

  it('finds a source line by its text', () => {
    const symbols = openSymbolFile(memoryBytes(readFileSync(pathOf('tour'))));
    const lines = readFileSync('test/guests/common/guest.c', 'utf8').split('\n');
    const line = lines.findIndex((text) => text.includes('outb(COM1, (uint8_t)c)')) + 1;
    const [file, ...others] = symbols.findFile('/somewhere/else/common/guest.c');
    assert.deepEqual(others, []);
    const place = symbols.locationsOfLine(file!, line)!;
    assert.deepEqual(
      place.addresses.map((address) => symbols.symbolAt(address)?.symbol.name),
      ['put_char'],
    );
  });

  it('skips the prologue of C compiled without optimisation, and none of assembly', () => {
    const symbols = openSymbolFile(memoryBytes(readFileSync(pathOf('tour'))));
    const [kmain] = symbols.symbolsByName('kmain');
    const [trapCommon] = symbols.symbolsByName('trap_common');
    const body = symbols.afterPrologue(kmain!.address);
    assert.ok(body > kmain!.address && body < kmain!.address + 32n);
    assert.ok(symbols.lineAt(body)!.line > symbols.lineAt(kmain!.address)!.line);
    assert.equal(symbols.afterPrologue(trapCommon!.address), trapCommon!.address);
  });
});
