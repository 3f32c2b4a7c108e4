// Before anything is debugged. The first file of the suite: later ones activate the extension.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { folder } from './guest';

const extension = (): vscode.Extension<unknown> => vscode.extensions.getExtension('vmxray.vmxray')!;

describe('VMXray before it is needed', () => {
  it('is not active, and knows the languages of a kernel', async () => {
    assert.equal(extension().isActive, false);
    const assembly = await vscode.workspace.openTextDocument(join(folder().uri.fsPath, 'tour', 'syscall.S'));
    assert.equal(assembly.languageId, 'vmxray-asm');
    assert.equal(extension().isActive, false);
  });

  it('Open Sample copies the tour guest with a launch.json', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'vmxray-sample-'));
    try {
      await vscode.commands.executeCommand('vmxray.openSample', vscode.Uri.file(parent), { open: false });
      assert.equal(extension().isActive, true);
      const sample = join(parent, 'vmxray-tour');
      assert.ok(readFileSync(join(sample, 'tour.elf')).subarray(1, 4).equals(Buffer.from('ELF')));
      assert.match(readFileSync(join(sample, 'tour', 'main.c'), 'utf8'), /tour/);
      const launch = JSON.parse(readFileSync(join(sample, '.vscode', 'launch.json'), 'utf8')) as {
        configurations: { kernel: string }[];
      };
      assert.equal(launch.configurations[0]?.kernel, '${workspaceFolder}/tour.elf');
    } finally {
      rmSync(parent, { recursive: true });
    }
  });
});
