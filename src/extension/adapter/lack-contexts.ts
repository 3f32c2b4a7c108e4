/**
 * Context keys `vmxray.lacks.*` for menus: commands that the guest of the active session has nothing for are not offered.
 */
import * as vscode from 'vscode';
import { lacksOf } from '../../targets/foreign-guest/lacks';
import type { Lack } from '../../targets/target';

/** What menus ask for. */
const ASKED: readonly Lack[] = ['exits', 'devices'];

/** Keeps the keys true to the active debug session until it is disposed of. */
export function tellLacks(): vscode.Disposable {
  const tell = (session: vscode.DebugSession | undefined): void => {
    const lacks = lacksOf(session?.configuration ?? {});
    for (const lack of ASKED)
      void vscode.commands.executeCommand('setContext', `vmxray.lacks.${lack}`, lacks.includes(lack));
  };
  return vscode.debug.onDidChangeActiveDebugSession(tell);
}
