// Debian's Linux on its own source lines inside VS Code: variables, inlined frames, a member that is watched. The sources are
// not on this machine: a file with as many lines stands for one of them. Without the debug kernel: skipped.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { ask, endAll, evaluate, folder, listen, scope, stack, startToStop, stopAfter, top } from './guest';
import { registersShown } from './guest';
import { screenshot } from './screenshot';

/** `vfs_read` in fs/read_write.c of Debian's 6.1, where it has its parameters. */
const VFS_READ = 'vfs_read';
const FIRST_PROCESS = '$current->pid == 1';

describe("Linux's sources", function () {
  this.timeout(300_000);
  const source = (): vscode.Uri => vscode.Uri.file(join(folder().uri.fsPath, 'linux', 'fs', 'read_write.c'));
  before(function () {
    listen();
    if (!existsSync(source().fsPath)) this.skip();
  });
  afterEach(endAll);

  it('shows inlined frames and variables, sets one, and finds who writes a member', async () => {
    await vscode.commands.executeCommand('workbench.view.debug');
    vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint(VFS_READ, true, FIRST_PROCESS)]);
    assert.equal((await startToStop('Linux with sources')).reason, 'function breakpoint');
    const frames = await stack();
    assert.deepEqual(
      frames.slice(0, 4).map(({ name }) => name.split(/[+(]/)[0]!.trim()),
      [VFS_READ, 'ksys_read', '[inlined] do_syscall_x64', 'do_syscall_64'],
    );
    await registersShown();
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, source().fsPath);
    // The line that it stopped at takes a breakpoint of its own.
    const line = new vscode.Position(frames[0]!.line - 1, 0);
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    vscode.debug.addBreakpoints([
      new vscode.SourceBreakpoint(new vscode.Location(source(), line), true, FIRST_PROCESS),
    ]);

    const hover = await ask<{ result: string }>('evaluate', {
      expression: 'file->f_path.dentry->d_name.name',
      context: 'hover',
      frameId: frames[0]!.id,
    });
    assert.match(hover.result, /"\w+"$/);
    const { reference, variables } = await scope('Locals');
    const count = variables.find(({ name }) => name === 'count');
    assert.equal(await evaluate('count'), count!.value);
    await ask('setVariable', { variablesReference: reference, name: 'count', value: '16' });
    assert.match(await evaluate('count'), /^16\b/);

    assert.equal((await stopAfter('workbench.action.debug.continue')).reason, 'breakpoint');
    const { dataId } = await ask<{ dataId: string }>('dataBreakpointInfo', {
      name: 'file->f_pos',
      frameId: (await top()).id,
    });
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    await ask('setDataBreakpoints', { breakpoints: [{ dataId, accessType: 'write' }] });
    assert.equal((await stopAfter('workbench.action.debug.continue')).reason, 'data breakpoint');
    // The store is ksys_read's own; what follows it is inlined.
    const writer = await stack();
    assert.deepEqual(
      writer.slice(0, 2).map(({ name }) => name.split(/[+(]/)[0]!.trim()),
      ['[inlined] fdput_pos', 'ksys_read'],
    );
    await screenshot('linux-source');
  });
});
