/** Diagnostics in machine files: what no schema can say, such as a kernel that is not there. */
import * as vscode from 'vscode';
import { checkMachineFile, MACHINE_FILE_SUFFIX } from '../../../inventory/own/machine-file';
import { kindOfPath } from '../../../inventory/own/machine-files';
import { placeOf } from './json-places';

const LONGEST = 2 ** 20;

export class MachineDiagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('vmxray');
  private readonly watcher = vscode.workspace.createFileSystemWatcher(`**/*${MACHINE_FILE_SUFFIX}`, true, true);
  private readonly subscriptions = [
    this.watcher,
    this.watcher.onDidDelete((uri) => this.collection.delete(uri)),
    vscode.workspace.onDidOpenTextDocument((document) => this.check(document)),
    vscode.workspace.onDidChangeTextDocument(({ document }) => this.check(document)),
    // What a machine file names may have come or gone meanwhile.
    vscode.window.onDidChangeActiveTextEditor((editor) => editor && this.check(editor.document)),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => this.collection.delete(uri)),
  ];

  constructor() {
    for (const document of vscode.workspace.textDocuments) this.check(document);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.collection.dispose();
  }

  private check(document: vscode.TextDocument): void {
    if (document.uri.scheme !== 'file' || !document.fileName.endsWith(MACHINE_FILE_SUFFIX)) return;
    const text = document.getText();
    this.collection.set(document.uri, text.length > LONGEST ? [] : diagnostics(document, text));
  }
}

function diagnostics(document: vscode.TextDocument, text: string): vscode.Diagnostic[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // The editor's own JSON support says where it is broken.
    return [];
  }
  return checkMachineFile(document.fileName, content, kindOfPath)
    .filter(({ bySchema }) => !bySchema)
    .map(({ at, message }) => {
      const { start, end } = placeOf(text, at);
      const range = new vscode.Range(document.positionAt(start), document.positionAt(end));
      const diagnostic = new vscode.Diagnostic(range, message, vscode.DiagnosticSeverity.Error);
      diagnostic.source = 'VMXray';
      return diagnostic;
    });
}
