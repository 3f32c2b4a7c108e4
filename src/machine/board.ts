/**
 * The board: every device at its place of `layout.ts`, wired to the interrupt controllers. What leaves the machine (the
 * serial line, power-off, reset, a debug exit) goes to `BoardOutputs`.
 *
 * The local APIC starts as a PC's firmware leaves it: enabled, LINT0 taking the 8259As ("virtual wire", MP
 * Specification 3.6.2.2), so that kernels without APIC support get their interrupts.
 */
import { AcpiPm } from '../devices/acpi-pm';
import { DebugExit } from '../devices/debug-exit';
import type { Device, DeviceDescription } from '../devices/device';
import { FwCfg } from '../devices/fw-cfg';
import { I8042 } from '../devices/i8042';
import { IoApic } from '../devices/ioapic';
import { Lapic } from '../devices/lapic';
import { HOST_BRIDGE, ISA_BRIDGE } from '../devices/pci-bridges';
import { PciFunction } from '../devices/pci-config';
import { PciHost } from '../devices/pci-host';
import { PicPair } from '../devices/pic-pair';
import { Pit } from '../devices/pit-8254';
import { Port92 } from '../devices/port-92';
import { PortB } from '../devices/port-b';
import { Ps2Keyboard } from '../devices/ps2-keyboard';
import { Ps2Mouse } from '../devices/ps2-mouse';
import { ResetControl } from '../devices/reset-control';
import { Rtc } from '../devices/rtc-mc146818';
import { Uart } from '../devices/uart-16550';
import { PHYSICAL_BITS } from '../cpu/paging/ept-walker';
import { Bus } from '../memory/bus';
import type { MachineClock } from './clock';
import { BOOT_APIC_ID, gsiOfIrq, IO_APIC, IO_APIC_ID, IRQ, LOCAL_APIC, PORTS, SLEEP_TYPE_S5 } from './layout';

/** What leaves the board. */
export interface BoardOutputs {
  /** A byte left COM1. */
  serial(byte: number): void;
  powerOff(): void;
  reset(): void;
  /** isa-debug-exit was written. */
  debugExit(value: number): void;
  /** The local APIC's interrupt request to the processor changed. */
  interrupt(level: boolean): void;
}

/** What the board is told at power-on. */
export interface BoardConfig {
  /** Start of the RTC, in seconds since 1970 (UTC). */
  readonly rtcSeconds: number;
  /** Bytes of RAM, for the RTC's memory-size bytes. */
  readonly ramBytes: number;
}

/** Snapshot of the board: each device's state by its name. */
export interface BoardState {
  readonly version: 1;
  readonly devices: Readonly<Record<string, { readonly version: number }>>;
  readonly nmi: boolean;
}

/** Whose alarm comes first where several are due at one tick. */
const RANK = { lapic: 0, pit: 1, rtc: 2, uart: 3, pm: 4 } as const;

type AnyDevice = Device<{ readonly version: number }>;

export class Board {
  readonly ports = new Bus();
  readonly mmio = new Bus();
  readonly lapic: Lapic;
  readonly uart: Uart;
  readonly keyboard = new Ps2Keyboard();
  readonly mouse = new Ps2Mouse();
  readonly pm: AcpiPm;
  readonly fwCfg = new FwCfg();
  readonly pic: PicPair;
  readonly ioapic: IoApic;
  private readonly pci: PciHost;
  private readonly devices: ReadonlyMap<string, AnyDevice>;
  private nmiWaits = false;
  private intr = false;

  constructor(
    private readonly config: BoardConfig,
    clock: MachineClock,
    outputs: BoardOutputs,
  ) {
    const lapic = new Lapic({ id: BOOT_APIC_ID, physicalAddressBits: PHYSICAL_BITS }, clock.ranked(RANK.lapic), {
      intr: (level) => {
        this.intr = level;
        outputs.interrupt(level || this.nmiWaits);
      },
      nmi: () => {
        this.nmiWaits = true;
        outputs.interrupt(true);
      },
      smi: () => {}, // no SMM: as a chipset whose SMI# is not connected
      init: () => outputs.reset(),
      startup: () => {}, // ignored by a processor that does not wait for it
      eoi: (vector) => ioapic.endOfInterrupt(vector),
    });
    const ioapic = new IoApic({ id: IO_APIC_ID, activeLow: 0 }, (...message) => lapic.receive(...message));
    const pic = new PicPair((level) => lapic.setLint(0, level));
    const irq =
      (number: number) =>
      (level: boolean): void => {
        pic.setLine(number, level);
        ioapic.setLine(gsiOfIrq(number), level);
      };
    const pit = new Pit(clock.ranked(RANK.pit), irq(IRQ.timer));
    const portB = new PortB(clock, pit);
    const rtc = new Rtc({ startTime: config.rtcSeconds }, clock.ranked(RANK.rtc), irq(IRQ.rtc));
    const uart = new Uart({ name: 'uart0' }, clock.ranked(RANK.uart), irq(IRQ.uart0), (byte) => outputs.serial(byte));
    const reset = (): void => outputs.reset();
    const i8042 = new I8042(this.keyboard, this.mouse, {
      keyboard: irq(IRQ.keyboard),
      auxiliary: irq(IRQ.mouse),
      a20: () => {}, // the gate is always open: nothing wraps at 1 MiB
      reset,
    });
    const port92 = new Port92(() => {}, reset);
    const resetControl = new ResetControl(reset);
    const pm = new AcpiPm({ timerBits: 24 }, clock.ranked(RANK.pm), {
      sci: irq(IRQ.sci),
      sleep: (type) => {
        if (type === SLEEP_TYPE_S5) outputs.powerOff();
      },
    });
    const pci = new PciHost(resetControl.port);
    pci.add(0, 0, new PciFunction(HOST_BRIDGE));
    pci.add(1, 0, new PciFunction(ISA_BRIDGE));
    const debugExit = new DebugExit((value) => outputs.debugExit(value));

    const place = (name: keyof typeof PORTS, target: Parameters<Bus['map']>[2]): void =>
      this.ports.map(PORTS[name].start, PORTS[name].length, target, name);
    place('picMaster', pic.masterPorts);
    place('picSlave', pic.slavePorts);
    place('elcr', pic.elcrPorts);
    place('pit', pit.ports);
    place('systemControlB', portB.port);
    place('rtc', rtc.ports);
    place('i8042Data', i8042.dataPort);
    place('i8042Command', i8042.commandPort);
    place('systemControlA', port92.port);
    place('uart0', uart.ports);
    place('pm1aEvent', pm.event);
    place('pm1aControl', pm.controlPort);
    place('pmTimer', pm.timer);
    place('pciConfig', pci.ports);
    place('debugExit', debugExit.port);
    place('fwCfg', this.fwCfg.ports);
    this.mmio.map(IO_APIC.start, IO_APIC.length, ioapic.mmio, 'ioapic');
    this.mmio.map(LOCAL_APIC.start, LOCAL_APIC.length, lapic.mmio, 'lapic');

    this.lapic = lapic;
    this.pic = pic;
    this.ioapic = ioapic;
    this.pci = pci;
    this.uart = uart;
    this.pm = pm;
    this.devices = new Map<string, AnyDevice>(
      Object.entries({
        pic, ioapic, lapic, pit, portB, rtc, uart, keyboard: this.keyboard, mouse: this.mouse,
        i8042, port92, resetControl, pm, pci, fwCfg: this.fwCfg,
      }),
    ); // prettier-ignore
    this.reset();
  }

  /** Power-on state of every device, as a PC's firmware leaves them. */
  reset(): void {
    this.nmiWaits = false;
    for (const device of this.devices.values()) device.reset();
    // Virtual wire: software-enabled, LINT0 ExtINT, LINT1 NMI.
    this.lapic.mmio.write(0xf0, 4, 0x1ff);
    this.lapic.mmio.write(0x350, 4, 0x700);
    this.lapic.mmio.write(0x360, 4, 0x400);
    this.setMemorySize();
  }

  /** An interrupt waits for the processor (maskable). */
  interruptPending(): boolean {
    return this.intr;
  }

  /** The processor's acknowledge cycle: the vector of the waiting interrupt. */
  acknowledge(): number {
    if (!this.lapic.extIntPending) return this.lapic.acknowledge();
    const vector = this.pic.acknowledge();
    this.lapic.acknowledgeExtInt();
    return vector;
  }

  /** An NMI waits; it is kept. */
  get nmiPending(): boolean {
    return this.nmiWaits;
  }

  /** Takes the waiting NMI: true once for each. */
  takeNmi(): boolean {
    const waited = this.nmiWaits;
    this.nmiWaits = false;
    return waited;
  }

  /** Bytes of RAM. */
  get ramBytes(): number {
    return this.config.ramBytes;
  }

  /** Every device's description of itself, the functions on the PCI bus included. Changes nothing. */
  describe(): DeviceDescription[] {
    return [...[...this.devices.values()].map((device) => device.describe()), ...this.pci.describeFunctions()];
  }

  save(): BoardState {
    const devices = Object.fromEntries([...this.devices].map(([name, device]) => [name, device.save()]));
    return { version: 1, devices, nmi: this.nmiWaits };
  }

  restore(state: BoardState): void {
    for (const [name, device] of this.devices) device.restore(state.devices[name]!);
    this.nmiWaits = state.nmi;
  }

  /** The AT's memory-size bytes: base KiB at 0x15, extended KiB at 0x17 and 0x30, above 16 MiB in 64 KiB at 0x34. */
  private setMemorySize(): void {
    const rtc = this.devices.get('rtc') as unknown as Rtc;
    const extended = Math.min(0xffff, (this.config.ramBytes - 0x100000) / 1024);
    const high = Math.max(0, (this.config.ramBytes - 0x1000000) / 0x10000);
    for (const [index, value] of [
      [0x15, 640],
      [0x17, extended],
      [0x30, extended],
      [0x34, high],
    ] as const) {
      rtc.setCmos(index, value & 0xff);
      rtc.setCmos(index + 1, (value >> 8) & 0xff);
    }
  }
}
