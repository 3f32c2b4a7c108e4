/** How VS Code reaches the debug adapter: a process of its own for each session, so that a machine's end is only its own. */
import * as vscode from 'vscode';
import { join } from 'node:path';

/** Starts `vmxray dap` from the extension's folder with the Node that VS Code itself runs on. */
export function adapterFactory(extensionPath: string): vscode.DebugAdapterDescriptorFactory {
  const program = join(extensionPath, 'dist', 'src', 'cli', 'main.js');
  return {
    createDebugAdapterDescriptor: () =>
      // The desktop's Node is Electron's binary, which this variable turns into a plain Node.
      new vscode.DebugAdapterExecutable(process.execPath, [program, 'dap'], { env: { ELECTRON_RUN_AS_NODE: '1' } }),
  };
}
