/**
 * Read-only documents about the guest: what a command of the debug console answers, such as `walk $rip`, asked for anew at
 * each stop. After the session a document keeps what it showed last.
 */
import * as vscode from 'vscode';
import { type ActiveSession, activeSession, TYPE } from './active-session';

const SCHEME = 'vmxray';
const MEMORY_BYTES = 512;
const EXITS = 200;

/** What VS Code hands to a command of the Variables view's context menu. */
export interface VariableContext {
  readonly variable?: { readonly memoryReference?: string; readonly value?: string };
}

/** Provides the documents and opens them. */
export class GuestDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly shown = new Map<string, string>();
  // What was asked for last is what is offered next.
  private lastAsked = '$rsp';
  private readonly subscriptions = [
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => this.shown.delete(uri.toString())),
    // The selection changes at each stop.
    vscode.debug.onDidChangeActiveStackItem((item) => {
      if (item?.session.type === TYPE) this.refresh();
    }),
  ];

  dispose(): void {
    for (const subscription of [...this.subscriptions, this.changed]) subscription.dispose();
  }

  /** Shows memory from an address on: that of the variable that was clicked, else one that is asked for. */
  async showMemory(context?: VariableContext): Promise<void> {
    const address = await this.addressOf(context, 'Memory from which address on?');
    if (address) await this.open(`Memory at ${address}`, `mem ${address} ${MEMORY_BYTES}`);
  }

  /** Shows every table entry between an address and physical memory. */
  async showWalk(context?: VariableContext): Promise<void> {
    const address = await this.addressOf(context, 'Walk of which address?');
    if (address) await this.open(`Walk of ${address}`, `walk ${address}`);
  }

  /** Shows the end of the exit log. */
  showExits(): Promise<void> {
    return this.open('VM exits', `exits ${EXITS}`);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const key = uri.toString();
    const active = activeSession();
    const text = active ? await answer(active, uri.query).catch(() => undefined) : undefined;
    // While the guest runs, and when it is gone, the last answer is all there is.
    const content = text ?? this.shown.get(key) ?? 'No guest is being debugged.';
    this.shown.set(key, content);
    return content;
  }

  private async open(title: string, command: string): Promise<void> {
    const active = activeSession();
    // A command that is wrong is refused here, with its sentence, and no document opens.
    if (active) await answer(active, command);
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `${title.replaceAll('/', '\u2215')}.vmxlog`, query: command });
    // One that is open already may show an older stop.
    this.changed.fire(uri);
    await vscode.window.showTextDocument(uri, { preview: true });
  }

  private async addressOf(context: VariableContext | undefined, title: string): Promise<string | undefined> {
    const { memoryReference, value } = context?.variable ?? {};
    const clicked = memoryReference ?? /^0x[0-9a-f]+/i.exec(value ?? '')?.[0];
    if (clicked !== undefined) return clicked;
    const asked = await vscode.window.showInputBox({
      title,
      prompt: 'An expression for a linear address, or guestPhysical:0x… or physical:0x….',
      placeHolder: '$rsp, a symbol, 0xffffffff81000000, guestPhysical:0xfee00000',
      value: this.lastAsked,
    });
    if (asked) this.lastAsked = asked;
    return asked?.trim();
  }

  private refresh(): void {
    for (const { uri } of vscode.workspace.textDocuments) if (uri.scheme === SCHEME) this.changed.fire(uri);
  }
}

/** What the debug console says to a command. Rejects with the session's sentence. */
async function answer({ session, frameId }: ActiveSession, command: string): Promise<string> {
  const question = { expression: command, context: 'repl', ...(frameId !== undefined && { frameId }) };
  return ((await session.customRequest('evaluate', question)) as { result: string }).result;
}
