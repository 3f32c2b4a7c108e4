/** The command "Step to VM Exit": runs the guest to its next exit to the hypervisor. */
import * as vscode from 'vscode';
import type { StepExitArguments } from '../protocol/exit';

/** Steps the active session, if it is one of ours and stopped; else says what is missing. */
export async function stepToExit(type: string): Promise<void> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== type) {
    void vscode.window.showErrorMessage('No guest is being debugged: start one with F5.');
    return;
  }
  const item = vscode.debug.activeStackItem;
  const step: StepExitArguments = { threadId: item?.session === session ? item.threadId : 1 };
  try {
    await session.customRequest('vmxray/stepExit', step);
  } catch (error) {
    void vscode.window.showErrorMessage((error as Error).message);
  }
}
