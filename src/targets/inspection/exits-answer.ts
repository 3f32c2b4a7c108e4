/** The exit log for the wire. What each exit says: SDM Vol. 3C 28.2. */
import type { Machine } from '../../machine/machine';
import type { ExitDescription, ExitsAnswer, ExitsQuery } from '../../protocol/exit';
import type { ExitLog } from '../../vmm/exit-log';
import { noExits, outOfRange } from './errors';
import { describeExit, exitReasonNumbers } from './exit-description';

const DEFAULT_COUNT = 100;
const MAX_COUNT = 10_000;

/**
 * Exits that the log holds, ascending: from `start` on, else the last ones. Throws UserErrors: a bare machine, a count out
 * of range, an unknown reason.
 */
export function exitsAnswer({ exits }: Machine, { start, count = DEFAULT_COUNT, reasons }: ExitsQuery): ExitsAnswer {
  if (!exits) throw noExits();
  requireWhole('count', count, 1, MAX_COUNT);
  if (start !== undefined) requireWhole('start', start, 0, Number.MAX_SAFE_INTEGER);
  const numbers = reasons && exitReasonNumbers(reasons);
  const found: ExitDescription[] = [];
  for (const number of start === undefined ? downward(exits) : upward(exits, start)) {
    if (found.length === count) break;
    const exit = exits.entry(number)!;
    if (numbers?.has(exit.reason & 0xffff) ?? true) found.push(describeExit(exit));
  }
  const totals = Object.entries(exits.totalsByName()).map(([name, total]) => [name, String(total)]);
  return {
    exits: start === undefined ? found.reverse() : found,
    first: String(exits.first),
    total: String(exits.count),
    totals: Object.fromEntries(totals),
  };
}

function requireWhole(what: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) throw outOfRange(what, value, low, high);
}

function* upward(exits: ExitLog, start: number): Generator<number> {
  for (let number = Math.max(start, exits.first); number < exits.count; number++) yield number;
}

function* downward(exits: ExitLog): Generator<number> {
  for (let number = exits.count - 1; number >= exits.first; number--) yield number;
}
