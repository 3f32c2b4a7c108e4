/**
 * A debugger's breakpoints with their hit counts: what is met where, and whether that stops. Everything is computed here,
 * beside the machine, so that a breakpoint that does not stop costs no message.
 */
import { UserError } from '../../common/errors';
import type { WatchedAccess } from '../../engine/watches';
import { isTrue } from '../../symbols/expression/arithmetic';
import type { Scope } from '../../symbols/expression/evaluate';
import { evaluate } from '../../symbols/expression/evaluate';
import { meetsHitCondition } from '../../symbols/expression/hit-condition';
import { renderLog } from '../../symbols/expression/log-template';
import type { BreakpointSet, CodeBreakpoint, DataBreakpoint, EventBreakpoint, EventKind } from '../target';
import { isAbsent } from './event-scope';

/** A breakpoint and how often it was met. */
interface Entry<B> {
  readonly breakpoint: B;
  hits: number;
}

type AnyBreakpoint = CodeBreakpoint | DataBreakpoint | EventBreakpoint;

/** Breakpoints that stop, and what there is to say about them. */
export interface Met {
  readonly ids: readonly number[];
  readonly note?: string | undefined;
}

/** Says what a log point has to say. */
export type Logger = (id: number, text: string) => void;

const NONE: readonly never[] = [];

export class BreakpointTable {
  private code = new Map<bigint, Entry<CodeBreakpoint>[]>();
  private data: readonly Entry<DataBreakpoint>[] = NONE;
  private events = new Map<EventKind, Entry<EventBreakpoint>[]>();
  private entries = new Map<number, Entry<AnyBreakpoint>>();

  constructor(private readonly log: Logger) {}

  /** Replaces all breakpoints; those with an id that was there keep its hit count. */
  replace(set: BreakpointSet): void {
    const before = this.entries;
    this.entries = new Map();
    const enter = <B extends AnyBreakpoint>(breakpoint: B): Entry<B> => {
      const entry = { breakpoint, hits: before.get(breakpoint.id)?.hits ?? 0 };
      this.entries.set(breakpoint.id, entry);
      return entry;
    };
    this.code = groupBy(set.code.map(enter), ({ breakpoint }) => breakpoint.linear);
    this.data = set.data.map(enter);
    this.events = groupBy(set.events.map(enter), ({ breakpoint }) => breakpoint.kind);
  }

  /** Linear addresses of the code breakpoints. */
  get addresses(): Iterable<bigint> {
    return this.code.keys();
  }

  /** The data breakpoints on linear memory. */
  get watched(): readonly DataBreakpoint[] {
    return this.data.flatMap(({ breakpoint }) => (breakpoint.space ? [] : [breakpoint]));
  }

  /** True if there are breakpoints of this kind. */
  has(kind: EventKind): boolean {
    return this.events.has(kind);
  }

  /** The guest is before the instruction at `linear`: which breakpoints stop it there, if any. */
  atCode(linear: bigint, scope: Scope): Met | undefined {
    return this.meet(this.code.get(linear) ?? NONE, scope);
  }

  /** The guest has made an access. */
  atData({ linear, bytes, isWrite, readsFirst }: WatchedAccess, scope: Scope): Met | undefined {
    const met = this.data.filter(
      ({ breakpoint }) =>
        !breakpoint.space &&
        (isWrite ? readsFirst || breakpoint.access !== 'read' : breakpoint.access !== 'write') &&
        linear < breakpoint.linear + BigInt(breakpoint.length) &&
        breakpoint.linear < linear + BigInt(bytes),
    );
    return this.meet(met, scope);
  }

  /** What these breakpoints on the machine's own memory watch has changed. */
  atPhysical(changed: readonly DataBreakpoint[], scope: Scope): Met | undefined {
    return this.meet(
      this.data.filter(({ breakpoint }) => changed.includes(breakpoint)),
      scope,
    );
  }

  /** Something of these kinds has happened. */
  atEvent(kinds: readonly EventKind[], scope: Scope): Met | undefined {
    const entries = kinds.flatMap((kind): readonly Entry<EventBreakpoint>[] => this.events.get(kind) ?? NONE);
    return this.meet(entries, scope);
  }

  private meet(entries: readonly Entry<AnyBreakpoint>[], scope: Scope): Met | undefined {
    if (entries.length === 0) return undefined;
    const ids: number[] = [];
    const notes: string[] = [];
    for (const entry of entries) {
      const { id, hits, log } = entry.breakpoint;
      const held = this.holds(entry, scope);
      if (held === false) continue;
      if (held !== true) {
        ids.push(id);
        notes.push(held);
        continue;
      }
      entry.hits++;
      if (hits && !meetsHitCondition(hits, entry.hits)) continue;
      if (log) this.log(id, renderLog(log, scope));
      else ids.push(id);
    }
    if (ids.length === 0) return undefined;
    return { ids, ...(notes.length > 0 && { note: notes.join(' ') }) };
  }

  /** Whether the condition holds; a sentence if that cannot be computed. */
  private holds({ breakpoint: { condition } }: Entry<AnyBreakpoint>, scope: Scope): boolean | string {
    if (!condition) return true;
    try {
      return isTrue(evaluate(condition, scope));
    } catch (error) {
      // A field that this event does not have fulfils no condition.
      if (isAbsent(error)) return false;
      if (!(error instanceof UserError)) throw error;
      return `The breakpoint's condition could not be computed: ${error.message}`;
    }
  }
}

function groupBy<Key, Value>(values: readonly Value[], keyOf: (value: Value) => Key): Map<Key, Value[]> {
  const groups = new Map<Key, Value[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return groups;
}
