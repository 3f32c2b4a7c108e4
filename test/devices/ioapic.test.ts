/** The I/O APIC against the 82093AA data sheet: entries, edges, levels, polarity, EOI. */
import assert from 'node:assert/strict';
import { IoApic } from '../../src/devices/ioapic';

class Bench {
  readonly sent: string[] = [];
  accepts = true;
  readonly ioapic = new IoApic({ id: 1, activeLow: 1 << 10 }, (destination, logical, vector, mode, level) => {
    this.sent.push(`${destination}${logical ? 'L' : 'P'} ${vector.toString(16)} ${mode}${level ? ' level' : ''}`);
    return this.accepts;
  });

  get(index: number): number {
    this.ioapic.mmio.write(0x00, 4, index);
    return this.ioapic.mmio.read(0x10, 4);
  }

  set(index: number, value: number): void {
    this.ioapic.mmio.write(0x00, 4, index);
    this.ioapic.mmio.write(0x10, 4, value);
  }

  entry(pin: number, low: number, high = 0): void {
    this.set(0x11 + 2 * pin, high);
    this.set(0x10 + 2 * pin, low);
  }
}

describe('I/O APIC', () => {
  it('has 24 entries, masked at reset, with read-only bits', () => {
    const bench = new Bench();
    assert.deepEqual(
      [0, 1, 2, 0x10, 0x3e, 0x40].map((i) => bench.get(i)),
      [0x1000000, 0x170020, 0x1000000, 0x10000, 0x10000, 0],
    );
    bench.set(0, 0xffffffff);
    assert.equal(bench.get(0), 0x0f000000);
    bench.entry(3, 0xffffffff, 0xffffffff);
    assert.deepEqual([bench.get(0x16), bench.get(0x17)], [0x1afff, 0xff000000]);
  });

  /** Entry low, high, line changes, messages. */
  const CASES: readonly (readonly [string, number, number, string, readonly string[]])[] = [
    ['edge', 0x41, 0x05000000, '+-+', ['5P 41 0', '5P 41 0']],
    ['edges on a masked pin are lost', 0x10041, 0, '+', []],
    ['logical, lowest priority', 0x941, 0x0f000000, '+', ['15L 41 1']],
    ['NMI', 0x400, 0, '+', ['0P 0 4']],
    ['ExtINT', 0x700, 0, '+', ['0P 0 7']],
    ['active low: the falling line is active', 0x2041, 0, '+-', ['0P 41 0']],
    ['level, once until EOI', 0x8041, 0, '+-+', ['0P 41 0 level']],
    ['level: EOI with the line high sends again', 0x8041, 0, '+e', ['0P 41 0 level', '0P 41 0 level']],
    ['level: EOI with the line low does not', 0x8041, 0, '+-e', ['0P 41 0 level']],
    ['NMI is an edge whatever the trigger says', 0x8400, 0, '+-+', ['0P 0 4', '0P 0 4']],
  ];
  for (const [name, low, high, script, messages] of CASES)
    it(name, () => {
      const bench = new Bench();
      bench.entry(5, low, high);
      for (const step of script)
        if (step === 'e') bench.ioapic.endOfInterrupt(low & 0xff);
        else bench.ioapic.setLine(5, step === '+');
      assert.deepEqual(bench.sent, messages);
    });

  it('serves a level that was active before it was unmasked', () => {
    const bench = new Bench();
    bench.entry(5, 0x18041);
    bench.ioapic.setLine(5, true);
    assert.deepEqual(bench.sent, []);
    bench.entry(5, 0x8041);
    assert.deepEqual(bench.sent, ['0P 41 0 level']);
    assert.equal(bench.get(0x1a), 0xc041);
    bench.entry(5, 0x10041);
    assert.equal(bench.get(0x1a), 0x10041, 'edge mode clears remote IRR');
  });

  it('honours the wiring: an active-low source with active-low polarity', () => {
    const bench = new Bench();
    bench.entry(10, 0xa041);
    assert.deepEqual(bench.sent, []);
    bench.ioapic.setLine(10, true);
    assert.deepEqual(bench.sent, ['0P 41 0 level']);
  });

  it('keeps no remote IRR for a message that nobody took', () => {
    const bench = new Bench();
    bench.accepts = false;
    bench.entry(5, 0x8041);
    bench.ioapic.setLine(5, true);
    assert.equal(bench.get(0x1a), 0x8041);
  });

  it('has an EOI register', () => {
    const bench = new Bench();
    bench.entry(5, 0x8041);
    bench.ioapic.setLine(5, true);
    bench.ioapic.mmio.write(0x40, 4, 0x41);
    assert.equal(bench.sent.length, 2);
  });

  it('restores remote IRR and lines', () => {
    const first = new Bench();
    first.entry(5, 0x8041);
    first.ioapic.setLine(5, true);
    const second = new Bench();
    second.ioapic.restore(structuredClone(first.ioapic.save()));
    second.ioapic.setLine(5, true);
    assert.deepEqual(second.sent, []);
    second.ioapic.endOfInterrupt(0x41);
    assert.deepEqual(second.sent, ['0P 41 0 level']);
  });
});
