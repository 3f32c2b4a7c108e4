/** The tree of machines and containers: engines at the top, below them what each provider says. */
import * as vscode from 'vscode';
import type { InventoryChange, Item, ItemState, Provider } from '../../../inventory/provider';
import { contextValue, type Grouping, groups, labelNames, passes } from './arrange';
import { Branch } from './branch';
import { Redraws, TOP } from './redraws';
import { Rows } from './rows';

/** The row of an engine's item. */
export type ItemNode = Extract<TreeNode, { kind: 'item' }>;

/** A row. */
export type TreeNode =
  | { readonly kind: 'engine'; readonly branch: Branch }
  | { readonly kind: 'group'; readonly branch: Branch; readonly name: string; readonly items: readonly Item[] }
  | { readonly kind: 'item'; readonly branch: Branch; readonly item: Item }
  | { readonly kind: 'note'; readonly branch: Branch; readonly text: string; readonly command?: vscode.Command };

/** The engine whose branch is open from the start, and which is shown alone while there is nothing else. */
const OWN = 'own';
const STATE_COLORS: Readonly<Partial<Record<ItemState, string>>> = {
  running: 'charts.green',
  paused: 'charts.yellow',
  failed: 'charts.red',
  stopped: 'disabledForeground',
  unknown: 'disabledForeground',
};

export class MachinesTree implements vscode.TreeDataProvider<TreeNode>, vscode.Disposable {
  private branches: readonly Branch[] = [];
  private discovery: Promise<void> | undefined;
  private readonly changed = new vscode.EventEmitter<TreeNode | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly nodes = new Rows<TreeNode>();
  private readonly redraws = new Redraws<Branch>((places) => this.redraw(places));
  /** What the top was when it was read last: no row at all, for the welcome view. */
  private isWelcome = false;
  private filterText = '';
  private groupingNow: Grouping = 'none';

  /** `discover` finds more engines, once, when the tree is first looked at. */
  constructor(
    providers: readonly Provider[],
    private readonly discover: () => Promise<readonly Provider[]> = async () => [],
  ) {
    this.add(providers);
  }

  /** Adds branches below those that are there. */
  private add(providers: readonly Provider[]): void {
    const added = providers.map((provider) => {
      const branch: Branch = new Branch(provider, (change) => this.onChange(branch, change));
      return branch;
    });
    this.branches = [...this.branches, ...added];
  }

  get filter(): string {
    return this.filterText;
  }

  set filter(text: string) {
    this.filterText = text;
    this.redrawBranches();
  }

  get grouping(): Grouping {
    return this.groupingNow;
  }

  set grouping(grouping: Grouping) {
    this.groupingNow = grouping;
    this.redrawBranches();
  }

  /** The labels that the rows seen so far can be grouped by. */
  get labels(): readonly string[] {
    return labelNames([...this.nodes.values()].flatMap((node) => (node.kind === 'item' ? [node.item] : [])));
  }

  /** An item's row as it was read last. */
  node(provider: string, item: string): ItemNode | undefined {
    const node = this.nodes.get(`${provider}\0${item}`);
    return node?.kind === 'item' ? node : undefined;
  }

  /** An item's row; reads the engine's top rows if it was not read yet. */
  async find(provider: string, item: string): Promise<ItemNode | undefined> {
    await this.getChildren();
    await this.discovery;
    const branch = this.branches.find((one) => one.provider.id === provider);
    const known = this.node(provider, item);
    if (!branch || known) return known;
    await this.getChildren({ kind: 'engine', branch });
    return this.node(provider, item);
  }

  /** Reads everything again. */
  refresh(): void {
    for (const branch of this.branches) if (branch.state.kind === 'failed') branch.retryNow();
    this.redrawBranches();
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    switch (node.kind) {
      case 'engine':
        return engineRow(node.branch);
      case 'group': {
        const row = new vscode.TreeItem(node.name, vscode.TreeItemCollapsibleState.Expanded);
        row.id = `${node.branch.provider.id}\0group\0${node.name}`;
        row.description = String(node.items.length);
        row.contextValue = ';group;';
        return row;
      }
      case 'item':
        return itemRow(node.branch.provider, node.item);
      case 'note': {
        const row = new vscode.TreeItem(node.text);
        row.contextValue = ';note;';
        row.tooltip = node.text;
        if (node.command) row.command = node.command;
        return row;
      }
    }
  }

  async getChildren(node?: TreeNode): Promise<TreeNode[]> {
    if (!node) return this.redraws.asked(TOP, () => this.engines());
    return this.redraws.asked(node.branch, () => this.rows(node));
  }

  dispose(): void {
    this.redraws.dispose();
    this.changed.dispose();
    for (const branch of this.branches) branch.dispose();
  }

  /** Rows below a row. */
  private async rows(node: TreeNode): Promise<TreeNode[]> {
    const { branch } = node;
    if (node.kind === 'note') return [];
    if (node.kind === 'group') return this.items(branch, node.items);
    const parent = node.kind === 'item' ? node.item.id : undefined;
    const turn = this.nodes.turn();
    let items: readonly Item[];
    try {
      items = await branch.children(parent);
    } catch (error) {
      return [failureNote(branch, parent === undefined, (error as Error).message)];
    }
    this.nodes.below(
      keyOf(branch, parent),
      turn,
      items.map(({ id }) => keyOf(branch, id)),
    );
    if (parent !== undefined) return this.items(branch, items);
    const shown = this.filterText ? items.filter((item) => passes(item, this.filterText)) : items;
    if (items.length === 0) {
      if (branch === this.onlyOwn) this.redraws.want(TOP);
      return [emptyNote(branch)];
    }
    if (shown.length === 0) return [{ kind: 'note', branch, text: 'Nothing here passes the filter.' }];
    if (this.groupingNow === 'none') return this.items(branch, shown);
    return groups(shown, this.groupingNow).map((group) => ({ kind: 'group', branch, ...group }));
  }

  /** Nothing at all while there is no machine and no other engine: the welcome view says how to begin. */
  private async engines(): Promise<TreeNode[]> {
    // Nobody waits for engines that may be there.
    this.discovery ??= this.discover().then(
      (found) => {
        if (found.length === 0) return;
        this.add(found);
        this.redraws.want(TOP);
      },
      () => {},
    );
    const only = this.onlyOwn;
    const items = only && (await only.children(undefined).catch(() => undefined));
    this.isWelcome = items?.length === 0;
    if (this.isWelcome) return [];
    return this.branches.map((branch) => this.nodes.keep(keyOf(branch), { kind: 'engine', branch }));
  }

  /**
   * The items' rows, noted so that a change of an item finds its row. A row stays the same object: VS Code knows no other,
   * and it drops an answer that another has overtaken.
   */
  private items(branch: Branch, items: readonly Item[]): TreeNode[] {
    return items.map((item) => this.nodes.keep(keyOf(branch, item.id), { kind: 'item', branch, item }));
  }

  /** Our own branch while there is no other. */
  private get onlyOwn(): Branch | undefined {
    const [only, ...others] = this.branches;
    return only?.provider.id === OWN && others.length === 0 ? only : undefined;
  }

  private onChange(branch: Branch, change: InventoryChange | undefined): void {
    const isShown = typeof change !== 'object' || change.some((id) => this.nodes.has(keyOf(branch, id)));
    if (isShown) this.redraws.want(this.isWelcome ? TOP : branch);
  }

  private redrawBranches(): void {
    for (const branch of this.branches) this.redraws.want(this.isWelcome ? TOP : branch);
  }

  /** A row is drawn by its parent, and who knows no parent draws the branch. */
  private redraw(places: readonly (Branch | typeof TOP)[]): void {
    if (places.includes(TOP)) this.changed.fire(undefined);
    else for (const branch of places as Branch[]) this.changed.fire(this.nodes.get(keyOf(branch)));
  }
}

const keyOf = ({ provider }: Branch, id?: string): string => (id === undefined ? provider.id : `${provider.id}\0${id}`);

function engineRow({ provider, state }: Branch): vscode.TreeItem {
  const { Expanded, Collapsed } = vscode.TreeItemCollapsibleState;
  const row = new vscode.TreeItem(provider.label, provider.id === OWN ? Expanded : Collapsed);
  row.id = provider.id;
  const actions = provider.actions.filter(({ on }) => on.length === 0).map(({ id }) => id);
  row.contextValue = contextValue({ kind: `engine;${state.kind}`, actions: state.kind === 'failed' ? [] : actions });
  row.iconPath =
    state.kind === 'failed'
      ? new vscode.ThemeIcon('warning', new vscode.ThemeColor('disabledForeground'))
      : new vscode.ThemeIcon('server-environment');
  row.description = state.kind === 'connected' ? state.version : state.kind === 'failed' ? 'not reachable' : undefined;
  row.tooltip = [provider.kind, state.kind === 'failed' ? state.reason : row.description].filter(Boolean).join('\n');
  return row;
}

function itemRow(provider: Provider, item: Item): vscode.TreeItem {
  const { None, Collapsed } = vscode.TreeItemCollapsibleState;
  const row = new vscode.TreeItem(item.label, item.hasChildren ? Collapsed : None);
  row.id = `${provider.id}\0${item.id}`;
  row.description = item.description;
  row.contextValue = contextValue(item);
  const color = item.state && STATE_COLORS[item.state];
  row.iconPath =
    item.state === 'changing'
      ? new vscode.ThemeIcon('loading~spin')
      : new vscode.ThemeIcon(item.icon, color ? new vscode.ThemeColor(color) : undefined);
  row.tooltip = (item.facts ?? []).map(({ name, value }) => `${name}: ${value}`).join('\n') || item.label;
  row.accessibilityInformation = { label: [item.label, item.kind, item.description].filter(Boolean).join(', ') };
  return row;
}

function failureNote(branch: Branch, isTop: boolean, reason: string): TreeNode {
  const retry = { title: 'Try Again', command: 'vmxray.machines.retry', arguments: [{ kind: 'engine', branch }] };
  return { kind: 'note', branch, text: reason, ...(isTop && { command: retry }) };
}

function emptyNote(branch: Branch): TreeNode {
  if (branch.provider.id !== OWN) return { kind: 'note', branch, text: 'Nothing here.' };
  const command = { title: 'Create Machine', command: 'vmxray.createMachine' };
  return { kind: 'note', branch, text: 'No machine yet: create one', command };
}
