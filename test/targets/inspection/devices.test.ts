// Devices and interrupt lines as answers: complete, decoded, and without side effects.
import assert from 'node:assert/strict';
import type { Machine } from '../../../src/machine/machine';
import { devicesAnswer } from '../../../src/targets/inspection/devices-answer';
import { interruptsAnswer } from '../../../src/targets/inspection/interrupts-answer';
import { registersOf, writeRegisterOf } from '../../../src/targets/inspection/registers';
import { guest, hashOf } from './machines';

const NAMES = [
  ...['acpi-pm', 'fw-cfg', 'i8042', 'ioapic', 'keyboard', 'lapic', 'mouse', 'pci', 'pci-host', 'pci-isa', 'pic', 'pit'],
  ...['port-92', 'port-b', 'reset-control', 'rtc', 'uart0'],
];

const register = (machine: Machine, device: string, name: string) =>
  devicesAnswer(machine)
    .devices.find((one) => one.name === device)!
    .registers.find((one) => one.name === name)!;

const line = (machine: Machine, source: string) => {
  const found = interruptsAnswer(machine).lines.find((one) => one.source.startsWith(source));
  assert.ok(found, source);
  return found;
};

describe('devices answer', () => {
  it('has every device of the board, each with its place, every field within its register', () => {
    const { devices } = devicesAnswer(guest('hello'));
    assert.deepEqual(devices.map(({ name }) => name).sort(), NAMES);
    for (const { name, title, places, registers } of devices) {
      assert.ok(title && places.length > 0 && registers.length > 0, name);
      assert.equal(new Set(registers.map((one) => one.name)).size, registers.length, `${name}: names are unique`);
      for (const { bits, value, fields = [], name: of } of registers) {
        assert.ok(BigInt(value) >> BigInt(bits) === 0n, `${name} ${of}`);
        for (const { high, low, value: part } of fields) {
          assert.ok(high >= low && high < bits, `${name} ${of}`);
          assert.equal(BigInt(part), BigInt.asUintN(high - low + 1, BigInt(value) >> BigInt(low)));
        }
      }
    }
  });

  it('decodes values', () => {
    const machine = guest('hello');
    machine.board.ports.write(0x3fb, 1, 0x1b);
    const fields = register(machine, 'uart0', 'LCR').fields!;
    assert.deepEqual(
      fields.find(({ name }) => name === 'WLS'),
      { name: 'WLS', high: 1, low: 0, value: '0x3', meaning: '8' },
    );
  });

  it('looking changes nothing, however often', () => {
    for (const bare of [false, true]) {
      const [looked, other] = [guest('interrupts', { bare }), guest('interrupts', { bare })];
      for (let ran = 'budget'; ran === 'budget';) {
        const hash = hashOf(looked);
        devicesAnswer(looked);
        interruptsAnswer(looked);
        assert.equal(hashOf(looked), hash);
        ran = looked.run(20_000).reason;
        assert.equal(other.run(20_000).reason, ran);
      }
      assert.equal(hashOf(looked), hashOf(other));
    }
  });

  it('reads registers that reading clears as a peek', () => {
    const machine = guest('hello');
    const { ports, uart } = machine.board;
    ports.write(0x3f9, 1, 0x02); // IER: transmitter holding register empty
    uart.receive(0x41);
    for (let n = 0; n < 3; n++) {
      assert.equal(register(machine, 'uart0', 'IIR').value, '0x2');
      assert.equal(BigInt(register(machine, 'uart0', 'LSR').value) & 1n, 1n);
      assert.equal(register(machine, 'uart0', 'RBR').value, '0x41');
    }
    assert.equal(ports.read(0x3fa, 1) & 0xf, 2, 'the interrupt is still there');
    assert.equal(register(machine, 'uart0', 'IIR').value, '0x1', 'reading the port clears it');
    ports.write(0x43, 1, 0x00); // latch counter 0
    const latched = register(machine, 'pit', 'latches 0').value;
    assert.equal(BigInt(latched) >> 24n, 1n);
    assert.equal(register(machine, 'pit', 'latches 0').value, latched);
    ports.read(0x40, 1);
    ports.read(0x40, 1);
    assert.equal(register(machine, 'pit', 'latches 0').value, '0x0');
  });
});

describe('interrupts answer', () => {
  /** A machine whose 8259As are set up as a PC's are, all inputs masked. */
  function pics(): Machine {
    const machine = guest('hello', { bare: true });
    const { ports } = machine.board;
    const bytes = [
      [[0x20, 0x11], [0x21, 0x20], [0x21, 0x04], [0x21, 0x01], [0x21, 0xff]],
      [[0xa0, 0x11], [0xa1, 0x28], [0xa1, 0x02], [0xa1, 0x01], [0xa1, 0xff]],
    ].flat() as [number, number][]; // prettier-ignore
    for (const [port, byte] of bytes) ports.write(port, 1, byte);
    return machine;
  }
  const setIf = (machine: Machine, on: boolean): void =>
    void writeRegisterOf(machine, 'Flags', 'RFLAGS', on ? 0x202n : 2n);

  it('has each ISA IRQ but the cascade, and the local APIC’s sources', () => {
    const sources = interruptsAnswer(pics()).lines.map(({ source }) => source.replace(/ \(.*/, ''));
    const irqs = [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((irq) => `IRQ ${irq}`);
    const local = ['timer', 'thermal monitor', 'performance counter', 'LINT0', 'LINT1', 'error'];
    assert.deepEqual(sources, [...irqs, ...local.map((name) => `LAPIC ${name}`)]);
  });

  it('the way through the 8259As', () => {
    const machine = pics();
    const { ports } = machine.board;
    assert.match(line(machine, 'IRQ 8').blocked!, /INTIN8 is masked; PIC slave: IR0 is masked in IMR; PIC master: IR2/);
    assert.equal(line(machine, 'IRQ 8').vector, undefined);
    ports.write(0x21, 1, 0xfb);
    ports.write(0xa1, 1, 0xfe);
    setIf(machine, false);
    assert.deepEqual([line(machine, 'IRQ 8').vector, line(machine, 'IRQ 8').blocked], [0x28, 'RFLAGS.IF = 0']);
    setIf(machine, true);
    assert.equal(line(machine, 'IRQ 8').blocked, undefined);
    assert.deepEqual(
      line(machine, 'IRQ 8').hops.map(({ controller, input }) => `${controller} ${input}`),
      ['PIC slave IR0', 'PIC master IR2', 'LAPIC LVT LINT0', 'I/O APIC INTIN8'],
    );
    // In service: the same and lower priorities wait for the EOI.
    machine.board.pic.setLine(8, true);
    assert.deepEqual(
      line(machine, 'IRQ 8').hops.map(({ pending }) => pending),
      [true, true, true, false],
    );
    assert.equal(machine.board.interruptPending(), true);
    assert.equal(machine.board.acknowledge(), 0x28);
    const served = line(machine, 'IRQ 8');
    assert.deepEqual([served.hops[0]!.inService, served.hops[1]!.inService], [true, true]);
    assert.match(served.blocked!, /PIC slave: IR0 is in service/);
    ports.write(0x21, 1, 0xea);
    assert.match(line(machine, 'IRQ 4').blocked!, /IR2 is in service, which has priority/);
    assert.equal(line(machine, 'IRQ 0').blocked, undefined, 'IR0 has priority');
  });

  it('says when an initialization is not complete, and when LINT0 does not pass', () => {
    assert.match(line(guest('hello'), 'IRQ 4').blocked!, /not initialised/);
    const machine = pics();
    machine.board.ports.write(0x21, 1, 0xef);
    setIf(machine, true);
    assert.equal(line(machine, 'IRQ 4').blocked, undefined);
    machine.board.mmio.write(0xfee00350, 4, 0x10700);
    assert.match(line(machine, 'IRQ 4').blocked!, /LVT LINT0 is masked/);
    machine.board.mmio.write(0xfee00350, 4, 0x700);
    machine.board.ports.write(0x20, 1, 0x11);
    assert.match(line(machine, 'IRQ 4').blocked!, /ICW2 is awaited/);
  });

  it('the way through the I/O APIC', () => {
    const machine = pics();
    const { mmio, ioapic, lapic } = machine.board;
    const entry = (pin: number, low: number, high = 0): void => {
      for (const [index, value] of [[0x11 + pin * 2, high], [0x10 + pin * 2, low]] as const) {
        mmio.write(0xfec00000, 1, index);
        mmio.write(0xfec00010, 4, value);
      }
    }; // prettier-ignore
    setIf(machine, true);
    entry(4, 0x8041); // level, vector 41H
    assert.deepEqual([line(machine, 'IRQ 4').vector, line(machine, 'IRQ 4').blocked], [0x41, undefined]);
    ioapic.setLine(4, true);
    const [, , pin, vector] = line(machine, 'IRQ 4').hops;
    assert.deepEqual(
      [pin!.trigger, pin!.inService, vector!.input, vector!.pending],
      ['level', true, 'vector 0x41', true],
    );
    assert.match(line(machine, 'IRQ 4').blocked!, /no EOI/);
    assert.equal(lapic.acknowledge(), 0x41);
    assert.equal(line(machine, 'IRQ 4').hops[3]!.inService, true);
    entry(8, 0x42);
    assert.match(line(machine, 'IRQ 8').blocked!, /processor priority 0x40 \(PPR\)/);
    entry(8, 0x52);
    assert.equal(line(machine, 'IRQ 8').blocked, undefined);
    entry(8, 0x52, 0x07000000);
    assert.match(line(machine, 'IRQ 8').blocked!, /destination 0x7/);
    entry(0 + 2, 0x30);
    assert.equal(line(machine, 'IRQ 0').vector, 0x30, 'IRQ 0 is INTIN2');
  });

  it('the local APIC’s own sources', () => {
    const machine = pics();
    const { mmio } = machine.board;
    setIf(machine, false);
    assert.match(line(machine, 'LAPIC timer').blocked!, /LVT timer is masked/);
    mmio.write(0xfee00320, 4, 0xec);
    assert.deepEqual(
      [line(machine, 'LAPIC timer').vector, line(machine, 'LAPIC timer').blocked],
      [0xec, 'RFLAGS.IF = 0'],
    );
    assert.deepEqual([line(machine, 'LAPIC LINT1').vector, line(machine, 'LAPIC LINT1').blocked], [2, undefined]);
    mmio.write(0xfee000f0, 4, 0xff);
    assert.match(line(machine, 'LAPIC timer').blocked!, /masked|disabled by software/);
    writeRegisterOf(machine, 'MSRs', 'IA32_APIC_BASE', 0xfee00100n);
    assert.match(line(machine, 'IRQ 4').blocked!, /masked/);
    assert.equal(registersOf(machine, 'MSRs').find(({ name }) => name === 'IA32_APIC_BASE')!.value, 0xfee00100n);
  });
});
