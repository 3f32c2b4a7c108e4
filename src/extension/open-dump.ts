/** "Open Memory Dump": a file of a machine's memory, debugged as it was. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { TYPE } from './active-session';
import { refuseRestricted } from './configurations';

/** Debugs a dump; asks for its file if none is given. */
export async function openDump(file?: vscode.Uri): Promise<void> {
  if (!vscode.workspace.isTrusted) {
    return refuseRestricted();
  }
  const dump = file instanceof vscode.Uri ? file : await pickDump();
  if (!dump) return;
  const configuration = {
    type: TYPE,
    request: 'attach',
    name: `Memory dump ${basename(dump.fsPath)}`,
    dump: dump.fsPath,
  };
  await vscode.debug.startDebugging(vscode.workspace.workspaceFolders?.[0], configuration);
}

async function pickDump(): Promise<vscode.Uri | undefined> {
  const picked = await vscode.window.showOpenDialog({
    title: 'Open a memory dump of QEMU or libvirt, or a vmcore',
    openLabel: 'Open',
    canSelectMany: false,
  });
  return picked?.[0];
}
