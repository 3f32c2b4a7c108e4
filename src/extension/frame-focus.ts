/**
 * Selects the frame at each stop. VS Code leaves a thread whose frames have no source without a selected frame, and
 * then shows no registers; and at a session's first stop nothing is open that shows where the guest is.
 */
import * as vscode from 'vscode';

// VS Code's "top" passes frames without a source over. There is one frame, so that the last one is the first.
const SELECT_FRAME = 'workbench.action.debug.callStackBottom';
const OPEN_DISASSEMBLY = 'debug.action.openDisassemblyView';

/** Follows the selection in sessions of one debug type. */
export function focusFrames(type: string): vscode.Disposable {
  const shown = new WeakSet<vscode.DebugSession>();
  return vscode.debug.onDidChangeActiveStackItem(async (item) => {
    if (item?.session.type !== type) return;
    if (item instanceof vscode.DebugThread) await vscode.commands.executeCommand(SELECT_FRAME);
    else if (!shown.has(item.session)) {
      shown.add(item.session);
      await vscode.commands.executeCommand(OPEN_DISASSEMBLY);
    }
  });
}
