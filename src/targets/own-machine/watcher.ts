/**
 * Looks on while a machine runs, and decides where it stops: at breakpoints of every kind, and at the marks that the
 * present way of going on sets. What it decides first is why the run stopped; breakpoints met at the same place are named
 * with it.
 */
import type { ProcessorEvent } from '../../cpu/event';
import type { EntryRefusal } from '../../cpu/vmx-hooks';
import { EXIT_REASON } from '../../cpu/vmx/exit-reasons';
import type { WatchedAccess } from '../../engine/watches';
import type { Machine } from '../../machine/machine';
import type { MachineObserver } from '../../machine/observer';
import type { Scope } from '../../symbols/expression/evaluate';
import { ExitAction } from '../../vmm/exit-log';
import type { ExitEntry } from '../../vmm/exit-log';
import { describeExit } from '../inspection/exit-description';
import { exitVariables } from '../inspection/exit-variables';
import { isFinal } from '../machine-loop';
import type { LoopEnd } from '../machine-loop';
import type { BreakpointSet, EventKind, Stop } from '../target';
import { BreakpointTable, type Logger, type Met } from './breakpoint-table';
import { eventScope, guestScope } from './event-scope';
import { exceptionVariables, guestException } from './guest-exception';
import { PhysicalWatches } from './physical-watches';

/** Why a run was stopped; `mark`: one of `Marks`, and no breakpoint. */
export type Cause =
  Exclude<Stop, { readonly reason: 'step' | 'pause' | 'ended' }> | ({ readonly reason: 'mark' } & Met);

/** What a way of going on waits for. */
export interface Marks {
  /** Before the instructions at these linear addresses: true is what it waited for. */
  readonly linear?: readonly bigint[] | undefined;
  isReached?(linear: bigint): boolean;
  /** True where breakpoints at `linear` are no news: the guest is there again in the same instruction. */
  isOld?(linear: bigint): boolean;
  /** An event has reached its handler. */
  delivered?(): boolean;
  /** An IRET has returned. */
  returned?(): boolean;
  /** Basic exit reasons; undefined in the set's place: all. */
  exits?(reason: number): boolean;
}

const EXIT_KINDS: readonly EventKind[] = ['exit', 'mmio', 'portIo', 'msr'];

export class Watcher {
  private readonly table: BreakpointTable;
  private readonly physical: PhysicalWatches;
  private readonly scope: Scope;
  private marks: Marks = {};
  private addressSpaces = false;
  private cause: Cause | undefined;

  constructor(
    private readonly machine: Machine,
    log: Logger,
  ) {
    this.table = new BreakpointTable(log);
    this.physical = new PhysicalWatches((address, length) => machine.readMemory('physical', address, length));
    this.scope = guestScope(machine);
  }

  /** Replaces the breakpoints, also while the machine runs (between two slices). */
  setBreakpoints(set: BreakpointSet): void {
    this.table.replace(set);
    this.addressSpaces = set.addressSpaces;
    this.machine.setBreakpoints(this.table.addresses);
    this.machine.setWatches(
      this.table.watched.map(({ linear, length, access }) => ({ linear, length, reads: access !== 'write' })),
    );
    this.physical.replace(set.data.filter(({ space }) => space === 'physical'));
    this.machine.hypervisor?.interceptAllMsrs(this.table.has('msr'));
    this.listen();
  }

  /** Replaces the marks. */
  setMarks(marks: Marks): void {
    const before = this.marks.linear;
    this.marks = marks;
    if (before || marks.linear) this.machine.setBreakpoints(marks.linear ?? [], 'marks');
    this.listen();
  }

  /** Why the run was stopped, if the watcher wanted it; forgets it. */
  take(): Cause | undefined {
    const { cause } = this;
    this.cause = undefined;
    return cause;
  }

  /** True if a mark was reached, which is forgotten; false if `end` has another cause. */
  takeMark(end: LoopEnd): boolean {
    if (this.cause?.reason !== 'mark' || isFinal(end)) return false;
    this.cause = undefined;
    return true;
  }

  /** The guest stands before an instruction for another reason: the breakpoints there are met, if they were not yet. */
  lookHere(): Met | undefined {
    const { machine } = this;
    return machine.arrives() ? this.table.atCode(machine.linearRip(), this.scope) : undefined;
  }

  /** The guest has ended: ids of the breakpoints that wait for such an end. */
  ended(kind: EventKind): Met | undefined {
    return this.table.atEvent(
      [kind],
      eventScope(this.machine, () => undefined),
    );
  }

  /** Asks the machine for what somebody waits for, and for nothing else. */
  private listen(): void {
    const { machine, table, marks } = this;
    const observer: MachineObserver = {
      breakpoint: (linear) => this.breakpoint(linear),
      ...(table.watched.length > 0 && { watched: (accesses) => this.watched(accesses) }),
      ...(table.has('exception') && { raised: (event) => this.raised(event) }),
      ...(table.has('entryFailure') && { entryRefused: (refusal) => this.entryRefused(refusal) }),
      ...(this.addressSpaces && { addressSpaceLoaded: () => this.stop({ reason: 'address space' }) }),
      ...(marks.delivered && { delivered: () => marks.delivered!() && this.stop({ reason: 'mark', ids: [] }) }),
      ...(marks.returned && { returned: () => marks.returned!() && this.stop({ reason: 'mark', ids: [] }) }),
    };
    machine.observe(observer);
    const wantsExits =
      !this.physical.isEmpty || marks.exits !== undefined || EXIT_KINDS.some((kind) => table.has(kind));
    machine.setExitFilter(wantsExits ? (exit) => this.exited(exit) : undefined);
  }

  private stop(cause: Cause): true {
    this.cause ??= cause;
    return true;
  }

  private breakpoint(linear: bigint): boolean {
    const { marks } = this;
    if (marks.isOld?.(linear)) return marks.isReached?.(linear) === true && this.stop({ reason: 'mark', ids: [] });
    const met = this.table.atCode(linear, this.scope);
    if (met) return this.stop({ reason: 'breakpoint', linear, ...met });
    return marks.isReached?.(linear) === true && this.stop({ reason: 'mark', ids: [] });
  }

  private watched(accesses: readonly WatchedAccess[]): boolean {
    for (const access of accesses) {
      const { linear, bytes, isWrite } = access;
      const met = this.table.atData(access, this.scope);
      if (met) this.stop({ reason: 'data breakpoint', linear, length: bytes, isWrite, ...met });
    }
    return this.cause !== undefined;
  }

  private raised(event: ProcessorEvent): boolean {
    const met = this.table.atEvent(['exception'], eventScope(this.machine, exceptionVariables(event)));
    return met !== undefined && this.stop({ reason: 'exception', exception: guestException(event), ...met });
  }

  private entryRefused({ rule, section, field }: EntryRefusal): boolean {
    const met = this.table.atEvent(
      ['entryFailure'],
      eventScope(this.machine, () => undefined),
    );
    const text = `VM entry refused by the rule "${rule}" (SDM Vol. 3C ${section}): ${field}.`;
    return met !== undefined && this.stop({ reason: 'entry failure', text, ...met });
  }

  private exited(exit: ExitEntry): boolean {
    const changed = this.physical.isEmpty ? [] : this.physical.changed();
    const written = changed[0] && this.table.atPhysical(changed, this.scope);
    if (written) {
      const { linear, length } = changed[0]!;
      return this.stop({ reason: 'data breakpoint', space: 'physical', linear, length, isWrite: true, ...written });
    }
    const kinds = EXIT_KINDS.filter((kind) => this.table.has(kind) && isOfKind(exit, kind));
    const met =
      kinds.length > 0
        ? this.table.atEvent(kinds, eventScope(this.machine, exitVariables(this.machine, exit)))
        : undefined;
    if (!met && this.marks.exits?.(exit.reason & 0xffff) !== true) return false;
    return this.stop({ reason: 'vm exit', exit: describeExit(exit), ...met });
  }
}

function isOfKind({ reason, action }: ExitEntry, kind: EventKind): boolean {
  switch (reason & 0xffff) {
    case EXIT_REASON.EPT_VIOLATION:
    case EXIT_REASON.EPT_MISCONFIGURATION:
      return kind === 'exit' || (kind === 'mmio' && action === ExitAction.RanOne);
    case EXIT_REASON.IO_INSTRUCTION:
      return kind === 'exit' || kind === 'portIo';
    case EXIT_REASON.RDMSR:
    case EXIT_REASON.WRMSR:
      return kind === 'exit' || kind === 'msr';
    default:
      return kind === 'exit';
  }
}

/** A stop at which more breakpoints were met. */
export function mergedStop<One extends Stop>(stop: One, { ids, note }: Met): One {
  const notes = [stop.note, note].filter((one) => one !== undefined);
  return { ...stop, ids: [...(stop.ids ?? []), ...ids], ...(notes.length > 0 && { note: notes.join(' ') }) };
}
