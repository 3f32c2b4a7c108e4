/** Terminals on the serial lines of machines: what was sent so far, then what comes. */
import type { ByteStream } from '../provider';
import { StreamListeners } from '../stream-listeners';
import type { HostedMachine } from '../../targets/host/hosted-machine';

interface Open {
  readonly machine: string;
  onData(bytes: Uint8Array): void;
  onEnd(why: string): void;
}

export class SerialStreams {
  private readonly open = new Set<Open>();

  /** A machine's guest has sent this. */
  pass(machine: string, bytes: Uint8Array): void {
    for (const stream of this.open) if (stream.machine === machine) stream.onData(bytes);
  }

  /** A machine is gone. */
  end(machine: string, why: string): void {
    for (const stream of [...this.open]) if (stream.machine === machine) stream.onEnd(why);
  }

  /** A stream on a machine's serial line. */
  stream(machine: string, target: HostedMachine): ByteStream {
    const listeners = new StreamListeners();
    let isCaughtUp = false;
    const own: Open = {
      machine,
      // What comes before the log does is in the log.
      onData: (bytes) => isCaughtUp && listeners.data(bytes),
      onEnd: (why) => {
        this.open.delete(own);
        listeners.end(why);
      },
    };
    const begin = (): void => {
      this.open.add(own);
      target.serialLog().then(
        (log) => {
          isCaughtUp = true;
          if (log.length > 0) listeners.data(log);
        },
        (error: Error) => own.onEnd(error.message),
      );
    };
    return {
      onData: (listener) => {
        const heard = listeners.onData(listener);
        if (!this.open.has(own) && !isCaughtUp) begin();
        return heard;
      },
      onEnd: (listener) => listeners.onEnd(listener),
      write: (bytes) => {
        // A machine that is just ending takes no keys.
        target.sendSerial(bytes).catch(() => {});
      },
      dispose: () => this.open.delete(own),
    };
  }
}
