/**
 * What a session debugs: its target, whether that runs, what the current stop can show, and the events that follow from
 * stops, ends and the serial line. Requests are handled elsewhere; this is what they act on.
 */
import type { Resume, Run, Stop, Target } from '../targets/target';
import { ended, launchedAlready, noThread, notLaunched, running } from './errors';
import type { Launch } from './launch';
import { VariableStore } from './variables';

/** Sends an event to the client. */
export type Emit = (event: string, body?: object) => void;

/** Starts the machine of a launch. UserErrors for what the user has wrong. */
export type StartTarget = (launch: Launch) => Promise<Target>;

export class Debuggee {
  private launched: { readonly target: Target; readonly launch: Launch } | undefined;
  private configured = false;
  private started = false;
  private runs = false;
  private closed = false;
  // Why the guest cannot go on, if so.
  private end: string | undefined;
  // The breakpoints' ids by linear address.
  private breakpoints: ReadonlyMap<bigint, number> = new Map();
  private store: VariableStore | undefined;
  private readonly text = new TextDecoder();

  constructor(
    private readonly startTarget: StartTarget,
    private readonly emit: Emit,
  ) {}

  /** The target, running or not. Throws a UserError before the launch. */
  get target(): Target {
    if (!this.launched) throw notLaunched();
    return this.launched.target;
  }

  /** The target at rest. Throws a UserError while it runs. */
  get stoppedTarget(): Target {
    const { target } = this;
    if (this.runs || !this.started) throw running();
    return target;
  }

  /** Throws a UserError for a thread that is not there. */
  async requireThread(id: number): Promise<void> {
    if (!(await this.target.threads()).some((thread) => thread.id === id)) throw noThread(id);
  }

  async launch(launch: Launch): Promise<void> {
    if (this.launched) throw launchedAlready();
    const target = await this.startTarget(launch);
    this.launched = { target, launch };
    target.onSerial((bytes) => this.sendSerial(bytes));
    await this.applyBreakpoints();
  }

  configurationDone(): void {
    this.configured = true;
  }

  /** Lets the guest begin once it is launched and the client has said its breakpoints. */
  startWhenReady(): void {
    if (!this.launched || !this.configured || this.started) return;
    this.started = true;
    const { launch } = this.launched;
    if (launch.stopOnEntry && !launch.noDebug)
      this.emit('stopped', { reason: 'entry', description: 'Paused on entry', threadId: 1, allThreadsStopped: true });
    else void this.start();
  }

  // The first run has no request to refuse: what goes wrong with it ends the session.
  private async start(): Promise<void> {
    try {
      (await this.resume(1, { kind: 'continue' }))();
    } catch (error) {
      this.onFailure(error as Error);
    }
  }

  /** Replaces the instruction breakpoints: linear addresses with their ids. */
  async setBreakpoints(breakpoints: ReadonlyMap<bigint, number>): Promise<void> {
    this.breakpoints = breakpoints;
    await this.applyBreakpoints();
  }

  /**
   * Lets the guest go on, or throws a UserError. A `stopped` or an end follows as events once the returned function has
   * been called: when the request is answered.
   */
  async resume(thread: number, how: Resume): Promise<() => void> {
    const target = this.stoppedTarget;
    if (this.end !== undefined) throw ended(this.end);
    const run = await target.resume(thread, how);
    this.runs = true;
    this.store = undefined;
    return () => this.follow(thread, run);
  }

  /** Says that the guest goes on, to a client that cannot know it from the request. */
  announceContinued(thread: number): void {
    this.emit('continued', { threadId: thread, allThreadsContinued: true });
  }

  private follow(thread: number, { stopped }: Run): void {
    stopped.then(
      (stop) => this.onStop(thread, stop),
      (error: Error) => this.onFailure(error),
    );
  }

  /** Registers of the current stop, as scopes and variables. */
  async variables(thread: number): Promise<VariableStore> {
    return (this.store ??= new VariableStore(await this.stoppedTarget.registers(thread)));
  }

  /** What an earlier `scopes` of this stop has given out. */
  get openVariables(): VariableStore {
    return (this.store ??= new VariableStore([]));
  }

  /** Ends the machine; no event but `terminated` (when `announced`) follows. */
  async close(announced: boolean): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.launched?.target.dispose();
    if (announced) this.emit('terminated');
  }

  private async applyBreakpoints(): Promise<void> {
    if (!this.launched || this.launched.launch.noDebug) return;
    await this.launched.target.setBreakpoints([...this.breakpoints.keys()]);
  }

  private onStop(thread: number, stop: Stop): void {
    if (this.closed) return;
    this.runs = false;
    if (stop.reason === 'ended') {
      const { reason, text } = stop.end;
      this.end = text;
      if (reason === 'powered off' || reason === 'debug exit') {
        this.emit('output', { category: 'console', output: `${text}\n` });
        this.emit('exited', { exitCode: 0 });
        this.emit('terminated');
        return;
      }
    }
    this.emit('stopped', { ...this.describeStop(stop), threadId: thread, allThreadsStopped: true });
  }

  private describeStop(stop: Stop): object {
    switch (stop.reason) {
      case 'step':
      case 'pause':
        return { reason: stop.reason };
      case 'instruction breakpoint': {
        const id = this.breakpoints.get(stop.linear);
        return { reason: stop.reason, hitBreakpointIds: id === undefined ? [] : [id] };
      }
      case 'vm exit': {
        const { name, guestPhysical, qualificationText } = stop.exit;
        const where = guestPhysical === undefined ? '' : ` at guest-physical ${guestPhysical}`;
        const text = `Paused on VM exit: ${name}${where}`;
        return { reason: 'vm exit', description: text, text: qualificationText || text };
      }
      case 'ended':
        return { reason: 'exception', description: `Paused: ${stop.end.reason}`, text: stop.end.text };
    }
  }

  private onFailure(error: Error): void {
    if (this.closed) return;
    this.runs = false;
    this.end = error.message;
    this.emit('output', { category: 'stderr', output: `The machine failed: ${error.stack ?? error.message}\n` });
    this.emit('terminated');
  }

  private sendSerial(bytes: Uint8Array): void {
    if (this.launched?.launch.terminal)
      this.emit('vmxray/serial', {
        data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
      });
    else this.emit('output', { category: 'stdout', output: this.text.decode(bytes, { stream: true }) });
  }
}
