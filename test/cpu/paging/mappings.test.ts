// Ranges of random and hostile tables against the walk of single addresses, in every paging mode and for the EPT.
import assert from 'node:assert/strict';
import { PAGING, STATE } from '../../../src/cpu/layout';
import { inspectGuestPhysical, inspectLinear } from '../../../src/cpu/paging/inspect';
import type { InspectedWalk } from '../../../src/cpu/paging/inspect';
import { scanEpt, scanPageTables } from '../../../src/cpu/paging/mappings';
import type { Mapping, MappingScan, ScanLimits } from '../../../src/cpu/paging/mappings';
import { ProcessorState } from '../../../src/cpu/state';

const PAGE = 4096;
const TABLES = 24;
const ROOT = PAGE;
const NO_LIMITS: ScanLimits = { ranges: 200_000, entries: 4_000_000 };
const LOOK = { write: false, execute: false, user: false, unchecked: true };

function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Tables at pages 1 to `TABLES`; nothing else is memory. */
class Tables {
  readonly view = new DataView(new ArrayBuffer((TABLES + 1) * PAGE));
  readonly state = new ProcessorState(new ArrayBuffer(0x10000));
  readonly read = (address: number, bytes: number): DataView | undefined =>
    address + bytes <= this.view.byteLength ? new DataView(this.view.buffer, address, bytes) : undefined;
  readonly read64 = (address: bigint): bigint | undefined =>
    address + 8n <= BigInt(this.view.byteLength) ? this.view.getBigUint64(Number(address), true) : undefined;

  constructor(readonly paging: number) {
    this.state.setWord(STATE.paging, paging);
    this.state.setQuad(STATE.cr3, BigInt(ROOT));
  }

  /** Table `index`, from 1 on, gets `count` entries at random places; neighbours are common. */
  fill(random: (below: number) => number, count: number, entry: (index: number) => bigint, bytes: 4 | 8 = 8): void {
    for (let table = 1; table <= TABLES; table++) {
      let slot = 0;
      for (let n = 0; n < count; n++) {
        slot = random(4) ? slot + 1 : random(PAGE / bytes);
        const at = table * PAGE + ((slot * bytes) % PAGE);
        if (bytes === 4) this.view.setUint32(at, Number(BigInt.asUintN(32, entry(slot))), true);
        else this.view.setBigUint64(at, entry(slot), true);
      }
    }
    for (let n = 0; n < 4; n++) this.state.setQuad(STATE.pdpte + n * 8, BigInt((2 + n) * PAGE) | BigInt(random(3) > 0));
  }
}

/** The range that holds `address`. */
function rangeOf(mappings: readonly Mapping[], address: bigint): Mapping | undefined {
  let [low, high] = [0, mappings.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (mappings[middle]!.end <= address) low = middle + 1;
    else high = middle;
  }
  const found = mappings[low];
  return found && found.start <= address ? found : undefined;
}

/** `hasGlobal`: CR4.PGE; undefined for the EPT. */
function check(
  address: bigint,
  mappings: readonly Mapping[],
  walk: InspectedWalk,
  target: bigint | undefined,
  hasGlobal?: boolean,
): void {
  const range = rangeOf(mappings, address);
  const place = `0x${address.toString(16)}`;
  assert.equal(range !== undefined, target !== undefined, `${place}: mapped`);
  if (!range) return;
  assert.equal(range.target + (address - range.start), target, `${place}: target`);
  const { read, write, execute, user } = walk.permission;
  assert.deepEqual([range.read, range.write, range.execute, range.user], [read, write, execute, user], place);
  const { pageBytes, entry } = walk.levels.at(-1)!;
  assert.equal(range.pageBytes, pageBytes, `${place}: page size`);
  if (hasGlobal !== undefined) assert.equal(range.global, hasGlobal && (entry & 0x100n) !== 0n, `${place}: G`);
}

/** Addresses at and around the ends of ranges, in them, and anywhere. */
function* addresses(random: (below: number) => number, mappings: readonly Mapping[], bits: number): Generator<bigint> {
  for (let n = 0; n < 300 && mappings.length > 0; n++) {
    const { start, end } = mappings[random(mappings.length)]!;
    yield start;
    yield end - 1n;
    yield start + BigInt(random(Number(end - start)));
    if (start > 0n) yield BigInt.asUintN(64, start - 1n);
    if (end < 1n << BigInt(bits)) yield end;
  }
  for (let n = 0; n < 300; n++) {
    const low = BigInt(random(2 ** 24)) << BigInt(random(Math.max(1, bits - 23)));
    yield bits === 64 ? BigInt.asUintN(64, BigInt.asIntN(48, low)) : BigInt.asUintN(bits, low);
  }
}

function ascends(mappings: readonly Mapping[]): void {
  mappings.forEach(({ start, end }, index) => {
    assert.ok(end > start && (index === 0 || mappings[index - 1]!.end <= start));
  });
}

const table = (random: (below: number) => number): bigint => BigInt((1 + random(TABLES)) * PAGE);

describe('mappings', () => {
  const modes: readonly [string, number, 4 | 8, number][] = [
    ['32-bit paging', 1 | PAGING.largePages | PAGING.writeProtect, 4, 32],
    ['32-bit paging without PSE', 1, 4, 32],
    ['PAE paging', 2 | PAGING.noExecute | PAGING.writeProtect | PAGING.global, 8, 32],
    ['4-level paging', 3 | PAGING.noExecute | PAGING.writeProtect | PAGING.global, 8, 64],
    ['4-level paging without NX and WP', 3, 8, 64],
  ];
  for (const [name, paging, bytes, bits] of modes) {
    it(`random tables: ${name}`, () => {
      let ranges = 0;
      for (let seed = 1; seed <= 6; seed++) {
        const random = randomFrom(seed);
        const tables = new Tables(paging);
        // Targets follow one another often; most bits are sane, some are reserved.
        const entry = (index: number): bigint => {
          const flags = BigInt(random(4) ? 7 : random(0x200));
          const high = random(12) ? 0n : BigInt(random(4)) << 62n;
          const target = random(2) ? table(random) : BigInt(index * PAGE);
          const large = random(6) ? 0n : BigInt(random(64)) << 21n;
          return target | (flags & ~0x80n) | (large ? large | 0x81n : 0n) | high;
        };
        // Tables refer to one another, so that few entries make very many pages.
        tables.fill(random, bytes === 4 ? 40 : seed % 2 ? 4 : 8, entry, bytes);
        const found = scanPageTables(tables.state, tables.read, 0n, NO_LIMITS)!;
        assert.equal(found.next, undefined, 'the whole address space');
        ascends(found.mappings);
        ranges += found.mappings.length;
        for (const address of addresses(random, found.mappings, bits)) {
          const walk = inspectLinear(tables.state, tables.read64, address, LOOK, 0);
          check(address, found.mappings, walk, walk.guestPhysical, (paging & PAGING.global) !== 0);
        }
      }
      assert.ok(ranges > 100, `${ranges} ranges`);
    });
  }

  it('random tables: EPT', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = randomFrom(seed);
      const tables = new Tables(0);
      tables.state.setWord(STATE.eptRoot, ROOT);
      tables.fill(random, 8, (index) => {
        const target = random(2) ? table(random) : BigInt(index * PAGE);
        const isLarge = random(6) === 0;
        return (isLarge ? (BigInt(random(64)) << 21n) | 0x80n : target) | BigInt(random(5) ? 7 : random(8));
      });
      const found = scanEpt(ROOT, tables.read, 0n, NO_LIMITS);
      ascends(found.mappings);
      for (const address of addresses(random, found.mappings, 48)) {
        const walk = inspectGuestPhysical(tables.state, tables.read64, address, LOOK);
        const range = rangeOf(found.mappings, address);
        // The walk reads: a page that may not be read has no address there, and a range here.
        if (range && !range.read) assert.equal(walk.fault?.cause, 'read');
        else check(address, found.mappings, walk, walk.physical);
      }
    }
  });

  it('goes on where it stopped, with any limits', () => {
    const random = randomFrom(5);
    const tables = new Tables(3 | PAGING.noExecute);
    tables.fill(random, 6, (index) => (random(2) ? table(random) : BigInt(index * PAGE)) | 7n);
    const whole = scanPageTables(tables.state, tables.read, 0n, NO_LIMITS)!.mappings;
    for (const limits of [
      { ranges: 7, entries: 1e6 },
      { ranges: 1e6, entries: 1000 },
    ]) {
      const parts: Mapping[] = [];
      let calls = 0;
      for (let start: bigint | undefined = 0n; start !== undefined && calls < 3000; calls++) {
        const part: MappingScan = scanPageTables(tables.state, tables.read, start, limits)!;
        assert.ok(part.mappings.length <= limits.ranges);
        assert.ok(part.next === undefined || part.next > start, 'progress');
        parts.push(...part.mappings);
        start = part.next;
      }
      assert.ok(calls > 3);
      // Ranges that a limit cut in two are neighbours.
      const pages = (list: readonly Mapping[]): bigint => list.reduce((sum, { start, end }) => sum + end - start, 0n);
      if (calls < 3000) assert.equal(pages(parts), pages(whole));
      for (const part of parts.slice(0, 200)) {
        const range = rangeOf(whole, part.start)!;
        assert.equal(range.target + (part.start - range.start), part.target);
        assert.ok(part.end <= range.end);
      }
    }
  });

  const hostile: readonly [string, number][] = [
    ['every entry points to the table itself', 512],
    ['the last entry does', 1],
  ];
  for (const [name, entries] of hostile) {
    it(`a table whose entries point to itself ends soon: ${name}`, () => {
      const tables = new Tables(3);
      for (let n = 0; n < entries; n++) tables.view.setBigUint64(ROOT + (511 - n) * 8, BigInt(ROOT) | 7n, true);
      const limits = { ranges: 1000, entries: 1 << 20 };
      const { mappings, next } = scanPageTables(tables.state, tables.read, 0n, limits)!;
      if (entries === 512) {
        assert.equal(mappings.length, 1000);
        assert.equal(next, 1000n * BigInt(PAGE));
      } else {
        assert.deepEqual([mappings.length, next], [1, undefined]);
        assert.deepEqual([mappings[0]!.start, mappings[0]!.end], [0xfffffffffffff000n, 1n << 64n]);
      }
    });
  }

  it('tables without a present leaf cost no more than the limit', () => {
    const tables = new Tables(3);
    // Levels 4 to 2 lead to an empty table from each of their entries.
    for (let level = 0; level < 3; level++)
      for (let n = 0; n < 512; n++)
        tables.view.setBigUint64(ROOT + level * PAGE + n * 8, BigInt(ROOT + (level + 1) * PAGE) | 7n, true);
    const { mappings, next } = scanPageTables(tables.state, tables.read, 0n, { ranges: 10, entries: 100_000 })!;
    assert.equal(mappings.length, 0);
    assert.ok(next! > 0n && next! < 1n << 47n);
  });

  it('starts in the middle of a page, behind the lower half, and past the end', () => {
    const tables = new Tables(3);
    tables.view.setBigUint64(ROOT + 256 * 8, BigInt(2 * PAGE) | 7n, true);
    tables.view.setBigUint64(2 * PAGE, BigInt(3 * PAGE) | 7n, true);
    tables.view.setBigUint64(3 * PAGE, 0x200000n | 0x87n, true);
    const upper = 0xffff800000000000n;
    const first = (start: bigint): bigint | undefined =>
      scanPageTables(tables.state, tables.read, start, NO_LIMITS)!.mappings[0]?.start;
    assert.equal(first(0n), upper);
    assert.equal(first(0x0000900000000000n), upper);
    assert.equal(first(upper + 0x1fffffn), upper);
    assert.equal(first(upper + 0x200000n), undefined);
    assert.equal(first(0xffffffffffffffffn), undefined);
  });

  it('the halves of the address space are no neighbours', () => {
    const tables = new Tables(3);
    // PML4E 255 and 256 lead to the last and the first page of 2 MiB that one 4 MiB of memory holds.
    const path = (slot: number, next: number, index: number, page: bigint): void => {
      tables.view.setBigUint64(ROOT + slot * 8, BigInt(next * PAGE) | 7n, true);
      tables.view.setBigUint64(next * PAGE + index * 8, BigInt((next + 1) * PAGE) | 7n, true);
      tables.view.setBigUint64((next + 1) * PAGE + index * 8, page | 0x87n, true);
    };
    path(255, 2, 511, 0x200000n);
    path(256, 4, 0, 0x400000n);
    const { mappings } = scanPageTables(tables.state, tables.read, 0n, NO_LIMITS)!;
    assert.deepEqual(
      mappings.map(({ start, end }) => [start, end]),
      [
        [0x7fffffe00000n, 0x800000000000n],
        [0xffff800000000000n, 0xffff800000200000n],
      ],
    );
  });

  it('is nothing while paging is off', () => {
    const tables = new Tables(0);
    assert.equal(scanPageTables(tables.state, tables.read, 0n, NO_LIMITS), undefined);
  });
});
