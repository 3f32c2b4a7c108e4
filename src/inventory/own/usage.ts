/** What a machine's process takes of the host, and how fast its guest runs: figures for small charts. */
import { readFileSync } from 'node:fs';
import type { Limits } from '../../targets/limits';
import type { Counters } from '../../targets/target';
import type { Metric } from '../provider';

/** Linux gives processor time to programs in hundredths of a second, whatever its own clock (proc(5), USER_HZ). */
const TICKS_PER_SECOND = 100;
const PAGE = 4096;
/** Rates over shorter times say little. */
const SHORTEST_MS = 200;

/** What a process has taken so far. */
interface Taken {
  /** Seconds of processor time. */
  readonly seconds: number;
  /** Bytes of memory that it has in RAM. */
  readonly bytes: number;
}

interface Seen {
  readonly at: number;
  readonly counters: Counters;
  readonly taken?: Taken | undefined;
}

/** Rates from one look at a machine to the next. */
export class Usage {
  private readonly seen = new Map<string, { before: Seen; rates: readonly Metric[] }>();

  /** The figures of a machine; rates come with the second look. `limits` are its process's. */
  metrics(machine: string, pid: number, counters: Counters, limits: Limits = {}): readonly Metric[] {
    const now: Seen = { at: performance.now(), counters, taken: takenBy(pid) };
    const last = this.seen.get(machine);
    if (!last) this.seen.set(machine, { before: now, rates: [] });
    else if (now.at - last.before.at >= SHORTEST_MS) {
      last.rates = rates(last.before, now, limits);
      last.before = now;
    }
    const memory: Metric[] = now.taken
      ? [{ name: 'Memory of its process', value: now.taken.bytes, unit: 'bytes', limit: limits.hostMemory }]
      : [];
    return [...(this.seen.get(machine)?.rates ?? []), ...memory];
  }

  /** The machine is gone. */
  forget(machine: string): void {
    this.seen.delete(machine);
  }
}

function rates(before: Seen, now: Seen, { coreShare }: Limits): readonly Metric[] {
  const seconds = (now.at - before.at) / 1000;
  const rate = (name: keyof Counters): number => Math.max(0, now.counters[name] - before.counters[name]) / seconds;
  const processor: Metric[] =
    now.taken && before.taken
      ? [
          {
            name: 'Processor',
            value: Math.max(0, now.taken.seconds - before.taken.seconds) / seconds,
            unit: 'cores',
            limit: coreShare,
          },
        ]
      : [];
  return [
    ...processor,
    { name: 'Instructions', value: rate('instructions'), unit: 'operations/s' },
    { name: 'VM exits', value: rate('exits'), unit: 'operations/s' },
  ];
}

/** Undefined where the system does not tell (proc(5) is Linux's). */
function takenBy(pid: number): Taken | undefined {
  try {
    // The name in parentheses may hold anything; user and system time are the 12th and 13th field behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ');
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
    return { seconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND, bytes: pages * PAGE };
  } catch {
    return undefined;
  }
}
