// What the tests inside VS Code share: sessions of ours as their user drives them, and what adapters said meanwhile.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';

/** A message of an adapter, as far as the tests look into it. */
export interface Message {
  readonly type: string;
  readonly event?: string;
  readonly command?: string;
  readonly success?: boolean;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** A stack frame, as far as the tests look into it. */
export interface Frame {
  readonly id: number;
  readonly name: string;
  readonly line: number;
  readonly source?: { readonly path: string };
  readonly instructionPointerReference: string;
}

/** A variable, as far as the tests look into it. */
export interface Variable {
  readonly name: string;
  readonly value: string;
  readonly variablesReference: number;
  readonly memoryReference?: string;
}

const PATIENCE_MS = 60_000;

/** The folder that the tests run in. */
export const folder = (): vscode.WorkspaceFolder => vscode.workspace.workspaceFolders![0]!;

/** Everything that adapters of ours send, in order, from the first call of `listen` on. */
export const messages: Message[] = [];
let tracker: vscode.Disposable | undefined;

/** Begins to note messages; once is enough. */
export function listen(): void {
  tracker ??= vscode.debug.registerDebugAdapterTrackerFactory('vmxray', {
    createDebugAdapterTracker: () => ({ onDidSendMessage: (sent: Message) => void messages.push(sent) }),
  });
}

/** Waits until `read` gives something that `fits`; rejects after 30 s. */
export async function until<T>(what: string, read: () => T, fits: (value: T) => boolean): Promise<T> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(20)) {
    const value = read();
    if (fits(value)) return value;
  }
  throw new Error(`${what}: ${JSON.stringify(read())?.slice(0, 500)}`);
}

/** The first message from `start` on that fits. */
export async function message(what: string, start: number, fits: (sent: Message) => boolean): Promise<Message> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(20)) {
    const found = messages.slice(start).find(fits);
    if (found) return found;
  }
  const came = messages.slice(start).map((sent) => sent.event ?? sent.command);
  throw new Error(`${what} did not come, but: ${came.slice(-40).join(' ')}`);
}

/** The next event of this name, while or after `act` is done. */
export async function eventAfter(name: string, act: () => unknown): Promise<Readonly<Record<string, unknown>>> {
  const start = messages.length;
  // What VS Code makes of it is seen in the events.
  await act();
  return (await message(`the event ${name}`, start, (sent) => sent.event === name)).body ?? {};
}

/** Lets the guest run by one of VS Code's commands until it stops, and gives the body of `stopped`. */
export const stopAfter = (command: string): Promise<Readonly<Record<string, unknown>>> =>
  eventAfter('stopped', () => vscode.commands.executeCommand(command));

/** Starts a session of ours that stops; `name` is one of launch.json's, else a configuration. Gives the body of `stopped`. */
export const startToStop = (
  configuration: string | vscode.DebugConfiguration,
): Promise<Readonly<Record<string, unknown>>> =>
  eventAfter('stopped', async () => assert.ok(await vscode.debug.startDebugging(folder(), configuration)));

/** Asks the active session. */
export async function ask<Answer>(command: string, args: object = {}): Promise<Answer> {
  const session = vscode.debug.activeDebugSession;
  assert.equal(session?.type, 'vmxray', 'a session of ours is active');
  return (await session.customRequest(command, args)) as Answer;
}

/** The stack of the only vCPU, innermost first. */
export const stack = async (): Promise<Frame[]> =>
  (await ask<{ stackFrames: Frame[] }>('stackTrace', { threadId: 1 })).stackFrames;

/** The innermost frame. */
export async function top(): Promise<Frame> {
  const [frame] = await stack();
  assert.ok(frame);
  return frame;
}

/** The variables of the scope of this name in the innermost frame, with the reference that holds them. */
export async function scope(name: string): Promise<{ reference: number; variables: Variable[] }> {
  const { scopes } = await ask<{ scopes: { name: string; variablesReference: number }[] }>('scopes', {
    frameId: (await top()).id,
  });
  const reference = scopes.find((found) => found.name === name)?.variablesReference;
  assert.ok(reference, `${name} in ${JSON.stringify(scopes.map((found) => found.name))}`);
  const { variables } = await ask<{ variables: Variable[] }>('variables', { variablesReference: reference });
  return { reference, variables };
}

/** A register of the scope "General". */
export async function register(name: string): Promise<bigint> {
  const found = (await scope('General')).variables.find((variable) => variable.name === name);
  assert.ok(found, name);
  return BigInt(found.value.split(' ')[0]!);
}

/** The value of an expression, as the Watch view gets it. */
export const evaluate = async (expression: string): Promise<string> =>
  (await ask<{ result: string }>('evaluate', { expression, context: 'watch', frameId: (await top()).id })).result;

/** The place of the only line of a sample's source that holds `text`. */
export function place(file: string, text: string): vscode.Location {
  const path = join(folder().uri.fsPath, file);
  const lines = readFileSync(path, 'utf8').split('\n');
  const found = lines.flatMap((line, index) => (line.includes(text) ? [index] : []));
  assert.equal(found.length, 1, `${text} in ${file}`);
  return new vscode.Location(vscode.Uri.file(path), new vscode.Position(found[0]!, 0));
}

/** What guests of ours have sent on their serial lines from `start` on. */
export const serial = (start = 0): string =>
  messages
    .slice(start)
    .filter((sent) => sent.event === 'vmxray/serial')
    .map((sent) => Buffer.from(String(sent.body?.data), 'base64').toString())
    .join('');

/** Ends whatever is being debugged, and leaves no breakpoint, editor or terminal to the next test. */
export async function endAll(): Promise<void> {
  vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
  // A session that is ending by itself cancels the wish.
  await vscode.debug.stopDebugging().then(undefined, () => {});
  await ended();
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  for (const terminal of vscode.window.terminals) terminal.dispose();
}

/** Waits until no session is there. */
export const ended = (): Promise<unknown> =>
  until(
    'the session is still there',
    () => vscode.debug.activeDebugSession?.name,
    (name) => name === undefined,
  );

/** Waits until VS Code has a frame selected and its Variables view has the registers of the last stop. */
export async function registersShown(): Promise<void> {
  const stop = messages.map(({ event }) => event).lastIndexOf('stopped');
  await message('the registers', stop, (sent) => sent.command === 'variables');
  await until(
    'the selected frame',
    () => vscode.debug.activeStackItem instanceof vscode.DebugStackFrame,
    (isFrame) => isFrame,
  );
}
