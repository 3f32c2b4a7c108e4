/**
 * The client's end of a WebSocket whose messages are plain bytes, as a Duplex: what KubeVirt serves a serial console with.
 * (Kubernetes' own channels, of which each message tells its number, are its client's affair.)
 * Source: RFC 6455.
 * NOT IMPLEMENTED: extensions; telling text messages from binary ones.
 */
import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Duplex } from 'node:stream';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const enum Opcode {
  Continuation = 0x0,
  Text = 0x1,
  Binary = 0x2,
  Close = 0x8,
  Ping = 0x9,
  Pong = 0xa,
}
// What a serial line sends at once is little; a length beyond this is no console's.
const LONGEST_FRAME = 16 << 20;

/** One frame of the server's. */
export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Cuts what arrives from a client or a server, in whatever pieces, into frames; throws an Error for what is none. */
export class FrameReader {
  private rest: Buffer = Buffer.alloc(0);

  /** Clients mask what they send; servers must not. */
  constructor(private readonly from: 'client' | 'server' = 'server') {}

  /** The frames that are whole now. */
  take(bytes: Buffer): Frame[] {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    const frames: Frame[] = [];
    for (;;) {
      const frame = this.next();
      if (!frame) return frames;
      frames.push(frame);
    }
  }

  private next(): Frame | undefined {
    const { rest } = this;
    if (rest.length < 2) return undefined;
    const [first = 0, second = 0] = rest;
    if ((first & 0x70) !== 0) throw new Error('The far side sent a frame with an extension that nobody asked for.');
    const isMasked = (second & 0x80) !== 0;
    if (isMasked !== (this.from === 'client')) throw new Error('Clients mask their frames, and nobody else does.');
    let length = second & 0x7f;
    let at = 2;
    if (length === 126) {
      if (rest.length < 4) return undefined;
      length = rest.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (rest.length < 10) return undefined;
      length = Number(rest.readBigUInt64BE(2));
      at = 10;
    }
    if (length > LONGEST_FRAME) throw new Error(`The far side sent a frame of ${length} bytes.`);
    const mask = isMasked ? rest.subarray(at, at + 4) : undefined;
    const start = at + (isMasked ? 4 : 0);
    if (rest.length < start + length) return undefined;
    const payload = rest.subarray(start, start + length);
    this.rest = rest.subarray(start + length);
    return { opcode: first & 0x0f, payload: mask ? masked(payload, mask) : payload };
  }
}

/** A client's frame: whole, and masked as the RFC wants it. */
export function clientFrame(opcode: number, payload: Buffer, mask = randomBytes(4)): Buffer {
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
  header[0] = 0x80 | opcode;
  header[1] = 0x80 | (length < 126 ? length : length < 65536 ? 126 : 127);
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, mask, masked(payload, mask)]);
}

const masked = (bytes: Buffer, mask: Buffer): Buffer =>
  Buffer.from(bytes.map((byte, index) => byte ^ (mask[index % 4] ?? 0)));

/** How the connection is asked for. */
export interface WebSocketRequest {
  readonly isPlain: boolean;
  readonly options: RequestOptions;
  readonly protocol: string;
  readonly signal: AbortSignal;
}

/** Opens it. Rejects with an Error, or through `refused` with what it makes of the server's answer. */
export function openWebSocket(
  { isPlain, options, protocol, signal }: WebSocketRequest,
  refused: (answer: IncomingMessage) => Promise<Error>,
): Promise<Duplex> {
  const key = randomBytes(16).toString('base64');
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  return new Promise((resolve, reject) => {
    const request = (isPlain ? httpRequest : httpsRequest)({
      ...options,
      method: 'GET',
      headers: {
        ...options.headers,
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': key,
        'Sec-WebSocket-Protocol': protocol,
      },
    });
    const giveUp = (): void => void request.destroy(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    request.on('upgrade', (answer, socket, head) => {
      signal.removeEventListener('abort', giveUp);
      if (answer.headers['sec-websocket-accept'] !== accept) {
        socket.destroy();
        return reject(new Error('What answers there speaks no WebSocket.'));
      }
      resolve(new WebSocketStream(socket, head));
    });
    request.on('response', (answer) => {
      signal.removeEventListener('abort', giveUp);
      void refused(answer).then(reject, reject);
    });
    request.on('error', reject);
    request.end();
  });
}

/** The open connection: what is written goes as binary messages, what is read are the messages' bytes. */
class WebSocketStream extends Duplex {
  private readonly frames = new FrameReader();

  constructor(
    private readonly socket: Duplex,
    head: Buffer,
  ) {
    super();
    socket.on('data', (bytes: Buffer) => this.hear(bytes));
    socket.on('end', () => this.push(null));
    socket.on('close', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    if (head.length > 0) this.hear(head);
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.socket.write(clientFrame(Opcode.Binary, bytes), done);
  }

  override _final(done: () => void): void {
    this.socket.end(clientFrame(Opcode.Close, Buffer.alloc(0)), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }

  private hear(bytes: Buffer): void {
    try {
      for (const frame of this.frames.take(bytes)) this.answer(frame);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  private answer({ opcode, payload }: Frame): void {
    switch (opcode) {
      case Opcode.Continuation:
      case Opcode.Text:
      case Opcode.Binary:
        if (payload.length > 0 && !this.push(payload)) this.socket.pause();
        return;
      case Opcode.Ping:
        this.socket.write(clientFrame(Opcode.Pong, payload));
        return;
      case Opcode.Close:
        this.push(null);
        this.socket.end(clientFrame(Opcode.Close, payload));
        return;
      default:
    }
  }
}
