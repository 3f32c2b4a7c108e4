/**
 * Pages of items of the tree, one for each item: details, values over time, events. A page reads while it is open, and
 * its values go on while it is hidden; closing it ends both.
 */
import * as vscode from 'vscode';
import type { EngineEvent } from '../../../inventory/provider';
import type { FromDetails, ItemName, Sample, ShownEvent, ShownItem, ToDetails } from '../../../protocol/details';
import type { ItemCommands } from '../item-commands';
import type { ItemNode, MachinesTree } from '../tree/machines-tree';
import { preparePage } from './page-html';

const PERIOD_MS = 1000;
/** Samples of five minutes. */
const MOST_SAMPLES = 300;
const MOST_EVENTS = 200;
/** Details take more of an engine than values. */
const DETAILS_EVERY = 3;
const VIEW_TYPE = 'vmxray.details';

/** What the pages need of the workbench. */
export interface DetailsParts {
  readonly extension: vscode.Uri;
  readonly tree: MachinesTree;
  readonly items: ItemCommands;
}

export class DetailsPages implements vscode.Disposable {
  private readonly open = new Map<string, DetailsPage>();
  private readonly serializer: vscode.Disposable;

  constructor(private readonly parts: DetailsParts) {
    this.serializer = vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, {
      deserializeWebviewPanel: async (panel, state: ItemName | undefined) => {
        const node = state && (await parts.tree.find(state.provider, state.item));
        if (node) this.adopt(node, panel);
        else panel.dispose();
      },
    });
  }

  /** Shows an item's page. */
  show(node: ItemNode): void {
    const shown = this.open.get(keyOf(node));
    if (shown) shown.panel.reveal();
    else this.adopt(node, vscode.window.createWebviewPanel(VIEW_TYPE, node.item.label, vscode.ViewColumn.Active));
  }

  dispose(): void {
    this.serializer.dispose();
    for (const { panel } of [...this.open.values()]) panel.dispose();
  }

  private adopt(node: ItemNode, panel: vscode.WebviewPanel): void {
    const page = new DetailsPage(node, panel, this.parts);
    this.open.set(keyOf(node), page);
    panel.onDidDispose(() => {
      this.open.delete(keyOf(node));
      page.dispose();
    });
  }
}

const keyOf = ({ branch, item }: ItemNode): string => `${branch.provider.id}\0${item.id}`;

class DetailsPage implements vscode.Disposable {
  private readonly samples: Sample[] = [];
  private readonly events: ShownEvent[] = [];
  private readonly subscriptions: vscode.Disposable[];
  private readonly timer: NodeJS.Timeout;
  private node: ItemNode;
  private round = 0;
  private isReading = false;
  private isWantedAgain = false;
  private isOver = false;

  constructor(
    node: ItemNode,
    readonly panel: vscode.WebviewPanel,
    private readonly parts: DetailsParts,
  ) {
    this.node = node;
    const { provider } = node.branch;
    const events = provider.events?.((event) => this.onEvent(event));
    this.subscriptions = [
      ...(events ? [events] : []),
      panel.webview.onDidReceiveMessage((message: FromDetails) => void this.onMessage(message)),
      // What was said while it was hidden is lost.
      panel.onDidChangeViewState(() => panel.visible && void this.read(true)),
      parts.tree.onDidChangeTreeData(() => void this.read(true)),
    ];
    this.timer = setInterval(() => void this.read(this.round++ % DETAILS_EVERY === 0), PERIOD_MS);
    preparePage(parts.extension, 'details', node.item.label, panel.webview);
  }

  dispose(): void {
    this.isOver = true;
    clearInterval(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private async onMessage(message: FromDetails): Promise<void> {
    if (message.kind === 'ready') {
      this.post({ kind: 'samples', samples: this.samples });
      this.post({ kind: 'events', events: this.events });
      await this.read(true);
      return;
    }
    const { branch, item } = this.node;
    const action = branch.provider.actions.find(({ id }) => id === message.action);
    if (action && item.actions.includes(action.id))
      await this.parts.items.run(branch.provider, action, [item.id], item.label);
  }

  private onEvent({ time, item, text, isWarning }: EngineEvent): void {
    if (item !== this.node.item.id) return;
    const event = { time, text, isWarning };
    this.events.push(event);
    if (this.events.length > MOST_EVENTS) this.events.shift();
    this.post({ kind: 'events', events: [event] });
  }

  /** Reads the values, and the details too; one reading at a time. */
  private async read(withDetails: boolean): Promise<void> {
    if (this.isReading) {
      this.isWantedAgain ||= withDetails;
      return;
    }
    this.isReading = true;
    try {
      await this.readOnce(withDetails);
      // Values alone say nothing of whether the details can be read again.
      if (withDetails) this.post({ kind: 'trouble', text: '' });
    } catch (error) {
      this.post({ kind: 'trouble', text: (error as Error).message });
    } finally {
      this.isReading = false;
    }
    if (!this.isWantedAgain) return;
    this.isWantedAgain = false;
    await this.read(true);
  }

  private async readOnce(withDetails: boolean): Promise<void> {
    const { branch, item } = this.node;
    this.node = this.parts.tree.node(branch.provider.id, item.id) ?? this.node;
    const metrics = await branch.limited((signal) => branch.provider.metrics(item.id, signal));
    if (metrics) {
      const sample = { at: Date.now(), metrics };
      this.samples.push(sample);
      if (this.samples.length > MOST_SAMPLES) this.samples.shift();
      this.post({ kind: 'samples', samples: [sample] });
    }
    if (!withDetails || !this.panel.visible) return;
    const name: ItemName = { provider: branch.provider.id, item: item.id };
    this.post({ kind: 'item', name, item: shown(this.node) });
    const sections = await branch.limited((signal) => branch.provider.details(item.id, signal));
    this.post({ kind: 'sections', sections });
  }

  private post(message: ToDetails): void {
    if (!this.isOver) void this.panel.webview.postMessage(message);
  }
}

function shown({ branch, item }: ItemNode): ShownItem {
  const { provider } = branch;
  const { label, kind, description = '', state = 'unknown', actions } = item;
  const offered = provider.actions.filter(({ id, group }) => actions.includes(id) && group !== 'danger');
  return {
    label,
    kind,
    engine: provider.label,
    description,
    state,
    actions: offered.map(({ id, title }) => ({ id, title })),
  };
}
