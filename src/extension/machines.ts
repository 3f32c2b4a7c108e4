/** Attaching to a machine that runs already, one of ours in a process of its own. */
import * as vscode from 'vscode';
import { listMachines } from '../targets/host/registry';
import { TYPE } from './active-session';
import { refuseRestricted } from './configurations';

/** The id of the machine that the user picks; undefined if none is picked or none runs. */
export async function pickMachine(): Promise<string | undefined> {
  const machines = await listMachines();
  if (machines.length === 0) {
    void vscode.window.showErrorMessage(
      'No machine is running: start one with F5, or with "vmxray host" in a terminal.',
    );
    return undefined;
  }
  const items = machines.map(({ id, name, kernel, pid, started }) => ({
    label: name,
    description: `process ${pid}, since ${new Date(started).toLocaleTimeString()}`,
    detail: kernel,
    id,
  }));
  const picked = await vscode.window.showQuickPick(items, { title: 'Attach to which machine?', matchOnDetail: true });
  return picked?.id;
}

/** Picks a machine and debugs it. */
export async function attachToMachine(): Promise<void> {
  if (!vscode.workspace.isTrusted) {
    return refuseRestricted();
  }
  const machine = await pickMachine();
  if (machine === undefined) return;
  const configuration = { type: TYPE, request: 'attach', name: `Attached to ${machine}`, machine };
  await vscode.debug.startDebugging(vscode.workspace.workspaceFolders?.[0], configuration);
}
