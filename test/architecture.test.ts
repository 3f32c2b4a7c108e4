// The house keeps its shape: each folder imports from lower floors only, `vscode` is imported by src/extension alone,
// floors 0-7 know no Node module, and files stay small and say what they are. Reads the sources as text.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import ts from 'typescript';
import { coreFolders, coreRules } from '../eslint.config.mjs';

/** The floor of each folder of the house. */
const FLOORS: Readonly<Record<string, number>> = {
  'src/common': 0,
  'src/protocol': 0,
  'src/wasm': 1,
  'src/memory': 1,
  'src/isa': 2,
  'src/symbols': 2,
  'src/cpu': 3,
  'src/devices': 3,
  'src/guest': 3,
  'src/engine': 4,
  'src/vmm': 5,
  'src/machine': 6,
  'src/timeline': 7,
  'src/targets': 8,
  // Above the targets: our own machines are one of the engines that it lists.
  'src/inventory': 9,
  'src/dap': 9,
  'src/gdb': 9,
  'src/extension': 10,
  'src/cli': 10,
};
const HIGHEST_CORE_FLOOR = 7;
// Pages stand beside the floors: they share types and small helpers with the house, nothing else.
const WEBVIEW_IMPORTS = ['webview', 'src/common', 'src/protocol'];
const MAX_LINES = 600;
const isTable = (file: string): boolean => /(^|[./-])(tables?|generated)[./-]/.test(file);

type Sources = Readonly<Record<string, string>>;

function sourcesUnder(...folders: string[]): Sources {
  const files = folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) =>
        posix.join(folder, name.replaceAll('\\', '/')),
      ),
    );
  const code = files.filter((file) => /\.(ts|mts|tsx|js|mjs)$/.test(file));
  return Object.fromEntries(code.map((file) => [file, readFileSync(file, 'utf8')]));
}

const folderOf = (file: string): string =>
  file.startsWith('src/') ? file.split('/', 2).join('/') : (file.split('/', 1)[0] ?? '');

/** The breach that this import is, in one sentence, or nothing. */
function breach(file: string, imported: string): string | undefined {
  const from = folderOf(file);
  const floor = FLOORS[from];
  if (from !== 'webview' && floor === undefined) return `${file} lies in a folder without a floor`;
  if (imported === 'vscode') {
    return from === 'src/extension' ? undefined : `${file} imports vscode, which only src/extension may`;
  }
  if (!imported.startsWith('.')) {
    const isNode = imported.startsWith('node:') || builtinModules.includes(imported);
    if (floor !== undefined && floor <= HIGHEST_CORE_FLOOR)
      return `${file} imports ${imported}, and floors 0-7 have no dependency`;
    return isNode && from === 'webview' ? `${file} imports ${imported}, which a page does not have` : undefined;
  }
  const to = folderOf(posix.join(posix.dirname(file), imported));
  if (to === from) return undefined;
  if (from === 'webview')
    return WEBVIEW_IMPORTS.includes(to) ? undefined : `${file} imports ${to}, which a page may not`;
  const target = FLOORS[to];
  if (target === undefined) return `${file} imports ${imported}, which is outside the house`;
  if (target === floor) return `${file} imports its sibling ${to}`;
  return target > (floor ?? 0) ? `${file} (floor ${floor}) imports upward from ${to} (floor ${target})` : undefined;
}

function breaches(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([file, text]) =>
    ts
      .preProcessFile(text, true, true)
      .importedFiles.map(({ fileName }) => breach(file, fileName))
      .filter((found) => found !== undefined),
  );
}

/** What is untidy about a file, in one sentence each. */
function untidiness(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([file, text]) => {
    const lines = text.split('\n').length - 1;
    const found: string[] = [];
    if (!/^(#!.*\n)?\s*\/[/*]/.test(text)) found.push(`${file} does not start with a header comment`);
    if (lines > MAX_LINES && !isTable(file))
      found.push(`${file} has ${lines} lines: past ${MAX_LINES} it is two things`);
    if (/\beslint-(?:disable)|@ts-(?:ignore|nocheck|expect-error)/.test(text)) found.push(`${file} silences a check`);
    return found;
  });
}

describe('architecture', () => {
  it('every import goes down', () => {
    assert.deepEqual(breaches(sourcesUnder('src', 'webview')), []);
  });

  it('the floors that lint guards are floors 0-7', () => {
    const core = Object.keys(FLOORS).filter((folder) => (FLOORS[folder] ?? 0) <= HIGHEST_CORE_FLOOR);
    assert.deepEqual(coreFolders.map((folder) => `src/${folder}`).sort(), core.sort());
    const { include } = JSON.parse(readFileSync('src/tsconfig.core.json', 'utf8')) as { include: string[] };
    assert.deepEqual([...include].sort(), [...coreFolders].sort());
  });

  describe('finds a made-up breach', () => {
    const cases: [string, string, RegExp | undefined][] = [
      ['src/isa/add.ts', "import { x } from '../common/bits';", undefined],
      ['src/isa/add.ts', "import { x } from './forms/alu';", undefined],
      ['src/isa/add.ts', "import type { Cpu } from '../cpu/cpu';", /floor 2\) imports upward from src\/cpu/],
      ['src/isa/add.ts', "export { dwarf } from '../symbols/dwarf';", /imports its sibling src\/symbols/],
      ['src/cpu/vmx/entry.ts', "const d = await import('../../devices/pic');", /imports its sibling src\/devices/],
      ['src/cpu/cpu.ts', "type Board = import('../machine/board').Board;", /upward from src\/machine/],
      ['src/memory/ram.ts', "import { readFileSync } from 'node:fs';", /imports node:fs, and floors 0-7/],
      ['src/memory/ram.ts', "import fs = require('fs');", /imports fs, and floors 0-7/],
      ['src/memory/ram.ts', "import lodash from 'lodash';", /imports lodash, and floors 0-7/],
      ['src/memory/ram.ts', "import { lab } from '../../test/support/lab/lab';", /outside the house/],
      ['src/dap/session.ts', "import * as vscode from 'vscode';", /only src\/extension may/],
      ['src/dap/session.ts', "import { connect } from 'node:net';", undefined],
      ['src/extension/extension.ts', "import * as vscode from 'vscode';", undefined],
      ['src/extension/extension.ts', "import { main } from '../cli/main';", /imports its sibling src\/cli/],
      ['src/main.ts', "import { x } from './common/bits';", /a folder without a floor/],
      ['webview/exits.ts', "import type { Exit } from '../src/protocol/exit';", undefined],
      ['webview/exits.ts', "import { Session } from '../src/dap/session';", /imports src\/dap, which a page may not/],
      ['webview/exits.ts', "import { join } from 'node:path';", /which a page does not have/],
    ];
    for (const [file, text, expected] of cases) {
      it(`${file}: ${text}`, () => {
        const found = breaches({ [file]: text });
        if (expected) assert.match(found.join('\n'), expected);
        else assert.deepEqual(found, []);
      });
    }
  });
});

describe('determinism lint', () => {
  const linter = new Linter();
  const config: Linter.Config = {
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser as Linter.Parser },
    rules: coreRules,
  };
  const cases: [string, boolean][] = [
    ['export const now = Date.now();', false],
    ['export const now = new Date();', false],
    ['export const now = performance.now();', false],
    ['export const dice = Math.random();', false],
    ['setTimeout(() => undefined, 1);', false],
    ['queueMicrotask(() => undefined);', false],
    ['export const pid = process.pid;', false],
    ['export const bytes = Buffer.alloc(1);', false],
    ['export const clock = globalThis.Date;', false],
    ["import 'node:os';", false],
    ["import 'fs';", false],
    ["import * as vscode from 'vscode'; export const w = vscode.window;", false],
    ["export const later = import('../common/bits');", false],
    ["import { assert } from '../common/assert'; assert(Math.max(1, 2) === 2, 'x');", true],
    ['export const at = (ticks: number): number => ticks + 1;', true],
  ];
  for (const [text, allowed] of cases) {
    it(`${allowed ? 'allows' : 'refuses'} ${text}`, () => {
      const messages = linter.verify(text, [config], { filename: 'src/memory/x.ts' }).map(({ message }) => message);
      assert.equal(messages.length === 0, allowed, messages.join('\n'));
    });
  }
});

describe('tidiness', () => {
  it('every file starts with a header comment, is small, and silences no check', () => {
    assert.deepEqual(untidiness(sourcesUnder('src', 'webview', 'test')), []);
  });

  it('finds a made-up untidy file', () => {
    const long = `// A header.\n${'export {};\n'.repeat(MAX_LINES)}`;
    assert.equal(untidiness({ 'src/a/b.ts': 'export {};\n' }).length, 1);
    assert.equal(untidiness({ 'src/a/b.ts': long }).length, 1);
    assert.equal(untidiness({ 'src/a/b-table.ts': long }).length, 0);
    assert.equal(untidiness({ 'src/a/b.ts': `// A header.\n// ${'eslint'}-disable\n` }).length, 1);
  });
});
