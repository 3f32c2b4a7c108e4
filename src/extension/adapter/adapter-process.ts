/** One session's debug adapter, `vmxray dap`, in a process of its own: a machine's end, or a mistake of ours, is only its own. */
import * as vscode from 'vscode';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { framed, MessageReader } from '../../dap/wire';
import { AdapterLine, type AdapterLines } from './adapter-lines';
import { withoutLacks } from './foreign-capabilities';
import { StopFilter } from './stop-filter';

/** How long the adapter may take to end its machine. */
const GRACE_MS = 5000;

/** Starts `vmxray dap` from the extension's folder with the Node that VS Code itself runs on. */
export function adapterFactory(extensionPath: string, lines: AdapterLines): vscode.DebugAdapterDescriptorFactory {
  const program = join(extensionPath, 'dist', 'src', 'cli', 'main.js');
  return {
    createDebugAdapterDescriptor: (session) =>
      new vscode.DebugAdapterInlineImplementation(
        new AdapterProcess(program, session.configuration, (write) => lines.open(session, new AdapterLine(write))),
      ),
  };
}

class AdapterProcess implements vscode.DebugAdapter {
  private readonly sent = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  readonly onDidSendMessage = this.sent.event;
  private readonly child: ChildProcess;
  private readonly filter = new StopFilter(
    (request) => this.write(request),
    (message) => this.tell(message),
  );
  private readonly line: AdapterLine;
  private isOver = false;

  constructor(
    program: string,
    configuration: vscode.DebugConfiguration,
    open: (write: (request: DebugProtocol.Request) => void) => AdapterLine,
  ) {
    this.line = open((request) => this.write(request));
    this.child = spawn(process.execPath, [program, 'dap'], {
      // The desktop's Node is Electron's binary, which this variable turns into a plain Node.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const reader = new MessageReader((message) => {
      const heard = this.line.take(message);
      if (heard) this.filter.take(withoutLacks(configuration, heard));
    });
    this.child.stdout?.on('data', (data: Buffer) => reader.push(data));
    this.child.stderr?.on('data', (data: Buffer) => this.say(String(data)));
    // A process that is gone takes no more requests; its end is told below.
    this.child.stdin?.on('error', () => {});
    this.child.on('error', ({ message }) => this.end(`could not be started (${message})`));
    this.child.on('close', (code, signal) => this.end(`has ended (${signal ?? `exit code ${code}`})`));
  }

  handleMessage(message: DebugProtocol.ProtocolMessage): void {
    this.line.told(message);
    this.write(message);
  }

  /** The end of its input ends the adapter, and its machine. */
  dispose(): void {
    this.isOver = true;
    this.line.close();
    this.child.stdin?.end();
    const kill = setTimeout(() => this.child.kill('SIGKILL'), GRACE_MS);
    this.child.once('close', () => clearTimeout(kill));
    this.sent.dispose();
  }

  private write(message: DebugProtocol.ProtocolMessage): void {
    if (this.child.stdin?.writable) this.child.stdin.write(framed(message));
  }

  private tell(message: DebugProtocol.ProtocolMessage): void {
    const { event, command } = message as DebugProtocol.Event & DebugProtocol.Response;
    // After either of these the adapter goes.
    if (event === 'terminated' || command === 'disconnect') this.isOver = true;
    this.sent.fire(message);
  }

  private say(output: string): void {
    this.sent.fire({ seq: 0, type: 'event', event: 'output', body: { category: 'stderr', output } });
  }

  /** A session whose adapter is gone would never end by itself. */
  private end(how: string): void {
    this.filter.end();
    this.line.close();
    if (this.isOver) return;
    this.isOver = true;
    this.say(`The debug adapter ${how}: please report this, with what is said above.\n`);
    this.sent.fire({ seq: 0, type: 'event', event: 'terminated' });
  }
}
