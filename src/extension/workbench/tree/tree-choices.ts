/** What the user can choose about the tree: its filter and its groups. */
import * as vscode from 'vscode';
import type { Grouping } from './arrange';

/** A new filter, empty for none; undefined if the user gave up. */
export async function askFilter(value: string): Promise<string | undefined> {
  const filter = await vscode.window.showInputBox({
    title: 'Filter machines and containers',
    prompt: 'Words that a row has in its name, state, image or labels (name=value); empty shows all.',
    value,
  });
  return filter?.trim();
}

/** A new grouping; undefined if the user gave up. */
export async function askGrouping(now: Grouping, labels: readonly string[]): Promise<Grouping | undefined> {
  type Choice = vscode.QuickPickItem & { readonly grouping: Grouping };
  const choices: readonly Choice[] = [
    { label: 'No groups', grouping: 'none' },
    { label: 'State', grouping: 'state' },
    ...labels.map((name): Choice => ({ label: `Label: ${name}`, grouping: `label:${name}` })),
  ];
  const marked = choices.map((choice) => (choice.grouping === now ? { ...choice, description: 'now' } : choice));
  return (await vscode.window.showQuickPick(marked, { title: 'Group by what?' }))?.grouping;
}
