/** "Debug with VMXray" on a file: a kernel or an ELF, started as F5 would start it. */
import * as vscode from 'vscode';
import { basename } from 'node:path';
import { TYPE } from '../active-session';
import { guest } from '../guest-files';
import { tinyInitramfs } from '../initramfs/tiny-initramfs';

const TINY = 'tiny-initramfs.cpio';

/** Debugs the guest in this file, or in the one that is open; `storage` is a folder of the extension's own. */
export async function debugFile(storage: vscode.Uri, uri?: vscode.Uri): Promise<void> {
  const file = uri ?? (await vscode.window.showOpenDialog({ title: 'Debug which kernel or ELF?' }))?.[0];
  if (!file) return;
  const folder = vscode.workspace.getWorkspaceFolder(file);
  const found = await guest(file.fsPath, folder && [folder.uri.fsPath]);
  if (!found) {
    void vscode.window.showErrorMessage(
      `${basename(file.fsPath)} is no guest: choose a bzImage, or an ELF for x86 that boots by PVH or Multiboot.`,
    );
    return;
  }
  const { kernel, isLinux, symbols, initrds } = found;
  let [initrd] = initrds;
  if (isLinux && initrd === undefined) {
    const tiny = vscode.Uri.joinPath(storage, TINY);
    await vscode.workspace.fs.writeFile(tiny, tinyInitramfs());
    initrd = tiny.fsPath;
  }
  await vscode.debug.startDebugging(folder, {
    type: TYPE,
    request: 'launch',
    name: `Debug ${basename(kernel)}`,
    kernel,
    ...(symbols !== undefined && { symbols }),
    ...(isLinux ? { initrd, cmdline: 'console=ttyS0' } : { stopOnEntry: true }),
  });
}
