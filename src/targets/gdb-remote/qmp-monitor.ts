/**
 * QEMU's human monitor through a QMP socket, for a stub that has no monitor of its own. A QMP socket serves one client at a
 * time: each command has a connection of its own, and one that is taken counts as no monitor. Source: QEMU,
 * docs/interop/qmp-spec.rst, `human-monitor-command`. NOT IMPLEMENTED: events.
 */
import type { NetConnectOpts } from 'node:net';
import { openSocket } from './connection';

const LIMIT_MS = 3000;
const MOST_BYTES = 2 ** 22;

/** What the monitor prints for a line, asked of vCPU `cpu`; undefined if nobody answers in time. */
export async function askThroughQmp(options: NetConnectOpts, line: string, cpu: number): Promise<string | undefined> {
  const socket = await openSocket('QMP door', options, LIMIT_MS);
  const command = { execute: 'human-monitor-command', arguments: { 'command-line': line, 'cpu-index': cpu } };
  return new Promise((resolve) => {
    let text = '';
    let isGreeted = false;
    const over = (answer?: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => over(), LIMIT_MS);
    socket.on('error', () => over());
    socket.on('close', () => over());
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('utf8');
      if (text.length > MOST_BYTES) return over();
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const message of lines.map(parsed)) {
        if (message.QMP) {
          isGreeted = true;
          socket.write('{"execute":"qmp_capabilities"}\n');
        } else if (!isGreeted) over();
        else if ('return' in message && typeof message.return !== 'string')
          socket.write(`${JSON.stringify(command)}\n`);
        else if ('return' in message) over(message.return as string);
        else if ('error' in message) over();
      }
    });
  });
}

function parsed(line: string): { readonly QMP?: unknown; readonly return?: unknown; readonly error?: unknown } {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
