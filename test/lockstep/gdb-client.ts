// A client of the GDB remote serial protocol, as much as single-stepping in lockstep needs.
// Source: "Debugging with GDB", appendix E (packets, acknowledgements, stop replies).
import { connect, type Socket } from 'node:net';

const hexByte = (value: number): string => value.toString(16).padStart(2, '0');

function checksum(text: string): number {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum += text.charCodeAt(i);
  return sum & 0xff;
}

/** One connection to a stub. Requests are made one after the other. */
export class GdbClient {
  private received = '';
  private waiting: { resolve(packet: string): void; reject(error: Error): void } | undefined;
  private failure: Error | undefined;

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.setNoDelay(true);
    socket.on('data', (text: string) => {
      this.received += text;
      this.deliver();
    });
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the stub closed the connection')));
  }

  /**
   * Connects to a Unix socket and drains the stop that a stub may send on its own. Nothing is acknowledged: the next
   * packet is acknowledgement enough on a socket.
   */
  static async connect(path: string): Promise<GdbClient> {
    const socket = await new Promise<Socket>((resolve, reject) => {
      const connecting = connect(path, () => resolve(connecting));
      connecting.on('error', reject);
    });
    const client = new GdbClient(socket);
    let answer = await client.request('qSupported');
    while (answer.startsWith('T')) answer = await client.next();
    // QEMU takes single registers only from a client that has asked for their description.
    await client.request('qXfer:features:read:target.xml:0,ffb');
    return client;
  }

  /** True once the stub is gone. */
  get isClosed(): boolean {
    return this.failure !== undefined;
  }

  /** Sends a packet and gives the answer's payload; an error answer ("E..") is thrown. */
  async request(payload: string): Promise<string> {
    this.socket.write(`$${payload}#${hexByte(checksum(payload))}`);
    const answer = await this.next();
    if (answer === '' || /^E[0-9a-f]{2}$/.test(answer))
      throw new Error(`the stub refuses ${payload.slice(0, 40)}: ${answer}`);
    return answer;
  }

  close(): void {
    this.socket.destroy();
  }

  private next(): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.failure) return reject(this.failure);
      this.waiting = { resolve, reject };
      this.deliver();
    });
  }

  private deliver(): void {
    const start = this.received.indexOf('$');
    const end = this.received.indexOf('#', start);
    if (!this.waiting || start < 0 || end < 0 || this.received.length < end + 3) return;
    const packet = this.received.slice(start + 1, end);
    this.received = this.received.slice(end + 3);
    const { resolve } = this.waiting;
    this.waiting = undefined;
    resolve(packet);
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.waiting?.reject(this.failure);
    this.waiting = undefined;
  }
}
