// Builds dist/: the CLI and the extension as one bundle each (only `vscode` stays outside), the packages that they load
// late as one bundle each in dist/src/packages/, and every test file and test tool as a bundle of its own, whose packages
// stay in node_modules.
//   node esbuild.mjs                  everything
//   node esbuild.mjs --watch          everything, again after each change
//   node esbuild.mjs test/isa src/cli only the entries whose path starts so
import { build, context } from 'esbuild';
import { existsSync, readdirSync } from 'node:fs';

const prefixes = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const isWanted = (file) =>
  existsSync(file) && (prefixes.length === 0 || prefixes.some((prefix) => file.startsWith(prefix)));

const products = ['src/cli/main.ts', 'src/extension/extension.ts'];
// Engines' clients are large: what a product imports by `import()` lies in a file of its own, read when it is needed.
const latePackages = ['dockerode', '@kubernetes/client-node', 'js-yaml', 'tar-stream'];
const packageFile = (name) => `src/packages/${name.replaceAll(/[@/]+/g, '-').replace(/^-/, '')}`;
const apart = {
  name: 'late packages apart',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      // Products lie two folders deep: dist/src/extension/, dist/src/cli/.
      kind === 'dynamic-import' && latePackages.includes(path)
        ? { path: `../${packageFile(path).replace('src/', '')}.js`, external: true }
        : undefined,
    );
  },
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
  { ...common, entryPoints: products.filter(isWanted), external: ['vscode'], plugins: [apart] },
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

const watching = process.argv.includes('--watch');
await Promise.all(builds.map(async (options) => (watching ? (await context(options)).watch() : build(options))));
