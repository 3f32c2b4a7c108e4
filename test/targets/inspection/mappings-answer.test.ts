// What the tables of sample guests and the EPT map, against the machine's own walk; the memory map against memory.
import assert from 'node:assert/strict';
import { PAGING, STATE } from '../../../src/cpu/layout';
import { CR0, CR4, EFER } from '../../../src/cpu/mode';
import { inspectLinear } from '../../../src/cpu/paging/inspect';
import type { Machine } from '../../../src/machine/machine';
import type { MappedRange } from '../../../src/protocol/mappings';
import { mappingsAnswer } from '../../../src/targets/inspection/mappings-answer';
import { memoryMapAnswer } from '../../../src/targets/inspection/memory-map';
import { guest, guestWhen, hashOf, randomFrom, toExit } from './machines';

const LOOK = { write: false, execute: false, user: false, unchecked: true };

/** Where the guest's tables alone map a linear address; the EPT may not map all of RAM yet. */
function guestPhysicalOf(machine: Machine, linear: bigint): bigint | undefined {
  const read = (at: bigint): bigint | undefined => {
    const bytes = machine.readMemory('guestPhysical', at, 8);
    return bytes.length === 8 ? new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true) : undefined;
  };
  return machine.asGuest(() => inspectLinear(machine.state, read, linear, LOOK, 0)).guestPhysical;
}

function holds(ranges: readonly MappedRange[], address: bigint): MappedRange | undefined {
  return ranges.find(({ start, end }) => BigInt(start) <= address && address < BigInt(end));
}

function probes(ranges: readonly MappedRange[], random: (below: number) => number): bigint[] {
  const some = Array.from({ length: 40 }, () => ranges[random(ranges.length)]!);
  const around = some.flatMap(({ start, end }) => {
    const [first, last] = [BigInt(start), BigInt(end) - 1n];
    return [first, last, first + BigInt(random(Number(last - first))), first - 1n, last + 1n];
  });
  const anywhere = Array.from({ length: 40 }, () => BigInt(random(2 ** 32)));
  return [...around, ...anywhere].filter((address) => address >= 0n && address >> 64n === 0n);
}

describe('mappings of a machine', () => {
  const paging = (mode: number) => (machine: Machine) => (machine.state.word(STATE.paging) & PAGING.modeMask) === mode;
  const guests: readonly [string, number][] = [
    ['paging32', 1],
    ['pae', 2],
    ['long-mode', 3],
    ['syscalls', 3],
    ['tour', 3],
  ];
  for (const [name, mode] of guests) {
    for (const bare of name === 'pae' || name === 'syscalls' ? [false, true] : [false]) {
      it(`${name}${bare ? ', bare' : ''}: linear`, () => {
        const machine = guestWhen(name, paging(mode), { bare });
        machine.run(2000);
        const hash = hashOf(machine);
        const { ranges, next, note } = mappingsAnswer(machine, { space: 'linear' });
        assert.equal(hashOf(machine), hash, 'looking changes nothing');
        assert.deepEqual([ranges.length > 0, next, note], [true, undefined, undefined]);
        for (const address of probes(ranges, randomFrom(mode))) {
          if (mode !== 3 && address >> 32n) continue;
          const range = holds(ranges, address);
          const expected = guestPhysicalOf(machine, address);
          const found = range && BigInt(range.target) + address - BigInt(range.start);
          assert.equal(found, expected, `0x${address.toString(16)}`);
          const walk = machine.walk('linear', address);
          if (walk.guestPhysical !== undefined) assert.equal(found, walk.guestPhysical);
        }
      });
    }
  }

  it('the EPT, between an exit and the next entry', () => {
    const machine = guestWhen('syscalls', paging(3));
    toExit(machine, () => true);
    const { ranges, next } = mappingsAnswer(machine, { space: 'guestPhysical' });
    assert.deepEqual([ranges.length > 0, next], [true, undefined]);
    for (const address of probes(ranges, randomFrom(9))) {
      if (address >> 39n) continue;
      const range = holds(ranges, address);
      const found = range && BigInt(range.target) + address - BigInt(range.start);
      assert.equal(found, machine.walk('guestPhysical', address).physical, `0x${address.toString(16)}`);
    }
    // The permissions are those of the entries.
    const [first] = ranges;
    const leaf = machine.walk('guestPhysical', BigInt(first!.start)).levels.at(-1)!;
    machine.memory.write64(Number(leaf.entryAddress), leaf.entry & ~2n);
    const changed = mappingsAnswer(machine, { space: 'guestPhysical', start: first!.start, count: 1 }).ranges[0]!;
    assert.deepEqual([changed.start, changed.read, changed.write], [first!.start, true, false]);
  });

  it('says what no range says', () => {
    const hosted = guest('hello');
    const off = mappingsAnswer(hosted, { space: 'linear' });
    assert.match(off.note!, /Paging is off/);
    assert.deepEqual([off.ranges.length, off.ranges[0]!.start, off.ranges[0]!.end], [1, '0x0', '0x100000000']);
    assert.deepEqual(mappingsAnswer(hosted, { space: 'linear', start: '0x100000000' }).ranges, []);
    const bare = guest('hello', { bare: true });
    assert.match(mappingsAnswer(bare, { space: 'guestPhysical' }).note!, /no EPT/);
  });

  it('goes on from `next`', () => {
    const machine = guestWhen('syscalls', paging(3));
    const whole = mappingsAnswer(machine, { space: 'linear' }).ranges;
    const parts: MappedRange[] = [];
    for (let start: MappedRange['start'] | undefined = '0x0'; start !== undefined;) {
      const part = mappingsAnswer(machine, { space: 'linear', start, count: 1 });
      parts.push(...part.ranges);
      start = part.next;
    }
    assert.deepEqual(parts, whole);
  });

  const refusals: readonly [string, string, number | undefined, RegExp][] = [
    ['no hex', '12', undefined, /is not an address/],
    ['too long', '0x10000000000000000', undefined, /is not an address/],
    ['no digits', '0x', undefined, /is not an address/],
    ['count 0', '0x0', 0, /out of range/],
    ['a fraction', '0x0', 1.5, /out of range/],
    ['too many', '0x0', 10_001, /out of range/],
  ];
  it('refuses what is no address or no count', () => {
    const machine = guest('hello');
    for (const [name, start, count, message] of refusals) {
      const query = { space: 'linear', start: start as `0x${string}`, ...(count !== undefined && { count }) } as const;
      assert.throws(() => mappingsAnswer(machine, query), message, name);
    }
  });

  it('a hostile guest costs a bounded answer', () => {
    const machine = guest('hello', { bare: true, memoryBytes: 4 << 20 });
    const { state, processor, memory } = machine;
    for (let n = 0; n < 512; n++) memory.write64(0x10000 + n * 8, 0x10007n);
    state.setQuad(STATE.cr3, 0x10000n);
    state.setQuad(STATE.cr4, BigInt(CR4.PAE));
    state.setQuad(STATE.efer, BigInt(EFER.LME | EFER.LMA));
    state.setQuad(STATE.cr0, BigInt(CR0.PE) | BigInt(CR0.ET) | 0x80000000n);
    processor.stateReplaced(true);
    const { ranges, next } = mappingsAnswer(machine, { space: 'linear', count: 10_000 });
    assert.deepEqual([ranges.length, next], [10_000, '0x2710000']);
  });
});

describe('memory map', () => {
  it('has no gaps, and its RAM is memory', () => {
    const machine = guest('hello', { memoryBytes: 16 << 20 });
    const { regions } = memoryMapAnswer(machine);
    regions.forEach(({ start }, index) => assert.equal(start, index ? regions[index - 1]!.end : '0x0'));
    for (const { start, end, kind, name } of regions) {
      const isMemory = kind === 'RAM' || kind === 'firmware';
      const last = BigInt(end) - 1n;
      assert.equal(machine.readMemory('guestPhysical', BigInt(start), 1).length, Number(isMemory), name);
      assert.equal(machine.readMemory('guestPhysical', last, 1).length, Number(isMemory), name);
    }
    assert.deepEqual(
      regions.filter(({ kind }) => kind === 'device').map(({ name }) => name),
      ['I/O APIC', 'Local APIC'],
    );
    assert.equal(regions.find(({ start }) => start === '0x100000')!.end, '0x1000000');
  });

  it('counts the pages that the EPT maps as its ranges do, and those that were written', () => {
    const machine = guest('tour', { memoryBytes: 16 << 20 });
    toExit(machine, ({ reason }) => (reason & 0xffff) === 10);
    const { ept } = memoryMapAnswer(machine);
    const { ranges } = mappingsAnswer(machine, { space: 'guestPhysical', count: 10_000 });
    const pages = (from: bigint, to: bigint): number =>
      ranges.reduce((sum, { start, end }) => {
        const [low, high] = [BigInt(start) > from ? BigInt(start) : from, BigInt(end) < to ? BigInt(end) : to];
        return sum + (high > low ? Number(high - low) / 4096 : 0);
      }, 0);
    assert.equal(ept?.mapped.length, 8);
    const block = BigInt(ept.blockBytes);
    ept.mapped.forEach((count, index) => assert.equal(count, pages(BigInt(index) * block, BigInt(index + 1) * block)));
    const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
    assert.ok(sum(ept.written) > 0 && sum(ept.written) <= sum(ept.mapped));
    assert.equal(memoryMapAnswer(guest('hello', { bare: true })).ept, undefined);
  });
});
