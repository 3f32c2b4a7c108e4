// A gdb stub whose answers a test makes up: a small 64-bit machine by default, which can be told to be slow, silent,
// wrong or gone.
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { packet } from '../../../src/targets/gdb-wire/packets';

/** Gives the answer to a request; undefined: none ever. `raw:...` is sent as it is, without a frame. */
export type Script = (request: string) => string | undefined | readonly string[];

/** 16 general registers, RIP, EFLAGS and six selectors: all zeros but RIP. */
export const REGISTER_DIGITS = `${'00'.repeat(128)}0010000000000000${'02000000'}${'00000000'.repeat(6)}`;
export const DESCRIPTION = `<?xml version="1.0"?><target><architecture>i386:x86-64</architecture>
<feature name="org.gnu.gdb.i386.core">${[
  ...['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'],
  'rip',
]
  .map((name) => `<reg name="${name}" bitsize="64" type="int64"/>`)
  .join('')}<reg name="eflags" bitsize="32"/>${['cs', 'ss', 'ds', 'es', 'fs', 'gs']
  .map((name) => `<reg name="${name}" bitsize="32"/>`)
  .join('')}</feature></target>`;

/** What a plain stub answers: no monitor, no physical memory, memory of zeros below 1 MiB. */
export function plainStub(request: string): string | undefined {
  if (request.startsWith('qSupported')) return 'PacketSize=1000;qXfer:features:read+;vContSupported+';
  if (request.startsWith('qXfer:features:read:target.xml:')) {
    const [offset, length] = request
      .split(':')[4]!
      .split(',')
      .map((digits) => parseInt(digits, 16)) as [number, number];
    const piece = DESCRIPTION.slice(offset, offset + length);
    return `${offset + length >= DESCRIPTION.length ? 'l' : 'm'}${piece}`;
  }
  if (request === '?') return 'T05thread:1;';
  if (request === 'vCont?') return 'vCont;c;C;s;S';
  if (request === 'qfThreadInfo') return 'm1';
  if (request === 'qsThreadInfo') return 'l';
  if (request.startsWith('H')) return 'OK';
  if (request === 'g') return REGISTER_DIGITS;
  if (request.startsWith('Z') || request.startsWith('z')) return 'OK';
  if (request.startsWith('vCont;s')) return 'T05thread:1;';
  if (request.startsWith('m')) {
    const [address, length] = request
      .slice(1)
      .split(',')
      .map((digits) => parseInt(digits, 16)) as [number, number];
    return address + length <= 2 ** 20 ? '00'.repeat(length) : 'E14';
  }
  return '';
}

export class ScriptedStub {
  readonly requests: string[] = [];
  /** Bytes that came outside of packets. */
  interrupts = 0;
  private readonly sockets = new Set<Socket>();
  private text = '';

  private constructor(
    private readonly server: Server,
    private script: Script,
  ) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('data', (bytes) => this.receive(socket, bytes.toString('latin1')));
    });
  }

  static async listen(script: Script = plainStub): Promise<ScriptedStub> {
    const server = createServer();
    const stub = new ScriptedStub(server, script);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return stub;
  }

  get place(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Answers differently from now on. */
  become(script: Script): void {
    this.script = script;
  }

  /** Sends a packet unasked. */
  say(payload: string): void {
    this.sendRaw(packet(payload));
  }

  sendRaw(text: string): void {
    for (const socket of this.sockets) socket.write(text, 'latin1');
  }

  hangUp(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.hangUp();
    this.server.close();
  }

  private receive(socket: Socket, bytes: string): void {
    this.text += bytes;
    for (;;) {
      const match = /^([^$]*)\$([^#]*)#../s.exec(this.text);
      const between = match ? match[1]! : this.text.includes('$') ? '' : this.text;
      this.interrupts += between.split('\x03').length - 1;
      if (!match) {
        if (between !== '') this.text = '';
        return;
      }
      this.text = this.text.slice(match[0].length);
      this.requests.push(match[2]!);
      socket.write('+');
      const answers = this.script(match[2]!);
      for (const answer of answers === undefined ? [] : [answers].flat())
        socket.write(answer.startsWith('raw:') ? answer.slice(4) : packet(answer), 'latin1');
    }
  }
}
