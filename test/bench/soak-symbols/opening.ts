// From opening a vmlinux of 590 MB to the first place of a source breakpoint: we and gdb in turn, each in a fresh process;
// the file itself is in the system's cache for both.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Images } from '../../../src/dap/images/images';

const ROUNDS = 5;
const FILE = 'fs/read_write.c';
const LINE = 451;
const RESULT = 'OPENED ';

/** What one opening took: milliseconds from the start of its process, processor milliseconds, megabytes at most. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
  readonly rss: number;
  /** Where the breakpoint is: hexadecimal linear addresses. */
  readonly places: readonly string[];
}

/** Opens the file in this process and says what that costs; `keep`: makes the index that is kept, and keeps it. */
export function openHere(vmlinux: string, keep: boolean): void {
  const before = process.memoryUsage().rss;
  const images = new Images();
  images.load({ kernel: '', symbols: [vmlinux] });
  const places = images
    .filesOf(FILE)
    .flatMap(({ image, file }) => image.symbols.locationsOfLine(file, LINE)?.addresses ?? []);
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const cost = { cpu: (userCPUTime + systemCPUTime) / 1e3, rss: (maxRSS * 1024 - before) / 1e6 };
  console.log(RESULT + JSON.stringify({ ...cost, places: places.map((place) => place.toString(16)) }));
  if (keep) images.all[0]!.symbols.types?.typeNamed('struct', 'task_struct');
  images.close();
}

/** gdb's part of the same. */
const GDB_TELLS = `python
import json, resource
used = resource.getrusage(resource.RUSAGE_SELF)
places = ['%x' % place.address for one in gdb.breakpoints() for place in one.locations]
print('${RESULT}' + json.dumps({'cpu': (used.ru_utime + used.ru_stime) * 1e3, 'rss': used.ru_maxrss * 1024 / 1e6, 'places': places}), flush=True)
`;

async function costOf(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Cost> {
  const begin = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let cost: Cost | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith(RESULT)) continue;
    cost = { ...(JSON.parse(line.slice(RESULT.length)) as Cost), wall: performance.now() - begin };
  }
  await closed;
  if (!cost) throw new Error(`${command} did not find ${FILE}:${LINE}`);
  return cost;
}

/** Prints the medians of all, and their ratios. */
export async function measureOpening(gdb: string, vmlinux: string, median: (all: readonly number[]) => number) {
  const folder = mkdtempSync(join(tmpdir(), 'vmxray-symbols-'));
  const ours = (cache: string, ...more: string[]): Promise<Cost> =>
    costOf(process.execPath, [__filename, '--open', vmlinux, ...more], { XDG_CACHE_HOME: join(folder, cache) });
  const quiet = ['-nx', '-q', '-batch', '-iex', 'set debuginfod enabled off'];
  const theirs = (): Promise<Cost> =>
    costOf(gdb, [...quiet, '-ex', `break ${FILE}:${LINE}`, '-ex', GDB_TELLS, vmlinux]);
  const costs: Record<'cold' | 'warm' | 'gdb', Cost[]> = { cold: [], warm: [], gdb: [] };
  try {
    await ours('kept', '--keep');
    for (let round = 0; round < ROUNDS; round++) {
      costs.cold.push(await ours(`round${round}`));
      costs.warm.push(await ours('kept'));
      costs.gdb.push(await theirs());
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const of = (all: readonly Cost[], what: 'wall' | 'cpu' | 'rss'): number => median(all.map((cost) => cost[what]));
  console.log(`\nfrom the start to the first place of ${FILE}:${LINE}, medians of ${ROUNDS} in turn`);
  for (const [who, all] of Object.entries(costs)) {
    const [wall, cpu] = (['wall', 'cpu'] as const).map((what) => {
      const ratio = (of(all, what) / of(costs.gdb, what)).toFixed(3);
      return `${what} ${(of(all, what) / 1e3).toFixed(2)} s (${ratio} of gdb's)`;
    });
    const places = [...new Set(all.flatMap((cost) => cost.places))].join(' ');
    console.log(`${who.padEnd(5)} ${wall}, ${cpu}, ${of(all, 'rss').toFixed(0)} MB; at ${places}`);
  }
}
