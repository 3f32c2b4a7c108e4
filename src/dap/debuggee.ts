/**
 * What a session debugs: its target, whether that runs, its programs and breakpoints, and the events that follow from
 * stops, ends, edits and the serial line. Requests are handled elsewhere; this is what they act on.
 */
import type { Lack, Stop, Target, TargetEvent } from '../targets/target';
import { capabilitiesWithout } from './capabilities';
import { BreakpointStore, type NewWish } from './breakpoints/breakpoint-store';
import { filterWish } from './breakpoints/other-wishes';
import { FILTERS } from './breakpoints/event-filters';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { ended, launchedAlready, neverRuns, noThread, notLaunched, running } from './errors';
import { GuestPrograms, type ProgramSurroundings } from './guest-programs';
import type { Emit } from './handler';
import { Images, namesOf } from './images/images';
import type { Attach, Launch } from './launch';
import { isRegisterName } from '../targets/inspection/register-names';
import { type Operation, Runner } from './runner';
import { StopView } from './stop-view';
import { describeStop, isOver } from './stops';
import type { TargetMaker } from './target-maker';

const FIRST_THREAD = 1;
const FILTER_LIST = 'filters';

export class Debuggee implements ProgramSurroundings {
  readonly breakpoints = new BreakpointStore();
  readonly images = new Images();
  private started: Target | undefined;
  private start: { readonly launch: Launch } | { readonly attach: Attach } | undefined;
  private configured = false;
  private bare = false;
  private begun = false;
  private runs = false;
  private closed = false;
  // Why the guest cannot go on, if so.
  private end: string | undefined;
  private last: Stop | undefined;
  /** The vCPU that the last stop was about. */
  lastThread = FIRST_THREAD;
  private lacked: ReadonlySet<Lack> = new Set();
  private view: StopView | undefined;
  private readonly programs = new GuestPrograms(this);
  private readonly runner = new Runner(this.programs);
  /** Whether steps run through what interrupts them. */
  skipsInterrupts = true;
  /** Whether the client shows progress: it says so in `initialize`. */
  showsProgress = false;
  private progresses = 0;
  private readonly text = new TextDecoder();

  constructor(
    private readonly maker: TargetMaker,
    readonly emit: Emit,
  ) {}

  /** The target, running or not. Throws a UserError before the launch. */
  get target(): Target {
    if (!this.started) throw notLaunched();
    return this.started;
  }

  /** The target at rest. Throws a UserError while it runs. */
  get stoppedTarget(): Target {
    const { target } = this;
    if (this.isRunning || !this.begun) throw running();
    return target;
  }

  /** What the current stop can show. Throws a UserError while the target runs. */
  get stopView(): StopView {
    const target = this.stoppedTarget;
    return (this.view ??= new StopView(target, this.images));
  }

  /** Why it stopped, if it has. */
  get lastStop(): Stop | undefined {
    return this.last;
  }

  get isRunning(): boolean {
    return this.runs || this.runner.isBusy;
  }

  /** Throws a UserError for a thread that is not there. */
  async requireThread(id: number): Promise<void> {
    if (!(await this.target.threads()).some((thread) => thread.id === id)) throw noThread(id);
  }

  /** What conditions and expressions may name. */
  get names(): ReturnType<typeof namesOf> {
    return namesOf(this.images, isRegisterName);
  }

  /** Says that something takes its time, to a client that shows it; `work` must not be cancelled half-way. */
  async withProgress<T>(title: string, work: () => Promise<T>): Promise<T> {
    if (!this.showsProgress) return work();
    const progressId = `progress-${++this.progresses}`;
    this.emit('progressStart', { progressId, title, cancellable: false });
    try {
      return await work();
    } finally {
      this.emit('progressEnd', { progressId });
    }
  }

  async launch(launch: Launch): Promise<void> {
    if (this.start) throw launchedAlready();
    this.skipsInterrupts = launch.skipInterrupts;
    this.images.load({ ...launch, kernel: launch.machine.kernel });
    const started = this.maker.launch(launch.machine, launch.pace);
    // A failure is told when the images are done, not before somebody waits for it.
    started.catch(() => {});
    const remarks = this.images.complete();
    this.started = await started;
    remarks.forEach((remark) => this.say(remark));
    this.start = { launch };
    await this.connect();
  }

  async attach(attach: Attach): Promise<void> {
    if (this.start) throw launchedAlready();
    this.skipsInterrupts = attach.skipInterrupts;
    this.started = await this.maker.attach(attach.place);
    this.start = { attach };
    const { kernel } = await this.started.describe();
    this.images.load({ ...attach, kernel });
    this.images.complete().forEach((remark) => this.say(remark));
    this.runs = (await this.started.state()).running;
    await this.connect();
  }

  /** Starts the launched machine anew. */
  async restart(): Promise<void> {
    if (!this.start || !('launch' in this.start)) throw notLaunched();
    const { launch } = this.start;
    const before = this.target;
    this.abandon();
    await before.dispose();
    this.images.forgetPlaces(launch.machine.kernel);
    this.programs.forget();
    this.started = await this.maker.launch(launch.machine, launch.pace);
    await this.connect();
    this.begun = false;
  }

  configurationDone(): void {
    this.configured = true;
  }

  /** Lets the guest begin once it is launched and the client has said its breakpoints. */
  startWhenReady(): void {
    if (!this.start || !this.configured || this.begun) return;
    this.begun = true;
    if ('attach' in this.start) void this.showAttached();
    else if (this.start.launch.stopOnEntry && !this.start.launch.noDebug)
      this.tellStopped({ reason: 'entry', description: 'Paused on entry' });
    else void this.begin();
  }

  /** Replaces a list of breakpoints. Works before the launch, too. */
  async setBreakpoints(list: string, wishes: readonly NewWish[]): Promise<DebugProtocol.Breakpoint[]> {
    const told = this.breakpoints.replace(list, wishes, this.names);
    await this.applyBreakpoints();
    return this.lacked.has('running') ? told.map((one) => ({ ...one, verified: false, message: neverRuns() })) : told;
  }

  /**
   * Lets the guest run as `operation` does, or throws a UserError. A `stopped` or an end follows as events once the
   * returned function has been called: when the request is answered.
   */
  async run(thread: number, operation: Operation): Promise<() => void> {
    const target = this.stoppedTarget;
    if (this.end !== undefined) throw ended(this.end);
    this.lastThread = thread;
    const { stop } = await this.runner.start(target, thread, operation);
    this.view = undefined;
    return () =>
      void stop.then((seen) => this.onStop(this.lastThread, seen)).catch((error: Error) => this.onFailure(error));
  }

  pause(): Promise<void> {
    return this.runner.pause(this.target);
  }

  /** Says that the guest goes on, to a client that cannot know it from the request. */
  announceContinued(thread: number): void {
    this.emit('continued', { threadId: thread, allThreadsContinued: true });
  }

  /** Says that the user moved the guest to another instruction. */
  announceMoved(thread: number): void {
    this.view = undefined;
    this.emit('stopped', { reason: 'goto', threadId: thread, allThreadsStopped: true });
  }

  /** What is shown of the state is no longer so. */
  announceEdit(memory?: { readonly reference: string; readonly count: number }): void {
    this.view?.forget();
    if (memory) this.emit('memory', { memoryReference: memory.reference, offset: 0, count: memory.count });
    this.emit('invalidated', { areas: ['all'] });
  }

  /** Ends the machine, or leaves it as it is; no event but `terminated` (when `announced`) follows. */
  async close({ announced = false, keep = false }: { announced?: boolean; keep?: boolean } = {}): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.abandon();
    if (keep) await this.started?.detach();
    else await this.started?.dispose();
    this.images.close();
    if (announced) this.emit('terminated');
  }

  /** The machine has no hypervisor of ours. */
  get isBare(): boolean {
    return this.bare;
  }

  /** What the target cannot do of what our own machines can. */
  get lacks(): ReadonlySet<Lack> {
    return this.lacked;
  }

  /** True if the session came to a machine that was there before. */
  get isAttached(): boolean {
    return this.start !== undefined && 'attach' in this.start;
  }

  private async connect(): Promise<void> {
    const { target } = this;
    this.end = this.last = this.view = undefined;
    target.onEvent((event) => target === this.started && this.onEvent(event));
    const { bare, lacks = [] } = await target.describe();
    this.bare = bare;
    this.lacked = new Set(lacks);
    if (lacks.length > 0) this.emit('capabilities', { capabilities: capabilitiesWithout(this.lacked) });
    // A client that asked for the threads before there were any asks again, and can pause the guest.
    for (const { id } of await target.threads()) this.emit('thread', { reason: 'started', threadId: id });
    // Clients that say nothing of filters get the defaults.
    if (this.breakpoints.isUntouched(FILTER_LIST)) {
      const defaults = FILTERS.filter(({ isDefault }) => isDefault);
      this.breakpoints.replace(
        FILTER_LIST,
        defaults.map(({ id }) => filterWish(this, id, undefined)),
        this.names,
      );
    }
    if (this.isAttached) await this.programs.place();
    await this.onChange();
  }

  // The first run has no request to refuse: what goes wrong with it ends the session.
  private async begin(): Promise<void> {
    try {
      (await this.run(FIRST_THREAD, (go) => go({ kind: 'continue' })))();
    } catch (error) {
      this.onFailure(error as Error);
    }
  }

  private async showAttached(): Promise<void> {
    const state = await this.target.state();
    this.runs = state.running;
    if (state.running) return;
    if (state.stop) this.onStop(FIRST_THREAD, state.stop);
    else this.tellStopped({ reason: 'entry', description: 'Paused on entry' });
  }

  /** Breakpoints have other places: the client hears of them, and the target gets them. */
  async onChange(): Promise<void> {
    for (const breakpoint of this.breakpoints.refresh(this.names))
      this.emit('breakpoint', { reason: 'changed', breakpoint });
    await this.applyBreakpoints();
  }

  private async applyBreakpoints(): Promise<void> {
    if (!this.started || this.lacked.has('running')) return;
    if (this.start && 'launch' in this.start && this.start.launch.noDebug) return;
    const set = this.breakpoints.toSet();
    const { breakpoints, wantsAddressSpaces: addressSpaces } = this.programs;
    await this.started.setBreakpoints({ ...set, code: [...set.code, ...breakpoints], addressSpaces });
  }

  private onEvent(event: TargetEvent): void {
    if (this.closed) return;
    switch (event.kind) {
      case 'running':
        this.runs = true;
        if (this.runner.isBusy) return;
        this.view = undefined;
        return this.announceContinued(FIRST_THREAD);
      case 'stopped': {
        this.runs = false;
        this.lastThread = event.thread;
        if (!this.runner.stopped(event.stop)) this.onStop(event.thread, event.stop);
        return;
      }
      case 'serial':
        return this.sendSerial(event.bytes);
      case 'log':
        return this.emit('output', { category: 'console', output: `${event.text}\n` });
      case 'edited':
        return this.announceEdit();
      case 'closed': {
        const { instructions, exits } = event.last;
        this.onFailure(
          new Error(`${event.reason} (last seen after ${instructions} instructions and ${exits} VM exits)`),
        );
      }
    }
  }

  private onStop(thread: number, stop: Stop): void {
    if (this.closed) return;
    this.runs = false;
    this.view = undefined;
    this.last = stop;
    if (stop.reason === 'ended') {
      this.end = stop.end.text;
      const wanted = (stop.ids?.length ?? 0) > 0;
      const hasFilter = stop.end.reason === 'triple fault' || stop.end.reason === 'reset';
      if (isOver(stop.end) || (hasFilter && !wanted)) {
        this.say(stop.end.text);
        this.emit('exited', { exitCode: isOver(stop.end) ? 0 : 1 });
        this.emit('terminated');
        return;
      }
    }
    // A pause may come before the program's place is known: what it shows should know it.
    void this.programs
      .place()
      .catch((error: Error) => this.say(`Where the guest's programs lie could not be found out: ${error.message}`))
      .then(() =>
        this.tellStopped(
          describeStop(stop, (id) => this.breakpoints.kindOf(id)),
          thread,
        ),
      );
  }

  private tellStopped(body: object, thread = FIRST_THREAD): void {
    if (!this.closed) this.emit('stopped', { ...body, threadId: thread, allThreadsStopped: true });
  }

  /** Tells what was found damaged in symbol files since it was called last. */
  sayDamage(): void {
    for (const remark of this.images.takeRemarks()) this.say(remark);
  }

  /** Tells the user a sentence. */
  say(text: string): void {
    this.emit('output', { category: 'console', output: `${text}\n` });
  }

  private onFailure(error: Error): void {
    if (this.closed) return;
    this.runs = false;
    this.end = error.message;
    if (this.runner.failed(error)) return;
    this.emit('output', { category: 'stderr', output: `The machine failed: ${error.message}\n` });
    this.emit('terminated');
  }

  /** What runs is no longer waited for. */
  private abandon(): void {
    this.runner.abandon();
    this.runs = false;
    this.started?.onEvent(() => {});
  }

  private sendSerial(bytes: Uint8Array): void {
    const terminal = this.start && ('launch' in this.start ? this.start.launch : this.start.attach).terminal;
    if (terminal)
      this.emit('vmxray/serial', {
        data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
      });
    else this.emit('output', { category: 'stdout', output: this.text.decode(bytes, { stream: true }) });
  }
}
