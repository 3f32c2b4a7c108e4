/**
 * One debugger's socket: packets in, acknowledgements and packets out. Requests are answered one after the other; what
 * a client sends meanwhile waits in the socket. Source: "Debugging with GDB", E.1 (overview), E.11 (acknowledgment).
 */
import type { Socket } from 'node:net';
import type { Stop, Target } from '../targets/target';
import { packet, PacketReader, type Incoming } from '../targets/gdb-wire/packets';
import type { RegisterLayout } from './register-layout';
import { GdbSession, type Monitor } from './session';

/** What a connection needs. */
export interface ConnectionDoor {
  readonly target: Target;
  readonly layout: RegisterLayout;
  readonly monitor: Monitor;
  log(sentence: string): void;
}

/** How a debugger went away. */
export type Departure = 'detach' | 'kill' | 'lost';

/** What a debugger's first byte can be: anything else is no debugger (a web page that tries its neighbours' ports). */
const FIRST_BYTES = '+-$\x03';
/** Who connects and says nothing keeps the others out: not for longer than this. */
const FIRST_BYTE_MS = 10_000;
/** A client that asks and does not read is let go. */
const MOST_UNREAD_BYTES = 2 ** 22;

export class GdbConnection {
  /** Resolves when the debugger has left, to how it did; its breakpoints are gone then. */
  readonly gone: Promise<Departure>;
  private readonly reader = new PacketReader();
  private readonly session: GdbSession;
  private acknowledges = true;
  private lastSent = '';
  private departure: Departure = 'lost';
  private hasLeft = false;

  constructor(
    private readonly socket: Socket,
    private readonly door: ConnectionDoor,
  ) {
    socket.setNoDelay(true);
    socket.setTimeout(FIRST_BYTE_MS, () => socket.destroy());
    this.session = new GdbSession({
      ...door,
      send: (payload) => this.send(payload),
      stopAcknowledging: () => {
        this.acknowledges = false;
        this.reader.checksEverything = false;
      },
      leave: (how) => {
        this.departure = how;
        this.hasLeft = true;
      },
      complain: (error) =>
        door.log(`A packet met a bug of VMXray's, please report it: ${error.stack ?? error.message}`),
    });
    this.gone = this.serve();
  }

  /** The guest has stopped. */
  async onStop(stop: Stop): Promise<void> {
    await this.session.onStop(stop);
  }

  /** Hangs up, after what was sent has left. */
  async close(): Promise<void> {
    this.hasLeft = true;
    await new Promise<void>((resolve) => {
      if (this.socket.destroyed) return resolve();
      this.socket.once('close', () => resolve());
      this.socket.end();
      this.socket.destroySoon();
    });
  }

  /** Serves until the debugger leaves. Never rejects. */
  private async serve(): Promise<Departure> {
    try {
      let isFirst = true;
      // The answer to the last request is still to leave.
      const incoming = this.socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
      for await (const bytes of incoming) {
        if (isFirst && !FIRST_BYTES.includes(String.fromCharCode(bytes[0]!))) {
          this.door.log('Somebody who does not speak the gdb remote protocol was refused.');
          break;
        }
        if (isFirst) {
          this.socket.setTimeout(0);
          await this.session.begin();
        }
        isFirst = false;
        for (const item of this.reader.push(bytes)) {
          await this.take(item);
          if (this.hasLeft) break;
        }
        if (this.hasLeft) break;
      }
    } catch {
      // The socket broke: the debugger is gone, whatever the reason.
    }
    this.socket.end();
    this.hasLeft = true;
    await this.session.end().catch(() => {});
    return this.departure;
  }

  private async take(item: Incoming): Promise<void> {
    switch (item.kind) {
      case 'packet': {
        if (this.acknowledges) this.write('+');
        await this.session.receive(item.payload);
        return;
      }
      case 'damaged':
        // Without acknowledgements nobody would send it again: an answer is due all the same.
        if (this.acknowledges) this.write('-');
        else this.send('E16');
        return;
      case 'nak':
        if (this.acknowledges && this.lastSent !== '') this.write(this.lastSent);
        return;
      case 'interrupt':
        return this.session.interrupt();
      case 'ack':
        return;
    }
  }

  private send(payload: string): void {
    this.lastSent = packet(payload);
    this.write(this.lastSent);
  }

  private write(text: string): void {
    if (!this.socket.writable) return;
    this.socket.write(text, 'latin1');
    if (this.socket.writableLength > MOST_UNREAD_BYTES) this.socket.destroy();
  }
}
