/** The I/O bus: routing by range, widths, unmapped accesses, overlaps. */
import assert from 'node:assert/strict';
import { Bus } from '../../src/memory/bus';
import type { BusSize, BusTarget } from '../../src/memory/bus';

/** A target that answers with its base plus the offset and notes what it is asked. */
function target(base: number, log: string[]): BusTarget {
  return {
    read: (offset, size) => (log.push(`read ${base}+${offset}/${size}`), base + offset),
    peek: (offset) => base + offset,
    write: (offset, size, value) => void log.push(`write ${base}+${offset}/${size}=${value}`),
  };
}

function bus(log: string[] = []): Bus {
  const one = new Bus();
  one.map(0x40, 4, target(400, log), 'pit');
  one.map(0x20, 2, target(200, log), 'pic');
  one.map(0xfee00000, 0x1000, target(9000, log), 'lapic');
  return one;
}

describe('bus', () => {
  /** Address, size, value. */
  const CASES: readonly (readonly [number, BusSize, number])[] = [
    [0x20, 1, 200],
    [0x21, 1, 201],
    [0x22, 1, 0xff],
    [0x1f, 2, 0xffff],
    [0x21, 2, 0xffff],
    [0x40, 4, 400],
    [0x41, 4, 0xffffffff],
    [0xfee00010, 4, 9016],
    [0xfee00fff, 1, 9000 + 0xfff],
    [0xfee01000, 4, 0xffffffff],
    [0, 1, 0xff],
    [2 ** 52, 4, 0xffffffff],
  ];
  for (const [address, size, value] of CASES)
    it(`reads ${size} bytes at 0x${address.toString(16)}`, () => {
      assert.equal(bus().read(address, size), value);
      assert.equal(bus().peek(address, size), value);
    });

  it('passes offsets and widths, drops unmapped writes, peeks without reading', () => {
    const log: string[] = [];
    const one = bus(log);
    one.write(0x43, 1, 0x34);
    one.write(0x44, 1, 1);
    one.read(0x41, 2);
    one.peek(0x41, 2);
    assert.deepEqual(log, ['write 400+3/1=52', 'read 400+1/2']);
  });

  it('lists its ranges in ascending order and refuses overlaps', () => {
    const one = bus();
    assert.deepEqual(
      one.list().map(({ name }) => name),
      ['pic', 'pit', 'lapic'],
    );
    assert.throws(() => one.map(0x43, 2, target(0, []), 'clash'), /clash and pit/);
    assert.throws(() => one.map(0x3f, 6, target(0, []), 'around'), /around and pit/);
  });
});
