/** Texts that actions show or let the user edit, which are no files. */
import * as vscode from 'vscode';

const SCHEME = 'vmxray-text';
/** Endings of files by language; what has none is plain text. */
const ENDINGS: Readonly<Record<string, string>> = { yaml: '.yaml', json: '.json', xml: '.xml', log: '.log' };

interface Kept {
  text: Uint8Array;
  readonly created: number;
  changed: number;
  /** Takes what the user has written; absent for what is only shown. */
  readonly save?: (text: string) => Promise<void>;
}

/** A file system in memory: VS Code saves to it, and `save` has the last word. */
export class Documents implements vscode.FileSystemProvider, vscode.Disposable {
  private readonly files = new Map<string, Kept>();
  private readonly changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.changed.event;
  private count = 0;
  private readonly subscriptions = [
    vscode.workspace.registerFileSystemProvider(SCHEME, this, { isCaseSensitive: true }),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => uri.scheme === SCHEME && this.files.delete(uri.toString())),
  ];

  /** Keeps a text under a name of its own, by whose ending VS Code knows the language. */
  add(title: string, language: string, text: string, save?: (text: string) => Promise<void>): vscode.Uri {
    const ending = ENDINGS[language] ?? '';
    const name = title.endsWith(ending) ? title : `${title}${ending}`;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${++this.count}/${name.replaceAll('/', '\u2215')}` });
    const now = Date.now();
    this.files.set(uri.toString(), { text: Buffer.from(text), created: now, changed: now, ...(save && { save }) });
    return uri;
  }

  /** Opens a text in an editor. */
  async show(title: string, language: string, text: string, save?: (text: string) => Promise<void>): Promise<void> {
    const document = await vscode.workspace.openTextDocument(this.add(title, language, text, save));
    await vscode.window.showTextDocument(document, { preview: save === undefined });
  }

  watch(): vscode.Disposable {
    return { dispose: () => {} };
  }

  stat(uri: vscode.Uri): vscode.FileStat {
    const { text, created, changed, save } = this.kept(uri);
    const permissions = save ? {} : { permissions: vscode.FilePermission.Readonly };
    return { type: vscode.FileType.File, ctime: created, mtime: changed, size: text.length, ...permissions };
  }

  readFile(uri: vscode.Uri): Uint8Array {
    return this.kept(uri).text;
  }

  /** What `save` rejects with is shown by VS Code, and the text stays unsaved. */
  async writeFile(uri: vscode.Uri, content: Uint8Array): Promise<void> {
    const kept = this.kept(uri);
    if (!kept.save) throw vscode.FileSystemError.NoPermissions(uri);
    await kept.save(Buffer.from(content).toString('utf8'));
    kept.text = content;
    kept.changed = Date.now();
    this.changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.changed.dispose();
  }

  private kept(uri: vscode.Uri): Kept {
    const kept = this.files.get(uri.toString());
    if (!kept) throw vscode.FileSystemError.FileNotFound(uri);
    return kept;
  }
}
