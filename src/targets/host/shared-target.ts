/**
 * One target for several debuggers: each has breakpoints of its own, whose ids mean nothing to the others; everybody hears
 * of stops and of the serial line, and of the others' edits.
 */
import type { MachineControl } from '../machine-control';
import type { BreakpointSet, Stop, Target, TargetEvent, TargetState } from '../target';
import { badCall } from './errors';
import { isCall, type Method } from './methods';

const NO_BREAKPOINTS: BreakpointSet = { code: [], data: [], events: [], addressSpaces: false };
const EDITS: ReadonlySet<Method> = new Set(['writeRegister', 'writeMemory', 'writeDevice']);

/** One debugger of the shared target. */
interface Member {
  readonly listener: (event: TargetEvent) => void;
  breakpoints: BreakpointSet;
  /** The target's ids of this debugger's breakpoints, by its own. */
  ids: ReadonlyMap<number, number>;
}

/** A debugger's door to the shared target. */
export interface SharedDebugger {
  /** Calls a method by its name. Rejects as the target does, and with a UserError (`host/call`) for what is no call. */
  call(method: string, args: readonly unknown[]): Promise<unknown>;
  /** Takes this debugger's breakpoints away; it hears nothing more. */
  leave(): Promise<void>;
}

export class SharedTarget {
  private readonly members = new Set<Member>();
  private lastId = 0;

  constructor(private readonly target: Target & Partial<MachineControl>) {}

  /** Hands an event of the target's to each debugger, in its own words. */
  pass(event: TargetEvent): void {
    for (const member of [...this.members]) {
      const own = this.eventFor(member, event);
      if (own) member.listener(own);
    }
  }

  /** Lets one more debugger in. Its listener gets what happens from now on, in order. */
  join(listener: (event: TargetEvent) => void): SharedDebugger {
    const member: Member = { listener, breakpoints: NO_BREAKPOINTS, ids: new Map() };
    this.members.add(member);
    return {
      call: (method, args) => this.call(member, method, args),
      leave: async () => {
        if (!this.members.delete(member) || member.breakpoints === NO_BREAKPOINTS) return;
        await this.target.setBreakpoints(this.allBreakpoints());
      },
    };
  }

  private async call(member: Member, method: string, args: readonly unknown[]): Promise<unknown> {
    if (!isCall(method, args)) throw badCall(method);
    if (method === 'setBreakpoints') return this.setBreakpoints(member, args[0] as BreakpointSet);
    const does = this.target[method] as ((...args: readonly unknown[]) => Promise<unknown>) | undefined;
    if (!does) throw badCall(method);
    const answer = await does.apply(this.target, [...args]);
    if (EDITS.has(method)) for (const other of this.members) if (other !== member) other.listener({ kind: 'edited' });
    if (method !== 'state') return answer;
    const state = answer as TargetState;
    return { ...state, stop: state.stop && this.stopFor(member, state.stop) } satisfies TargetState;
  }

  private async setBreakpoints(member: Member, breakpoints: BreakpointSet): Promise<void> {
    const before = { breakpoints: member.breakpoints, ids: member.ids };
    const ids = [...breakpoints.code, ...breakpoints.data, ...breakpoints.events].map(({ id }) => id);
    member.breakpoints = breakpoints;
    // An id that stays keeps the target's, and so its hit count.
    member.ids = new Map(ids.map((id) => [id, before.ids.get(id) ?? ++this.lastId]));
    try {
      await this.target.setBreakpoints(this.allBreakpoints());
    } catch (error) {
      if (member.breakpoints === breakpoints) Object.assign(member, before);
      throw error;
    }
  }

  private allBreakpoints(): BreakpointSet {
    const sets = [...this.members].map(({ breakpoints, ids }) => {
      const renumber = <B extends { readonly id: number }>(all: readonly B[]): B[] =>
        all.map((breakpoint) => ({ ...breakpoint, id: ids.get(breakpoint.id)! }));
      const { code, data, events, addressSpaces } = breakpoints;
      return { code: renumber(code), data: renumber(data), events: renumber(events), addressSpaces };
    });
    return {
      code: sets.flatMap(({ code }) => code),
      data: sets.flatMap(({ data }) => data),
      events: sets.flatMap(({ events }) => events),
      addressSpaces: sets.some(({ addressSpaces }) => addressSpaces),
    };
  }

  private eventFor(member: Member, event: TargetEvent): TargetEvent | undefined {
    if (event.kind === 'stopped') return { ...event, stop: this.stopFor(member, event.stop) };
    if (event.kind !== 'log') return event;
    const id = this.ownId(member, event.id);
    return id === undefined ? undefined : { ...event, id };
  }

  private stopFor(member: Member, stop: Stop): Stop {
    if (!stop.ids) return stop;
    const ids = stop.ids.flatMap((id) => this.ownId(member, id) ?? []);
    if (ids.length > 0 || stop.ids.length === 0) return { ...stop, ids };
    return { ...stop, ids, note: [stop.note, "Another debugger's breakpoint was met."].filter(Boolean).join(' ') };
  }

  private ownId(member: Member, id: number): number | undefined {
    for (const [own, theirs] of member.ids) if (theirs === id) return own;
    return undefined;
  }
}
