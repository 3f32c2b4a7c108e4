// Places that a boot of Debian's kernel never comes to, in the pages where it spends its time: what a user's breakpoints
// in error paths are. Found by running: where the guest is, every so often, says which pages are hot; breakpoints that
// only count say which of their instructions are never run.
import { createDecoder } from '../../src/isa/decode';
import { INSTRUCTIONS } from '../../src/isa/records';
import type { Machine } from '../../src/machine/machine';
import { runTo, start, randomFrom } from '../machine/runs';
import type { Guest } from '../machine/runs';

const SAMPLE_EVERY = 20_011;
const PAGES = 100;
const PAGE = 4096;
const CANDIDATES = 150;

/** At most `count` linear addresses of instructions that are never run up to instruction `until`, in the hottest 100 pages. */
export function neverTaken(guest: Guest, until: number, count: number): bigint[] {
  const candidates = candidatesIn(hottestPages(guest, until));
  const machine = start(guest);
  const left = new Set(candidates.flat());
  machine.setBreakpoints(left);
  machine.observe({ breakpoint: (linear) => (left.delete(linear), false) });
  for (let size = left.size; ; size = left.size) {
    const target = Math.min(until, machine.instructions + 2_000_000);
    const { reason } = runTo(machine, target);
    if (reason !== 'budget' || target === until) break;
    if (left.size < size) machine.setBreakpoints(left);
  }
  const perPage = candidates.map((page) => page.filter((linear) => left.has(linear)));
  const chosen: bigint[] = [];
  for (let round = 0; chosen.length < count && perPage.some((page) => page.length > round); round++) {
    for (const page of perPage) if (page.length > round && chosen.length < count) chosen.push(page[round]!);
  }
  return chosen;
}

interface HotPage {
  /** Linear addresses at which the guest was seen, with the page's bytes then. */
  readonly seen: Set<bigint>;
  samples: number;
  bytes: Uint8Array;
  linear: bigint;
}

function hottestPages(guest: Guest, until: number): HotPage[] {
  const machine = start(guest);
  const pages = new Map<bigint, HotPage>();
  while (machine.instructions < until) {
    if (runTo(machine, machine.instructions + SAMPLE_EVERY).reason !== 'budget') break;
    sample(machine, pages);
  }
  return [...pages.values()].sort((a, b) => b.samples - a.samples).slice(0, PAGES);
}

function sample(machine: Machine, pages: Map<bigint, HotPage>): void {
  const at = machine.linearRip();
  const linear = at & ~0xfffn;
  let page = pages.get(linear);
  if (!page) pages.set(linear, (page = { seen: new Set(), samples: 0, bytes: new Uint8Array(0), linear }));
  if (page.samples++ % 64 === 0) page.bytes = machine.readMemory('linear', linear, PAGE);
  page.seen.add(at);
}

/** Instructions that follow those seen, whether the guest goes there or not: 64-bit code. */
function candidatesIn(pages: readonly HotPage[]): bigint[][] {
  const decoder = createDecoder(INSTRUCTIONS);
  const random = randomFrom(11);
  return pages.map(({ bytes, seen, linear }) => {
    const found = new Set<bigint>();
    for (const start of seen) {
      for (let at = Number(start - linear), left = 64; at < bytes.length && left > 0; left--) {
        const decoded = decoder.decode(bytes, at, bytes.length, 64);
        if ('failure' in decoded) break;
        found.add(linear + BigInt(at));
        at += decoded.length;
      }
    }
    return [...found].sort(() => random() - 0.5).slice(0, CANDIDATES);
  });
}
