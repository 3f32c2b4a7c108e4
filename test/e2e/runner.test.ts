// The way into a real VS Code itself: a suite that passes, and one that fails, in the extension host of a made-up
// extension. Without this, an e2e run that runs nothing would look like one that passes.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lab, requireLab } from '../support/lab/lab';
import { needsStandIn, runInVsCode } from './run';

const MANIFEST = {
  name: 'made-up',
  publisher: 'vmxray',
  version: '0.0.1',
  engines: { vscode: '^1.96.0' },
  main: './extension.js',
  activationEvents: [],
  contributes: { commands: [{ command: 'madeUp.answer', title: 'Answer' }] },
};
const EXTENSION = `
const vscode = require('vscode');
exports.activate = (context) => context.subscriptions.push(vscode.commands.registerCommand('madeUp.answer', () => 42));
`;
const SUITE = `
const vscode = require('vscode');
const { writeFileSync } = require('node:fs');
exports.run = async () => {
  const answer = await vscode.commands.executeCommand('madeUp.answer');
  writeFileSync(process.env.VMXRAY_E2E_RESULT, JSON.stringify({
    answer, folder: vscode.workspace.workspaceFolders[0].name, trusted: vscode.workspace.isTrusted,
  }));
  if (process.env.VMXRAY_E2E_FAIL) throw new Error('a failing suite');
};
`;

describe('a real VS Code', function () {
  this.timeout(300_000);
  let root: string;

  before(async function () {
    if (await needsStandIn()) requireLab(this, await lab.codeServer());
    root = mkdtempSync(join(tmpdir(), 'vmxray-made-up-'));
    mkdirSync(join(root, 'workspace'));
    for (const [name, text] of Object.entries({
      'package.json': JSON.stringify(MANIFEST),
      'extension.js': EXTENSION,
      'suite.js': SUITE,
    })) {
      writeFileSync(join(root, name), text);
    }
  });
  after(() => root && rmSync(root, { recursive: true }));

  const runSuite = (env: NodeJS.ProcessEnv): Promise<void> =>
    runInVsCode({
      folder: join(root, 'workspace'),
      env: { ...env, VMXRAY_E2E_RESULT: join(root, 'result.json') },
      extension: { developmentPath: root, testsPath: join(root, 'suite') },
    });

  it('runs a suite in its extension host', async () => {
    await runSuite({});
    const result: unknown = JSON.parse(readFileSync(join(root, 'result.json'), 'utf8'));
    assert.deepEqual(result, { answer: 42, folder: 'workspace', trusted: true });
  });

  it('reports a suite that fails', async () => {
    await assert.rejects(runSuite({ VMXRAY_E2E_FAIL: '1' }), /failed with code 1/);
  });
});
