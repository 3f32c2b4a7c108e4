/**
 * gdb's `monitor`: the debug console's commands, by way of a debug session of ours that only looks. The session begins
 * with the first command, since it reads the kernel's symbols.
 */
import { PassThrough } from 'node:stream';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../../common/errors';
import { DapSession } from '../../dap/session';
import type { Monitor } from '../../gdb/session';
import type { Target } from '../../targets/target';
import { DapClient } from '../debug/client';
import { type Connect, GuestSession } from '../debug/guest-session';

const SILENT = { onRest: () => {}, onOutput: () => {}, onSerial: () => {}, onBreakpoint: () => {} };

/** Runs lines of the debug console at a target, which a session of its own may attach to. */
export function consoleMonitor(target: Target): Monitor {
  const session = new GuestSession(connectTo(target), { command: 'attach', args: { machine: 'gdb' } }, SILENT);
  return async (line) => {
    if ((await target.state()).running) throw new UserError('gdb/running', 'The guest runs: interrupt it first.');
    if (!session.isAlive)
      await session.begin(() => session.request('setExceptionBreakpoints', { filters: [] }).then(() => {}));
    const expression = line.trim() === '' ? 'help' : line;
    const { result } = await session.request<DebugProtocol.EvaluateResponse['body']>('evaluate', {
      expression,
      context: 'repl',
    });
    return result;
  };
}

function connectTo(target: Target): Connect {
  return (sink) => {
    const [toSession, fromSession] = [new PassThrough(), new PassThrough()];
    const refuse = (): Promise<never> => Promise.reject(new UserError('gdb/launch', 'There is a guest already.'));
    const session = new DapSession({ launch: refuse, attach: () => Promise.resolve(target) });
    session.on('disconnected', () => fromSession.end());
    session.start(toSession, fromSession);
    return new DapClient(fromSession, toSession, sink);
  };
}
