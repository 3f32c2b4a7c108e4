/** The base protocol's framing: a `Content-Length` header, an empty line, and as many bytes of JSON. */
import type { DebugProtocol } from '@vscode/debugprotocol';

const HEADER_END = '\r\n\r\n';
const MAX_HEADER = 4096;
const MAX_BODY = 2 ** 28;

/** Cuts a stream of bytes into messages. */
export class MessageReader {
  private pieces: Buffer[] = [];
  private held = 0;
  /** Bytes that must be there before the next look: a body that comes in many pieces is joined once. */
  private wanted = 1;

  constructor(private readonly onMessage: (message: DebugProtocol.ProtocolMessage) => void) {}

  /** Takes bytes in; calls back for each message that they complete. Throws when they are not the protocol's. */
  push(data: Buffer): void {
    this.pieces.push(data);
    this.held += data.length;
    if (this.held < this.wanted) return;
    let rest: Buffer = Buffer.concat(this.pieces);
    for (let message = this.cut(rest); message; message = this.cut(rest)) {
      rest = message.rest;
      this.onMessage(JSON.parse(message.body) as DebugProtocol.ProtocolMessage);
    }
    this.pieces = [rest];
    this.held = rest.length;
  }

  private cut(bytes: Buffer): { readonly body: string; readonly rest: Buffer } | undefined {
    const head = bytes.indexOf(HEADER_END);
    if (head < 0) {
      if (bytes.length > MAX_HEADER) throw new Error('The debug adapter does not speak its protocol.');
      this.wanted = bytes.length + 1;
      return undefined;
    }
    const length = Number(/^Content-Length: *(\d{1,10})\r?$/im.exec(bytes.toString('latin1', 0, head))?.[1]);
    if (!(length <= MAX_BODY)) throw new Error('The debug adapter sent a message of no or too large a size.');
    const start = head + HEADER_END.length;
    this.wanted = start + length;
    if (bytes.length < this.wanted) return undefined;
    return { body: bytes.toString('utf8', start, this.wanted), rest: bytes.subarray(this.wanted) };
  }
}

/** A message as the bytes' text on the stream, header included. */
export function framed(message: DebugProtocol.ProtocolMessage): string {
  const body = JSON.stringify(message);
  return `Content-Length: ${Buffer.byteLength(body)}${HEADER_END}${body}`;
}
