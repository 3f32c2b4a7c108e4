/**
 * One guest under a debug adapter: from launch or attach to its end, whether it runs, and how it came to rest. A guest
 * that has ended can be started anew, over another connection. The stack of a stop is in `stack.ts`.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../../common/errors';
import type { SerialInputArguments, SerialOutput } from '../../protocol/serial';
import type { DapClient, EventSink } from './client';

/** Opens a connection to an adapter. */
export type Connect = (sink: EventSink) => DapClient;

/** How the guest is got: the request and its arguments. */
export interface Start {
  readonly command: 'launch' | 'attach';
  readonly args: Readonly<Record<string, unknown>>;
}

/** Body of the protocol's `stopped`. */
export type StoppedBody = DebugProtocol.StoppedEvent['body'];

/** How a run came to rest: at a stop, or at the end of the session (with the reason if it was not asked for). */
export type Outcome =
  { readonly kind: 'stopped'; readonly stop: StoppedBody } | { readonly kind: 'over'; readonly reason?: string };

/** Hears what happens besides answers. */
export interface GuestListener {
  /** The guest came to rest while no command was waiting for it. */
  onRest(outcome: Outcome): void;
  /** The adapter says something; categories are the protocol's. */
  onOutput(category: string, text: string): void;
  onSerial(bytes: Uint8Array): void;
  onBreakpoint(breakpoint: DebugProtocol.Breakpoint): void;
}

type State = 'none' | 'running' | 'stopped';

const CLIENT: DebugProtocol.InitializeRequestArguments = {
  clientID: 'vmxray-debug',
  clientName: 'vmxray debug',
  adapterID: 'vmxray',
  linesStartAt1: true,
  columnsStartAt1: true,
  pathFormat: 'path',
  supportsMemoryReferences: true,
  supportsANSIStyling: false,
};

/** Milliseconds in which an adapter says that a guest that it attached to is stopped. */
const ATTACH_MS = 300;
/** Milliseconds that an adapter gets to end its guest. */
const END_MS = 5_000;

export class GuestSession {
  /** What the adapter can do; empty before the first start. */
  capabilities: DebugProtocol.Capabilities = {};
  /** The vCPU that commands mean. */
  thread = 1;
  /** Counts stops and edits: what was read at another number is out of date. */
  generation = 0;
  /** The current stop. */
  stop: StoppedBody | undefined;
  private client: DapClient | undefined;
  private state: State = 'none';
  private waiting: ((outcome: Outcome) => void) | undefined;
  private initialized: (() => void) | undefined;

  constructor(
    private readonly connect: Connect,
    private readonly how: Start,
    private readonly listener: GuestListener,
  ) {}

  /** True while there is a guest, running or not. */
  get isAlive(): boolean {
    return this.client !== undefined;
  }

  get isRunning(): boolean {
    return this.state === 'running';
  }

  get isStopped(): boolean {
    return this.state === 'stopped';
  }

  /** Throws a UserError unless the guest is at rest. */
  requireStopped(): void {
    if (this.state === 'none') throw noGuest();
    if (this.state === 'running') throw new UserError('debug/running', 'The guest is running: `pause` stops it.');
  }

  /**
   * Starts the guest, or attaches to it. `configure` says the breakpoints before the guest's first instruction. Resolves
   * when the guest is at rest; rejects when it cannot be started.
   */
  async begin(configure: () => Promise<void>): Promise<Outcome> {
    await this.end();
    const client = this.open();
    try {
      const initialized = new Promise<void>((resolve) => (this.initialized = resolve));
      this.capabilities = (await client.request<DebugProtocol.Capabilities>('initialize', CLIENT)) ?? {};
      const rest = this.rest();
      this.state = 'running';
      // Some adapters answer the launch only after they have been configured.
      const started = client.request(this.how.command, this.how.args);
      await Promise.race([initialized, started.then(() => initialized)]);
      await configure();
      await Promise.all([client.request('configurationDone'), started]);
      if (this.how.command === 'attach') setTimeout(() => this.pauseIfRunning(client), ATTACH_MS).unref();
      return await rest;
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  /** Sends a request. Rejects with a UserError when there is no guest, or when the adapter refuses. */
  request<Body = unknown>(command: string, args?: object): Promise<Body> {
    return this.client ? this.client.request<Body>(command, args) : Promise.reject(noGuest());
  }

  /**
   * Sends a request that lets the guest go on. Resolves when that is answered, to the promise of how the guest comes to
   * rest again; the listener hears of it instead if `inBackground`.
   */
  async resume(command: string, args: object, inBackground = false): Promise<{ readonly rest: Promise<Outcome> }> {
    this.requireStopped();
    const rest = inBackground ? NEVER : this.rest();
    this.state = 'running';
    const { stop } = this;
    this.stop = undefined;
    try {
      await this.request(command, { threadId: this.thread, ...args });
    } catch (error) {
      if (this.client) [this.state, this.stop] = ['stopped', stop];
      this.waiting = undefined;
      throw error;
    }
    return { rest };
  }

  /** Asks a running guest to stop: whoever waits for it to rest hears of that. */
  async pause(): Promise<void> {
    await this.request('pause', { threadId: this.thread });
  }

  /** Stops a guest that runs in the background; resolves to how it came to rest. */
  async interrupt(): Promise<Outcome> {
    const rest = this.rest();
    await this.pause();
    return rest;
  }

  /** Begins the guest anew, over the same connection if the adapter can. Resolves as `begin` does. */
  async restart(configure: () => Promise<void>): Promise<Outcome> {
    if (this.client && this.how.command === 'attach')
      throw new UserError('debug/restart', 'A machine that was attached to is not ours to start again.');
    if (!this.client || !this.capabilities.supportsRestartRequest) return this.begin(configure);
    const { state } = this;
    const rest = this.rest();
    this.state = 'running';
    try {
      await this.request('restart', { arguments: this.how.args });
    } catch (error) {
      if (this.client) this.state = state;
      this.waiting = undefined;
      throw error;
    }
    return rest;
  }

  /** Types bytes into the guest's serial line. */
  async type(bytes: Uint8Array): Promise<void> {
    const args: SerialInputArguments = { data: Buffer.from(bytes).toString('base64') };
    await this.request('vmxray/serialInput', args);
  }

  /** Gives up requests that are not answered yet. */
  cancel(): void {
    this.client?.cancelAll();
  }

  /**
   * Ends the session: a guest that was launched ends with it, one that was attached to goes on, unless
   * `terminateDebuggee` says otherwise. Resolves when the adapter has done so.
   */
  async end(terminateDebuggee = this.how.command === 'launch'): Promise<void> {
    const { client } = this;
    if (!client) return;
    this.client = undefined;
    this.arrive({ kind: 'over' }, 'none', false);
    await client.request('disconnect', { terminateDebuggee }, END_MS).catch(() => {});
    client.close('The session is over.');
  }

  private open(): DapClient {
    // What an older connection still says while it closes is nobody's.
    const ifCurrent =
      <Args extends unknown[]>(act: (...args: Args) => void) =>
      (...args: Args): void => {
        if (this.client === client) act(...args);
      };
    const client: DapClient = this.connect({
      onEvent: ifCurrent((event, body) => this.onEvent(event, body)),
      onClosed: ifCurrent((reason) => this.onOver(reason)),
    });
    this.client = client;
    return client;
  }

  private rest(): Promise<Outcome> {
    return new Promise((resolve) => (this.waiting = resolve));
  }

  private pauseIfRunning(client: DapClient): void {
    if (this.client === client && this.isRunning) this.pause().catch(() => {});
  }

  private onEvent(event: string, body: unknown): void {
    switch (event) {
      case 'initialized':
        this.initialized?.();
        break;
      case 'stopped': {
        const stop = body as StoppedBody;
        if (stop.threadId !== undefined) this.thread = stop.threadId;
        this.arrive({ kind: 'stopped', stop }, 'stopped');
        break;
      }
      case 'continued':
        this.state = 'running';
        break;
      case 'terminated':
        this.onOver();
        break;
      case 'output': {
        const { category, output } = body as DebugProtocol.OutputEvent['body'];
        this.listener.onOutput(category ?? 'console', output);
        break;
      }
      case 'vmxray/serial':
        this.listener.onSerial(Buffer.from((body as SerialOutput).data, 'base64'));
        break;
      case 'breakpoint':
        this.listener.onBreakpoint((body as DebugProtocol.BreakpointEvent['body']).breakpoint);
        break;
      case 'capabilities':
        this.capabilities = {
          ...this.capabilities,
          ...(body as DebugProtocol.CapabilitiesEvent['body']).capabilities,
        };
        break;
      case 'invalidated':
      case 'memory':
        this.generation++;
        break;
    }
  }

  /** The guest's or the connection's end, which nobody here asked for if there is a reason. */
  private onOver(reason?: string): void {
    const { client } = this;
    this.client = undefined;
    client?.request('disconnect', {}, END_MS).then(
      () => client.close('The session is over.'),
      () => {},
    );
    this.arrive({ kind: 'over', ...(reason !== undefined && { reason }) }, 'none');
  }

  private arrive(outcome: Outcome, state: State, isNews = true): void {
    this.state = state;
    this.stop = outcome.kind === 'stopped' ? outcome.stop : undefined;
    this.generation++;
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting) waiting(outcome);
    else if (isNews) this.listener.onRest(outcome);
  }
}

const NEVER = new Promise<Outcome>(() => {});

const noGuest = (): UserError => new UserError('debug/no-guest', 'There is no guest any more: `run` starts it again.');
