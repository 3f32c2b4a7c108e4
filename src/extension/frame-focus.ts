/**
 * Shows where the guest is at each stop. VS Code selects the topmost frame that has a source: a thread whose frames have
 * none is left without a selected frame and so without registers, and the first stop of a session without sources shows
 * nothing at all.
 */
import * as vscode from 'vscode';
import { TYPE } from './active-session';

// VS Code's own "top" passes frames without a source over; from the bottom up every frame can be reached.
const SELECT_BOTTOM = 'workbench.action.debug.callStackBottom';
const SELECT_UPWARD = 'workbench.action.debug.callStackUp';
const OPEN_DISASSEMBLY = 'debug.action.openDisassemblyView';

/** How much of the stack VS Code has read when it is at the bottom; a longer one is not climbed. */
const LONGEST_CLIMB = 32;

interface Frame {
  readonly id: number;
  readonly source?: object;
}

/** Follows the selection in sessions of ours. */
export function focusFrames(): vscode.Disposable {
  const shown = new WeakSet<vscode.DebugSession>();
  return vscode.debug.onDidChangeActiveStackItem(async (item) => {
    if (item?.session.type !== TYPE) return;
    const frames = await framesOf(item);
    if (item instanceof vscode.DebugThread) await selectTop(frames.length);
    else if (!shown.has(item.session)) {
      shown.add(item.session);
      if (!frames[0]?.source) await vscode.commands.executeCommand(OPEN_DISASSEMBLY);
    }
  });
}

async function selectTop(frames: number): Promise<void> {
  if (frames === 0) return;
  await vscode.commands.executeCommand(SELECT_BOTTOM);
  if (frames > LONGEST_CLIMB) return;
  for (let frame = 1; frame < frames; frame++) await vscode.commands.executeCommand(SELECT_UPWARD);
}

/** The stack, empty while the guest runs. */
async function framesOf({ session, threadId }: vscode.DebugThread | vscode.DebugStackFrame): Promise<Frame[]> {
  try {
    const answer = (await session.customRequest('stackTrace', { threadId })) as { stackFrames: Frame[] };
    return answer.stackFrames;
  } catch {
    return [];
  }
}
