/** The command that lets steps pass over interrupts, or lead into them. */
import * as vscode from 'vscode';
import type { SteppingAnswer } from '../protocol/stepping';
import { withSession } from './active-session';

/** Turns it over for the active session, and says how it is now. */
export function toggleSkipInterrupts(): Promise<void> {
  return withSession(async ({ session }) => {
    const { skipInterrupts } = (await session.customRequest('vmxray/stepping')) as SteppingAnswer;
    const now = (await session.customRequest('vmxray/stepping', { skipInterrupts: !skipInterrupts })) as SteppingAnswer;
    const said = now.skipInterrupts
      ? 'Steps pass over interrupts and faults.'
      : 'Steps lead into interrupts and faults.';
    vscode.window.setStatusBarMessage(said, 5000);
  });
}
