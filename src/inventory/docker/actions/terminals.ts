/** Shells, commands and logs of containers, in terminals. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { byteStream } from '../../byte-streams';
import { splitCommandLine } from '../../command-line';
import { foundText, matchingLines } from '../../log-search';
import type { ByteStream, Choice } from '../../provider';
import { Demultiplexer, TerminalLines } from '../demultiplex';
import type { DockerEngine } from '../engine';
import { noShell, notRunning } from '../errors';
import { inspectContainer, nameOf, type ActionContext, type DockerAction } from './action';

const SHELLS = ['/bin/bash', '/usr/bin/bash', '/bin/sh'];
const FOLLOWED_LINES = '1000';

/** The actions that open terminals or logs. */
export const terminalActions: readonly DockerAction[] = [
  {
    id: 'shell',
    title: 'Open Shell',
    icon: 'terminal',
    group: 'inline',
    on: ['container'],
    execute: (context) => forEachRunning(context, 'opening a shell', openShell),
  },
  {
    id: 'exec',
    title: 'Run Command...',
    icon: 'run',
    group: 'show',
    on: ['container'],
    execute: async (context) => {
      const line = await context.desk.ask('Command to run in the container', {
        placeholder: 'ls -l /',
        check: problemIn,
      });
      if (line === undefined || line.trim() === '') return;
      await forEachRunning(context, 'running a command', async (_, id, name) => {
        context.desk.openTerminal(
          `${name}: ${line}`,
          await execTerminal(context.engine, id, splitCommandLine(line), context.signal),
        );
      });
    },
  },
  {
    id: 'logs',
    title: 'Follow Logs',
    icon: 'output',
    group: 'show',
    on: ['container'],
    severalItems: true,
    execute: async (context) => {
      for (const { name: id } of context.subjects) {
        const info = await inspectContainer(context, id);
        const query = { follow: 'true', stdout: 'true', stderr: 'true', tail: FOLLOWED_LINES };
        const stream = await logStream(context, id, info.Config.Tty, query);
        context.desk.openTerminal(
          `Logs: ${nameOf(info)}`,
          byteStream(stream.pipe(new TerminalLines()), { release: () => void stream.destroy() }),
        );
      }
    },
  },
  {
    id: 'logsSince',
    title: 'Show Logs Since...',
    icon: 'history',
    group: 'show',
    on: ['container'],
    execute: async (context) => {
      const since = await context.desk.choose('Logs since', sinceChoices(Math.floor(Date.now() / 1000)));
      if (since === undefined) return;
      for (const { name: id } of context.subjects) {
        const info = await inspectContainer(context, id);
        const query = { stdout: 'true', stderr: 'true', timestamps: 'true', since: String(since) };
        const stream = await logStream(context, id, info.Config.Tty, query);
        await context.desk.openDocument(`${nameOf(info)}.log`, 'log', await textOf(stream, context.signal));
      }
    },
  },
  {
    id: 'logsSearch',
    title: 'Search Logs...',
    icon: 'search',
    group: 'show',
    on: ['container'],
    execute: async (context) => {
      const words = await context.desk.ask('Words that the lines have', { placeholder: 'error timeout' });
      if (words === undefined || words.trim() === '') return;
      for (const { name: id } of context.subjects) {
        const info = await inspectContainer(context, id);
        const query = { stdout: 'true', stderr: 'true', timestamps: 'true' };
        const found = await matchingLines(await logStream(context, id, info.Config.Tty, query), words, context.signal);
        await context.desk.openDocument(`${nameOf(info)}: ${words}.log`, 'log', foundText(found, words));
      }
    },
  },
];

function problemIn(line: string): string | undefined {
  try {
    splitCommandLine(line);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const sinceChoices = (now: number): Choice<number>[] => [
  { label: '5 minutes ago', value: now - 300 },
  { label: '1 hour ago', value: now - 3600 },
  { label: '1 day ago', value: now - 86400 },
  { label: 'The beginning', value: 0 },
];

async function forEachRunning(
  context: ActionContext,
  what: string,
  work: (context: ActionContext, id: string, name: string) => Promise<void>,
): Promise<void> {
  for (const { name: id } of context.subjects) {
    const info = await inspectContainer(context, id);
    if (!info.State.Running) throw notRunning(nameOf(info), what);
    await work(context, id, nameOf(info));
  }
}

async function openShell(context: ActionContext, id: string, name: string): Promise<void> {
  const { engine, signal } = context;
  for (const shell of SHELLS) {
    const isThere = await engine
      .call(signal, (docker) => docker.getContainer(id).infoArchive({ path: shell, abortSignal: signal }))
      .then(
        () => true,
        (error: { code?: string }) => {
          if (error.code === 'engine/gone') return false;
          throw error;
        },
      );
    if (!isThere) continue;
    return context.desk.openTerminal(name, await execTerminal(engine, id, [shell], signal));
  }
  throw noShell(name);
}

/** Runs a command in a container on a terminal of its own; the stream's end tells the exit code unless it is 0. */
export async function execTerminal(
  engine: DockerEngine,
  container: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<ByteStream> {
  const created = await engine.request<{ Id: string }>(
    {
      method: 'POST',
      path: `/containers/${encodeURIComponent(container)}/exec`,
      body: {
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: true,
        Env: ['TERM=xterm-256color'],
        Cmd: command,
      },
    },
    signal,
  );
  const exec = `/exec/${created.Id}`;
  const duplex = await engine.hijack(
    { method: 'POST', path: `${exec}/start`, body: { Detach: false, Tty: true } },
    signal,
  );
  return byteStream(duplex, {
    input: duplex,
    resize: resizer(engine, `${exec}/resize`),
    describeEnd: async () => {
      const { ExitCode } = await engine.request<{ ExitCode: number | null }>({ method: 'GET', path: `${exec}/json` });
      return ExitCode ? `${command.join(' ')} ended with exit code ${ExitCode}.` : undefined;
    },
  });
}

/** Tells the engine a terminal's size; what cannot be resized (any more) stays as it is. */
export function resizer(engine: DockerEngine, path: string): (columns: number, rows: number) => void {
  return (columns, rows) => {
    engine.request({ method: 'POST', path, query: { w: String(columns), h: String(rows) } }).catch(() => undefined);
  };
}

/** A container's log as plain bytes. */
async function logStream(
  { engine, signal }: ActionContext,
  id: string,
  isTerminal: boolean,
  query: Readonly<Record<string, string>>,
): Promise<Readable> {
  const answer: IncomingMessage = await engine.stream(
    { method: 'GET', path: `/containers/${encodeURIComponent(id)}/logs`, query },
    signal,
  );
  if (isTerminal) return answer;
  const frames = new Demultiplexer();
  // The far side's end, and ours, end the other.
  answer.on('error', () => frames.end());
  frames.on('close', () => answer.destroy());
  return answer.pipe(frames);
}

// What a document can hold with sense.
const LONGEST_DOCUMENT = 16 << 20;

async function textOf(stream: Readable, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  const giveUp = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > LONGEST_DOCUMENT) {
      chunks.push(Buffer.from('\n[The rest is left out: choose a later start.]\n'));
      break;
    }
  }
  signal.removeEventListener('abort', giveUp);
  return Buffer.concat(chunks).toString('utf8');
}
