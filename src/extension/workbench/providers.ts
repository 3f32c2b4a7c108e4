/** Which engines the tree shows. A provider is made cheaply: its client loads when its branch is opened. */
import * as vscode from 'vscode';
import { OwnProvider } from '../../inventory/own/provider';
import type { Provider } from '../../inventory/provider';
import { ownHost } from './own/own-host';

/** Our own machines. */
export function ownProvider(context: vscode.ExtensionContext): Provider {
  return new OwnProvider(ownHost(context));
}

/** The engines that this user has and does not hide; files that cannot be read are told. Connects to none. */
export async function discoverProviders(context: vscode.ExtensionContext): Promise<readonly Provider[]> {
  const { findProviders } = await import('../../inventory/providers');
  const settings = vscode.workspace.getConfiguration('vmxray');
  const { providers, problems } = await findProviders({
    engines: settings.get<readonly string[]>('engines', []),
    hidden: settings.get<readonly string[]>('hiddenEngines', []),
    files: ownHost(context),
  });
  for (const problem of problems) void vscode.window.showWarningMessage(problem);
  return providers;
}
