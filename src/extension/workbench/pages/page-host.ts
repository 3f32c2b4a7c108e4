/** One of our pages in a window: gives it the debug session, hands on what it asks, and stops when it is closed. */
import * as vscode from 'vscode';
import { randomBytes } from 'node:crypto';
import { type FromPage, PAGE_COMMANDS, type PageName, PAGES, type ToPage } from '../../../protocol/pages';
import type { DataBreaks } from '../sessions/data-breaks';
import type { SessionWatch } from '../sessions/session-watch';

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
    const folder = vscode.Uri.joinPath(this.extension, 'dist', 'webview');
    panel.webview.options = { enableScripts: true, localResourceRoots: [folder] };
    this.open.set(page, panel);
    panel.onDidDispose(() => this.open.delete(page));
    panel.webview.onDidReceiveMessage((message: FromPage) => void this.onMessage(panel, message, text));
    panel.webview.html = html(page, panel.webview, folder);
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
        await answer(panel, id, () => this.session().customRequest(command, args));
        return;
      }
      case 'breakOnWrite': {
        const { id, linear, length } = message;
        await answer(panel, id, () => this.breaks.add(this.session(), linear, length));
      }
    }
  }

  private session(): vscode.DebugSession {
    const { active } = this.watch;
    if (!active) throw new Error(NO_SESSION);
    return active.session;
  }

  private tellSession(panel: vscode.WebviewPanel): void {
    const none = { name: '', state: 'none', moment: 0, stop: 0, threadId: 1 } as const;
    void post(panel, { kind: 'session', session: this.watch.active?.forPage ?? none });
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

function html(page: PageName, webview: vscode.Webview, folder: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64');
  const uri = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
  const policy = [
    "default-src 'none'",
    `style-src ${webview.cspSource}`,
    `script-src 'nonce-${nonce}'`,
    `font-src ${webview.cspSource}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="UTF-8">
    <meta http-equiv="Content-Security-Policy" content="${policy}">
    <meta name="viewport" content="width=device-width, initial-scale=1.0">
    <title>${TITLES[page]}</title>
    <link rel="stylesheet" href="${uri('main.css')}">
  </head>
  <body data-page="${page}">
    <main id="page"></main>
    <script nonce="${nonce}" src="${uri('main.js')}"></script>
  </body>
</html>
`;
}
