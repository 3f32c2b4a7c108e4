// A QEMU with a gdb stub and a second look at it through a monitor of its own, by no code of ours.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Daemon } from '../support/engines/daemon';
import { startQemu } from '../support/engines/qemu';
import { DapProcess } from './client';

/** How a VM is made. */
export interface VmOptions {
  /** The program. */
  readonly command: string;
  readonly kernel: string;
  readonly initrd?: string;
  readonly cmdline?: string;
  readonly cpus?: number;
  /** Waits at reset for a debugger. */
  readonly stopped?: boolean;
  readonly more?: readonly string[];
}

/** One VM, ended with `end`. */
export class QemuVm {
  readonly gdb: string;
  readonly qmp: string;

  private constructor(
    readonly folder: string,
    private readonly daemon: Daemon,
  ) {
    this.gdb = join(folder, 'gdb');
    this.qmp = join(folder, 'qmp');
  }

  static async start({ command, kernel, initrd, cmdline, cpus = 1, stopped, more = [] }: VmOptions): Promise<QemuVm> {
    const folder = mkdtempSync(join(tmpdir(), 'vmxray-qemu-'));
    const [gdb, qmp] = [join(folder, 'gdb'), join(folder, 'qmp')];
    const args = [
      ...['-accel', 'tcg', '-m', '128', '-nodefaults', '-no-reboot', '-smp', String(cpus), '-kernel', kernel],
      ...(initrd ? ['-initrd', initrd] : []),
      ...(cmdline ? ['-append', cmdline] : []),
      ...(stopped ? ['-S'] : []),
      ...['-gdb', `unix:${gdb},server=on,wait=off`, '-qmp', `unix:${qmp},server=on,wait=off`],
      ...more,
    ];
    const daemon = await startQemu(command, args, folder, qmp);
    return new QemuVm(folder, daemon);
  }

  /** What the human monitor prints for each of these lines. */
  monitor(...lines: readonly string[]): Promise<readonly string[]> {
    return this.execute(
      lines.map((line) => ({ execute: 'human-monitor-command', arguments: { 'command-line': line } })),
    ) as Promise<readonly string[]>;
  }

  /** What QMP returns for each of these commands. */
  execute(commands: readonly { execute: string; arguments?: object }[]): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      const socket = connect({ path: this.qmp });
      const returned: unknown[] = [];
      const waiting = [{ execute: 'qmp_capabilities' }, ...commands];
      let text = '';
      const timer = setTimeout(() => socket.destroy(new Error('QMP does not answer')), 60_000);
      const next = (): void => {
        const command = waiting.shift();
        if (command) socket.write(`${JSON.stringify(command)}\n`);
        else {
          socket.destroy();
          resolve(returned.slice(1));
        }
      };
      socket.on('error', reject);
      socket.on('close', () => clearTimeout(timer));
      socket.on('data', (bytes) => {
        const lines = (text + bytes.toString('utf8')).split('\n');
        text = lines.pop() ?? '';
        for (const message of lines.map((line) => JSON.parse(line) as Record<string, unknown>)) {
          if ('error' in message) socket.destroy(new Error(JSON.stringify(message['error'])));
          else if ('return' in message) {
            returned.push(message['return']);
            next();
          } else if ('QMP' in message) next();
        }
      });
    });
  }

  /** Its process sleeps until it is let on. */
  freeze(sleeps: boolean): void {
    process.kill(this.daemon.pid, sleeps ? 'SIGSTOP' : 'SIGCONT');
  }

  async end(): Promise<void> {
    await this.daemon.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A session on a new adapter process that has attached; its first `stopped` is still to be waited for. */
export async function attach(
  attributes: object,
  configure: (client: DapProcess['client']) => Promise<unknown> = async () => {},
): Promise<DapProcess> {
  const dap = new DapProcess(60_000);
  const { client } = dap;
  await client.request('initialize', { adapterID: 'vmxray' });
  await client.event('initialized');
  await client.request('attach', attributes);
  await configure(client);
  await client.request('configurationDone');
  return dap;
}
