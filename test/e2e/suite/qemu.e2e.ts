// Debian's stock Linux in a QEMU that runs beside VS Code, debugged by its gdb stub, and its memory dump. Without QEMU or the
// lab's kernel: skipped.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import {
  ask,
  endAll,
  eventAfter,
  folder,
  listen,
  register,
  registersShown,
  scope,
  stack,
  stopAfter,
  top,
} from './guest';
import { screenshot } from './screenshot';

const COMMAND = 'qemu-system-x86_64';
/** The programs that the kernel starts by itself begin here. */
const FUNCTION = 'kernel_execve';

describe('Linux in QEMU', function () {
  this.timeout(300_000);
  let place: string;
  let qemu: ChildProcess | undefined;
  const within = (name: string): string => join(place, name);
  const kernel = (): string => join(folder().uri.fsPath, 'vmlinuz');

  before(async function () {
    listen();
    if (!existsSync(kernel()) || spawnSync(COMMAND, ['--version']).status !== 0) this.skip();
    place = mkdtempSync(join(tmpdir(), 'vmxray-qemu-'));
    const doors = ['gdb', 'qmp'].flatMap((name) => [`-${name}`, `unix:${within(name)},server=on,wait=off`]);
    const machine = ['-accel', 'tcg', '-m', '128', '-nodefaults', '-display', 'none', '-no-reboot', '-S'];
    const guest = ['-kernel', kernel(), '-initrd', join(folder().uri.fsPath, 'initramfs.cpio')];
    qemu = spawn(COMMAND, [...machine, ...guest, ...doors], { stdio: 'ignore' });
    for (let waits = 0; !existsSync(within('gdb')) && waits < 200; waits++) await sleep(50);
  });
  afterEach(endAll);
  after(async () => {
    if (qemu && qemu.exitCode === null) {
      const gone = new Promise((resolve) => qemu!.once('exit', resolve));
      qemu.kill();
      await gone;
    }
    if (place) rmSync(place, { recursive: true, force: true });
  });

  /** Begins a session; gives the body of its first `stopped`. */
  const attach = (more: object) =>
    eventAfter('stopped', async () =>
      assert.ok(
        await vscode.debug.startDebugging(folder(), { type: 'vmxray', request: 'attach', name: 'QEMU', ...more }),
      ),
    );

  it('is followed from real mode into the kernel, and looked at again in a dump', async () => {
    await vscode.commands.executeCommand('workbench.view.debug');
    assert.equal((await attach({ gdb: within('gdb'), kernel: kernel() })).description, 'Paused');
    assert.match((await top()).name, /real mode/);
    assert.equal(await register('RIP'), 0xfff0n);

    vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint(FUNCTION)]);
    const stopped = await stopAfter('workbench.action.debug.continue');
    assert.equal((stopped.hitBreakpointIds as number[]).length, 1);
    assert.match((await top()).name, new RegExp(`^${FUNCTION} \\(64-bit mode, ring 0\\)`));
    const names = async (): Promise<string[]> => (await stack()).map(({ name }) => name.split(/[+ ]/)[0]!);
    assert.ok((await names()).includes('ret_from_fork'), (await names()).join());
    const control = (await scope('Control')).variables.find(({ name }) => name === 'CR0');
    assert.match(control!.value, /PG/);
    await registersShown();
    await screenshot('qemu-linux');
    const before = await register('RIP');
    await stopAfter('workbench.action.debug.stepOver');
    assert.notEqual(await register('RIP'), before);
    assert.match((await top()).name, new RegExp(`^${FUNCTION}`));

    const [seen, rip] = [await names(), await register('RIP')];
    const dump = within('memory.elf');
    await dumpMemory(within('qmp'), dump);
    await endAll();
    await eventAfter('stopped', () => vscode.commands.executeCommand('vmxray.openDump', vscode.Uri.file(dump)));
    assert.equal(await register('RIP'), rip);
    // Nobody has named the kernel: its symbols are those that it has in memory.
    assert.deepEqual(await names(), seen);
    await assert.rejects(ask('continue', { threadId: 1 }), /does not run/);
  });
});

/** Has QEMU write its guest's memory into a file. */
function dumpMemory(qmp: string, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const commands = [
      { execute: 'qmp_capabilities' },
      { execute: 'dump-guest-memory', arguments: { paging: false, protocol: `file:${path}` } },
    ];
    const socket = connect({ path: qmp });
    let text = '';
    socket.on('error', reject);
    socket.on('data', (bytes) => {
      const lines = (text + bytes.toString('utf8')).split('\n');
      text = lines.pop() ?? '';
      for (const message of lines.map((line) => JSON.parse(line) as Record<string, unknown>)) {
        if ('event' in message) continue;
        if ('error' in message) return reject(new Error(JSON.stringify(message['error'])));
        const next = commands.shift();
        if (next) socket.write(`${JSON.stringify(next)}\n`);
        else {
          socket.destroy();
          resolve();
        }
      }
    });
  });
}
