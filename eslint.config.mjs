// Lint rules. The floors that hold the machine (src/common ... src/timeline) get rules of their own: time, randomness
// and the host come in through interfaces only, so that equal inputs give equal states.
import { builtinModules } from 'node:module';
import tseslint from 'typescript-eslint';

/** The folders of floors 0-7, under src/. */
export const coreFolders = [
  'common',
  'protocol',
  'wasm',
  'memory',
  'isa',
  'symbols',
  'cpu',
  'devices',
  'guest',
  'engine',
  'vmm',
  'machine',
  'timeline',
];

const clocksAndTimers =
  'Date performance setTimeout setInterval setImmediate clearTimeout clearInterval queueMicrotask requestAnimationFrame';
const host =
  'process Buffer console global globalThis window self document navigator fetch crypto require module exports ' +
  '__dirname __filename structuredClone TextDecoder TextEncoder URL Worker SharedArrayBuffer Atomics';
const inFloors = 'is out of place in floors 0-7: take it through an interface.';

/**
 * The rules that keep floors 0-7 free of clocks, randomness, Node, the DOM and VS Code.
 * @type {import('eslint').Linter.RulesRecord}
 */
export const coreRules = {
  'no-restricted-globals': [
    'error',
    ...`${clocksAndTimers} ${host}`.split(' ').map((name) => ({ name, message: `${name} ${inFloors}` })),
  ],
  'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: `Math.random ${inFloors}` }],
  'no-restricted-imports': [
    'error',
    {
      paths: [...builtinModules, 'vscode'].map((name) => ({ name, message: `${name} ${inFloors}` })),
      patterns: [{ group: ['node:*'], message: `Node ${inFloors}` }],
    },
  ],
  'no-restricted-syntax': [
    'error',
    { selector: 'ImportExpression', message: `A dynamic import ${inFloors}` },
    { selector: 'MetaProperty[meta.name="import"]', message: `import.meta ${inFloors}` },
  ],
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/'] },
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: process.cwd() } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      eqeqeq: 'error',
      'prefer-const': 'error',
    },
  },
  { files: coreFolders.map((folder) => `src/${folder}/**/*.ts`), rules: coreRules },
);
