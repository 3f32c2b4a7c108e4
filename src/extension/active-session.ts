/** The session that a command is about: the active one, if it is ours. */
import * as vscode from 'vscode';

/** A debug session of ours with the vCPU and frame that are selected in it. */
export interface ActiveSession {
  readonly session: vscode.DebugSession;
  readonly threadId: number;
  /** Absent where no frame is selected. */
  readonly frameId?: number;
}

/** The debug type, as package.json has it. */
export const TYPE = 'vmxray';

/** The active session of ours, undefined if there is none. */
export function activeSession(): ActiveSession | undefined {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== TYPE) return undefined;
  const item = vscode.debug.activeStackItem;
  if (item?.session !== session) return { session, threadId: 1 };
  return { session, threadId: item.threadId, ...(item instanceof vscode.DebugStackFrame && { frameId: item.frameId }) };
}

/** Does something with the active session; shows the sentence of what goes wrong, or that there is none. */
export async function withSession(act: (active: ActiveSession) => Promise<void>): Promise<void> {
  const active = activeSession();
  if (!active) {
    void vscode.window.showErrorMessage('No guest is being debugged: start one with F5.');
    return;
  }
  try {
    await act(active);
  } catch (error) {
    void vscode.window.showErrorMessage((error as Error).message);
  }
}
