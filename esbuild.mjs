// Builds dist/: the CLI and the extension as one bundle each (only `vscode` stays outside), and every test file and
// test tool as a bundle of its own, whose packages stay in node_modules.
//   node esbuild.mjs                  everything
//   node esbuild.mjs --watch          everything, again after each change
//   node esbuild.mjs test/isa src/cli only the entries whose path starts so
import { build, context } from 'esbuild';
import { existsSync, readdirSync } from 'node:fs';

const prefixes = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const isWanted = (file) =>
  existsSync(file) && (prefixes.length === 0 || prefixes.some((prefix) => file.startsWith(prefix)));

const products = ['src/cli/main.ts', 'src/extension/extension.ts'];
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
  { ...common, entryPoints: products.filter(isWanted), external: ['vscode'] },
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

const watching = process.argv.includes('--watch');
await Promise.all(builds.map(async (options) => (watching ? (await context(options)).watch() : build(options))));
