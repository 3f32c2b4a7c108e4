/**
 * Debug configurations: completes what launch.json leaves out, and finds the guests of a workspace for F5 without a
 * launch.json and for "Select and Start Debugging".
 */
import * as vscode from 'vscode';
import { basename, isAbsolute, join } from 'node:path';

const GUESTS = '**/{bzImage,vmlinuz*,*.elf}';
const NOT_GUESTS = '**/{node_modules,.git}/**';
const MOST_GUESTS = 50;
const PATHS = ['kernel', 'initrd'] as const;

/** Completes a configuration before the session starts. */
export class ConfigurationProvider implements vscode.DebugConfigurationProvider {
  async resolveDebugConfiguration(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    const isEmpty = !configuration.type && !configuration.request && !configuration.name;
    const chosen = isEmpty ? await chooseGuest(folder) : configuration;
    return chosen && { console: 'terminal', ...chosen };
  }

  resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration {
    const completed = { ...configuration };
    for (const name of PATHS) {
      const path: unknown = completed[name];
      if (folder && typeof path === 'string' && path && !isAbsolute(path))
        completed[name] = join(folder.uri.fsPath, path);
    }
    return completed;
  }
}

/** Offers one configuration for each guest in the workspace. */
export class DynamicConfigurations implements vscode.DebugConfigurationProvider {
  provideDebugConfigurations(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]> {
    return findGuests(folder);
  }
}

/** The guest of a workspace without launch.json: the only one, or the one that the user picks. */
async function chooseGuest(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration | undefined> {
  const found = await findGuests(folder);
  if (found.length > 1) {
    const items = found.map((configuration) => ({ label: configuration.name, configuration }));
    return (await vscode.window.showQuickPick(items, { title: 'Which guest?' }))?.configuration;
  }
  if (found[0]) return found[0];
  const sample = 'Open Sample';
  const answer = await vscode.window.showErrorMessage(
    'There is no guest to debug here: build a bzImage or an .elf, or name one as "kernel" in launch.json.',
    sample,
  );
  if (answer === sample) await vscode.commands.executeCommand('vmxray.openSample');
  return undefined;
}

async function findGuests(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]> {
  const pattern = folder ? new vscode.RelativePattern(folder, GUESTS) : GUESTS;
  const files = await vscode.workspace.findFiles(pattern, NOT_GUESTS, MOST_GUESTS);
  return files
    .map(({ fsPath }) => fsPath)
    .sort()
    .map((kernel) => ({
      type: 'vmxray',
      request: 'launch',
      name: `Debug ${basename(kernel)}`,
      kernel,
      stopOnEntry: true,
      ...(kernel.endsWith('.elf') ? {} : { cmdline: 'console=ttyS0' }),
    }));
}
