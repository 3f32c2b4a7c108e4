// The extension as its user meets it, inside VS Code: F5, registers, stepping to an exit, the serial terminal, the sample.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { screenshot } from './screenshot';

type Message = { readonly type: string; readonly event?: string; readonly body?: Record<string, unknown> };

/** Everything that adapters of ours send, in order. */
const messages: Message[] = [];

/** The first message from `start` on that fits; rejects after 30 s. */
async function message(what: string, start: number, fits: (message: Message) => boolean): Promise<Message> {
  for (let waited = 0; waited < 30_000; waited += 50) {
    const found = messages.slice(start).find(fits);
    if (found) return found;
    await sleep(50);
  }
  throw new Error(`${what} did not come: ${JSON.stringify(messages.slice(-5))}`);
}

const event = (name: string, start: number): Promise<Message> =>
  message(`the event ${name}`, start, (candidate) => candidate.event === name);

/** Waits until `read` gives something that `fits`. */
async function until<T>(what: string, read: () => T, fits: (value: T) => boolean): Promise<T> {
  for (let waited = 0; waited < 30_000; waited += 50) {
    const value = read();
    if (fits(value)) return value;
    await sleep(50);
  }
  throw new Error(`${what}: ${JSON.stringify(read())}`);
}

const ended = (): Promise<unknown> =>
  until(
    'the session is still there',
    () => vscode.debug.activeDebugSession?.name,
    (name) => name === undefined,
  );

/** Waits until VS Code has a frame selected and its Variables view has asked for the registers of this stop. */
async function registersShown(start: number): Promise<void> {
  const stop = messages.findIndex((sent, index) => index >= start && sent.event === 'stopped');
  await message('the registers', stop, (sent) => (sent as { command?: string }).command === 'variables');
  assert.ok(vscode.debug.activeStackItem instanceof vscode.DebugStackFrame);
}

describe('VMXray in VS Code', () => {
  const folder = vscode.workspace.workspaceFolders![0]!;
  let tracker: vscode.Disposable;

  before(() => {
    tracker = vscode.debug.registerDebugAdapterTrackerFactory('vmxray', {
      createDebugAdapterTracker: () => ({ onDidSendMessage: (sent: Message) => void messages.push(sent) }),
    });
  });
  after(() => tracker.dispose());
  afterEach(async () => {
    // A session that is ending by itself cancels the wish.
    await vscode.debug.stopDebugging().then(undefined, () => {});
    await ended();
  });

  it('is not active before it is needed', () => {
    assert.equal(vscode.extensions.getExtension('vmxray.vmxray')?.isActive, false);
  });

  it('F5 on the tour guest stops, shows registers, steps to an exit, and runs to its end', async () => {
    const start = messages.length;
    await vscode.commands.executeCommand('workbench.view.debug');
    // What F5 does, with the folder's launch.json.
    await vscode.commands.executeCommand('workbench.action.debug.start');
    const stopped = await event('stopped', start);
    assert.equal(stopped.body?.reason, 'entry');
    const session = vscode.debug.activeDebugSession!;
    assert.equal(session.type, 'vmxray');
    await registersShown(start);
    await screenshot('entry');

    const { stackFrames } = (await session.customRequest('stackTrace', { threadId: 1 })) as {
      stackFrames: { id: number; instructionPointerReference: string }[];
    };
    const { scopes } = (await session.customRequest('scopes', { frameId: stackFrames[0]!.id })) as {
      scopes: { name: string; variablesReference: number }[];
    };
    assert.deepEqual(
      scopes.map(({ name }) => name),
      ['General', 'Flags', 'Segments', 'Control'],
    );
    const { variables } = (await session.customRequest('variables', {
      variablesReference: scopes[0]!.variablesReference,
    })) as { variables: { name: string; value: string }[] };
    const rip = variables.find(({ name }) => name === 'RIP')!;
    assert.equal(BigInt(rip.value), BigInt(stackFrames[0]!.instructionPointerReference));

    const beforeStep = messages.length;
    await vscode.commands.executeCommand('vmxray.stepToExit');
    const exit = await event('stopped', beforeStep);
    assert.equal(exit.body?.reason, 'vm exit');
    assert.match(String(exit.body?.description), /^Paused on VM exit: /);
    await registersShown(beforeStep);
    await screenshot('vm-exit');

    const terminal = await until(
      'the serial terminal',
      () => vscode.window.terminals.find(({ name }) => name === 'Tour'),
      (found) => found !== undefined,
    );
    assert.ok(terminal);
    const beforeEnd = messages.length;
    await vscode.commands.executeCommand('workbench.action.debug.continue');
    const exited = await event('exited', beforeEnd);
    assert.equal(exited.body?.exitCode, 0);
    await ended();
    const serial = messages
      .filter((sent) => sent.event === 'vmxray/serial')
      .map((sent) => Buffer.from(String(sent.body?.data), 'base64').toString())
      .join('');
    assert.match(serial, /VMXray tour[^]*RESULT pass/);
    assert.ok(
      !messages.some((sent) => sent.event === 'output' && sent.body?.category === 'stdout'),
      'one console, not two',
    );
    await screenshot('tour-end');
  });

  it('reads guest memory through the memory reference of a register', async () => {
    const start = messages.length;
    assert.ok(await vscode.debug.startDebugging(folder, 'Tour'));
    await event('stopped', start);
    const session = vscode.debug.activeDebugSession!;
    const { data } = (await session.customRequest('readMemory', { memoryReference: '0x100000', count: 16 })) as {
      data: string;
    };
    assert.equal(Buffer.from(data, 'base64').length, 16);
  });

  it('takes a path relative to the folder, and shows the serial line in the debug console', async () => {
    const start = messages.length;
    const configuration = {
      type: 'vmxray',
      request: 'launch',
      name: 'Hello',
      kernel: 'hello.elf',
      console: 'debugConsole',
    };
    assert.ok(await vscode.debug.startDebugging(folder, configuration));
    await event('terminated', start);
    const said = messages.slice(start).filter((sent) => sent.event === 'output' && sent.body?.category === 'stdout');
    assert.match(said.map((sent) => String(sent.body?.output)).join(''), /Hello from/);
  });

  it('says what is wrong with a launch', async () => {
    const start = messages.length;
    const configuration = { type: 'vmxray', request: 'launch', name: 'Nothing', kernel: 'nothing.elf' };
    void vscode.debug.startDebugging(folder, configuration);
    const refused = await message('the refusal', start, (sent) => (sent as { success?: boolean }).success === false);
    const { error } = refused.body as { error: { format: string; showUser: boolean } };
    assert.match(error.format, /nothing\.elf does not exist: check the path/);
    assert.equal(error.showUser, true);
  });

  it('Open Sample copies the tour guest with a launch.json', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'vmxray-sample-'));
    try {
      await vscode.commands.executeCommand('vmxray.openSample', vscode.Uri.file(parent), { open: false });
      const sample = join(parent, 'vmxray-tour');
      assert.ok(readFileSync(join(sample, 'tour.elf')).subarray(1, 4).equals(Buffer.from('ELF')));
      assert.match(readFileSync(join(sample, 'tour', 'main.c'), 'utf8'), /tour/);
      const launch = JSON.parse(readFileSync(join(sample, '.vscode', 'launch.json'), 'utf8')) as {
        configurations: { kernel: string }[];
      };
      assert.equal(launch.configurations[0]?.kernel, '${workspaceFolder}/tour.elf');
    } finally {
      rmSync(parent, { recursive: true });
    }
  });
});
