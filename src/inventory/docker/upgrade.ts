/**
 * An HTTP request that becomes a two-way connection: attach, and the start of an exec. By Node's own client, since
 * docker-modem leaves such a request unsent until its first byte of body, which Podman would take for input.
 * Source: Docker Engine API 1.41, "Hijacking" of container attach; RFC 9110, section 7.8.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';

/** Where the request goes: what docker-modem holds of its endpoint. */
export interface UpgradeTarget {
  readonly protocol: 'http' | 'https';
  readonly options: RequestOptions;
}

/** Sends the request; resolves to the connection. Rejects with an error that has the answer's `statusCode` and `json`. */
export function openUpgraded(
  { protocol, options }: UpgradeTarget,
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const send = protocol === 'https' ? httpsRequest : httpRequest;
    const request = send({
      ...options,
      method: 'POST',
      path,
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'tcp',
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(payload),
      },
    });
    const giveUp = (): void => void request.destroy(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    const done = (): void => signal.removeEventListener('abort', giveUp);
    request.on('upgrade', (_answer, socket, head) => {
      done();
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.on('response', (answer) => {
      done();
      void refused(answer).then(reject, reject);
    });
    request.on('error', (error) => {
      done();
      reject(error);
    });
    request.end(payload);
  });
}

async function refused(answer: IncomingMessage): Promise<Error> {
  const body = await text(answer);
  const json = parsed(body) ?? { message: body };
  return Object.assign(new Error(`HTTP status ${answer.statusCode}`), { statusCode: answer.statusCode, json });
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
