/** All QEMUs of this machine, found by their processes and by the settings, each with its connection. */
import type { Disposable } from '../disposable';
import { sleep } from '../keep-open';
import { Emulator, type EmulatorListener, type QemuPlace } from './emulator';
import { type QemuProcess, qemuProcesses } from './processes';
import { addressText, type SocketAddress } from './socket-address';

const PATIENCE_MS = 300;

/** How the machine's processes are found; tests put others here. */
export type FindProcesses = () => readonly QemuProcess[];

export class Emulators implements Disposable {
  private readonly known = new Map<string, Emulator>();
  private looking: Promise<boolean> | undefined;

  /** `addresses` are QMP sockets whose processes cannot be seen, such as those in containers. */
  constructor(
    private readonly addresses: readonly SocketAddress[],
    private readonly listener: EmulatorListener,
    private readonly find: FindProcesses = qemuProcesses,
  ) {}

  all(): readonly Emulator[] {
    return [...this.known.values()];
  }

  get(id: string): Emulator | undefined {
    return this.known.get(id);
  }

  /**
   * Looks which QEMUs have come and gone, and connects to those that are not connected, of which it waits a moment for
   * the answers. Gives whether any came or went.
   */
  look(): Promise<boolean> {
    return (this.looking ??= this.lookOnce().finally(() => (this.looking = undefined)));
  }

  dispose(): void {
    for (const emulator of this.known.values()) emulator.dispose();
    this.known.clear();
  }

  private async lookOnce(): Promise<boolean> {
    const places = this.places();
    const ids = new Set(places.map(({ id }) => id));
    let isChanged = false;
    for (const [id, emulator] of this.known) {
      if (ids.has(id)) continue;
      emulator.dispose();
      this.known.delete(id);
      isChanged = true;
    }
    for (const place of places) {
      if (this.known.has(place.id)) continue;
      this.known.set(place.id, new Emulator(place, this.listener));
      isChanged = true;
    }
    // One that does not answer holds up no other: the listener is told when it does.
    const opened = Promise.all(this.all().map((emulator) => emulator.open()));
    await Promise.race([opened, sleep(PATIENCE_MS)]);
    return isChanged;
  }

  private places(): readonly QemuPlace[] {
    const processes = this.find().map((process): QemuPlace => {
      const { id, pid, program, line } = process;
      const name = line.name ?? `${program.split('/').at(-1) ?? program} ${pid}`;
      return { id: `process:${id}`, name, monitors: line.monitors, process };
    });
    const taken = new Set(processes.flatMap(({ monitors }) => monitors.map(addressText)));
    const others = this.addresses
      .filter((address) => !taken.has(addressText(address)))
      .map((address): QemuPlace => {
        const text = addressText(address);
        return { id: `at:${encodeURIComponent(text)}`, name: `QEMU at ${text}`, monitors: [address] };
      });
    return [...processes, ...others];
  }
}
