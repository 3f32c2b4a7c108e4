// Builds dist/: the CLI and the extension as one bundle each (only `vscode` stays outside), what they load late as one
// bundle each (the engines' branches, and packages in dist/src/packages/), the interpreter that machines begin with, and
// every test file and test tool as a bundle of its own, whose packages stay in node_modules.
//   node esbuild.mjs                  everything
//   node esbuild.mjs --watch          everything, again after each change
//   node esbuild.mjs test/isa src/cli only the entries whose path starts so
import { build, context } from 'esbuild';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';

const prefixes = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const isWanted = (file) =>
  existsSync(file) && (prefixes.length === 0 || prefixes.some((prefix) => file.startsWith(prefix)));

const products = ['src/cli/main.ts', 'src/extension/extension.ts'];
// What a product imports by `import()` lies in a file of its own, read when it is needed: parts of ours ...
const lateParts = ['src/inventory/providers.ts'];
// ... and engines' clients, which are large.
const latePackages = ['dockerode', '@kubernetes/client-node', 'js-yaml', 'tar-stream'];
const packageFile = (name) => `src/packages/${name.replaceAll(/[@/]+/g, '-').replace(/^-/, '')}`;
// Products and late parts lie two folders deep: dist/src/extension/, dist/src/cli/.
const fromProduct = (file) => ({ path: `../${file.replace(/^src\//, '')}.js`, external: true });
const apart = {
  name: 'late files apart',
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      if (latePackages.includes(path)) return fromProduct(packageFile(path));
      const part = relative('.', resolve(resolveDir, path)).replaceAll('\\', '/');
      return lateParts.includes(`${part}.ts`) ? fromProduct(part) : undefined;
    });
  },
};
// Each `import * as` of a module that is outside copies its names: VS Code's are many, and one copy is enough.
const oneVscode = {
  name: 'one copy of vscode',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^vscode$/ }, ({ path, namespace }) =>
      namespace === 'vscode' ? { path, external: true } : { path, namespace: 'vscode' },
    );
    onLoad({ filter: /./, namespace: 'vscode' }, () => ({ contents: `export * from 'vscode';` }));
  },
};
// The interpreter is the same for every machine: generated here, so that none has to at its start.
const interpreter = {
  stdin: {
    contents: `
      import { HandlerTable } from './src/engine/handler-table';
      import { generateInterpreter } from './src/engine/interpreter-module';
      import { INSTRUCTIONS } from './src/isa/records/index';
      import { planMemory } from './src/memory/plan';
      export const bytes = generateInterpreter(planMemory(0), new HandlerTable(INSTRUCTIONS), false);`,
    resolveDir: '.',
  },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  write: false,
  plugins: [
    {
      name: 'write the interpreter',
      setup({ onEnd }) {
        onEnd(({ outputFiles }) => {
          const made = { exports: {} };
          new Function('module', 'exports', outputFiles[0].text)(made, made.exports);
          mkdirSync('dist/src/engine', { recursive: true });
          writeFileSync('dist/src/engine/interpreter.wasm', made.exports.bytes);
        });
      },
    },
  ],
};
// Pages: for a browser, with their styles beside them.
const pages = ['webview/main.ts'];
const tools = ['test/support/lab/main.ts', 'test/support/vscode-stand-in/main.ts', 'test/e2e/suite/index.ts'];
const tests = readdirSync('test', { recursive: true })
  .map((name) => `test/${String(name).replaceAll('\\', '/')}`)
  .filter((name) => /\.(test|e2e)\.ts$/.test(name));

const common = {
  outdir: 'dist',
  outbase: '.',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  sourcemap: true,
  logLevel: 'warning',
};
const builds = [
  { ...common, entryPoints: [...products, ...lateParts].filter(isWanted), plugins: [apart, oneVscode] },
  {
    ...common,
    entryPoints: products.some(isWanted) ? latePackages.map((name) => ({ in: name, out: packageFile(name) })) : [],
    // ssh2 and its native helpers come with dockerode and are never reached: ssh is the user's own program.
    loader: { '.node': 'empty' },
    minify: true,
    sourcemap: false,
    legalComments: 'linked',
  },
  {
    ...common,
    entryPoints: pages.filter(isWanted),
    platform: 'browser',
    target: 'es2022',
    format: 'iife',
    minify: true,
  },
  { ...common, entryPoints: [...tools, ...tests].filter(isWanted), packages: 'external' },
].filter(({ entryPoints }) => entryPoints.length > 0);
if (products.some(isWanted)) builds.push(interpreter);

const watching = process.argv.includes('--watch');
await Promise.all(builds.map(async (options) => (watching ? (await context(options)).watch() : build(options))));
