/**
 * Values beside the source lines that ran: the names in the lines of the function at hand, above the stop, which VS Code looks
 * up among the variables in scope. Only VS Code's own look-up says whether a name is a variable.
 */
import * as vscode from 'vscode';
import { namesIn } from './source-names';

/** Lines above the stop that are looked at, at most. */
const MOST_LINES = 100;

/** Languages that guests are written in. */
export const INLINE_LANGUAGES = ['c', 'cpp', 'rust'];

/** Gives the names in each line. */
export class InlineValues implements vscode.InlineValuesProvider {
  provideInlineValues(
    document: vscode.TextDocument,
    viewPort: vscode.Range,
    { stoppedLocation }: vscode.InlineValueContext,
  ): vscode.InlineValue[] {
    const last = stoppedLocation.end.line;
    const first = Math.max(functionStart(document, last), viewPort.start.line);
    const values: vscode.InlineValue[] = [];
    for (let line = first; line <= Math.min(last, viewPort.end.line); line++) {
      for (const { name, start } of namesIn(document.lineAt(line).text)) {
        const range = new vscode.Range(line, start, line, start + name.length);
        values.push(new vscode.InlineValueVariableLookup(range, name, true));
      }
    }
    return values;
  }
}

/** A function begins where a line above begins in the first column with a letter. */
function functionStart(document: vscode.TextDocument, from: number): number {
  for (let line = from; line > Math.max(0, from - MOST_LINES); line--) {
    if (/^[A-Za-z_]/.test(document.lineAt(line).text)) return line;
  }
  return Math.max(0, from - MOST_LINES);
}
