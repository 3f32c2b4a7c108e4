/**
 * A machine's process: owns the target, listens for clients, and decides when it is over. A machine that nobody keeps
 * ends a while after its last client went away without a word; one that somebody has detached from, or that was started
 * to stay, waits for the next client, unless its guest has powered off or its file is gone.
 */
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { resolve } from 'node:path';
import type { MachineEntry } from '../../protocol/host';
import type { MachineControl } from '../machine-control';
import type { Counters, Target, TargetEvent } from '../target';
import { HostConnection, type HostDoor } from './host-connection';
import type { Call } from './methods';
import { entryPath, newSocketPath, removeEntry, writeEntry } from './registry';
import { SerialLog } from './serial-log';
import { SharedTarget, type SharedDebugger } from './shared-target';

/** How long a machine waits for a client by default, in milliseconds. */
export const GRACE_MS = 10_000;
const COUNTERS_MS = 500;
const MOST_CONNECTIONS = 64;
const NOTHING_RUN: Counters = { instructions: 0, ticks: 0, exits: 0 };

/** How a machine's process lives. */
export interface HostOptions {
  readonly version: string;
  /** The folder of sockets, which is checked already. */
  readonly folder: string;
  readonly id: string;
  /** Stays without a client. */
  readonly keep: boolean;
  /** How long it waits for a client otherwise, in milliseconds. */
  readonly graceMs: number;
}

/** A machine that listens. */
export interface MachineHost {
  readonly entry: MachineEntry;
  /** Resolves when it is over and cleaned up, to the sentence that clients heard. */
  readonly over: Promise<string>;
  /** Ends the guest; clients hear the reason. */
  close(reason: string): Promise<void>;
}

/**
 * Makes a target reachable for clients, and lists it. The host owns the target from here on; `onRun` hears when the guest
 * begins to run and when it stops.
 */
export async function hostMachine(
  target: Target & Partial<MachineControl>,
  options: HostOptions,
  onRun: (runs: boolean) => void = () => {},
): Promise<MachineHost> {
  const { folder, id, version } = options;
  const { name, kernel } = await target.describe();
  const socket = newSocketPath(folder, id);
  const entry = {
    id,
    name,
    kernel: resolve(kernel),
    pid: process.pid,
    socket,
    started: new Date().toISOString(),
    version,
  };
  const host = new Host(target, entry, options, onRun);
  await host.listen();
  return host;
}

class Host implements MachineHost, HostDoor {
  readonly over: Promise<string>;
  readonly version: string;
  counters: Counters = NOTHING_RUN;
  private readonly server: Server;
  private readonly shared: SharedTarget;
  private readonly serial = new SerialLog();
  private readonly clients = new Map<HostConnection, SharedDebugger>();
  private beat: NodeJS.Timeout | undefined;
  private grace: NodeJS.Timeout | undefined;
  private kept: boolean;
  private closed = false;
  private finish: (reason: string) => void = () => {};

  constructor(
    private readonly target: Target & Partial<MachineControl>,
    readonly entry: MachineEntry,
    private readonly options: HostOptions,
    private readonly onRun: (runs: boolean) => void,
  ) {
    this.version = options.version;
    this.kept = options.keep;
    this.shared = new SharedTarget(target);
    this.over = new Promise((finish) => (this.finish = finish));
    this.server = createServer((socket) => new HostConnection(socket, this));
    this.server.maxConnections = MOST_CONNECTIONS;
    target.onEvent((event) => this.onEvent(event));
  }

  async listen(): Promise<void> {
    await new Promise<void>((listening, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.entry.socket, listening);
    });
    writeEntry(this.options.folder, this.entry);
    this.beat = setInterval(() => void this.onBeat(), COUNTERS_MS);
    this.waitForClients();
  }

  enter(connection: HostConnection): Call {
    const shared = this.shared.join((event) => connection.onEvent(event));
    this.clients.set(connection, shared);
    this.waitForClients();
    return (method, args) => {
      if (method === 'detach') return this.detach();
      if (method === 'dispose') return this.dispose(connection);
      if (method === 'serialLog') return Promise.resolve(this.serial.bytes());
      if (method === 'clients') return Promise.resolve([...this.clients.keys()].map(({ client }) => client));
      return shared.call(method, args);
    };
  }

  leave(connection: HostConnection): void {
    const shared = this.clients.get(connection);
    this.clients.delete(connection);
    this.waitForClients();
    if (!this.closed) void shared?.leave();
  }

  async close(reason: string): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.grace);
    clearInterval(this.beat);
    await this.readCounters();
    for (const connection of this.clients.keys()) connection.close(reason);
    this.server.close();
    removeEntry(this.options.folder, this.entry.id);
    await this.target.dispose();
    this.finish(reason);
  }

  private async detach(): Promise<void> {
    this.kept = true;
  }

  /** The one who asks hears that it is done, and needs no reason. */
  private async dispose(asking: HostConnection): Promise<void> {
    const shared = this.clients.get(asking);
    this.clients.delete(asking);
    await shared?.leave();
    await this.close('Another debugger ended it.');
  }

  private onEvent(event: TargetEvent): void {
    if (event.kind === 'closed') {
      this.counters = event.last;
      void this.close(event.reason);
      return;
    }
    if (event.kind === 'serial') this.serial.keep(event.bytes);
    if (event.kind === 'running' || event.kind === 'stopped') this.onRun(event.kind === 'running');
    this.shared.pass(event);
    if (event.kind !== 'stopped') return;
    void this.sayCounters();
    this.waitForClients();
  }

  private async readCounters(): Promise<boolean> {
    const { instructions, ticks, exits } = await this.target.state();
    const before = this.counters;
    this.counters = { instructions, ticks, exits };
    return before.instructions !== instructions || before.ticks !== ticks;
  }

  private async onBeat(): Promise<void> {
    await this.sayCounters();
    if (this.clients.size === 0 && !this.isListed()) await this.close('Nobody could find it any more.');
  }

  /** Who takes a machine's file away (a runtime directory goes with its user's login) leaves it without a door. */
  private isListed(): boolean {
    return existsSync(entryPath(this.options.folder, this.entry.id));
  }

  private async sayCounters(): Promise<void> {
    if (!(await this.readCounters())) return;
    for (const connection of this.clients.keys()) connection.onCounters(this.counters);
  }

  /** Nobody is there: waits for a client for a while, or for good. */
  private waitForClients(): void {
    clearTimeout(this.grace);
    if (this.closed || this.clients.size > 0) return;
    this.grace = setTimeout(() => void this.giveUp(), this.options.graceMs);
  }

  private async giveUp(): Promise<void> {
    if (this.kept && !(await this.isDone())) return;
    if (this.clients.size === 0) await this.close('Nobody was there.');
  }

  /** A guest that has ended as it wished leaves nothing to look at. */
  private async isDone(): Promise<boolean> {
    const { stop } = await this.target.state();
    return stop?.reason === 'ended' && (stop.end.reason === 'powered off' || stop.end.reason === 'debug exit');
  }
}
