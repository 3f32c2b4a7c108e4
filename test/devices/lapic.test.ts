/** The local APIC against SDM Vol. 3A, chapter 11: registers, priorities, messages, LINT pins, MSRs, timer. */
import assert from 'node:assert/strict';
import { Lapic } from '../../src/devices/lapic';
import { ManualClock } from './manual-clock';

const XAPIC = 0xfee00900n;
const X2APIC = 0xfee00d00n;

class Bench {
  readonly clock = new ManualClock();
  readonly events: string[] = [];
  intr = false;
  readonly lapic = new Lapic({ id: 0x15, physicalAddressBits: 39 }, this.clock, {
    intr: (level) => (this.intr = level),
    nmi: () => this.events.push('nmi'),
    smi: () => this.events.push('smi'),
    init: () => this.events.push('init'),
    startup: (vector) => this.events.push(`startup ${vector}`),
    eoi: (vector) => this.events.push(`eoi ${vector.toString(16)}`),
  });

  /** Software-enabled, spurious vector 0xFF, in x2APIC mode when asked. */
  constructor(x2apic = false) {
    this.write(0xf0, 0x1ff);
    if (x2apic) assert.equal(this.lapic.writeMsr(0x1b, X2APIC), true);
  }

  write(offset: number, value: number): void {
    this.lapic.mmio.write(offset, 4, value);
  }

  read(offset: number): number {
    return this.lapic.mmio.read(offset, 4);
  }

  fixed(vector: number, level = false): boolean {
    return this.lapic.deliver(vector, 0, level);
  }
}

describe('local APIC: registers', () => {
  it('resets to the SDM’s values', () => {
    const { lapic } = new Bench();
    lapic.reset();
    const values: readonly (readonly [number, number])[] = [
      ...([
        [0x20, 0x15000000],
        [0x30, 0x01050014],
        [0x80, 0],
        [0xa0, 0],
        [0xd0, 0],
        [0xe0, 0xffffffff],
      ] as const),
      ...([
        [0xf0, 0xff],
        [0x280, 0],
        [0x300, 0],
        [0x310, 0],
        [0x320, 0x10000],
        [0x370, 0x10000],
      ] as const),
      ...([
        [0x380, 0],
        [0x390, 0],
        [0x3e0, 0],
        [0x100, 0],
        [0x270, 0],
      ] as const),
    ];
    for (const [offset, value] of values) assert.equal(lapic.mmio.read(offset, 4), value, offset.toString(16));
    assert.equal(lapic.readMsr(0x1b), XAPIC);
  });

  it('keeps only writable bits', () => {
    const bench = new Bench();
    const cases: readonly (readonly [number, number])[] = [
      ...([
        [0x80, 0xff],
        [0xd0, 0xff000000],
        [0xf0, 0x13ff],
        [0x310, 0xff000000],
        [0x320, 0x700ff],
      ] as const),
      ...([
        [0x330, 0x107ff],
        [0x350, 0x1a7ff],
        [0x360, 0x1a7ff],
        [0x370, 0x100ff],
        [0x3e0, 0xb],
      ] as const),
    ];
    for (const [offset, mask] of cases) {
      bench.write(offset, 0xffffffff);
      assert.equal(bench.read(offset), mask, offset.toString(16));
    }
  });

  it('masks the LVT while software-disabled', () => {
    const bench = new Bench();
    bench.write(0x350, 0x700);
    bench.write(0xf0, 0xff);
    assert.equal(bench.read(0x350), 0x10700);
    bench.write(0x350, 0x700);
    assert.equal(bench.read(0x350), 0x10700);
    assert.equal(bench.fixed(0x40), false);
    assert.equal(bench.lapic.deliver(0, 4, false), true);
    assert.deepEqual(bench.events, ['nmi']);
  });

  it('reads bytes of a register, and nothing between registers', () => {
    const { lapic } = new Bench();
    assert.equal(lapic.mmio.read(0x32, 1), 0x05);
    assert.equal(lapic.mmio.read(0x32, 2), 0x0105);
    assert.equal(lapic.mmio.read(0x34, 4), 0);
  });
});

describe('local APIC: priorities', () => {
  it('delivers by class, nests, and follows TPR', () => {
    const { lapic, ...bench } = new Bench();
    const take = (): number => lapic.acknowledge();
    lapic.deliver(0x31, 0, false);
    lapic.deliver(0x55, 0, false);
    lapic.deliver(0x51, 0, false);
    assert.equal(take(), 0x55);
    assert.equal(lapic.pendingVector(), -1, '0x51 is of the class in service');
    lapic.deliver(0x60, 0, false);
    assert.equal(take(), 0x60);
    lapic.mmio.write(0xb0, 4, 0);
    lapic.mmio.write(0xb0, 4, 0);
    assert.equal(take(), 0x51);
    lapic.mmio.write(0xb0, 4, 0);
    lapic.taskPriority = 0x30;
    assert.equal(lapic.pendingVector(), -1);
    lapic.taskPriority = 0x2f;
    assert.equal(lapic.pendingVector(), 0x31);
    assert.deepEqual(bench.events, []);
  });

  it('computes PPR and gives the spurious vector when a request has gone away', () => {
    const bench = new Bench();
    bench.fixed(0x55);
    bench.lapic.acknowledge();
    bench.write(0x80, 0x42);
    assert.equal(bench.read(0xa0), 0x50);
    bench.write(0x80, 0x53);
    assert.equal(bench.read(0xa0), 0x53);
    bench.fixed(0x70);
    assert.equal(bench.intr, true);
    bench.write(0x80, 0x70);
    assert.equal(bench.intr, false);
    assert.equal(bench.lapic.acknowledge(), 0xff);
    assert.equal(bench.read(0x100 + 0x70), 0);
  });

  it('broadcasts the EOI of level interrupts alone, unless suppressed', () => {
    const bench = new Bench();
    for (const level of [false, true]) {
      bench.fixed(0x41, level);
      bench.lapic.acknowledge();
      bench.write(0xb0, 0);
    }
    bench.write(0xf0, 0x11ff);
    bench.fixed(0x41, true);
    assert.equal(bench.read(0x180 + 0x20), 2, 'TMR');
    bench.lapic.acknowledge();
    bench.write(0xb0, 0);
    assert.deepEqual(bench.events, ['eoi 41']);
  });
});

describe('local APIC: messages and IPIs', () => {
  /** Mode, LDR, DFR, destination, logical, accepted (ID 0x15). */
  const DESTINATIONS: readonly (readonly ['x' | 'x2', number, number, number, boolean, boolean])[] = [
    ['x', 0, 0xf, 0x15, false, true],
    ['x', 0, 0xf, 0x14, false, false],
    ['x', 0, 0xf, 0xff, false, true],
    ['x', 0x04, 0xf, 0x06, true, true],
    ['x', 0x04, 0xf, 0x03, true, false],
    ['x', 0x24, 0x0, 0x26, true, true],
    ['x', 0x24, 0x0, 0x16, true, false],
    ['x', 0x24, 0x0, 0xff, true, true],
    ['x2', 0, 0, 0x15, false, true],
    ['x2', 0, 0, 0xff, false, true],
    ['x2', 0, 0, 0x20, true, false],
  ];
  for (const [mode, ldr, dfr, destination, logical, accepted] of DESTINATIONS)
    it(`${mode}APIC, LDR ${ldr}, DFR ${dfr}: ${logical ? 'logical' : 'physical'} ${destination} ${accepted ? '' : 'not '}accepted`, () => {
      const bench = new Bench();
      bench.write(0xd0, ldr << 24);
      bench.write(0xe0, dfr << 28);
      if (mode === 'x2') bench.lapic.writeMsr(0x1b, X2APIC);
      assert.equal(bench.lapic.receive(destination, logical, 0x40, 0, false), accepted);
      assert.equal(bench.lapic.pendingVector(), accepted ? 0x40 : -1);
    });

  /** ICR in x2APIC form, what it does: a vector, events, or ESR after it. */
  const IPIS: readonly (readonly [string, bigint, number, readonly string[], number])[] = [
    ['physical', 0x15_00000041n, 0x41, [], 0],
    ['somebody else', 0x16_00000041n, -1, [], 0],
    ['broadcast', 0xffffffff_00000041n, 0x41, [], 0],
    ['logical cluster', 0x00010020_00000841n, 0x41, [], 0],
    ['self', 0x40041n, 0x41, [], 0],
    ['all including self', 0x80041n, 0x41, [], 0],
    ['all excluding self', 0xc0041n, -1, [], 0],
    ['lowest priority', 0x15_00000141n, 0x41, [], 0],
    ['NMI', 0x15_00000400n, -1, ['nmi'], 0],
    ['SMI', 0x15_00000200n, -1, ['smi'], 0],
    ['INIT', 0x15_00004500n, -1, ['init'], 0],
    ['INIT level de-assert', 0x15_00008500n, -1, [], 0],
    ['start-up', 0x15_00004608n, -1, ['startup 8'], 0],
    ['NMI by the self shorthand is invalid', 0x40400n, -1, [], 0],
    ['illegal vector', 0x15_00000005n, -1, [], 0x20],
  ];
  for (const [name, icr, vector, events, esr] of IPIS)
    it(`ICR: ${name}`, () => {
      const bench = new Bench(true);
      assert.equal(bench.lapic.writeMsr(0x830, icr), true);
      assert.equal(bench.lapic.readMsr(0x830), icr);
      assert.equal(bench.lapic.pendingVector(), vector);
      assert.deepEqual(bench.events, events);
      assert.equal(bench.lapic.writeMsr(0x828, 0n), true);
      assert.equal(bench.lapic.readMsr(0x828), BigInt(esr));
    });

  it('sends from xAPIC’s two halves', () => {
    const bench = new Bench();
    bench.write(0x310, 0x15000000);
    bench.write(0x300, 0x4041);
    assert.equal(bench.lapic.acknowledge(), 0x41);
    bench.write(0x310, 0x16000000);
    bench.write(0x300, 0x4042);
    assert.equal(bench.lapic.pendingVector(), -1);
  });

  it('notes errors until ESR is written, and raises the error interrupt once', () => {
    const bench = new Bench();
    bench.write(0x370, 0xe0);
    bench.fixed(5);
    assert.equal(bench.lapic.acknowledge(), 0xe0);
    bench.write(0xb0, 0);
    bench.fixed(6);
    assert.equal(bench.lapic.pendingVector(), -1);
    bench.read(0x40);
    assert.equal(bench.lapic.acknowledge(), 0xe0);
    assert.equal(bench.read(0x280), 0);
    bench.write(0x280, 0);
    assert.equal(bench.read(0x280), 0xc0);
    bench.write(0x280, 0);
    assert.equal(bench.read(0x280), 0);
  });

  it('survives an error interrupt with an illegal vector', () => {
    const bench = new Bench();
    bench.write(0x370, 0x03);
    bench.fixed(5);
    bench.write(0x280, 0);
    assert.equal(bench.read(0x280), 0x40);
  });
});

describe('local APIC: LINT pins', () => {
  /** LINT0's entry, level of the pin, ExtINT pending, vector pending, events. */
  const PINS: readonly (readonly [string, number, boolean, boolean, number, readonly string[]])[] = [
    ['ExtINT', 0x700, true, true, -1, []],
    ['ExtINT, low', 0x700, false, false, -1, []],
    ['ExtINT, masked', 0x10700, true, false, -1, []],
    ['fixed edge', 0x45, true, false, 0x45, []],
    ['NMI', 0x400, true, false, -1, ['nmi']],
    ['active low', 0x2045, true, false, -1, []],
  ];
  for (const [name, entry, level, extInt, vector, events] of PINS)
    it(name, () => {
      const bench = new Bench();
      bench.write(0x350, entry);
      bench.lapic.setLint(0, level);
      assert.equal(bench.lapic.extIntPending, extInt);
      assert.equal(bench.lapic.pendingVector(), vector);
      assert.equal(bench.intr, extInt || vector >= 0);
      assert.deepEqual(bench.events, events);
    });

  it('a level on LINT0 holds its remote IRR until EOI and comes again while it lasts', () => {
    const bench = new Bench();
    bench.write(0x350, 0x8045);
    bench.lapic.setLint(0, true);
    assert.equal(bench.read(0x350), 0xc045);
    assert.equal(bench.lapic.acknowledge(), 0x45);
    bench.write(0xb0, 0);
    assert.equal(bench.lapic.acknowledge(), 0x45);
    bench.lapic.setLint(0, false);
    bench.write(0xb0, 0);
    assert.equal(bench.read(0x350), 0x8045);
    assert.equal(bench.lapic.pendingVector(), -1);
  });

  it('passes INTR and NMI through while globally disabled', () => {
    const bench = new Bench();
    bench.lapic.writeMsr(0x1b, 0xfee00100n);
    bench.lapic.setLint(0, true);
    bench.lapic.setLint(1, true);
    assert.equal(bench.lapic.acceptsExtInt(), true);
    assert.equal(bench.intr, true);
    assert.deepEqual(bench.events, ['nmi']);
    assert.equal(bench.read(0x20), 0xffffffff);
  });

  it('latches an ExtINT message until it is acknowledged', () => {
    const bench = new Bench();
    bench.lapic.deliver(0, 7, false);
    assert.equal(bench.lapic.extIntPending && bench.intr, true);
    bench.lapic.acknowledgeExtInt();
    assert.equal(bench.lapic.extIntPending || bench.intr, false);
  });
});

describe('local APIC: MSRs', () => {
  /** IA32_APIC_BASE before, value written, accepted (SDM figure 11-27). */
  const TRANSITIONS: readonly (readonly [bigint, bigint, boolean])[] = [
    [XAPIC, X2APIC, true],
    [XAPIC, 0xfee00100n, true],
    [XAPIC, 0xfee00500n, false],
    [X2APIC, XAPIC, false],
    [X2APIC, 0xfee00100n, true],
    [X2APIC, 0xfee00500n, false],
    [0xfee00100n, XAPIC, true],
    [0xfee00100n, X2APIC, false],
    [XAPIC, XAPIC | 1n, false],
    [XAPIC, XAPIC | 0x200n, false],
    [XAPIC, XAPIC | (1n << 39n), false],
    [XAPIC, 0x7ffee00900n, true],
  ];
  for (const [before, value, accepted] of TRANSITIONS)
    it(`IA32_APIC_BASE ${before.toString(16)} -> ${value.toString(16)} ${accepted ? 'is taken' : 'faults'}`, () => {
      const { lapic } = new Bench();
      assert.equal(lapic.writeMsr(0x1b, before), true);
      assert.equal(lapic.writeMsr(0x1b, value), accepted);
      assert.equal(lapic.readMsr(0x1b), accepted ? value : before);
    });

  it('x2APIC MSRs fault outside x2APIC mode', () => {
    const { lapic } = new Bench();
    assert.equal(lapic.readMsr(0x802), false);
    assert.equal(lapic.writeMsr(0x80b, 0n), false);
  });

  it('reads exactly the x2APIC registers that exist', () => {
    const { lapic } = new Bench(true);
    const readable = [];
    for (let msr = 0x800; msr <= 0x8ff; msr++) if (lapic.readMsr(msr) !== false) readable.push(msr - 0x800);
    const range = (first: number, last: number): number[] =>
      Array.from({ length: last - first + 1 }, (_, i) => first + i);
    assert.deepEqual(readable, [2, 3, 8, 10, 13, ...range(15, 0x28), 0x30, ...range(0x32, 0x39), 0x3e]);
    assert.equal(lapic.readMsr(0x802), 0x15n);
    assert.equal(lapic.readMsr(0x80d), 0x10020n);
  });

  /** MSR, value, accepted. */
  const WRITES: readonly (readonly [number, bigint, boolean])[] = [
    ...([
      [0x802, 0n, false],
      [0x803, 0n, false],
      [0x80a, 0n, false],
      [0x80d, 0n, false],
      [0x80e, 0n, false],
    ] as const),
    ...([
      [0x808, 0xffn, true],
      [0x808, 0x100n, false],
      [0x80b, 0n, true],
      [0x80b, 1n, false],
    ] as const),
    ...([
      [0x80f, 0x1ffn, true],
      [0x80f, 0x2000n, false],
      [0x828, 0n, true],
      [0x828, 1n, false],
    ] as const),
    ...([
      [0x830, 0x1000n | 0x400fdn, true],
      [0x830, 0x2000n, false],
      [0x830, 0x100000n, false],
    ] as const),
    ...([
      [0x831, 0n, false],
      [0x832, 0x400ecn, true],
      [0x832, 0x80000n, false],
      [0x835, 0x1f7ffn, true],
    ] as const),
    ...([
      [0x836, 0x800n, false],
      [0x837, 0x100fen, true],
      [0x838, 0xffffffffn, true],
      [0x839, 0n, false],
    ] as const),
    ...([
      [0x838, 1n << 32n, false],
      [0x83e, 0xbn, true],
      [0x83e, 4n, false],
      [0x83f, 0x40n, true],
    ] as const),
    ...([
      [0x83f, 0x140n, false],
      [0x810, 0n, false],
      [0x820, 0n, false],
      [0x840, 0n, false],
      [0x8ff, 0n, false],
    ] as const),
  ];
  for (const [msr, value, accepted] of WRITES)
    it(`WRMSR ${msr.toString(16)} = ${value.toString(16)} ${accepted ? 'is taken' : 'faults'}`, () =>
      assert.equal(new Bench(true).lapic.writeMsr(msr, value), accepted));

  it('self IPI, and INIT keeps x2APIC mode', () => {
    const { lapic } = new Bench(true);
    lapic.writeMsr(0x83f, 0x77n);
    assert.equal(lapic.acknowledge(), 0x77);
    lapic.initReset();
    assert.equal(lapic.readMsr(0x80f), 0xffn);
    assert.equal(lapic.readMsr(0x1b), X2APIC);
  });

  it('forgets its state when it is disabled', () => {
    const bench = new Bench();
    bench.write(0x320, 0x40);
    bench.fixed(0x50);
    bench.lapic.writeMsr(0x1b, 0xfee00100n);
    assert.equal(bench.intr, false);
    bench.lapic.writeMsr(0x1b, XAPIC);
    assert.equal(bench.read(0x320), 0x10000);
    assert.equal(bench.lapic.pendingVector(), -1);
  });
});

describe('local APIC: timer', () => {
  /** Divide configuration, divisor. */
  const DIVISORS = [
    [0, 2],
    [1, 4],
    [2, 8],
    [3, 16],
    [8, 32],
    [9, 64],
    [10, 128],
    [11, 1],
  ] as const;
  for (const [configuration, divisor] of DIVISORS)
    it(`one-shot, divided by ${divisor}`, () => {
      const bench = new Bench();
      bench.write(0x3e0, configuration);
      bench.write(0x320, 0x40);
      bench.write(0x380, 10);
      bench.clock.run(3 * divisor);
      assert.equal(bench.read(0x390), 7);
      bench.clock.run(7 * divisor - 1);
      assert.equal(bench.lapic.pendingVector(), -1);
      assert.equal(bench.read(0x390), 1);
      bench.clock.run(1);
      assert.equal(bench.lapic.acknowledge(), 0x40);
      assert.equal(bench.read(0x390), 0);
      assert.equal(bench.clock.next, Infinity);
    });

  it('periodic: reloads, counts on while masked, needs no alarm then', () => {
    const bench = new Bench();
    bench.write(0x3e0, 0xb);
    bench.write(0x320, 0x20040);
    bench.write(0x380, 100);
    const expiries: number[] = [];
    for (let tick = 1; tick <= 350; tick++) {
      bench.clock.runTo(tick);
      if (bench.lapic.pendingVector() === 0x40) expiries.push(tick, bench.lapic.acknowledge());
      bench.write(0xb0, 0);
    }
    assert.deepEqual(expiries, [100, 0x40, 200, 0x40, 300, 0x40]);
    bench.write(0x320, 0x30040);
    assert.equal(bench.clock.next, Infinity);
    bench.clock.run(75);
    assert.equal(bench.read(0x390), 75);
    bench.write(0x320, 0x20040);
    assert.equal(bench.clock.next, 500);
    bench.write(0x380, 0);
    assert.equal(bench.clock.next, Infinity);
  });

  it('TSC-deadline follows the TSC’s offset, fires once, and reads 0 then', () => {
    const bench = new Bench(true);
    bench.clock.runTo(1000);
    bench.lapic.writeMsr(0x832, 0x400ecn);
    bench.lapic.writeMsr(0x6e0, 5000n);
    assert.equal(bench.clock.next, 5000);
    bench.lapic.setTscOffset(1000n);
    assert.equal(bench.clock.next, 4000);
    bench.lapic.setTscOffset(-1000n);
    assert.equal(bench.clock.next, 6000);
    bench.clock.runTo(5999);
    assert.equal(bench.lapic.readMsr(0x6e0), 5000n);
    bench.clock.runTo(6000);
    assert.equal(bench.lapic.acknowledge(), 0xec);
    assert.equal(bench.lapic.readMsr(0x6e0), 0n);
    bench.lapic.writeMsr(0x80b, 0n);
    bench.lapic.writeMsr(0x6e0, 1n);
    assert.equal(bench.lapic.acknowledge(), 0xec, 'a deadline in the past fires at once');
  });

  it('TSC-deadline: 0 disarms, other modes ignore the MSR, a change of mode disarms', () => {
    const bench = new Bench(true);
    bench.lapic.writeMsr(0x6e0, 5000n);
    assert.equal(bench.lapic.readMsr(0x6e0), 0n);
    bench.lapic.writeMsr(0x832, 0x400ecn);
    bench.lapic.writeMsr(0x838, 10n);
    assert.equal(bench.lapic.readMsr(0x838), 0n);
    for (const disarm of [
      (): boolean => bench.lapic.writeMsr(0x6e0, 0n),
      (): boolean => bench.lapic.writeMsr(0x832, 0xecn),
    ]) {
      bench.lapic.writeMsr(0x6e0, (1n << 63n) + 1n);
      bench.lapic.writeMsr(0x6e0, 5000n);
      assert.equal(bench.clock.next, 5000);
      disarm();
      assert.equal(bench.clock.next, Infinity);
      assert.equal(bench.lapic.readMsr(0x6e0), 0n);
    }
  });

  it('restores in the middle of a period: same expiry, same priorities', () => {
    const first = new Bench();
    first.write(0x3e0, 0xb);
    first.write(0x320, 0x20040);
    first.write(0x380, 100);
    first.fixed(0x61);
    first.lapic.acknowledge();
    first.clock.runTo(142);
    const second = new Bench();
    second.clock.runTo(142);
    second.lapic.restore(structuredClone(first.lapic.save()));
    assert.equal(second.clock.next, 200);
    assert.equal(second.lapic.pendingVector(), -1);
    second.write(0xb0, 0);
    assert.equal(second.lapic.acknowledge(), 0x40);
    assert.equal(second.read(0x390), 58);
  });
});
