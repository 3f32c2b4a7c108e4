/** One of our pages in a window: gives it the debug session, hands on what it asks, and stops when it is closed. */
import * as vscode from 'vscode';
import { type FromPage, PAGE_COMMANDS, type PageName, PAGES, type ToPage } from '../../../protocol/pages';
import type { DataBreaks } from '../sessions/data-breaks';
import type { SessionWatch } from '../sessions/session-watch';
import { preparePage } from './page-html';

const TITLES: Readonly<Record<PageName, string>> = {
  address: 'Address Explorer',
  devices: 'Devices',
  memory: 'Memory',
  exits: 'VM Exits',
};
const NO_SESSION = 'No guest is being debugged: start one with F5.';

/** The pages of this window, at most one of each. */
export class PageHosts implements vscode.Disposable {
  private readonly open = new Map<PageName, vscode.WebviewPanel>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly extension: vscode.Uri,
    private readonly watch: SessionWatch,
    private readonly breaks: DataBreaks,
  ) {
    const revived = PAGES.map((page) =>
      vscode.window.registerWebviewPanelSerializer(viewType(page), {
        deserializeWebviewPanel: async (panel) => this.adopt(page, panel, undefined),
      }),
    );
    this.subscriptions = [
      ...revived,
      watch.onChange(({ what }) => {
        if (what === 'state') for (const panel of this.open.values()) this.tellSession(panel);
        if (what === 'counters') for (const panel of this.open.values()) void post(panel, { kind: 'tick' });
      }),
    ];
  }

  /** Shows a page, at an address or expression if one is given. */
  show(page: PageName, text?: string): void {
    const shown = this.open.get(page);
    if (shown) {
      shown.reveal();
      if (text) void post(shown, { kind: 'show', text });
      return;
    }
    const panel = vscode.window.createWebviewPanel(viewType(page), TITLES[page], vscode.ViewColumn.Active, {
      retainContextWhenHidden: true,
    });
    this.adopt(page, panel, text);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const panel of [...this.open.values()]) panel.dispose();
  }

  private adopt(page: PageName, panel: vscode.WebviewPanel, text: string | undefined): void {
    this.open.set(page, panel);
    panel.onDidDispose(() => this.open.delete(page));
    panel.webview.onDidReceiveMessage((message: FromPage) => void this.onMessage(panel, message, text));
    preparePage(this.extension, page, TITLES[page], panel.webview);
  }

  private async onMessage(panel: vscode.WebviewPanel, message: FromPage, text: string | undefined): Promise<void> {
    switch (message.kind) {
      case 'ready':
        this.tellSession(panel);
        if (text) await post(panel, { kind: 'show', text });
        return;
      case 'open':
        this.show(message.page, message.text);
        return;
      case 'call': {
        const { id, command, args } = message;
        if (!PAGE_COMMANDS.includes(command)) return;
        await answer(panel, id, () => this.watch.ask(this.session(), command, args));
        return;
      }
      case 'breakOnWrite': {
        const { id, place, length, on } = message;
        await answer(panel, id, async () => {
          await this.breaks.set(this.session(), place, length, on);
          // Who hears that it is done knows of it already.
          for (const shown of this.open.values()) this.tellSession(shown);
        });
      }
    }
  }

  private session(): vscode.DebugSession {
    const { active } = this.watch;
    if (!active) throw new Error(NO_SESSION);
    return active.session;
  }

  private tellSession(panel: vscode.WebviewPanel): void {
    const { active } = this.watch;
    const none = { name: '', state: 'none', moment: 0, stop: 0, threadId: 1 } as const;
    const breaks = active ? this.breaks.of(active.session) : [];
    void post(panel, { kind: 'session', session: { ...(active?.forPage ?? none), breaks } });
  }
}

const viewType = (page: PageName): string => `vmxray.${page}`;

const post = (panel: vscode.WebviewPanel, message: ToPage): Thenable<boolean> => panel.webview.postMessage(message);

async function answer(panel: vscode.WebviewPanel, id: number, ask: () => Thenable<unknown>): Promise<void> {
  try {
    await post(panel, { kind: 'answer', id, body: await ask() });
  } catch (error) {
    await post(panel, { kind: 'refusal', id, message: (error as Error).message });
  }
}
