/** The commands of rows: one for each action that a provider has, `vmxray.item.ID`. */
import * as vscode from 'vscode';
import type { Action, Provider } from '../../inventory/provider';
import { refuseRestricted } from '../configurations';
import { ITEM_COMMAND } from './contributions';
import type { KeptTerminals } from './desk/kept-terminals';
import type { WindowDesk } from './desk/window-desk';
import type { TaskList } from './tasks/task-list';
import type { TreeNode } from './tree/machines-tree';

/** Runs actions on rows. */
export class ItemCommands {
  constructor(
    private readonly desk: WindowDesk,
    private readonly tasks: TaskList,
    private readonly terminals: KeptTerminals,
  ) {}

  /** The commands of all actions of all providers, as package.json declares them, registered. */
  register(declared: readonly string[]): vscode.Disposable[] {
    return declared
      .filter((command) => command.startsWith(ITEM_COMMAND))
      .map((command) =>
        vscode.commands.registerCommand(command, (node?: TreeNode, selected?: readonly TreeNode[]) =>
          this.onRows(command.slice(ITEM_COMMAND.length), node, selected),
        ),
      );
  }

  /** Does an action of an engine's to items; shows what goes wrong. */
  async run(provider: Provider, action: Action, items: readonly string[], names: string): Promise<void> {
    if (!vscode.workspace.isTrusted) return refuseRestricted();
    const title = `${action.title.replace(/\.\.\.$/, '')}${names && `: ${names}`}`;
    const [item] = items;
    const desk = this.desk.withTerminals(
      (terminal) => {
        if (item !== undefined) this.terminals.keep(terminal, { provider: provider.id, action: action.id, item });
      },
      this.terminals.has(provider.id, item),
    );
    try {
      await this.tasks.run(title, (signal, progress) => provider.run(action.id, items, { desk, signal, progress }));
    } catch (error) {
      void vscode.window.showErrorMessage((error as Error).message);
    }
  }

  /** Opens the terminals again that this window had before it was reloaded, of machines that are still there. */
  async reopenTerminals(provider: Provider): Promise<void> {
    const before = this.terminals.takeBefore().filter((maker) => maker.provider === provider.id);
    if (before.length === 0 || !vscode.workspace.isTrusted) return;
    const { signal } = new AbortController();
    await provider.connect(signal);
    for (const maker of before) {
      const desk = this.desk.withTerminals((terminal) => this.terminals.keep(terminal, maker), false);
      // One that has ended meanwhile has no terminal any more.
      await provider.run(maker.action, [maker.item], { desk, signal, progress: () => {} }).catch(() => {});
    }
  }

  private async onRows(
    id: string,
    node: TreeNode | undefined,
    selected: readonly TreeNode[] | undefined,
  ): Promise<void> {
    const nodes = (selected?.length ? selected : [node]).filter((one) => one !== undefined);
    const runs = nodes.flatMap((one) => {
      if (one.kind === 'engine') return [{ provider: one.branch.provider, items: [] }];
      if (one.kind !== 'item' || !one.item.actions.includes(id)) return [];
      return [{ provider: one.branch.provider, items: [one.item] }];
    });
    for (const provider of new Set(runs.map((run) => run.provider))) {
      const action = provider.actions.find((one) => one.id === id);
      if (!action) continue;
      const items = runs.filter((run) => run.provider === provider).flatMap((run) => run.items);
      const names = items.map(({ label }) => label).join(', ');
      const ids = items.map((item) => item.id);
      if (ids.length <= 1 || action.severalItems) await this.run(provider, action, ids, names);
      else for (const item of items) await this.run(provider, action, [item.id], item.label);
    }
  }
}
