/** What actions may ask of the user, in VS Code's own parts. */
import * as vscode from 'vscode';
import type { ByteStream, Choice, Desk } from '../../../inventory/provider';
import { TYPE } from '../../active-session';
import type { Documents } from './documents';
import { openStreamTerminal } from './stream-terminal';

/** What is told of a terminal that can come back. */
export type OnReopening = (terminal: vscode.Terminal) => void;

/** A question stays when something else takes the focus, as the walkthrough does when it ticks a step off. */
const PICK = { matchOnDescription: true, ignoreFocusOut: true } as const;

export class WindowDesk implements Desk {
  /**
   * `onReopening` hears of terminals that the action at hand can open again; `hasTerminal`: one is open for its item, and a
   * debug session needs none of its own.
   */
  constructor(
    private readonly documents: Documents,
    private readonly onReopening: OnReopening = () => {},
    private readonly hasTerminal = false,
  ) {}

  /** The same desk for one action. */
  withTerminals(onReopening: OnReopening, hasTerminal: boolean): WindowDesk {
    return new WindowDesk(this.documents, onReopening, hasTerminal);
  }

  async confirm(question: string, detail: string, verb: string): Promise<boolean> {
    return (await vscode.window.showWarningMessage(question, { modal: true, detail }, verb)) === verb;
  }

  async choose<T>(title: string, choices: readonly Choice<T>[]): Promise<T | undefined> {
    return (await vscode.window.showQuickPick(items(choices), { ...PICK, title }))?.value;
  }

  async chooseSeveral<T>(title: string, choices: readonly Choice<T>[]): Promise<readonly T[] | undefined> {
    const picked = await vscode.window.showQuickPick(items(choices), { ...PICK, title, canPickMany: true });
    return picked?.map(({ value }) => value);
  }

  async ask(title: string, { value, placeholder, check }: Parameters<Desk['ask']>[1]): Promise<string | undefined> {
    return vscode.window.showInputBox({
      title,
      ...(value !== undefined && { value }),
      ...(placeholder !== undefined && { placeHolder: placeholder }),
      ...(check && { validateInput: (text: string) => check(text) }),
      ignoreFocusOut: true,
    });
  }

  async chooseFile(title: string, { save, folder }: Parameters<Desk['chooseFile']>[1]): Promise<string | undefined> {
    if (save) return (await vscode.window.showSaveDialog({ title }))?.fsPath;
    const options = { title, canSelectFiles: !folder, canSelectFolders: folder === true, canSelectMany: false };
    return (await vscode.window.showOpenDialog(options))?.[0]?.fsPath;
  }

  openTerminal(title: string, stream: ByteStream, reopens = false): void {
    const terminal = openStreamTerminal(title, stream);
    if (reopens) this.onReopening(terminal);
  }

  openDocument(title: string, language: string, text: string): Promise<void> {
    return this.documents.show(title, language, text);
  }

  editDocument(title: string, language: string, text: string, save: (text: string) => Promise<void>): Promise<void> {
    return this.documents.show(title, language, text, save);
  }

  async compare(title: string, language: string, left: string, right: string, verb?: string): Promise<boolean> {
    const before = this.documents.add(`${title}: left`, language, left);
    const after = this.documents.add(`${title}: right`, language, right);
    await vscode.commands.executeCommand('vscode.diff', before, after, title, { preview: true });
    if (verb === undefined) return false;
    return (await vscode.window.showInformationMessage(`${verb} ${title}?`, verb)) === verb;
  }

  async debug(configuration: Readonly<Record<string, unknown>>): Promise<void> {
    const { name = 'VMXray' } = configuration;
    const console = this.hasTerminal ? 'debugConsole' : 'terminal';
    const whole = { request: 'attach', console, ...configuration, type: TYPE, name: String(name) };
    await vscode.debug.startDebugging(vscode.workspace.workspaceFolders?.[0], whole);
  }

  tell(sentence: string): void {
    void vscode.window.showInformationMessage(sentence);
  }
}

const items = <T>(choices: readonly Choice<T>[]): (vscode.QuickPickItem & { readonly value: T })[] =>
  choices.map(({ label, description, value }) => ({ label, value, ...(description !== undefined && { description }) }));
