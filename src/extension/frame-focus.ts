/**
 * Shows where the guest is at each stop. VS Code selects the topmost frame that has a source: where the top itself has none,
 * another frame or none at all is selected then, and registers are those of a caller or missing. So the top is selected
 * here; and at a session's first stop without a source the disassembly opens.
 */
import * as vscode from 'vscode';
import { setTimeout as sleep } from 'node:timers/promises';
import { TYPE } from './active-session';

// VS Code's own "top" passes frames without a source over; from the bottom up every frame can be reached.
const SELECT_BOTTOM = 'workbench.action.debug.callStackBottom';
const SELECT_UPWARD = 'workbench.action.debug.callStackUp';
const OPEN_DISASSEMBLY = 'debug.action.openDisassemblyView';

/** A longer stack is not climbed: each rung shows a frame. */
const LONGEST_CLIMB = 32;
/** VS Code makes its own selection when it has the stack; ours comes after it. */
const OWN_SELECTION_MS = 50;

const RESUMING: ReadonlySet<string> = new Set(['next', 'stepIn', 'stepOut', 'continue', 'vmxray/stepExit']);

interface Frame {
  readonly source?: object;
}

interface Message {
  readonly event?: string;
  readonly command?: string;
  readonly arguments?: { readonly granularity?: string };
  readonly success?: boolean;
  readonly body?: unknown;
}

/** Follows the stops of sessions of ours. */
export function focusFrames(): vscode.Disposable {
  return vscode.debug.registerDebugAdapterTrackerFactory(TYPE, {
    createDebugAdapterTracker: (session) => new StopFollower(session),
  });
}

class StopFollower implements vscode.DebugAdapterTracker {
  private stops = 0;
  private isNew = false;
  private stepsInstructions = false;
  private disassemblyShown = false;

  constructor(private readonly session: vscode.DebugSession) {}

  onWillReceiveMessage({ command, arguments: args }: Message): void {
    if (command !== undefined && RESUMING.has(command)) this.stepsInstructions = args?.granularity === 'instruction';
  }

  onDidSendMessage({ event, command, success, body }: Message): void {
    if (event === 'stopped') {
      const { reason } = body as { reason: string };
      this.stops++;
      // Where it shows instructions VS Code selects the top itself.
      this.isNew = !(reason === 'instruction breakpoint' || (reason === 'step' && this.stepsInstructions));
    } else if (this.isNew && command === 'stackTrace' && success) {
      const [top] = (body as { stackFrames: readonly Frame[] }).stackFrames;
      if (!top) return;
      this.isNew = false;
      if (!top.source) void this.select(this.stops);
    }
  }

  private async select(stop: number): Promise<void> {
    await sleep(OWN_SELECTION_MS);
    // The user, or another session, may have gone on in the meantime.
    const isCurrent = (): boolean => this.stops === stop && vscode.debug.activeDebugSession === this.session;
    if (!isCurrent()) return;
    const frames = await this.frameCount();
    await vscode.commands.executeCommand(SELECT_BOTTOM);
    for (let frame = 1; frame < Math.min(frames, LONGEST_CLIMB) && isCurrent(); frame++)
      await vscode.commands.executeCommand(SELECT_UPWARD);
    if (this.disassemblyShown || !isCurrent()) return;
    this.disassemblyShown = true;
    await vscode.commands.executeCommand(OPEN_DISASSEMBLY);
  }

  /** 0 if the guest has gone on. */
  private async frameCount(): Promise<number> {
    try {
      const answer = (await this.session.customRequest('stackTrace', { threadId: 1 })) as { stackFrames: Frame[] };
      return answer.stackFrames.length;
    } catch {
      return 0;
    }
  }
}
