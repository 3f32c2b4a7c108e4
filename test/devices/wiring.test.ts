/** The interrupt path as a board wires it: PIT -> 8259As -> LINT0, PIT -> I/O APIC -> local APIC, EOI back. */
import assert from 'node:assert/strict';
import { IoApic } from '../../src/devices/ioapic';
import { Lapic } from '../../src/devices/lapic';
import { PicPair } from '../../src/devices/pic-pair';
import { Pit } from '../../src/devices/pit-8254';
import { Uart } from '../../src/devices/uart-16550';
import { ManualClock } from './manual-clock';

class Board {
  readonly clock = new ManualClock();
  intr = false;
  readonly lapic: Lapic = new Lapic({ id: 0, physicalAddressBits: 39 }, this.clock, {
    intr: (level) => (this.intr = level),
    nmi: () => assert.fail('NMI'),
    smi: () => assert.fail('SMI'),
    init: () => assert.fail('INIT'),
    startup: () => assert.fail('start-up'),
    eoi: (vector) => this.ioapic.endOfInterrupt(vector),
  });
  readonly ioapic: IoApic = new IoApic({ id: 1, activeLow: 0 }, (destination, logical, vector, mode, level) =>
    this.lapic.receive(destination, logical, vector, mode, level),
  );
  readonly pic = new PicPair((level) => this.lapic.setLint(0, level));
  readonly pit = new Pit(this.clock, (level) => {
    this.pic.setLine(0, level);
    this.ioapic.setLine(2, level);
  });
  readonly uart = new Uart(
    { name: 'uart0' },
    this.clock,
    (level) => this.ioapic.setLine(4, level),
    () => undefined,
  );

  /** The processor's acknowledge: external interrupts through the 8259As, others from the APIC. */
  acknowledge(): number {
    if (!this.lapic.extIntPending) return this.lapic.acknowledge();
    const vector = this.pic.acknowledge();
    this.lapic.acknowledgeExtInt();
    return vector;
  }

  startPit(): void {
    this.pit.ports.write(3, 1, 0x34);
    this.pit.ports.write(0, 1, 100);
    this.pit.ports.write(0, 1, 0);
  }

  setEntry(pin: number, low: number): void {
    this.ioapic.mmio.write(0, 4, 0x10 + 2 * pin);
    this.ioapic.mmio.write(0x10, 4, low);
  }
}

describe('interrupt wiring', () => {
  it('PIT through the 8259As as virtual wire', () => {
    const board = new Board();
    board.lapic.mmio.write(0xf0, 4, 0x1ff);
    board.lapic.mmio.write(0x350, 4, 0x700);
    for (const [port, value] of [
      [0, 0x11],
      [1, 0x30],
      [1, 0x04],
      [1, 0x01],
    ] as const)
      board.pic.masterPorts.write(port, 1, value);
    board.startPit();
    for (let i = 0; i < 3; i++) {
      board.clock.runTo(board.clock.next);
      while (!board.intr) board.clock.runTo(board.clock.next);
      assert.equal(board.acknowledge(), 0x30);
      assert.equal(board.intr, false);
      board.pic.masterPorts.write(0, 1, 0x20);
    }
  });

  it('PIT through the I/O APIC, one interrupt a period', () => {
    const board = new Board();
    board.lapic.mmio.write(0xf0, 4, 0x1ff);
    board.startPit();
    board.clock.run(1000);
    board.setEntry(2, 0x31);
    let count = 0;
    const end = board.clock.ticks + 1_000_000;
    while (board.clock.next <= end) {
      board.clock.runTo(board.clock.next);
      if (!board.intr) continue;
      assert.equal(board.acknowledge(), 0x31);
      board.lapic.mmio.write(0xb0, 4, 0);
      count++;
    }
    // Cycles 2 to 1194 of CLK: OUT rises at 101, 201, ... 1101.
    assert.equal(count, 11);
  });

  it('a level comes again after EOI until its device is served', () => {
    const board = new Board();
    board.lapic.mmio.write(0xf0, 4, 0x1ff);
    board.setEntry(4, 0x8034);
    board.uart.ports.write(1, 1, 0x01);
    board.uart.ports.write(4, 1, 0x08);
    board.uart.receive(0x41);
    for (const served of [false, true]) {
      assert.equal(board.acknowledge(), 0x34);
      if (served) assert.equal(board.uart.ports.read(0, 1), 0x41);
      board.lapic.mmio.write(0xb0, 4, 0);
      assert.equal(board.intr, !served);
    }
  });
});
