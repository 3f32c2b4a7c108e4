/** Where each device of the board answers and which lines it drives, from the board's map (`layout.ts`). */
import { gsiOfIrq, IO_APIC, IRQ, LOCAL_APIC, PORTS } from './layout';
import type { AddressRange } from './layout';

const hex = (value: number): string => `0x${value.toString(16)}`;
const span = ({ start, length }: AddressRange): string =>
  length === 1 ? hex(start) : `${hex(start)}-${hex(start + length - 1)}`;
const ports = (...names: (keyof typeof PORTS)[]): string[] => names.map((name) => `port ${span(PORTS[name])}`);
const memory = (range: AddressRange): string => `memory ${span(range)}`;
const irq = (name: keyof typeof IRQ): string => {
  const number = IRQ[name];
  const gsi = gsiOfIrq(number);
  return gsi === number ? `IRQ ${number}` : `IRQ ${number} (INTIN${gsi})`;
};

/** By the name that the device gives itself (`DeviceDescription.name`). */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  pic: ports('picMaster', 'picSlave', 'elcr'),
  ioapic: [memory(IO_APIC)],
  lapic: [memory(LOCAL_APIC), 'MSR 0x1b, 0x6e0, 0x800-0x8ff'],
  pit: [...ports('pit'), irq('timer')],
  'port-b': ports('systemControlB'),
  rtc: [...ports('rtc'), irq('rtc')],
  uart0: [...ports('uart0'), irq('uart0')],
  keyboard: ['first port of i8042', irq('keyboard')],
  mouse: ['second port of i8042', irq('mouse')],
  i8042: [...ports('i8042Data', 'i8042Command'), irq('keyboard'), irq('mouse')],
  'port-92': ports('systemControlA'),
  'reset-control': ports('resetControl'),
  'acpi-pm': [...ports('pm1aEvent', 'pm1aControl', 'pmTimer'), irq('sci')],
  pci: ports('pciConfig'),
  'fw-cfg': ports('fwCfg'),
  'pci-host': ['PCI 00:00.0'],
  'pci-isa': ['PCI 00:01.0'],
};

/** Where the device called `name` answers: `port 0x3f8-0x3ff`, `IRQ 4`; empty for a device that the board does not have. */
export function placesOf(name: string): readonly string[] {
  return PLACES[name] ?? [];
}
