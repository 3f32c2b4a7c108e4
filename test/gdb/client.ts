// A client of the gdb remote serial protocol that can also misbehave, and a server at a machine in this process.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Architecture } from '../../src/gdb/register-layout';
import { GdbServer, type GdbServerOptions } from '../../src/gdb/server';
import type { TestDebugger } from '../targets/debugger';

const hexByte = (value: number): string => value.toString(16).padStart(2, '0');

/** The packet that carries a payload. */
export function frame(payload: string): string {
  let sum = 0;
  for (let at = 0; at < payload.length; at++) sum += payload.charCodeAt(at);
  return `$${payload}#${hexByte(sum & 0xff)}`;
}

export class TestClient {
  /** What console output (`O` packets) has said. */
  said = '';
  /** Acknowledgements that have come and were not yet looked at. */
  signs = '';
  private received = '';
  private waiting: (() => void) | undefined;
  isClosed = false;
  isSilent = false;

  private constructor(readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
      this.waiting?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      this.waiting?.();
    });
  }

  static async connect(port: number): Promise<TestClient> {
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    await once(socket, 'connect');
    return new TestClient(socket);
  }

  /** Sends a request; resolves to the answer's payload. */
  ask(payload: string): Promise<string> {
    this.raw(frame(payload));
    return this.next();
  }

  raw(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** The next payload but console output; rejects when the connection ends before it comes. */
  async next(): Promise<string> {
    for (;;) {
      const payload = await this.packet();
      if (!/^O([0-9a-f]{2})+$/.test(payload)) return payload;
      this.said += Buffer.from(payload.slice(1), 'hex').toString('utf8');
    }
  }

  /** Resolves when the other end has hung up. */
  async closed(): Promise<void> {
    while (!this.isClosed) await this.news();
  }

  /** Leaves without a word. */
  async leave(): Promise<void> {
    this.socket.destroy();
    await this.closed();
  }

  private async packet(): Promise<string> {
    for (;;) {
      const found = /^([+-]*)\$([^#]*)#([0-9a-f]{2})/s.exec(this.received);
      if (found) {
        const [whole, signs, payload] = found as unknown as [string, string, string];
        this.signs += signs;
        this.received = this.received.slice(whole.length);
        if (frame(payload) !== whole.slice(signs.length)) throw new Error(`a wrong checksum: ${whole}`);
        if (!this.isSilent) this.raw('+');
        return unescape(payload);
      }
      if (this.isClosed) throw new Error(`the server hung up (left: ${JSON.stringify(this.received)})`);
      await this.news();
    }
  }

  private news(): Promise<void> {
    return new Promise((resolve) => (this.waiting = resolve));
  }
}

function unescape(payload: string): string {
  return payload.replaceAll(/\}(.)/gs, (_, escaped: string) => String.fromCharCode(escaped.charCodeAt(0) ^ 0x20));
}

/** A server at a test's machine. */
export interface TestServer {
  readonly server: GdbServer;
  readonly port: number;
  /** What was said to the user. */
  readonly log: string[];
  connect(): Promise<TestClient>;
}

/** Lets clients in at a machine. */
export async function serve(
  { target }: Pick<TestDebugger, 'target'>,
  changes: Partial<GdbServerOptions> & { readonly architecture?: Architecture } = {},
): Promise<TestServer> {
  const log: string[] = [];
  const server = new GdbServer({
    target,
    architecture: 'x86-64',
    monitor: (line) => Promise.resolve(`heard ${line}`),
    keepsStopped: true,
    log: (sentence) => void log.push(sentence),
    ...changes,
  });
  const port = await server.listen(0);
  return { server, port, log, connect: () => TestClient.connect(port) };
}
