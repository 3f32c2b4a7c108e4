/**
 * Debug configurations: completes what launch.json leaves out, finds the guests of a workspace for F5 without a
 * launch.json and for "Select and Start Debugging", and refuses all of it in restricted mode.
 */
import * as vscode from 'vscode';
import { isAbsolute, join } from 'node:path';
import type { GuestChoice } from './guest-choice';

/** Attributes that are a path, a list of paths, or an object whose values are paths. */
const PATHS = ['kernel', 'initrd', 'symbols', 'sourceMap', 'dump'] as const;

/** Says that nothing runs in a folder that the user has not trusted, and offers to change that. */
export async function refuseRestricted(): Promise<void> {
  const manage = 'Manage Workspace Trust';
  const answer = await vscode.window.showErrorMessage(
    'VMXray runs no guest in restricted mode, since the workspace says which files and commands it is made of: trust this folder first.',
    manage,
  );
  if (answer === manage) await vscode.commands.executeCommand('workbench.trust.manage');
}

/** Completes a configuration before the session starts. */
export class ConfigurationProvider implements vscode.DebugConfigurationProvider {
  constructor(private readonly guests: GuestChoice) {}

  async resolveDebugConfiguration(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    if (!vscode.workspace.isTrusted) {
      void refuseRestricted();
      return undefined;
    }
    const isEmpty = !configuration.type && !configuration.request && !configuration.name;
    const chosen = isEmpty ? await this.guests.choose(folder) : configuration;
    return chosen && { console: 'terminal', ...chosen };
  }

  resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration {
    if (!folder) return configuration;
    const completed = { ...configuration };
    for (const name of PATHS) if (name in completed) completed[name] = absolute(completed[name], folder.uri.fsPath);
    return completed;
  }
}

/** Offers one configuration for each guest in the workspace. */
export class DynamicConfigurations implements vscode.DebugConfigurationProvider {
  constructor(private readonly guests: GuestChoice) {}

  provideDebugConfigurations(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]> {
    return this.guests.all(folder);
  }
}

// What is no path stays as it is: the adapter says what is wrong with it.
function absolute(value: unknown, folder: string): unknown {
  if (typeof value === 'string') return value && !isAbsolute(value) ? join(folder, value) : value;
  if (Array.isArray(value)) return value.map((item) => absolute(item, folder));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, path]) => [name, absolute(path, folder)]));
}
