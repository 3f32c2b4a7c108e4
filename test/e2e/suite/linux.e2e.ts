// Debian's stock Linux with our tiny initial RAM disk, debugged inside VS Code. Without the lab's kernel: skipped.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { ask, endAll, eventAfter, folder, listen, messages, register, serial } from './guest';
import { registersShown, stack, stopAfter, until } from './guest';
import { screenshot } from './screenshot';

const GREETING = /VMXray's tiny initial RAM disk/;

describe('Linux', function () {
  this.timeout(300_000);
  before(function () {
    listen();
    if (!existsSync(join(folder().uri.fsPath, 'vmlinuz'))) this.skip();
  });
  afterEach(endAll);

  it('boots by F5, is paused, steps to an exit, echoes what is typed, and powers off', async () => {
    const start = messages.length;
    await vscode.commands.executeCommand('workbench.view.debug');
    assert.ok(await vscode.debug.startDebugging(folder(), 'Linux'));
    await until(
      'the boot',
      () => serial(start),
      (text) => /Linux version/.test(text),
    );
    const stop = await stopAfter('workbench.action.debug.pause');
    assert.equal(stop.description, 'Paused');
    assert.ok((await stack()).length >= 1);
    assert.ok((await register('RIP')) > 0n);
    const exit = await stopAfter('vmxray.stepToExit');
    assert.match(String(exit.description), /^Paused on VM exit: /);
    await registersShown();
    await screenshot('linux-exit');
    await vscode.commands.executeCommand('workbench.action.debug.continue');

    await booted(start);
    const terminal = vscode.window.terminals.find(({ name }) => name === 'Linux');
    assert.ok(terminal, 'the serial terminal');
    terminal.sendText('hello from VS Code');
    await until(
      'the echo',
      () => serial(start),
      (text) => text.includes('you typed: hello from VS Code'),
    );
    // The guest idles in HLT now: Pause must answer there too.
    assert.equal((await stopAfter('workbench.action.debug.pause')).description, 'Paused');
    await registersShown();
    const { threads } = await ask<{ threads: object[] }>('threads');
    assert.equal(threads.length, 1);
    await vscode.commands.executeCommand('workbench.action.debug.continue');
    const exited = await eventAfter('exited', () => terminal.sendText('poweroff'));
    assert.equal(exited.exitCode, 0);
  });
});

/** Waits for our /init, which comes up later than any other wait's patience. */
async function booted(start: number): Promise<void> {
  for (const deadline = Date.now() + 90_000; Date.now() < deadline; await sleep(100))
    if (GREETING.test(serial(start))) return;
  throw new Error(`Linux did not come up: ${serial(start).slice(-1000)}`);
}
