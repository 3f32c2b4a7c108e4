/** The workbench: the tree of machines, its tasks, the pages, the status bar, wired by hand. */
import * as vscode from 'vscode';
import type { PageName } from '../../protocol/pages';
import { TYPE } from '../active-session';
import type { AdapterLines } from '../adapter/adapter-lines';
import { assemblyHovers } from './assembly-hovers';
import { MACHINES_VIEW } from './contributions';
import { debugFile } from './debug-file';
import { Documents } from './desk/documents';
import { KeptTerminals } from './desk/kept-terminals';
import { WindowDesk } from './desk/window-desk';
import { ItemCommands } from './item-commands';
import { MachineDiagnostics } from './own/machine-diagnostics';
import { DetailsPages } from './pages/details-pages';
import { PageHosts } from './pages/page-host';
import { discoverProviders, ownProvider } from './providers';
import { DataBreaks } from './sessions/data-breaks';
import { SessionWatch } from './sessions/session-watch';
import { StatusBar } from './status-bar';
import { type Task, TaskList } from './tasks/task-list';
import { MachinesTree, type TreeNode } from './tree/machines-tree';
import { askFilter, askGrouping } from './tree/tree-choices';

const TASKS_VIEW = 'vmxray.tasks';

/** What VS Code hands to a command of the Variables view's context menu. */
interface VariableContext {
  readonly variable?: { readonly memoryReference?: string; readonly value?: string };
}

/** Registers all of it; gives it back when the extension ends. */
export function openWorkbench(context: vscode.ExtensionContext, lines: AdapterLines): vscode.Disposable {
  const { commands, window } = vscode;
  const documents = new Documents();
  const desk = new WindowDesk(documents);
  const tasks = new TaskList();
  const watch = new SessionWatch(lines);
  const breaks = new DataBreaks(watch);
  const pages = new PageHosts(context.extensionUri, watch, breaks);
  const own = ownProvider(context);
  const tree = new MachinesTree([own], () => discoverProviders(context));
  const view = window.createTreeView(MACHINES_VIEW, {
    treeDataProvider: tree,
    canSelectMany: true,
    showCollapseAll: true,
  });
  const tasksView = window.createTreeView(TASKS_VIEW, { treeDataProvider: tasks });
  const terminals = new KeptTerminals(context.workspaceState);
  const items = new ItemCommands(desk, tasks, terminals);
  const details = new DetailsPages({ extension: context.extensionUri, tree, items });
  items.reopenTerminals(own).catch(() => {});
  const showArrangement = (): void => {
    const grouped = tree.grouping === 'none' ? '' : `Grouped by ${tree.grouping.replace('label:', 'label ')}.`;
    view.message = [tree.filter && `Filter: ${tree.filter}`, grouped].filter(Boolean).join('  ') || undefined;
    void commands.executeCommand('setContext', 'vmxray.machines.filtered', tree.filter !== '');
  };
  const showPage = (page: PageName) => (on?: VariableContext) => {
    const { memoryReference, value } = on?.variable ?? {};
    pages.show(page, memoryReference ?? /^0x[0-9a-f]+/i.exec(value ?? '')?.[0]);
  };
  return vscode.Disposable.from(
    documents,
    tasks,
    watch,
    breaks,
    pages,
    details,
    terminals,
    tree,
    view,
    tasksView,
    new StatusBar(watch),
    assemblyHovers(watch),
    new MachineDiagnostics(),
    tasks.onDidChangeTreeData(() => {
      tasksView.badge = tasks.running > 0 ? { value: tasks.running, tooltip: `${tasks.running} running` } : undefined;
    }),
    // What is attached to a machine is one of its rows.
    vscode.debug.onDidStartDebugSession(({ type }) => type === TYPE && tree.refresh()),
    vscode.debug.onDidTerminateDebugSession(({ type }) => type === TYPE && tree.refresh()),
    ...items.register(declaredCommands(context)),
    commands.registerCommand('vmxray.createMachine', async () => {
      const create = own.actions.find(({ id }) => id === 'create');
      if (create) await items.run(own, create, [], '');
    }),
    commands.registerCommand('vmxray.machines.refresh', () => tree.refresh()),
    commands.registerCommand('vmxray.machines.retry', (node?: TreeNode) => {
      if (node?.kind === 'engine') node.branch.retryNow();
      else tree.refresh();
    }),
    commands.registerCommand('vmxray.machines.filter', async () => {
      const filter = await askFilter(tree.filter);
      if (filter === undefined) return;
      tree.filter = filter;
      showArrangement();
    }),
    commands.registerCommand('vmxray.machines.clearFilter', () => {
      tree.filter = '';
      showArrangement();
    }),
    commands.registerCommand('vmxray.machines.groupBy', async () => {
      const grouping = await askGrouping(tree.grouping, tree.labels);
      if (grouping === undefined) return;
      tree.grouping = grouping;
      showArrangement();
    }),
    commands.registerCommand('vmxray.machines.details', (node?: TreeNode) => {
      if (node?.kind === 'item') details.show(node);
    }),
    commands.registerCommand('vmxray.tasks.abort', (task?: Task) => task?.abort.abort()),
    commands.registerCommand('vmxray.tasks.clear', () => tasks.clear()),
    commands.registerCommand('vmxray.debugFile', (uri?: vscode.Uri) => debugFile(context.globalStorageUri, uri)),
    commands.registerCommand('vmxray.showAddressPage', showPage('address')),
    commands.registerCommand('vmxray.showDevicesPage', showPage('devices')),
    commands.registerCommand('vmxray.showMemoryPage', showPage('memory')),
    commands.registerCommand('vmxray.showExitsPage', showPage('exits')),
  );
}

function declaredCommands({ extension }: vscode.ExtensionContext): readonly string[] {
  const { contributes } = extension.packageJSON as { contributes: { commands: readonly { command: string }[] } };
  return contributes.commands.map(({ command }) => command);
}
