// Finding engines loads none of their clients: a window that never opens a branch pays for none. In a process of its own,
// where the clients are stand-ins that note that they were loaded.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { run } from '../support/lab/command';

const noting: Plugin = {
  name: 'clients that note that they were loaded',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(dockerode|@kubernetes\/client-node|tar-stream)$/ }, ({ path }) => ({
      path,
      namespace: 'noted',
    }));
    onLoad({ filter: /.*/, namespace: 'noted' }, ({ path }) => ({
      contents: `globalThis.loaded.push(${JSON.stringify(path)}); export default class {}`,
    }));
  },
};

describe('inventory: clients of engines', () => {
  it('are loaded when a branch is opened, and not before', async function () {
    this.timeout(30_000);
    const folder = mkdtempSync(join(tmpdir(), 'vmxray-late-'));
    try {
      const outfile = join(folder, 'providers.js');
      const entryPoints = ['src/inventory/providers.ts'];
      await build({ entryPoints, bundle: true, platform: 'node', format: 'cjs', outfile, plugins: [noting] });
      const config = join(folder, 'config');
      writeFileSync(config, 'contexts: [{ name: lab, context: { cluster: c } }]\n');
      const script = `
        globalThis.loaded = [];
        const { findProviders } = require(${JSON.stringify(outfile)});
        findProviders({ engines: ['unix:///nowhere/docker.sock'], hidden: [] }).then(async ({ providers }) => {
          const before = [...loaded];
          const opened = providers.filter(({ id }) => /^engine:|^kubernetes:lab/.test(id));
          for (const one of opened) await one.connect(AbortSignal.timeout(5000)).catch(() => {});
          console.log(JSON.stringify({ before, opened: opened.map(({ id }) => id), after: loaded }));
          process.exit();
        });`;
      const env = { ...process.env, KUBECONFIG: config };
      assert.deepEqual(JSON.parse(await run(process.execPath, ['-e', script], { env })), {
        before: [],
        opened: ['engine:unix:///nowhere/docker.sock', 'kubernetes:lab'],
        after: ['dockerode', '@kubernetes/client-node'],
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
