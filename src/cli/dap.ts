/** `vmxray dap`: debug sessions on this process's standard streams, or one for each connection to a local port. */
import { createServer, type AddressInfo } from 'node:net';
import { UserError } from '../common/errors';
import { DapSession } from '../dap/session';
import { describeOptions, type Option, parseOptions } from './options';
import { programMachines } from './program';

const OPTIONS: readonly Option[] = [
  { names: ['port'], value: 'PORT', help: 'listen on 127.0.0.1:PORT (0: any free one) instead of stdio' },
  { names: ['help'], help: 'this text' },
];

/** The text of `vmxray dap --help`. */
export const DAP_HELP = `Usage: vmxray dap [--port PORT]

A debug adapter: speaks the debug adapter protocol on standard input and output, so that any editor that knows the
protocol can debug a guest.

Options:
${describeOptions(OPTIONS)}
`;

/** Serves until the client leaves; with a port, until the process is ended. Resolves to the exit code. */
export async function runDap(args: readonly string[]): Promise<number> {
  const port = parseOptions('dap', OPTIONS, args).get('port');
  return typeof port === 'string' ? listen(parsePort(port)) : serveStdio();
}

/** A session whose machines run in processes of their own. */
export const newSession = (): DapSession => new DapSession(programMachines());

async function serveStdio(): Promise<number> {
  const session = newSession();
  const over = new Promise<void>((resolve) => {
    session.on('disconnected', resolve);
    process.stdin.on('end', resolve);
    process.stdout.on('error', resolve);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, resolve);
  });
  session.start(process.stdin, process.stdout);
  await over;
  await session.end();
  return 0;
}

function listen(port: number): Promise<number> {
  const sessions = new Set<DapSession>();
  const server = createServer((socket) => {
    const session = newSession();
    sessions.add(session);
    socket.on('close', () => sessions.delete(session));
    socket.on('error', () => socket.destroy());
    session.on('disconnected', () => socket.end());
    session.start(socket, socket);
  });
  return new Promise((resolve, reject) => {
    server.on('error', ({ message }) =>
      reject(new UserError('dap/port', `Port ${port} cannot be listened on (${message}): choose another one.`)),
    );
    server.listen(port, '127.0.0.1', () =>
      process.stdout.write(`listening on 127.0.0.1:${(server.address() as AddressInfo).port}\n`),
    );
    const end = async (): Promise<void> => {
      await Promise.all([...sessions].map((session) => session.end()));
      resolve(0);
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end());
  });
}

function parsePort(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port <= 0xffff)) throw new UserError('usage/port', `"${text}" is not a port: write a number from 0 to 65535.`);
  return port;
}
