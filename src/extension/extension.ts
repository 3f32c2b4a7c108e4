/** The VS Code extension's entry: what VS Code can ask of it, wired by hand. */
import * as vscode from 'vscode';
import { adapterFactory } from './adapter';
import { ConfigurationProvider, DynamicConfigurations } from './configurations';
import { focusFrames } from './frame-focus';
import { openSample, type SampleOptions } from './sample';
import { SerialTerminals } from './serial-terminals';
import { stepToExit } from './step-to-exit';

/** The debug type, as package.json has it. */
const TYPE = 'vmxray';

/** Called by VS Code when a session, a configuration or a command of ours is wanted. */
export function activate(context: vscode.ExtensionContext): void {
  context.subscriptions.push(
    vscode.debug.registerDebugAdapterDescriptorFactory(TYPE, adapterFactory(context.extensionPath)),
    vscode.debug.registerDebugConfigurationProvider(TYPE, new ConfigurationProvider()),
    vscode.debug.registerDebugConfigurationProvider(
      TYPE,
      new DynamicConfigurations(),
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    focusFrames(TYPE),
    new SerialTerminals(TYPE),
    vscode.commands.registerCommand('vmxray.stepToExit', () => stepToExit(TYPE)),
    vscode.commands.registerCommand('vmxray.openSample', (parent?: vscode.Uri, options?: SampleOptions) =>
      openSample(context.extensionUri, parent, options),
    ),
  );
}
