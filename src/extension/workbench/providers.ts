/** Which engines the tree shows. A provider is made cheaply: its client loads when its branch is opened. */
import type * as vscode from 'vscode';
import type { Provider } from '../../inventory/provider';
import { OwnProvider } from '../../inventory/own/provider';
import { ownHost } from './own/own-host';

/** One provider for each engine, our own machines first. */
export function providersOf(context: vscode.ExtensionContext): readonly Provider[] {
  return [new OwnProvider(ownHost(context))];
}
