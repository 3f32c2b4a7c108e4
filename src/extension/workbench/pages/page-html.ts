/** The document that every page begins with: its script and its style, and nothing else that it could load. */
import * as vscode from 'vscode';
import { randomBytes } from 'node:crypto';

/** Gives a webview the page called `name`; `extension` is the extension's folder. */
export function preparePage(extension: vscode.Uri, name: string, title: string, webview: vscode.Webview): void {
  const folder = vscode.Uri.joinPath(extension, 'dist', 'webview');
  webview.options = { enableScripts: true, localResourceRoots: [folder] };
  const nonce = randomBytes(16).toString('base64');
  const uri = (file: string): string => webview.asWebviewUri(vscode.Uri.joinPath(folder, file)).toString();
  const policy = [
    "default-src 'none'",
    `style-src ${webview.cspSource}`,
    `script-src 'nonce-${nonce}'`,
    `font-src ${webview.cspSource}`,
  ].join('; ');
  webview.html = `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="UTF-8">
    <meta http-equiv="Content-Security-Policy" content="${policy}">
    <meta name="viewport" content="width=device-width, initial-scale=1.0">
    <title>${escaped(title)}</title>
    <link rel="stylesheet" href="${uri('main.css')}">
  </head>
  <body data-page="${name}">
    <main id="page"></main>
    <script nonce="${nonce}" src="${uri('main.js')}"></script>
  </body>
</html>
`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
