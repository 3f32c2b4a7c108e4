/** The 8254 against its data sheet's timing diagrams, and system control port B. */
import assert from 'node:assert/strict';
import { pitOscillator } from '../../src/devices/oscillator';
import { Pit } from '../../src/devices/pit-8254';
import { PortB } from '../../src/devices/port-b';
import { ManualClock } from './manual-clock';

/**
 * Counter 2 (gate open) after a control word and a count, sampled at CLK cycles after the count's last byte: OUT and the
 * count as `H5` or `L0`. The count is loaded at cycle 1.
 */
function samples(control: number, count: number, cycles: readonly number[], gate: readonly number[] = []): string {
  const clock = new ManualClock(pitOscillator.tickOf(1000));
  const pit = new Pit(clock, () => undefined);
  pit.setGate2(true);
  pit.ports.write(3, 1, 0xb0 | control);
  pit.ports.write(2, 1, count & 0xff);
  pit.ports.write(2, 1, count >> 8);
  let open = true;
  const results: string[] = [];
  const last = Math.max(...cycles);
  for (let cycle = 0; cycle <= last; cycle++) {
    clock.runTo(pitOscillator.tickOf(1000 + cycle));
    if (gate.includes(cycle)) pit.setGate2((open = !open));
    if (!cycles.includes(cycle)) continue;
    pit.ports.write(3, 1, 0x80);
    const value = pit.ports.read(2, 1) | (pit.ports.read(2, 1) << 8);
    results.push(`${pit.out2 ? 'H' : 'L'}${value.toString(16)}`);
  }
  return results.join(' ');
}

/** Name, control word bits M and BCD, count, cycles, gate changes (it starts high), expected; the data sheet's diagrams. */
const CASES: readonly (readonly [string, number, number, readonly number[], readonly number[], string])[] = [
  ['mode 0 counts N + 1', 0x0, 4, [1, 2, 3, 4, 5, 6], [], 'L4 L3 L2 L1 H0 Hffff'],
  ['mode 0 pauses at GATE low', 0x0, 4, [1, 2, 3, 4, 5, 6, 7], [2, 4], 'L4 L3 L3 L3 L2 L1 H0'],
  ['mode 1 waits for a trigger', 0x2, 3, [1, 5, 6, 7, 8, 9], [3, 5], 'H0 H0 L3 L2 L1 H0'],
  ['mode 1 is retriggerable', 0x2, 3, [6, 7, 8, 9, 10], [3, 5, 6, 7], 'L3 L2 L3 L2 L1'],
  ['mode 2 divides by N', 0x4, 3, [1, 2, 3, 4, 5, 6, 7], [], 'H3 H2 L1 H3 H2 L1 H3'],
  ['mode 2: GATE low sets OUT high, its rise reloads', 0x4, 3, [2, 3, 4, 5, 6], [3, 4], 'H2 H1 H1 H3 H2'],
  ['mode 2 on don’t-care M2', 0xc, 3, [1, 2, 3, 4], [], 'H3 H2 L1 H3'],
  ['mode 3, even', 0x6, 4, [1, 2, 3, 4, 5, 6], [], 'H4 H2 L4 L2 H4 H2'],
  ['mode 3, odd', 0x6, 5, [1, 2, 3, 4, 5, 6, 7], [], 'H4 H2 H0 L4 L2 H4 H2'],
  ['mode 4 strobes for one cycle', 0x8, 3, [1, 2, 3, 4, 5, 6], [], 'H3 H2 H1 L0 Hffff Hfffe'],
  ['mode 5 strobes after a trigger', 0xa, 2, [1, 5, 6, 7, 8, 9], [3, 5], 'H0 H0 H2 H1 L0 Hffff'],
  ['BCD borrows by decades', 0x1, 0x0101, [1, 2, 3, 103], [], 'L101 L100 L99 H9999'],
  ['count 0 is 65,536', 0x4, 0, [1, 2], [], 'H0 Hffff'],
  ['BCD count 0 is 10,000', 0x5, 0, [1, 2], [], 'H0 H9999'],
  ['the forbidden count 1 of mode 2 counts as 2', 0x4, 1, [1, 2, 3, 4], [], 'H2 L1 H2 L1'],
];

function rig(): { clock: ManualClock; pit: Pit; edges: number[]; levels: boolean[] } {
  const clock = new ManualClock();
  const edges: number[] = [];
  const levels: boolean[] = [];
  let last = false;
  const pit = new Pit(clock, (level) => {
    if (level === last) return;
    levels.push((last = level));
    if (level) edges.push(clock.ticks);
  });
  return { clock, pit, edges, levels };
}

describe('8254 timer', () => {
  for (const [name, control, count, cycles, gate, expected] of CASES)
    it(name, () => assert.equal(samples(control, count, cycles, gate), expected));

  it('raises OUT 0 once a period, exactly, over a long run', () => {
    const { clock, pit, levels } = rig();
    pit.ports.write(3, 1, 0x34);
    pit.ports.write(0, 1, 0x9c);
    pit.ports.write(0, 1, 0x2e);
    const period = 0x2e9c;
    for (let i = 1; i <= 250; i++) {
      // Rises to 1 + i periods: high again at the reload.
      clock.runTo(pitOscillator.tickOf(1 + i * period) - 1);
      const before = levels.length;
      clock.run(1);
      assert.equal(levels.length, before + 1, `period ${i}`);
      assert.equal(levels.at(-1), true);
    }
  });

  it('does not lose a pulse that began and ended within one instruction', () => {
    const { clock, pit, levels } = rig();
    pit.ports.write(3, 1, 0x34);
    pit.ports.write(0, 1, 10);
    pit.ports.write(0, 1, 0);
    clock.runTo(pitOscillator.tickOf(5));
    levels.length = 0;
    clock.skip(pitOscillator.tickOf(12) - clock.ticks);
    clock.run(0);
    assert.deepEqual(levels, [false, true]);
  });

  it('latches by the counter latch command and by read-back, status first', () => {
    const { clock, pit } = rig();
    pit.ports.write(3, 1, 0x34);
    pit.ports.write(0, 1, 0x00);
    pit.ports.write(3, 1, 0xe2);
    assert.equal(pit.ports.read(0, 1), 0x80 | 0x40 | 0x34);
    pit.ports.write(0, 1, 0x10);
    clock.runTo(pitOscillator.tickOf(2));
    pit.ports.write(3, 1, 0xc2);
    clock.runTo(pitOscillator.tickOf(200));
    pit.ports.write(3, 1, 0x00);
    assert.deepEqual(
      [0, 0, 0].map(() => pit.ports.read(0, 1)),
      [0xb4, 0xff, 0x0f],
    );
    assert.equal(pit.ports.read(3, 1), 0xff);
  });

  it('takes a new count of mode 2 at the end of the period, of mode 3 at the end of the half', () => {
    /** Control word, cycles at which OUT rises: 10 is replaced by 2 at cycle 3; mode 3's first half ends at 6. */
    const cases: readonly (readonly [number, readonly number[]])[] = [
      [0x34, [11, 13, 15]],
      [0x36, [7, 9, 11, 13, 15]],
    ];
    for (const [control, expected] of cases) {
      const { clock, pit, edges } = rig();
      pit.ports.write(3, 1, control);
      pit.ports.write(0, 1, 10);
      pit.ports.write(0, 1, 0);
      clock.runTo(pitOscillator.tickOf(3));
      pit.ports.write(0, 1, 2);
      pit.ports.write(0, 1, 0);
      edges.length = 0;
      clock.runTo(pitOscillator.tickOf(17) - 1);
      const rises = edges.map((tick) => pitOscillator.cycles(tick));
      assert.deepEqual(rises, expected);
    }
  });

  it('port B reads gate, OUT 2 and the refresh toggle', () => {
    const { clock, pit } = rig();
    const portB = new PortB(clock, pit);
    portB.port.write(0, 1, 0xff);
    assert.equal(portB.port.read(0, 1) & 0xcf, 0x0f);
    pit.ports.write(3, 1, 0xb0);
    pit.ports.write(2, 1, 5);
    pit.ports.write(2, 1, 0);
    const at = (cycle: number): number => {
      clock.runTo(pitOscillator.tickOf(cycle));
      return portB.port.read(0, 1) & 0x30;
    };
    assert.deepEqual([5, 6, 17, 18, 35, 36].map(at), [0, 0x20, 0x20, 0x30, 0x30, 0x20]);
  });
});

describe('oscillators', () => {
  it('convert exactly both ways up to 2^53 ticks', () => {
    for (const ticks of [0, 1, 838, 839, 1e9, 123_456_789_012_345, 2 ** 53 - 1]) {
      const cycles = Number((BigInt(ticks) * 715_909n) / 600_000_000n);
      assert.equal(pitOscillator.cycles(ticks), cycles);
      const tick = pitOscillator.tickOf(cycles);
      assert.equal(pitOscillator.cycles(tick), cycles);
      if (tick > 0) assert.equal(pitOscillator.cycles(tick - 1), cycles - 1);
    }
  });
});
