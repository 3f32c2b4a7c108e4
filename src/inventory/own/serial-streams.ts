/** Terminals on the serial lines of machines: what was sent so far, then what comes. */
import type { Disposable } from '../disposable';
import type { ByteStream } from '../provider';
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
    const listeners = new Set<(bytes: Uint8Array) => void>();
    const enders = new Set<(why: string | undefined) => void>();
    let isCaughtUp = false;
    const tell = (bytes: Uint8Array): void => listeners.forEach((listener) => listener(bytes));
    const own: Open = {
      machine,
      // What comes before the log does is in the log.
      onData: (bytes) => isCaughtUp && tell(bytes),
      onEnd: (why) => {
        this.open.delete(own);
        enders.forEach((ender) => ender(why));
      },
    };
    const begin = (): void => {
      this.open.add(own);
      target.serialLog().then(
        (log) => {
          isCaughtUp = true;
          if (log.length > 0) tell(log);
        },
        (error: Error) => own.onEnd(error.message),
      );
    };
    return {
      onData: (listener) => {
        listeners.add(listener);
        if (!this.open.has(own) && !isCaughtUp) begin();
        return takenBack(listeners, listener);
      },
      onEnd: (listener) => {
        enders.add(listener);
        return takenBack(enders, listener);
      },
      write: (bytes) => {
        // A machine that is just ending takes no keys.
        target.sendSerial(bytes).catch(() => {});
      },
      dispose: () => this.open.delete(own),
    };
  }
}

const takenBack = <T>(set: Set<T>, item: T): Disposable => ({ dispose: () => set.delete(item) });
