/** The board's map is consistent with itself. */
import assert from 'node:assert/strict';
import {
  E820_RAM,
  e820,
  gsiOfIrq,
  IO_APIC,
  LOCAL_APIC,
  LOW_HOLE,
  MAX_RAM,
  MIN_RAM,
  PCI_MEMORY,
  PORTS,
  requireRamSize,
} from '../../src/machine/layout';

const end = (range: { start: number; length: number }): number => range.start + range.length;

describe('layout', () => {
  for (const ram of [MIN_RAM, 256 << 20, MAX_RAM])
    it(`E820 of ${ram} bytes ascends, spares the hole and ends with the RAM`, () => {
      const map = e820(ram);
      map.slice(1).forEach((entry, index) => assert.ok(entry.start >= end(map[index]!)));
      assert.ok(
        map.every((entry) => entry.length > 0 && (end(entry) <= LOW_HOLE.start || entry.start >= end(LOW_HOLE))),
      );
      assert.deepEqual([map[0]!.type, map.at(-1)!.type, end(map.at(-1)!)], [E820_RAM, E820_RAM, ram]);
    });

  it('keeps RAM, the PCI window and the APICs apart', () => {
    assert.deepEqual([MAX_RAM, end(PCI_MEMORY)], [PCI_MEMORY.start, IO_APIC.start]);
    assert.ok(end(IO_APIC) <= LOCAL_APIC.start && end(LOCAL_APIC) <= 2 ** 32);
  });

  it('gives no port to two devices but 0xcf9', () => {
    const owners = new Map<number, string>();
    for (const [name, range] of Object.entries(PORTS))
      for (let port = range.start; port < end(range); port++) {
        assert.ok(!owners.has(port) || port === 0xcf9, `${name} and ${owners.get(port)} share ${port.toString(16)}`);
        owners.set(port, name);
      }
    assert.ok(owners.has(0x4d1) && owners.has(0xcf9) && owners.has(0x60b));
  });

  it('routes IRQ 0 to GSI 2 and the others straight', () => {
    assert.deepEqual([0, 1, 4, 9, 15].map(gsiOfIrq), [2, 1, 4, 9, 15]);
  });

  const sizes: readonly [number, string | undefined][] = [
    [MIN_RAM, undefined],
    [MAX_RAM, undefined],
    [MIN_RAM - 4096, 'memory/size'],
    [MIN_RAM + 1, 'memory/size'],
    [NaN, 'memory/size'],
    [-1, 'memory/size'],
    [MAX_RAM + 4096, 'memory/too-large'],
    [2 ** 52, 'memory/too-large'],
  ];
  for (const [size, code] of sizes)
    it(`${size} bytes of RAM: ${code ?? 'taken'}`, () => {
      if (code) assert.throws(() => requireRamSize(size), { code });
      else requireRamSize(size);
    });
});
