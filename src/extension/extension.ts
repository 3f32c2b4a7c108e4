/** The VS Code extension's entry: what VS Code can ask of it, wired by hand. */
import * as vscode from 'vscode';
import { activeSession, TYPE, withSession } from './active-session';
import { AdapterLines } from './adapter/adapter-lines';
import { adapterFactory } from './adapter/adapter-process';
import { tellLacks } from './adapter/lack-contexts';
import { ConfigurationProvider, DynamicConfigurations } from './configurations';
import { GuestChoice } from './guest-choice';
import { GuestDocuments, type VariableContext } from './guest-documents';
import { INLINE_LANGUAGES, InlineValues } from './inline-values';
import { attachToMachine, pickMachine } from './machines';
import { openDump } from './open-dump';
import { openSample, type SampleOptions } from './sample';
import { SerialTerminals } from './serial/serial-terminals';
import { stepToExit, stepToExitOfReason } from './step-to-exit';
import { toggleSkipInterrupts } from './stepping';
import { openWorkbench } from './workbench/workbench';

/** Called by VS Code when a session, a configuration or a command of ours is wanted. */
export function activate(context: vscode.ExtensionContext): void {
  const { commands, debug, languages } = vscode;
  const guests = new GuestChoice(context.globalStorageUri);
  const documents = new GuestDocuments();
  const terminals = new SerialTerminals();
  const lines = new AdapterLines();
  const openOurSample = (parent?: vscode.Uri, options?: SampleOptions) =>
    openSample(context.extensionUri, parent, options);
  context.subscriptions.push(
    tellLacks(),
    debug.registerDebugAdapterDescriptorFactory(TYPE, adapterFactory(context.extensionPath, lines)),
    debug.registerDebugConfigurationProvider(TYPE, new ConfigurationProvider(guests)),
    debug.registerDebugConfigurationProvider(
      TYPE,
      new DynamicConfigurations(guests),
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    documents,
    terminals,
    commands.registerCommand('vmxray.stepToExit', () => stepToExit()),
    commands.registerCommand('vmxray.stepToExitOfReason', () => stepToExitOfReason()),
    commands.registerCommand('vmxray.toggleSkipInterrupts', () => toggleSkipInterrupts()),
    languages.registerInlineValuesProvider(INLINE_LANGUAGES, new InlineValues()),
    commands.registerCommand('vmxray.showMemory', (on?: VariableContext) =>
      withSession(() => documents.showMemory(on)),
    ),
    commands.registerCommand('vmxray.showWalk', (on?: VariableContext) => withSession(() => documents.showWalk(on))),
    commands.registerCommand('vmxray.showExits', () => withSession(() => documents.showExits())),
    commands.registerCommand('vmxray.showSerialTerminal', () => terminals.show(activeSession()?.session)),
    commands.registerCommand('vmxray.attachToMachine', () => attachToMachine()),
    commands.registerCommand('vmxray.pickMachine', () => pickMachine()),
    commands.registerCommand('vmxray.openDump', (file?: vscode.Uri) => openDump(file)),
    commands.registerCommand('vmxray.openSample', openOurSample),
    openWorkbench(context, lines),
  );
}
