// A scripted debug adapter for the terminal debugger's tests: answers requests from a table, sends events on demand, and
// keeps everything that it was asked. It is this side of the wire only: what a real session does is tested elsewhere.
import { PassThrough, Writable } from 'node:stream';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DapClient } from '../../src/cli/debug/client';
import { COMMANDS } from '../../src/cli/debug/commands';
import type { Connect } from '../../src/cli/debug/guest-session';
import { Screen } from '../../src/cli/debug/screen';
import { Shell } from '../../src/cli/debug/shell';
import { PLAIN } from '../../src/cli/debug/style';
import { MessageReader } from '../../src/dap/wire';

type Body = object | undefined;
/** Answers one command; an Error is a refusal. */
export type Answer = (args: Record<string, unknown>) => Body | Error;

const FILTERS: DebugProtocol.ExceptionBreakpointsFilter[] = [
  { filter: 'exit', label: 'VM exit', description: 'Stops after every VM exit.' },
  { filter: 'exception', label: 'Guest exception' },
  { filter: 'tripleFault', label: 'Triple fault', default: true },
  { filter: 'portIo', label: 'Port I/O' },
];

const SOURCES = ['/k/tour/main.c', '/k/tour/timer.c', '/k/boot/main.c'].map((path) => ({
  name: path.split('/').at(-1)!,
  path,
}));

export class ScriptedPeer {
  /** Requests after the session's start, without those that only read the stack. */
  readonly asked: [command: string, args: Record<string, unknown>][] = [];
  readonly answers: Record<string, Answer>;
  private toClient: PassThrough | undefined;
  private breakpointIds = 0;

  constructor() {
    const list = (args: Record<string, unknown>): Body => ({
      breakpoints: ((args.breakpoints ?? args.filterOptions ?? []) as object[]).map(() => ({
        id: ++this.breakpointIds,
        verified: true,
        instructionReference: '0x1000',
      })),
    });
    this.answers = {
      initialize: () => ({
        supportsLoadedSourcesRequest: true,
        supportsDisassembleRequest: true,
        supportsCompletionsRequest: true,
        exceptionBreakpointFilters: FILTERS,
      }),
      loadedSources: () => ({ sources: SOURCES }),
      setBreakpoints: list,
      setFunctionBreakpoints: list,
      setInstructionBreakpoints: list,
      setDataBreakpoints: list,
      setExceptionBreakpoints: (args) => ({
        breakpoints: [...(args.filters as string[]), ...(args.filterOptions as object[])].map(() => ({
          id: ++this.breakpointIds,
          verified: true,
        })),
      }),
      stackTrace: () => ({
        totalFrames: 2,
        stackFrames: [
          {
            id: 1000,
            name: 'kmain+0x4 (64-bit mode, ring 0)',
            line: 12,
            column: 1,
            source: SOURCES[0],
            instructionPointerReference: '0x1004',
          },
          { id: 1001, name: 'start', line: 0, column: 0, instructionPointerReference: '0x900' },
        ],
      }),
      disassemble: () => ({ instructions: [{ address: '0x1004', instruction: 'cpuid' }] }),
      evaluate: ({ expression }) => ({ result: `<${String(expression)}>`, variablesReference: 0 }),
      dataBreakpointInfo: ({ name, bytes }) => ({
        dataId: `${String(name)}/${String(bytes ?? 8)}`,
        description: `data ${String(name)}`,
      }),
    };
  }

  /** Opens the wire; the session stops at its entry. */
  readonly connect: Connect = (sink) => {
    const [toPeer, toClient] = [new PassThrough(), new PassThrough()];
    this.toClient = toClient;
    const reader = new MessageReader((message) => this.onRequest(message as DebugProtocol.Request));
    toPeer.on('data', (data: Buffer) => reader.push(data));
    return new DapClient(toClient, toPeer, sink);
  };

  /** Sends an event. */
  emit(event: string, body: object = {}): void {
    this.send({ type: 'event', event, body });
  }

  stop(reason: string, more: object = {}): void {
    this.emit('stopped', { reason, threadId: 1, allThreadsStopped: true, ...more });
  }

  /** Closes the wire without a word. */
  hangUp(): void {
    this.toClient?.destroy();
  }

  private onRequest({ seq, command, arguments: raw }: DebugProtocol.Request): void {
    const args = (raw ?? {}) as Record<string, unknown>;
    if (!QUIET.has(command)) this.asked.push([command, args]);
    const answer = this.answers[command]?.(args);
    const success = !(answer instanceof Error);
    this.send({
      type: 'response',
      request_seq: seq,
      command,
      success,
      ...(success ? { body: answer } : { message: answer.message }),
    });
    if (command === 'initialize') this.emit('initialized');
    if (command === 'configurationDone') this.stop('entry', { description: 'Paused on entry' });
  }

  private send(message: object): void {
    const body = JSON.stringify({ seq: 0, ...message });
    this.toClient?.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }
}

const QUIET = new Set(['initialize', 'launch', 'configurationDone', 'stackTrace', 'loadedSources', 'disassemble']);

/** A shell at its guest's entry. */
export interface Debugged {
  readonly peer: ScriptedPeer;
  readonly shell: Shell;
  /** What was shown since the last call. */
  shown(): string;
}

/** Starts a shell on a scripted peer; `asked` and what was shown are empty. */
export async function debugPeer(peer = new ScriptedPeer()): Promise<Debugged> {
  let text = '';
  const out = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const shown = (): string => {
    const taken = text;
    text = '';
    return taken;
  };
  const shell = new Shell(new Screen(out, PLAIN), COMMANDS, peer.connect, { command: 'launch', args: { kernel: 'k' } });
  await shell.printer.show(await shell.begin());
  peer.asked.length = 0;
  shown();
  return { peer, shell, shown };
}
