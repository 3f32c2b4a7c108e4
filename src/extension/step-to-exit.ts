/** The commands "Step to VM Exit" and "... of Reason": run the guest to its next exit to the hypervisor. */
import * as vscode from 'vscode';
import type { StepExitArguments } from '../protocol/exit';
import { withSession } from './active-session';

// What was picked last is what is offered next.
let lastPicked: readonly string[] = [];

/** Steps to the next exit, or to the next one of these reasons (the SDM's names). */
export function stepToExit(reasons?: readonly string[]): Promise<void> {
  return withSession(async ({ session, threadId }) => {
    const step: StepExitArguments = { threadId, ...(reasons && { reasons }) };
    await session.customRequest('vmxray/stepExit', step);
  });
}

/** Lets the user pick the reasons first. */
export async function stepToExitOfReason(): Promise<void> {
  const { EXIT_REASONS } = await import('../cpu/vmx/exit-reasons');
  const items = EXIT_REASONS.filter(({ absent }) => !absent).map(({ name, number }) => ({
    label: name,
    description: `${number}`,
    picked: lastPicked.includes(name),
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Step to the next VM exit of which reasons?',
    placeHolder: "The SDM's names and basic exit reasons",
    canPickMany: true,
    matchOnDescription: true,
  });
  if (!picked || picked.length === 0) return;
  lastPicked = picked.map(({ label }) => label);
  await stepToExit(lastPicked);
}
