/**
 * Writing device registers as a debugger: by the writes that software would make, with all that follows from them, so that
 * no device comes into a state that a guest could not have brought it into. Index registers that lie on the way, and
 * the UART's DLAB, are put back.
 *
 * NOT IMPLEMENTED: registers of which a write is a command rather than a value (ICR, EOI, OCW2, ICWs, the 8254's control
 * word, what the i8042 is sent), and read-only ones.
 */
import { LapicRegister, LVT_NAMES } from '../../devices/lapic-registers';
import type { Board } from '../../machine/board';
import { IO_APIC, PORTS } from '../../machine/layout';
import type { Machine } from '../../machine/machine';
import { noDeviceRegister, tooWide } from './errors';

/** Writes a value that fits the register. */
type Write = (board: Board, value: bigint) => void;

const port =
  (at: number, bytes: 1 | 2 | 4 = 1): Write =>
  ({ ports }, value) =>
    ports.write(at, bytes, Number(value));

const UART = PORTS.uart0.start;
const LCR = UART + 3;
const DLAB = 0x80;

/** PC16550D 8.3: the first two registers are others while LCR's DLAB is 1. */
function withDlab({ ports }: Board, dlab: boolean, write: () => void): void {
  const before = ports.peek(LCR, 1);
  ports.write(LCR, 1, dlab ? before | DLAB : before & ~DLAB);
  write();
  ports.write(LCR, 1, before);
}

const divisor: Write = (board, value) =>
  withDlab(board, true, () => {
    board.ports.write(UART, 1, Number(value) & 0xff);
    board.ports.write(UART + 1, 1, Number(value) >> 8);
  });

/** MC146818A: port 0x70 selects, port 0x71 is the byte. */
const cmos =
  (index: number): Write =>
  (board, value) => {
    // The index cannot be read by software.
    const rtc = board.describe().find(({ name }) => name === 'rtc');
    const before = rtc?.registers.find(({ name }) => name === 'index')?.value ?? 0n;
    board.ports.write(PORTS.rtc.start, 1, index);
    board.ports.write(PORTS.rtc.start + 1, 1, Number(value));
    board.ports.write(PORTS.rtc.start, 1, Number(before));
  };

/** 82093AA 3.1: IOREGSEL at offset 0 selects, IOWIN at offset 0x10 is the register; entries are two of them. */
const redirection =
  (pin: number): Write =>
  ({ mmio }, value) => {
    const before = mmio.peek(IO_APIC.start, 4);
    for (const half of [0, 1]) {
      mmio.write(IO_APIC.start, 4, 0x10 + 2 * pin + half);
      mmio.write(IO_APIC.start + 0x10, 4, Number(BigInt.asUintN(32, value >> BigInt(32 * half))));
    }
    mmio.write(IO_APIC.start, 4, before);
  };

const apic =
  (number: number): Write =>
  ({ lapic }, value) =>
    lapic.writeRegister(number, Number(value));

/** MC146818A, in the order of their indices. */
const CLOCK = [
  ...['seconds', 'seconds alarm', 'minutes', 'minutes alarm', 'hours', 'hours alarm'],
  ...['day of week', 'date of month', 'month', 'year', 'A', 'B'],
];

const WRITES: Readonly<Record<string, Readonly<Record<string, Write>>>> = {
  uart0: {
    IER: (board, value) => withDlab(board, false, () => board.ports.write(UART + 1, 1, Number(value))),
    FCR: port(UART + 2),
    LCR: port(LCR),
    MCR: port(UART + 4),
    SCR: port(UART + 7),
    divisor,
  },
  pic: {
    'master IMR': port(PORTS.picMaster.start + 1),
    'slave IMR': port(PORTS.picSlave.start + 1),
    'master ELCR': port(PORTS.elcr.start),
    'slave ELCR': port(PORTS.elcr.start + 1),
  },
  'port-b': { NMISC: port(PORTS.systemControlB.start) },
  'port-92': { P92: port(PORTS.systemControlA.start) },
  'acpi-pm': { PM1a_EN: port(PORTS.pm1aEvent.start + 2, 2) },
  'pci-host': { CONFIG_ADDRESS: port(PORTS.pciConfig.start, 4) },
  pci: { CONFIG_ADDRESS: port(PORTS.pciConfig.start, 4) },
  rtc: {
    ...Object.fromEntries(CLOCK.map((name, index) => [name, cmos(index)])),
    index: port(PORTS.rtc.start),
  },
  ioapic: {
    IOREGSEL: ({ mmio }, value) => mmio.write(IO_APIC.start, 4, Number(value)),
    ...Object.fromEntries(Array.from({ length: 24 }, (_, pin) => [`IOREDTBL${pin}`, redirection(pin)])),
  },
  lapic: {
    TPR: apic(LapicRegister.TPR),
    SVR: apic(LapicRegister.SVR),
    ...Object.fromEntries(LVT_NAMES.map((name, index) => [`LVT ${name}`, apic(LapicRegister.LVT_TIMER + index)])),
    'initial count': apic(LapicRegister.INITIAL_COUNT),
    'divide configuration': apic(LapicRegister.DIVIDE),
  },
};

const writeOf = (device: string, register: string): Write | undefined =>
  Object.hasOwn(WRITES, device) && Object.hasOwn(WRITES[device]!, register) ? WRITES[device]![register] : undefined;

/** Whether `writeDeviceRegister` takes this register. */
export const isDeviceWritable = (device: string, register: string): boolean => writeOf(device, register) !== undefined;

/** Writes a device's register. Throws UserErrors: there is none of this name that can be written, or it is narrower. */
export function writeDeviceRegister(machine: Machine, device: string, register: string, value: bigint): void {
  const write = writeOf(device, register);
  const described = machine.describeDevices().find(({ name }) => name === device);
  const found = described?.registers.find(({ name }) => name === register);
  // Until its four initialization words are written, the 8259A takes writes to its mask for one of them.
  const isInit =
    device === 'pic' && /IMR$/.test(register) && described !== undefined && expectsWords(described, register);
  if (!write || !found || isInit) throw noDeviceRegister(device, register);
  if (value < 0n || value >= 1n << BigInt(found.width)) throw tooWide(register, value, found.width);
  write(machine.board, value);
  machine.devicesEdited();
}

function expectsWords(
  { registers }: { readonly registers: readonly { readonly name: string; readonly value: bigint }[] },
  register: string,
): boolean {
  const which = register.replace(/ IMR$/, '');
  return registers.some(({ name, value }) => name === `${which} expected ICW` && value !== 0n);
}
