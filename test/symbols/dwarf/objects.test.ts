// Object files: sections get addresses, relocations are applied to whatever piece is read; split debug information.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { relocated } from '../../../src/symbols/elf/relocations';
import { memoryBytes, openSymbolFile, type SymbolFileOptions } from '../../../src/symbols/symbol-file';
import { findCommand } from '../../support/lab/command';
import { Bytes } from '../elf-image';

const inflate = (bytes: Uint8Array, size: number): Uint8Array => inflateSync(bytes, { maxOutputLength: size });

/** Builds `values.c` in a folder of its own; undefined without a compiler. */
function withFolder(use: (folder: string, run: (program: string, args: string) => void) => void): boolean {
  if (!findCommand('gcc') || !findCommand('objcopy')) return false;
  const folder = mkdtempSync(join(tmpdir(), 'vmxray-object-'));
  try {
    use(folder, (program, args) => void execFileSync(program, args.replaceAll('@', folder).split(' ')));
  } finally {
    rmSync(folder, { recursive: true });
  }
  return true;
}

const SOURCE = 'test/symbols/dwarf/programs/values.c';

describe('symbols: object files', function () {
  this.timeout(180_000);
  const kinds: [string, type: number, hasAddends: boolean, bits: 32 | 64, wanted: number[]][] = [
    ['R_X86_64_64', 1, true, 64, [0x18, 0x20, 0, 0, 0, 0, 0, 0]],
    ['R_X86_64_32', 10, true, 64, [0x18, 0x20, 0, 0, 5, 6, 7, 8]],
    ['R_X86_64_PC32', 2, true, 64, [0x14, 0x10, 0, 0, 5, 6, 7, 8]],
    ['one that is not known', 99, true, 64, [1, 2, 3, 4, 5, 6, 7, 8]],
    ['R_386_32', 1, false, 32, [0x11, 0x22, 3, 4, 5, 6, 7, 8]],
  ];
  for (const [name, type, hasAddends, bits, wanted] of kinds) {
    it(`relocates ${name}, read whole and in pieces`, () => {
      const entry = new Bytes().number(4, bits / 8);
      entry.number(bits === 64 ? (3n << 32n) | BigInt(type) : (3n << 8n) | BigInt(type), bits / 8);
      if (hasAddends) entry.number(8, 8);
      const bytes = relocated(memoryBytes(Uint8Array.of(0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0)), {
        contents: memoryBytes(entry.finish()),
        hasAddends,
        bits,
        address: 0x1000n,
        symbol: (index) => (index === 3 ? 0x2010n : undefined),
      });
      assert.deepEqual([...bytes.read(4, 8)], wanted);
      assert.deepEqual([...bytes.read(0, 14)], [0, 0, 0, 0, ...wanted, 0, 0]);
      for (let at = 0; at < 8; at += 1)
        assert.deepEqual([...bytes.read(4 + at, 3)], [...wanted, 0, 0].slice(at, at + 3));
      assert.equal(bytes.read(12, 9).length, 2);
    });
  }

  for (const flags of ['-O2 -gdwarf-5', '-O1 -gdwarf-4 -gz=zlib', '-O2 -g -m32']) {
    it(`gcc -c ${flags}: symbols, lines and variables where the sections are loaded`, function () {
      const isDone = withFolder((folder, run) => {
        run('gcc', `${flags} -ffreestanding -ffunction-sections -c -o @/values.o ${SOURCE}`);
        const bytes = memoryBytes(readFileSync(join(folder, 'values.o')));
        const sectionAddresses = new Map([
          ['.text.run', 0x40_0000n],
          ['.text.fold', 0x70_0000n],
          ['.data', 0x50_0000n],
        ]);
        const symbols = openSymbolFile(bytes, { inflate, sectionAddresses });
        const functions = symbols.symbolsMatching(
          ({ kind, name }) => kind === 'function' && !name.includes('thunk'),
          99,
        );
        assert.ok(functions.length > 6);
        for (const { name, address, size } of functions) {
          assert.equal(address, sectionAddresses.get(`.text.${name}`) ?? address);
          for (let at = address; at < address + size; at += 1n) {
            assert.equal(symbols.scopesAt!(at).at(-1)?.name, name.split('.')[0], `${name} at ${at.toString(16)}`);
          }
          assert.match(symbols.lineAt(address)!.file, /values\.c$/);
          assert.ok(symbols.callFrames!.rulesAt(address + 1n), name);
        }
        assert.equal(symbols.symbolsByName('ratio')[0]!.address >> 16n, 0x50n);
        const node = symbols.types!.typeNamed('struct', 'node');
        assert.ok(node?.kind === 'struct' && node.members.some(({ name }) => name === 'grid'));
      });
      if (!isDone) this.skip();
    });
  }

  it('takes the debug information from the file that it was split into', function () {
    const isDone = withFolder((folder, run) => {
      run('gcc', `-O1 -g -ffreestanding -nostdlib -static -o @/program ${SOURCE} ${SOURCE.replace('values', 'start')}`);
      run('objcopy', '--only-keep-debug @/program @/program.debug');
      run('objcopy', '--strip-all --add-gnu-debuglink=@/program.debug @/program @/stripped');
      const read = (name: string) => memoryBytes(readFileSync(join(folder, name)));
      const open = (name: string, options: SymbolFileOptions = {}) =>
        openSymbolFile(read(name), { inflate, ...options });
      const whole = open('program');
      const stripped = open('stripped');
      const both = open('stripped', { debug: read('program.debug') });
      assert.equal(stripped.debugLink?.name, 'program.debug');
      assert.equal(stripped.symbols, 0);
      assert.equal(stripped.types, undefined);
      const [run1] = whole.symbolsByName('run');
      const [run2] = both.symbolsByName('run');
      assert.deepEqual(run2, run1);
      assert.equal(both.buildId, whole.buildId);
      assert.deepEqual(both.readInitial(run1!.address, 16), whole.readInitial(run1!.address, 16));
      const names = (file: typeof whole) =>
        file.scopesAt!(run1!.address + 9n).flatMap((scope) => scope.variables().map(({ name }) => name));
      assert.deepEqual(names(both), names(whole));
      assert.ok(names(both).includes('flags'));
    });
    if (!isDone) this.skip();
  });
});
