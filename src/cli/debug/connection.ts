/** A debug session of ours in this process, and a client that talks to it through two pipes. */
import { PassThrough } from 'node:stream';
import { newSession } from '../dap';
import { DapClient } from './client';
import type { Connect } from './guest-session';

/** Opens a session; it ends when the client closes the connection. */
export const connectInProcess: Connect = (sink) => {
  const [toSession, fromSession] = [new PassThrough(), new PassThrough()];
  const session = newSession();
  session.on('disconnected', () => fromSession.end());
  session.start(toSession, fromSession);
  return new DapClient(fromSession, toSession, sink);
};
