/**
 * A debugger's breakpoints by their `Z` packets. All five kinds are free of footprint and unlimited here, so that a
 * "software" and a "hardware" breakpoint differ in name only. Source: "Debugging with GDB", E.2 (packets `z`, `Z`).
 * NOT IMPLEMENTED: conditions and commands as agent expressions, which gdb then computes itself.
 */
import type { BreakpointSet, DataBreakpoint } from '../targets/target';
import { malformed } from '../targets/gdb-wire/errors';
import { tooManyBreakpoints } from './errors';
import { parseCount, parseNumber } from '../targets/gdb-wire/hex';

const MOST = 4096;
/** By the digit after `Z`. */
const KINDS = ['swbreak', 'hwbreak', 'watch', 'rwatch', 'awatch'] as const;

/** What a stop reply calls a breakpoint that was met. */
export type BreakpointKind = (typeof KINDS)[number];

const ACCESS: Readonly<Partial<Record<BreakpointKind, DataBreakpoint['access']>>> = {
  watch: 'write',
  rwatch: 'read',
  awatch: 'readWrite',
};

/** One breakpoint that is set. */
export interface WireBreakpoint {
  readonly id: number;
  readonly kind: BreakpointKind;
  readonly linear: bigint;
  /** Bytes that are watched; of a code breakpoint what gdb says for its own use. */
  readonly length: number;
}

export class Breakpoints {
  private readonly byPlace = new Map<string, WireBreakpoint>();
  private lastId = 0;

  /** Does `Z` (`isSet`) or `z` with these arguments: `type,address,kind`. Throws a UserError for what is no breakpoint. */
  change(isSet: boolean, args: string): void {
    const [type = '', address, size] = args.split(';', 1)[0]!.split(',');
    const kind = /^[0-4]$/.test(type) ? KINDS[Number(type)] : undefined;
    if (!kind) throw malformed('the kind of a breakpoint is 0 to 4');
    const linear = parseNumber(address);
    const length = parseCount(size);
    const place = `${kind},${linear},${length}`;
    if (!isSet) {
      this.byPlace.delete(place);
      return;
    }
    if (this.byPlace.has(place)) return;
    if (this.byPlace.size >= MOST) throw tooManyBreakpoints(MOST);
    this.byPlace.set(place, { id: ++this.lastId, kind, linear, length });
  }

  /** Takes one back that the target refused. */
  forget(args: string): void {
    this.change(false, args);
  }

  /** For the target. */
  toSet(): BreakpointSet {
    const all = [...this.byPlace.values()];
    return {
      code: all.flatMap(({ id, kind, linear }) => (ACCESS[kind] ? [] : [{ id, linear }])),
      data: all.flatMap(({ id, kind, linear, length }) => {
        const access = ACCESS[kind];
        return access ? [{ id, linear, length, access }] : [];
      }),
      events: [],
      addressSpaces: false,
    };
  }

  /** The first of these that is set. */
  find(ids: readonly number[] = []): WireBreakpoint | undefined {
    return [...this.byPlace.values()].find(({ id }) => ids.includes(id));
  }
}
