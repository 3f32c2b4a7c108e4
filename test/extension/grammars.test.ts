// The grammars, read by VS Code's own tokenizer where the lab has a VS Code; everywhere: well-formed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { lab, requireLab } from '../support/lab/lab';

interface Tokenizer {
  tokenizeLine(line: string, state: unknown): { ruleStack: unknown; tokens: Token[] };
}
interface Token {
  startIndex: number;
  endIndex: number;
  scopes: string[];
}
interface Rule {
  include?: string;
  patterns?: Rule[];
  repository?: Record<string, Rule>;
}

const FILES = { assembly: 'x86-assembly', log: 'log' };
type Grammar = keyof typeof FILES;
const read = (grammar: Grammar): string => readFileSync(join('syntaxes', `${FILES[grammar]}.tmLanguage.json`), 'utf8');

/** A line, and its pieces with what the scope that is theirs alone begins with; what has none is left out. */
const CASES: readonly [Grammar, string, readonly [string, string][]][] = [
  [
    'assembly',
    '1:      movl $0x10, %eax   # set up',
    [
      ['1', 'entity.name.function'],
      [':', 'punctuation'],
      ['movl', 'keyword.mnemonic'],
      ['$0x10', 'constant.numeric'],
      ['%eax', 'variable.language.register'],
      ['# set up', 'comment.line'],
    ],
  ],
  [
    'assembly',
    'main:   mov rax, qword ptr [rbp-8] ; a comment',
    [
      ['main', 'entity.name.function'],
      [':', 'punctuation'],
      ['mov', 'keyword.mnemonic'],
      ['rax', 'variable.language.register'],
      ['qword', 'storage.type.size'],
      ['ptr', 'storage.type.size'],
      ['rbp', 'variable.language.register'],
      ['-', 'keyword.operator'],
      ['8', 'constant.numeric'],
      ['; a comment', 'comment.line'],
    ],
  ],
  [
    'assembly',
    '        sti; hlt; jmp 1b',
    [
      ['sti', 'keyword.mnemonic'],
      ['hlt', 'keyword.mnemonic'],
      ['jmp', 'keyword.mnemonic'],
      ['1b', 'variable.other.local-label'],
    ],
  ],
  [
    'assembly',
    '        rep movsb',
    [
      ['rep', 'keyword.control.prefix'],
      ['movsb', 'keyword.mnemonic'],
    ],
  ],
  [
    'assembly',
    '        .section .note.pvh, "a", @note',
    [
      ['.section', 'keyword.other.directive'],
      ['.note.pvh', 'variable.other.symbol'],
      ['"', 'string'],
      ['a', 'string'],
      ['"', 'string'],
      ['@note', 'storage.modifier'],
    ],
  ],
  [
    'assembly',
    '#ifdef __x86_64__',
    [
      ['#ifdef', 'keyword.control.directive'],
      ['__x86_64__', 'variable.other.symbol'],
    ],
  ],
  [
    'assembly',
    '%define SIZE 40h',
    [
      ['%define', 'keyword.control.directive'],
      ['SIZE', 'variable.other.symbol'],
      ['40h', 'constant.numeric'],
    ],
  ],
  [
    'assembly',
    'LIMIT equ 0x1000',
    [
      ['LIMIT', 'variable.other.constant'],
      ['equ', 'keyword.operator'],
      ['0x1000', 'constant.numeric'],
    ],
  ],
  [
    'log',
    '#41  @1234  EPT violation  kmain+0x10  read; emulated at 0xfee00020',
    [
      ['#41', 'constant.numeric.exit-number'],
      ['@1234', 'comment.line.instructions'],
      ['EPT violation', 'keyword.control.exit-reason'],
      ['0x10', 'constant.numeric.hex'],
      ['0xfee00020', 'constant.numeric.hex'],
    ],
  ],
  [
    'log',
    '  EPT PDE  [1]  physical:0x5008  0x200083  R W  <-- X',
    [
      ['EPT PDE', 'entity.name.type.table'],
      ['[1]', 'constant.numeric.index'],
      ['physical', 'storage.type.space'],
      ['0x5008', 'constant.numeric.hex'],
      ['0x200083', 'constant.numeric.hex'],
      ['<-- X', 'invalid.illegal.fault'],
    ],
  ],
  [
    'log',
    'physical:0x1000  48 89 e5 00  H...',
    [
      ['physical', 'storage.type.space'],
      ['0x1000', 'constant.numeric.hex'],
      ['48 89 e5 00  ', 'support.constant.bytes'],
      ['H...', 'string.unquoted'],
    ],
  ],
];

describe('the grammars', () => {
  for (const grammar of Object.keys(FILES) as Grammar[]) {
    it(`${grammar}: every rule that is named is there`, () => {
      const root = JSON.parse(read(grammar)) as Rule;
      const included = [...read(grammar).matchAll(/"include": "#([\w-]+)"/g)].map((match) => match[1]!);
      for (const name of included) assert.ok(root.repository && name in root.repository, name);
    });
  }

  describe("in VS Code's tokenizer", function () {
    this.timeout(180_000);
    let load: (grammar: Grammar) => Promise<Tokenizer>;
    before(async function () {
      const { server } = requireLab(this, await lab.vsCodeServer());
      load = await tokenizers(server);
    });

    for (const [grammar, line, expected] of CASES) {
      it(`${grammar}: ${line.trim()}`, async () => {
        const { tokens } = (await load(grammar)).tokenizeLine(line, null);
        const pieces = tokens
          .map(({ startIndex, endIndex, scopes }) => ({
            text: line.slice(startIndex, endIndex),
            scope: scopes.at(-1)!,
          }))
          .filter(
            ({ text, scope }) => !/^(source|text|meta)\./.test(scope) && (text.trim() || scope.startsWith('string')),
          );
        assert.deepEqual(
          pieces.map(({ text, scope }, index) => [text, prefix(scope, expected[index]?.[1])]),
          expected,
        );
      });
    }
  });
});

const prefix = (scope: string, expected = ''): string => (scope.startsWith(expected) && expected ? expected : scope);

/** VS Code's tokenizer, from the modules that its server brings along. */
async function tokenizers(server: string): Promise<(grammar: Grammar) => Promise<Tokenizer>> {
  const require = createRequire(server);
  const modules = join(dirname(server), '..', 'node_modules');
  const { Registry, parseRawGrammar } = require(join(modules, 'vscode-textmate')) as {
    Registry: new (options: object) => { loadGrammar(scope: string): Promise<Tokenizer> };
    parseRawGrammar(text: string, path: string): unknown;
  };
  const oniguruma = require(join(modules, 'vscode-oniguruma')) as {
    loadWASM(bytes: ArrayBuffer): Promise<void>;
    createOnigScanner(patterns: string[]): unknown;
    createOnigString(text: string): unknown;
  };
  await oniguruma.loadWASM(
    new Uint8Array(readFileSync(join(modules, 'vscode-oniguruma', 'release', 'onig.wasm'))).buffer,
  );
  const scopes: Record<Grammar, string> = { assembly: 'source.vmxray-asm', log: 'text.vmxray-log' };
  const registry = new Registry({
    onigLib: Promise.resolve(oniguruma),
    loadGrammar: (scope: string) => {
      const grammar = (Object.keys(scopes) as Grammar[]).find((name) => scopes[name] === scope);
      return Promise.resolve(grammar ? parseRawGrammar(read(grammar), 'grammar.json') : null);
    },
  });
  return (grammar) => registry.loadGrammar(scopes[grammar]);
}
