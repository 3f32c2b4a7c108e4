// Sessions as a whole: F5 from a folder's launch.json to the guest's end, the serial terminal, documents, refusals.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { ask, ended, endAll, eventAfter, folder, listen, message, messages, registersShown } from './guest';
import { serial, startToStop, stopAfter, top, until } from './guest';
import { screenshot } from './screenshot';

describe('a session', () => {
  before(listen);
  afterEach(endAll);

  it('F5 stops on entry, steps to an exit, and runs to the end of the guest', async () => {
    const start = messages.length;
    await vscode.commands.executeCommand('workbench.view.debug');
    // What F5 does, with the folder's launch.json.
    const entry = await stopAfter('workbench.action.debug.start');
    assert.equal(entry.reason, 'entry');
    await registersShown();
    await screenshot('entry');

    const exit = await stopAfter('vmxray.stepToExit');
    assert.equal(exit.reason, 'vm exit');
    assert.match(String(exit.description), /^Paused on VM exit: /);
    await registersShown();

    const terminal = await until(
      'the serial terminal',
      () => vscode.window.terminals.find(({ name }) => name === 'Tour'),
      (found) => found !== undefined,
    );
    const exited = await eventAfter('exited', () => vscode.commands.executeCommand('workbench.action.debug.continue'));
    assert.equal(exited.exitCode, 0);
    await ended();
    assert.match(serial(start), /VMXray tour[^]*RESULT pass/);
    const output = messages.slice(start).filter((sent) => sent.event === 'output' && sent.body?.category === 'stdout');
    assert.deepEqual(output, [], 'one console, not two');

    // Closed, it can be opened again with its text.
    terminal?.dispose();
    await until(
      'the closed terminal',
      () => vscode.window.terminals.includes(terminal!),
      (there) => !there,
    );
    await vscode.commands.executeCommand('vmxray.showSerialTerminal');
    await until('the terminal again', () => vscode.window.terminals.some(({ name }) => name === 'Tour'), Boolean);
  });

  it('steps to an exit of chosen reasons, and shows documents about the guest that follow its stops', async () => {
    await startToStop('Tour');
    const reasons = ['CPUID'];
    const exit = await eventAfter('stopped', () => ask('vmxray/stepExit', { threadId: 1, reasons }));
    assert.match(String(exit.description), /CPUID/);

    const { instructionPointerReference } = await top();
    const clicked = { variable: { memoryReference: instructionPointerReference } };
    const text = async (command: string, ...args: unknown[]): Promise<vscode.TextDocument> => {
      await vscode.commands.executeCommand(command, ...args);
      const document = vscode.window.activeTextEditor!.document;
      assert.equal(document.uri.scheme, 'vmxray');
      assert.equal(document.languageId, 'vmxray-log');
      return document;
    };
    assert.match((await text('vmxray.showWalk', clicked)).getText(), /EPT PTE[^]*PML4E[^]*-> physical 0x/);
    await screenshot('walk');
    assert.match(
      (await text('vmxray.showMemory', clicked)).getText(),
      new RegExp(`^${instructionPointerReference}  [0-9a-f]{2} `),
    );
    const exits = await text('vmxray.showExits');
    assert.match(exits.getText(), /CPUID/);
    const before = exits.getText();
    await stopAfter('vmxray.stepToExit');
    await until(
      'the next exit in the document',
      () => exits.getText(),
      (now) => now !== before && /#\d/.test(now),
    );
  });

  it('takes a path relative to the folder, and shows the serial line in the debug console', async () => {
    const start = messages.length;
    const configuration = {
      type: 'vmxray',
      request: 'launch',
      name: 'Hello',
      kernel: 'hello.elf',
      console: 'debugConsole',
    };
    await eventAfter('terminated', () => vscode.debug.startDebugging(folder(), configuration));
    const said = messages.slice(start).filter((sent) => sent.event === 'output' && sent.body?.category === 'stdout');
    assert.match(said.map((sent) => String(sent.body?.output)).join(''), /Hello from/);
  });

  it('attaches to a machine that runs already, and leaves it running', async () => {
    const program = join(
      vscode.extensions.getExtension('vmxray.vmxray')!.extensionPath,
      'dist',
      'src',
      'cli',
      'main.js',
    );
    const kernel = join(folder().uri.fsPath, 'tour.elf');
    const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
    const host = spawn(process.execPath, [program, 'host', '--kernel', kernel], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(host.stdout, 'data');
      const machine = String(host.pid);
      await startToStop({ type: 'vmxray', request: 'attach', name: 'Attached', machine });
      assert.match((await top()).name, /^_start\b/);
      const exit = await stopAfter('vmxray.stepToExit');
      assert.equal(exit.reason, 'vm exit');
      // What the toolbar's button does in a session that was attached.
      await vscode.commands.executeCommand('workbench.action.debug.disconnect');
      await ended();
      assert.equal(host.exitCode, null);
    } finally {
      host.kill();
    }
  });

  it('says what is wrong with a launch', async () => {
    const start = messages.length;
    const configuration = { type: 'vmxray', request: 'launch', name: 'Nothing', kernel: 'nothing.elf' };
    void vscode.debug.startDebugging(folder(), configuration);
    const refused = await message('the refusal', start, (sent) => sent.success === false);
    const { error } = refused.body as { error: { format: string; showUser: boolean } };
    assert.match(error.format, /nothing\.elf does not exist: check the path/);
    assert.equal(error.showUser, true);
    // VS Code shows it in a dialog, which the next session must not find open.
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
  });
});
