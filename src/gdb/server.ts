/**
 * The door for debuggers that speak the gdb remote serial protocol: a port on 127.0.0.1, one debugger at a time. The
 * machine stops when one has connected and speaks. What a client sends can end its own connection at most.
 *
 * Detaching lets the guest go on. Whoever goes away without a word leaves the guest as it stands if `keepsStopped`, else
 * it goes on too.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { End, Stop, Target, TargetEvent } from '../targets/target';
import { GdbConnection } from './connection';
import { cannotListen } from './errors';
import { layoutOf, type Architecture } from './register-layout';
import type { Monitor } from './session';
import { hasExited } from './stop-reply';

/** What a server is for. */
export interface GdbServerOptions {
  /** The server is its listener. */
  readonly target: Target;
  readonly architecture: Architecture;
  /** Runs a line of the debug console. Rejects with a UserError for the user's mistakes. */
  readonly monitor: Monitor;
  /** A guest that a debugger has stopped waits for the next one if that goes away without a word. */
  readonly keepsStopped: boolean;
  /** Takes sentences for the user. */
  log(sentence: string): void;
}

/** How a machine with debuggers at it came to its end. */
export type GdbEnd =
  | { readonly kind: 'killed' }
  /** The guest has ended, and nobody looks at what is left of it. */
  | { readonly kind: 'ended'; readonly end: End }
  /** The target is gone. */
  | { readonly kind: 'closed'; readonly reason: string };

const LOOPBACK = '127.0.0.1';
/** How long one that comes waits for one that leaves. */
const LEAVING_MS = 200;

export class GdbServer {
  /** Resolves when nothing is left to be debugged. */
  readonly over: Promise<GdbEnd>;
  private readonly server: Server;
  private connection: GdbConnection | undefined;
  private finish: (end: GdbEnd) => void = () => {};

  constructor(private readonly options: GdbServerOptions) {
    this.over = new Promise((resolve) => (this.finish = resolve));
    this.server = createServer((socket) => void this.enter(socket));
    options.target.onEvent((event) => this.onEvent(event));
  }

  /** Listens; port 0 is any free one. Resolves to the port, rejects with a UserError. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((listening, reject) => {
      this.server.once('error', ({ message }) => reject(cannotListen(port, message)));
      this.server.listen(port, LOOPBACK, listening);
    });
    this.server.on('error', ({ message }) => this.options.log(`The door for gdb has trouble: ${message}`));
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends the connection and listens no more. */
  async close(): Promise<void> {
    this.server.close();
    await this.connection?.close();
  }

  private async enter(socket: Socket): Promise<void> {
    const { options } = this;
    socket.on('error', () => socket.destroy());
    // One that leaves and one that comes may be heard of in either order.
    if (this.connection) await Promise.race([this.connection.gone, setTimeout(LEAVING_MS)]);
    if (this.connection) {
      socket.destroy();
      options.log('A second debugger was refused: one can be connected at a time.');
      return;
    }
    const { target, monitor, log } = options;
    const layout = layoutOf(options.architecture);
    const connection = new GdbConnection(socket, { target, monitor, layout, log });
    this.connection = connection;
    const how = await connection.gone;
    this.connection = undefined;
    if (how === 'kill') return this.finish({ kind: 'killed' });
    await this.letGo(how === 'detach' || !options.keepsStopped);
  }

  private async letGo(goesOn: boolean): Promise<void> {
    const { target, log } = this.options;
    try {
      const { running, stop } = await target.state();
      if (stop?.reason === 'ended') this.finish({ kind: 'ended', end: stop.end });
      else if (goesOn && !running) await target.resume(1, { kind: 'continue' });
    } catch (error) {
      log(`The guest could not go on: ${(error as Error).message}`);
    }
  }

  private onEvent(event: TargetEvent): void {
    if (event.kind === 'closed') this.finish({ kind: 'closed', reason: event.reason });
    else if (event.kind === 'stopped') void this.onStop(event.stop);
  }

  private async onStop(stop: Stop): Promise<void> {
    const { connection } = this;
    await connection?.onStop(stop);
    if (stop.reason !== 'ended') return;
    if (hasExited(stop)) await connection?.close();
    if (hasExited(stop) || !connection) this.finish({ kind: 'ended', end: stop.end });
  }
}
