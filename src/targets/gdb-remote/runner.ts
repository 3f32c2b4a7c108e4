/**
 * Lets a stub's guest go on, and decides at each stop of the stub's whether that is one for the debugger: conditions, hit
 * counts and log points are computed here, and what does not stop goes on without a word.
 */
import { UserError } from '../../common/errors';
import { evaluate } from '../../symbols/expression/evaluate';
import { renderLog } from '../../symbols/expression/log-template';
import type { GuestView } from '../foreign-guest/guest-view';
import { BreakpointTable, type Logger, type Met } from '../own-machine/breakpoint-table';
import type { BreakpointSet, CodeBreakpoint, DataBreakpoint, Stop } from '../target';
import { doesNotStop } from './errors';
import type { StubGuest } from './guest';
import { Inserted } from './inserted';
import { readStopReply, SIGNAL, type StubStop } from './stop-reply';

/** Where a run ended. */
export interface RunEnd {
  readonly thread: number;
  /** Undefined: as it was to end. */
  readonly stop?: Stop | undefined;
}

/** Places of our own that a run waits for. */
export interface Marks {
  readonly linear: readonly bigint[];
  /** True is what it waited for. */
  isReached(view: GuestView): boolean;
  /** True where the user's breakpoints are no news: the guest is there again in the same instruction. */
  isOld?(view: GuestView): boolean;
}

const NO_MARKS: Marks = { linear: [], isReached: () => false };
const NOTHING: BreakpointSet = { code: [], data: [], events: [], addressSpaces: false };
const STOP_MS = 10_000;
const HLT = 0xf4;
/** Steps in a row that change no register, before that counts as a step (a jump to itself). */
const MOST_IDLE_STEPS = 2;
/** How often a guest is looked at that may have got another address space: at first, and at last. */
const FIRST_LOOK_MS = 50;
const LAST_LOOK_MS = 2000;

export class StubRunner {
  private readonly inserted: Inserted;
  private readonly table: BreakpointTable;
  private set: BreakpointSet = NOTHING;
  private waiting: { resolve(stop: StubStop): void; reject(error: Error): void } | undefined;
  private isGoing = false;
  private pauseWanted = false;
  /** We have interrupted the guest for a reason of our own. */
  private isOurs = false;
  private lookMs = FIRST_LOOK_MS;

  constructor(
    private readonly guest: StubGuest,
    log: Logger,
  ) {
    this.inserted = new Inserted(guest.stub);
    this.table = new BreakpointTable(log);
  }

  /** Replaces the breakpoints. A running guest is stopped for that, and goes on. */
  setBreakpoints(set: BreakpointSet): void {
    this.set = set;
    this.table.replace(set);
    if (this.isGoing) this.interrupt();
  }

  /** Readies the stub for a run. Rejects with a UserError for a breakpoint that it does not take. */
  async prepare(marks: Marks = NO_MARKS): Promise<void> {
    await this.inserted.setData(this.set.data);
    await this.inserted.setCode(new Set([...this.set.code.map(({ linear }) => linear), ...marks.linear]));
  }

  /** Code is as the guest has it: a stub may have written its breakpoints into it. */
  async withdraw(): Promise<void> {
    await this.inserted.setCode(new Set());
  }

  /** Takes everything back that the stub has of us. */
  async clear(): Promise<void> {
    await this.inserted.clear();
  }

  /** A new run begins: an older wish to pause is void. */
  begin(): void {
    this.pauseWanted = false;
  }

  /** Makes the run at hand stop. Rejects with a UserError if the stub does not do that in time. */
  async pause(): Promise<void> {
    this.pauseWanted = true;
    if (!this.isGoing) return;
    this.guest.stub.connection.interrupt();
    const deadline = Date.now() + STOP_MS;
    while (this.isGoing && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
    if (this.isGoing) throw doesNotStop(STOP_MS / 1000);
  }

  /** Somebody wants the run at hand to stop. */
  get wantsPause(): boolean {
    return this.pauseWanted;
  }

  /** A stop reply has come by itself. */
  onStop(reply: string): void {
    const { waiting } = this;
    this.waiting = undefined;
    this.isGoing = false;
    this.guest.isAtRest = true;
    this.guest.forget();
    waiting?.resolve(readStopReply(reply));
  }

  /** The stub is gone. */
  onClosed(error: Error): void {
    const { waiting } = this;
    this.waiting = undefined;
    this.isGoing = false;
    waiting?.reject(error);
  }

  /** Goes on until a breakpoint or a mark is met, or something else stops the guest. */
  async go(thread: number, marks: Marks = NO_MARKS): Promise<RunEnd> {
    let at = thread;
    for (;;) {
      if (this.pauseWanted) return { thread: at, stop: { reason: 'pause' } };
      await this.prepare(marks);
      const { linear } = await this.guest.quick(at);
      if (this.inserted.has(linear)) {
        const stepped = (await this.step(at, await this.isHalt(at))) ?? (await this.look(at, marks));
        if (stepped) return stepped;
        if (this.pauseWanted) continue;
        await this.prepare(marks);
      }
      const stop = await this.wait(() => this.guest.stub.continue(), this.set.addressSpaces);
      if (stop.kind === 'signal') at = this.guest.threadOf(stop.thread);
      const end = await this.decide(at, stop, marks);
      if (end) return end;
    }
  }

  /** One instruction of a vCPU; undefined if nothing else stopped it. Breakpoints in code do not count. */
  async step(thread: number, interrupts: boolean): Promise<RunEnd | undefined> {
    const before = await this.guest.quick(thread);
    const { stub } = this.guest;
    await this.inserted.remove(before.linear);
    const name = this.guest.nameOf(thread);
    for (let tries = 0; ; tries++) {
      const stop = await this.wait(() => stub.step(name, interrupts), false);
      const isPlain = stop.kind === 'signal' && stop.signal === SIGNAL.TRAP && !stop.watch;
      if (!isPlain) return this.decide(thread, stop, NO_MARKS);
      // What a processor has to do first (after a reset, say) may count as a step of QEMU's.
      if (tries === MOST_IDLE_STEPS || !isSame(before, await this.guest.quick(thread))) return undefined;
    }
  }

  /** The breakpoints and marks where a vCPU stands now. */
  async look(thread: number, marks: Marks = NO_MARKS): Promise<RunEnd | undefined> {
    const view = await this.guest.quick(thread);
    const { linear } = view;
    const isMark = marks.linear.includes(linear) && marks.isReached(view);
    if (!marks.isOld?.(view)) {
      const met = await this.met(
        thread,
        this.set.code.filter((one) => one.linear === linear),
        (full) => this.table.atCode(linear, full.scope()),
      );
      if (met) return { thread, stop: { reason: 'breakpoint', linear, ...met } };
    }
    return isMark ? { thread } : undefined;
  }

  private async decide(thread: number, stop: StubStop, marks: Marks): Promise<RunEnd | undefined> {
    if (stop.kind === 'exited')
      return { thread, stop: { reason: 'ended', end: { reason: 'powered off', text: stop.text } } };
    const { isOurs } = this;
    this.isOurs = false;
    if (stop.watch) return this.watched(thread, stop.watch);
    switch (stop.signal) {
      case SIGNAL.INT:
      case 0:
        if (this.pauseWanted || !isOurs) return { thread, stop: { reason: 'pause' } };
        return this.set.addressSpaces ? { thread, stop: { reason: 'address space' } } : undefined;
      case SIGNAL.QUIT:
        return { thread, stop: { reason: 'ended', end: { reason: 'powered off', text: 'The guest has shut down.' } } };
      case SIGNAL.TRAP: {
        const { linear } = await this.guest.quick(thread);
        if (this.inserted.has(linear)) return this.look(thread, marks);
        break;
      }
    }
    const note = `The gdb stub stopped the guest by itself, with signal ${stop.signal}.`;
    return { thread, stop: { reason: 'pause', note } };
  }

  private async watched(
    thread: number,
    { kind, linear }: NonNullable<(StubStop & { kind: 'signal' })['watch']>,
  ): Promise<RunEnd | undefined> {
    const isUnsure = kind === 'awatch';
    const access = { linear, bytes: 1, isWrite: kind !== 'rwatch', readsFirst: isUnsure };
    const watches = this.set.data.filter((one) => linear >= one.linear && linear < one.linear + BigInt(one.length));
    const met = await this.met(thread, watches, (full) => this.table.atData(access, full.scope()));
    if (!met) return undefined;
    const unsure = isUnsure ? ['The stub does not say whether it was read or written.'] : [];
    const note = [...unsure, ...(met.note ? [met.note] : [])].join(' ');
    const { length = 1 } = watches[0] ?? {};
    return {
      thread,
      stop: { reason: 'data breakpoint', linear, length, isWrite: access.isWrite, ids: met.ids, ...(note && { note }) },
    };
  }

  /** Which of these breakpoints stop; everything that they read is fetched before they are counted. */
  private async met(
    thread: number,
    breakpoints: readonly (CodeBreakpoint | DataBreakpoint)[],
    decide: (view: GuestView) => Met | undefined,
  ): Promise<Met | undefined> {
    if (breakpoints.length === 0) return undefined;
    if (!breakpoints.some(({ condition, log }) => condition || log)) return decide(await this.guest.quick(thread));
    const full = await this.guest.full(thread);
    await full.settle(() => {
      const scope = full.scope();
      for (const { condition, log } of breakpoints) {
        ignoringMistakes(() => condition && evaluate(condition, scope));
        if (log) renderLog(log, scope);
      }
    });
    return decide(full);
  }

  /** A processor in HLT needs an interrupt to go on. */
  private async isHalt(thread: number): Promise<boolean> {
    const view = await this.guest.quick(thread);
    return (await view.read('linear', view.linear, 1))[0] === HLT;
  }

  private interrupt(): void {
    this.isOurs = true;
    this.guest.stub.connection.interrupt();
  }

  /** Waits for the stop that follows `start`; `looks`: not longer than until the next look at the address space. */
  private async wait(start: () => void | Promise<void>, looks: boolean): Promise<StubStop> {
    const stop = new Promise<StubStop>((resolve, reject) => (this.waiting = { resolve, reject }));
    stop.catch(() => {});
    this.isGoing = true;
    // The stop may come before anything else does.
    this.guest.isAtRest = false;
    await start();
    const timer = looks ? setTimeout(() => this.isGoing && this.interrupt(), this.lookMs) : undefined;
    if (looks) this.lookMs = Math.min(LAST_LOOK_MS, this.lookMs * 1.2);
    try {
      return await stop;
    } finally {
      clearTimeout(timer);
    }
  }
}

const isSame = (a: GuestView, b: GuestView): boolean =>
  a.linear === b.linear &&
  [...a.values].every(([key, value]) => !key.startsWith('General.') || b.values.get(key) === value);

function ignoringMistakes(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}
