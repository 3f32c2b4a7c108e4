/** One QEMU that runs: where it was found, the connection to its monitor, and the state that it told last. */
import type { UserError } from '../../common/errors';
import type { Disposable } from '../disposable';
import { connectionLost } from '../../targets/qmp/errors';
import { gone, noMonitor } from './errors';
import type { QemuProcess } from './processes';
import { QmpClient, type QmpEvent } from '../../targets/qmp/qmp-client';
import { connectOptions, type SocketAddress } from './socket-address';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** A row does not wait longer than this for its QEMU's state. */
const STATE_MS = 1500;

/** Where a QEMU was found. */
export interface QemuPlace {
  /** `process:PID-START`, or `at:ADDRESS` for a socket that the settings name. */
  readonly id: string;
  readonly name: string;
  readonly monitors: readonly SocketAddress[];
  readonly process?: QemuProcess | undefined;
}

/** Who hears of a QEMU. */
export interface EmulatorListener {
  event(emulator: Emulator, event: QmpEvent): void;
  /** The connection has come or gone. */
  changed(emulator: Emulator): void;
}

export class Emulator implements Disposable {
  private client: QmpClient | undefined;
  private connecting: Promise<void> | undefined;
  private trouble: UserError | undefined;
  private statusWord = 'unknown';
  private pause = FIRST_PAUSE_MS;
  private retryAt = 0;
  private readonly ending = new AbortController();

  constructor(
    readonly place: QemuPlace,
    private readonly listener: EmulatorListener,
  ) {
    if (place.monitors.length === 0) this.trouble = noMonitor(place.name);
  }

  get id(): string {
    return this.place.id;
  }

  /** QEMU's word for its run state, such as `running`, `paused`, `inmigrate`. */
  get status(): string {
    return this.statusWord;
  }

  /** Why it cannot be asked; undefined while it can. */
  get problem(): UserError | undefined {
    return this.trouble;
  }

  get isConnected(): boolean {
    return this.client?.isOpen === true;
  }

  get version(): string {
    return this.client?.version ?? '';
  }

  /** Index of the monitor that is in use, among those of the place. */
  private used = 0;

  /** A monitor that we do not hold, for a debugger. */
  get spareMonitor(): SocketAddress | undefined {
    return this.place.monitors.find((_, index) => index !== this.used);
  }

  /** The connection. Throws a UserError while there is none. */
  get qmp(): QmpClient {
    if (!this.client) throw this.trouble ?? connectionLost(this.place.name);
    return this.client;
  }

  /** Connects if it is not connected; what goes wrong is in `problem`. Tries again only after a pause that grows. */
  async open(): Promise<void> {
    if (this.isConnected || this.ending.signal.aborted || this.place.monitors.length === 0) return;
    if (Date.now() < this.retryAt) return;
    this.connecting ??= this.connect().finally(() => (this.connecting = undefined));
    await this.connecting;
  }

  /** Asks for the state; a QEMU that does not answer soon keeps its last one and has a problem. */
  async refresh(): Promise<void> {
    const { client } = this;
    if (!client?.isOpen) return;
    try {
      const { status } = await client.execute<{ status: string }>('query-status', undefined, { limitMs: STATE_MS });
      this.statusWord = String(status);
      this.trouble = undefined;
    } catch (error) {
      if (this.client === client) this.trouble = error as UserError;
    }
  }

  dispose(): void {
    this.ending.abort(gone());
    this.client?.dispose();
    this.client = undefined;
  }

  private async connect(): Promise<void> {
    const { monitors, name } = this.place;
    for (const [index, address] of monitors.entries()) {
      try {
        const client = await QmpClient.open(connectOptions(address), name, this.ending.signal);
        this.used = index;
        this.adopt(client);
        await this.refresh();
        this.listener.changed(this);
        return;
      } catch (error) {
        this.trouble = error as UserError;
      }
    }
    this.retryAt = Date.now() + this.pause;
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE_MS);
  }

  private adopt(client: QmpClient): void {
    this.client = client;
    this.trouble = undefined;
    this.pause = FIRST_PAUSE_MS;
    client.onEvent((event) => this.listener.event(this, event));
    client.onClose(() => {
      if (this.client !== client) return;
      this.client = undefined;
      this.trouble = connectionLost(this.place.name);
      this.listener.changed(this);
    });
  }
}
