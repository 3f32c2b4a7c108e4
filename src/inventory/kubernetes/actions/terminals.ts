/** Shells, commands and logs of containers in pods, in terminals. */
import type { IncomingMessage } from 'node:http';
import { PassThrough, Writable } from 'node:stream';
import { byteStream } from '../../byte-streams';
import { splitCommandLine } from '../../command-line';
import { foundText, matchingLines } from '../../log-search';
import { TerminalLines } from '../../docker/demultiplex';
import type { ByteStream } from '../../provider';
import { unfit } from '../errors';
import { resourcePath, type KubeObject } from '../object';
import { podHealth, type Pod } from '../pods';
import type { ActionContext, KubernetesAction } from './action';

/** A container of a pod. */
interface PodContainer {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

// Bash where there is one. The command runs in the container; nothing of ours is put together for a shell.
const SHELL = ['/bin/sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash || exec sh'];
const FOLLOWED_LINES = '1000';
const WITH_CONTAINERS = ['Pod', 'container'];

/** The actions that open terminals or logs. */
export const terminalActions: readonly KubernetesAction[] = [
  {
    id: 'shell',
    title: 'Open Shell',
    icon: 'terminal',
    group: 'inline',
    on: WITH_CONTAINERS,
    execute: async (context) => {
      for (const target of await chosenContainers(context)) await openExec(context, target, target.pod, SHELL);
    },
  },
  {
    id: 'exec',
    title: 'Run Command...',
    icon: 'run',
    group: 'show',
    on: WITH_CONTAINERS,
    execute: async (context) => {
      const check = (text: string): string | undefined => {
        try {
          splitCommandLine(text);
          return undefined;
        } catch (error) {
          return (error as Error).message;
        }
      };
      const line = await context.desk.ask('Command to run in the container', { placeholder: 'ls -l /', check });
      if (line === undefined || line.trim() === '') return;
      for (const target of await chosenContainers(context)) {
        await openExec(context, target, `${target.pod}: ${line}`, splitCommandLine(line));
      }
    },
  },
  {
    id: 'logs',
    title: 'Follow Logs',
    icon: 'output',
    group: 'show',
    on: [...WITH_CONTAINERS, 'Deployment', 'StatefulSet', 'DaemonSet'],
    severalItems: true,
    execute: async (context) => {
      for (const target of await chosenContainers(context)) {
        context.desk.openTerminal(`Logs: ${target.pod}`, await follow(context, target));
      }
    },
  },
  {
    id: 'logsSince',
    title: 'Show Logs Since...',
    icon: 'history',
    group: 'show',
    on: WITH_CONTAINERS,
    execute: async (context) => {
      const since = await context.desk.choose('Logs since', [
        { label: '5 minutes ago', value: '300' },
        { label: '1 hour ago', value: '3600' },
        { label: '1 day ago', value: '86400' },
        { label: 'The beginning', value: '' },
      ]);
      if (since === undefined) return;
      const query: Record<string, string> = since === '' ? {} : { sinceSeconds: since };
      for (const target of await chosenContainers(context)) await showLog(context, target, query);
    },
  },
  {
    id: 'previousLogs',
    title: 'Show Logs of the Run Before',
    icon: 'discard',
    group: 'show',
    on: WITH_CONTAINERS,
    execute: async (context) => {
      for (const target of await chosenContainers(context)) await showLog(context, target, { previous: 'true' });
    },
  },
  {
    id: 'logsSearch',
    title: 'Search Logs...',
    icon: 'search',
    group: 'show',
    on: WITH_CONTAINERS,
    execute: async (context) => {
      const words = await context.desk.ask('Words that the lines have', { placeholder: 'error timeout' });
      if (words === undefined || words.trim() === '') return;
      for (const target of await chosenContainers(context)) {
        const log = await openLog(context, target, { timestamps: 'true' }, context.signal);
        const found = await matchingLines(log, words, context.signal);
        await context.desk.openDocument(`${target.pod}: ${words}.log`, 'log', foundText(found, words));
      }
    },
  },
];

/** The containers that the rows stand for: the user is asked where a pod has several. */
async function chosenContainers(context: ActionContext): Promise<PodContainer[]> {
  const targets: PodContainer[] = [];
  for (const place of context.places) {
    if (place.at === 'container') targets.push(place);
    else if (place.at === 'object' && place.namespace !== undefined) {
      const { namespace } = place;
      const pod = place.key === '/pods' ? place.name : await podOf(context, place.key, namespace, place.name);
      const container = pod === undefined ? undefined : await chosenContainer(context, namespace, pod);
      if (pod !== undefined && container !== undefined) targets.push({ namespace, pod, container });
    } else throw unfit('This row has no containers.');
  }
  return targets;
}

/** A pod of a workload, by its selector. */
async function podOf(
  context: ActionContext,
  key: string,
  namespace: string,
  name: string,
): Promise<string | undefined> {
  const { cluster, desk, signal } = context;
  const owner = await cluster.get<KubeObject<{ selector?: { matchLabels?: Record<string, string> } }>>(
    await cluster.type(key, signal),
    namespace,
    name,
    signal,
  );
  const labels = Object.entries(owner.spec?.selector?.matchLabels ?? {}).map(([label, value]) => `${label}=${value}`);
  const pods = await cluster.list<Pod>(await cluster.type('/pods', signal), namespace, signal, {
    labelSelector: labels.join(','),
  });
  if (pods.items.length === 0) throw unfit(`${name} has no pod at present.`);
  if (pods.items.length === 1) return pods.items[0]?.metadata.name;
  return desk.choose(
    'Which pod?',
    pods.items.map((pod) => ({ label: pod.metadata.name, description: podHealth(pod).word, value: pod.metadata.name })),
  );
}

async function chosenContainer(context: ActionContext, namespace: string, name: string): Promise<string | undefined> {
  const { cluster, desk, signal } = context;
  const pod = await cluster.get<Pod>(await cluster.type('/pods', signal), namespace, name, signal);
  const names = (pod.spec?.containers ?? []).map((container) => container.name);
  if (names.length <= 1) return names[0];
  return desk.choose(
    `Which container of ${name}?`,
    names.map((label) => ({ label, value: label })),
  );
}

async function openExec(
  context: ActionContext,
  target: PodContainer,
  title: string,
  command: readonly string[],
): Promise<void> {
  context.desk.openTerminal(title, await execTerminal(context, target, command));
}

/** The far side's output, with the terminal's size, of which the client sends changes. */
class TerminalOutput extends Writable {
  columns = 80;
  rows = 24;

  constructor(private readonly shown: PassThrough) {
    super();
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    if (this.shown.write(bytes)) done();
    else this.shown.once('drain', done);
  }

  override _final(done: () => void): void {
    this.shown.end();
    done();
  }
}

/** Runs a command in a container on a terminal; the stream's end tells what the server says unless all went well. */
async function execTerminal(
  { cluster, signal }: ActionContext,
  { namespace, pod, container }: PodContainer,
  command: readonly string[],
): Promise<ByteStream> {
  const shown = new PassThrough();
  const output = new TerminalOutput(shown);
  const input = new PassThrough();
  let verdict: string | undefined;
  const socket = await cluster.call(signal, (transport) =>
    transport.exec(namespace, pod, container, command, { output, input }, ({ status, details, message }) => {
      if (status === 'Success') return;
      const code = details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
      verdict = code === undefined ? message : `It ended with exit code ${code}.`;
    }),
  );
  return byteStream(shown, {
    input,
    resize: (columns, rows) => {
      output.columns = columns;
      output.rows = rows;
      output.emit('resize');
    },
    describeEnd: () => Promise.resolve(verdict),
    release: () => socket.close(),
  });
}

/** A container's log as it comes, until `open` is aborted. */
async function openLog(
  { cluster, signal }: Pick<ActionContext, 'cluster' | 'signal'>,
  { namespace, pod, container }: PodContainer,
  more: Readonly<Record<string, string>>,
  open: AbortSignal,
): Promise<IncomingMessage> {
  const path = resourcePath(await cluster.type('/pods', signal), namespace, pod, 'log');
  return cluster.open({ method: 'GET', path, query: { container, ...more } }, open);
}

async function follow({ cluster, signal }: ActionContext, target: PodContainer): Promise<ByteStream> {
  const closing = new AbortController();
  const giveUp = (): void => closing.abort(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  const query = { follow: 'true', tailLines: FOLLOWED_LINES };
  const answer = await openLog({ cluster, signal }, target, query, closing.signal);
  // From here on the terminal decides when it ends.
  signal.removeEventListener('abort', giveUp);
  const lines = new TerminalLines();
  answer.on('error', () => lines.end());
  return byteStream(answer.pipe(lines), { release: () => closing.abort() });
}

async function showLog(
  { cluster, desk, signal }: ActionContext,
  { namespace, pod, container }: PodContainer,
  more: Readonly<Record<string, string>>,
): Promise<void> {
  const path = resourcePath(await cluster.type('/pods', signal), namespace, pod, 'log');
  const query = { container, timestamps: 'true', limitBytes: String(16 << 20), ...more };
  const text = await cluster.call(signal, (transport) => transport.text({ method: 'GET', path, query }, signal));
  await desk.openDocument(`${pod}.log`, 'log', text);
}
