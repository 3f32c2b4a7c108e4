/** Every device with its lines connected to a log: what the generic tests (fuzz, save and restore, describe) drive. */
import type { BusSize, BusTarget } from '../../src/memory/bus';
import { AcpiPm } from '../../src/devices/acpi-pm';
import { DebugExit } from '../../src/devices/debug-exit';
import type { Device, DeviceDescription, Line } from '../../src/devices/device';
import { FwCfg } from '../../src/devices/fw-cfg';
import { I8042 } from '../../src/devices/i8042';
import { IoApic } from '../../src/devices/ioapic';
import { Lapic } from '../../src/devices/lapic';
import { PciFunction } from '../../src/devices/pci-config';
import { HOST_BRIDGE, ISA_BRIDGE } from '../../src/devices/pci-bridges';
import { PciHost } from '../../src/devices/pci-host';
import { PicPair } from '../../src/devices/pic-pair';
import { Pit } from '../../src/devices/pit-8254';
import { Port92 } from '../../src/devices/port-92';
import { PortB } from '../../src/devices/port-b';
import { Ps2Keyboard } from '../../src/devices/ps2-keyboard';
import { Ps2Mouse } from '../../src/devices/ps2-mouse';
import { ResetControl } from '../../src/devices/reset-control';
import { Rtc } from '../../src/devices/rtc-mc146818';
import { Uart } from '../../src/devices/uart-16550';
import type { ManualClock } from './manual-clock';

/** A device whose state the generic tests treat as opaque. */
export interface Part {
  save(): unknown;
  restore(state: unknown): void;
  reset(): void;
  describe(): DeviceDescription;
}

/** One range of a device on its bus. */
export interface Range {
  readonly target: BusTarget;
  readonly length: number;
  readonly sizes: readonly BusSize[];
}

/** A device under test. `inputs` are what comes from outside; each takes a random number and gives what it answers. */
export interface Rig {
  readonly parts: readonly Part[];
  readonly ranges: readonly Range[];
  readonly inputs: readonly ((random: number) => unknown)[];
  /** The longest step in ticks, for parts that can be made to signal at every microsecond. */
  readonly longestStep?: number;
}

/** Notes a call of an output pin or callback. */
export type Note = (text: string) => void;

function part<State extends { readonly version: number }>(device: Device<State>): Part {
  return {
    save: () => device.save(),
    restore: (state) => device.restore(state as State),
    reset: () => device.reset(),
    describe: () => device.describe(),
  };
}

/** A line that notes its changes. */
function wire(name: string, note: Note, then: Line = () => undefined): Line {
  let last = false;
  return (level) => {
    if (level === last) return;
    last = level;
    note(`${name} ${level ? 1 : 0}`);
    then(level);
  };
}

const bytes = (target: BusTarget, length: number): Range => ({ target, length, sizes: [1, 2, 4] });

/** Makes each rig on `clock`. */
export const RIGS: Readonly<Record<string, (clock: ManualClock, note: Note) => Rig>> = {
  pic(_clock, note) {
    const pic = new PicPair(wire('intr', note));
    return {
      parts: [part(pic)],
      ranges: [bytes(pic.masterPorts, 2), bytes(pic.slavePorts, 2), bytes(pic.elcrPorts, 2)],
      inputs: [(n) => pic.setLine(n & 15, (n & 16) !== 0), () => pic.acknowledge()],
    };
  },
  pit(clock, note) {
    const pit = new Pit(clock, wire('out0', note));
    const portB = new PortB(clock, pit);
    const ranges = [bytes(pit.ports, 4), bytes(portB.port, 1)];
    return { parts: [part(pit), part(portB)], ranges, inputs: [], longestStep: 200_000 };
  },
  rtc(clock, note) {
    const rtc = new Rtc({ startTime: 951_782_399 }, clock, wire('irq8', note));
    return { parts: [part(rtc)], ranges: [bytes(rtc.ports, 2)], inputs: [] };
  },
  uart(clock, note) {
    const transmit = (byte: number): void => note(`tx ${byte}`);
    const uart = new Uart({ name: 'uart0' }, clock, wire('irq4', note), transmit);
    return {
      parts: [part(uart)],
      ranges: [bytes(uart.ports, 8)],
      inputs: [(n) => uart.receive(n & 255), () => uart.receiveBreak(), (n) => uart.setModemInputs(n & 255)],
    };
  },
  i8042(_clock, note) {
    const [keyboard, mouse] = [new Ps2Keyboard(), new Ps2Mouse()];
    const i8042 = new I8042(keyboard, mouse, {
      keyboard: wire('irq1', note),
      auxiliary: wire('irq12', note),
      a20: wire('a20', note),
      reset: () => note('reset'),
    });
    const keys = ['KeyA', 'ArrowUp', 'Pause', 'PrintScreen', 'F7', 'NoSuchKey', 'toString'];
    return {
      parts: [part(i8042), part(keyboard), part(mouse)],
      ranges: [bytes(i8042.dataPort, 1), bytes(i8042.commandPort, 1)],
      inputs: [
        (n) => keyboard.key(keys[n % keys.length]!, (n & 64) !== 0),
        (n) => mouse.move((n % 700) - 350, (n % 300) - 150, (n % 20) - 10, n & 7),
      ],
    };
  },
  port92(_clock, note) {
    const port = new Port92(wire('a20', note), () => note('reset'));
    return { parts: [part(port)], ranges: [bytes(port.port, 1)], inputs: [] };
  },
  apic(clock, note) {
    const lapic: Lapic = new Lapic({ id: 0, physicalAddressBits: 39 }, clock, {
      intr: wire('intr', note),
      nmi: () => note('nmi'),
      smi: () => note('smi'),
      init: () => note('init'),
      startup: (vector) => note(`startup ${vector}`),
      eoi: (vector) => ioapic.endOfInterrupt(vector),
    });
    const ioapic = new IoApic({ id: 1, activeLow: 0xc00 }, (...message) => lapic.receive(...message));
    const msrs = [0x1b, 0x6e0, 0x808, 0x80b, 0x80f, 0x828, 0x830, 0x832, 0x835, 0x838, 0x83e, 0x83f];
    return {
      parts: [part(lapic), part(ioapic)],
      ranges: [
        { target: lapic.mmio, length: 0x400, sizes: [1, 2, 4] },
        { target: ioapic.mmio, length: 0x44, sizes: [1, 2, 4] },
      ],
      inputs: [
        (n) => ioapic.setLine(n % 24, (n & 32) !== 0),
        (n) => lapic.setLint((n & 1) as 0 | 1, (n & 2) !== 0),
        () => lapic.acknowledge(),
        () => lapic.acknowledgeExtInt(),
        (n) => lapic.receive(n & 1 ? 0xff : 0, (n & 2) !== 0, (n >> 8) & 255, (n >> 4) & 7, (n & 4) !== 0),
        (n) => lapic.readMsr(0x800 + (n & 0xff)),
        (n) => lapic.writeMsr(msrs[n % msrs.length]!, BigInt(n >>> 4) & 0x3ffffn),
        (n) => lapic.writeMsr(0x6e0, BigInt(clock.ticks + (n % 3000))),
        (n) => lapic.writeMsr(0x1b, [0xfee00900n, 0xfee00d00n, 0xfee00100n, 0xfee00500n][n & 3]!),
        (n) => (lapic.taskPriority = n & 255),
        (n) => lapic.setTscOffset(BigInt(n & 0xffff)),
        () => ioapic.mmio.write(0, 4, 0x10 + ((clock.ticks >> 3) % 48)),
      ],
    };
  },
  'acpi-pm'(clock, note) {
    const lines = { sci: wire('sci', note), sleep: (type: number): void => note(`sleep ${type}`) };
    const pm = new AcpiPm({ timerBits: 24 }, clock, lines);
    return {
      parts: [part(pm)],
      ranges: [bytes(pm.event, 4), bytes(pm.controlPort, 2), bytes(pm.timer, 4)],
      inputs: [() => pm.pressPowerButton()],
    };
  },
  pci(_clock, note) {
    const resetControl = new ResetControl((hard) => note(`reset ${hard}`));
    const host = new PciHost(resetControl.port);
    host.add(0, 0, new PciFunction(HOST_BRIDGE));
    host.add(1, 0, new PciFunction(ISA_BRIDGE, (offset) => note(`written ${offset}`)));
    return {
      parts: [part(host), part(resetControl)],
      ranges: [bytes(host.ports, 8)],
      inputs: [(n) => host.ports.write(0, 4, 0x80000000 + (n % 0x1000))],
    };
  },
  'fw-cfg'() {
    const fwCfg = new FwCfg();
    fwCfg.addFile('etc/b', Uint8Array.of(4, 5));
    fwCfg.addFile('etc/a', Uint8Array.of(1, 2, 3));
    return { parts: [part(fwCfg)], ranges: [bytes(fwCfg.ports, 12)], inputs: [(n) => fwCfg.ports.write(0, 2, n & 63)] };
  },
  'debug-exit'(_clock, note) {
    const debugExit = new DebugExit((value) => note(`exit ${value}`));
    return { parts: [], ranges: [bytes(debugExit.port, 4)], inputs: [] };
  },
};
