/**
 * The board's map, read top to bottom: guest-physical addresses, then I/O ports, then interrupt lines.
 *
 * | guest-physical            | what                                                                         |
 * |---------------------------|------------------------------------------------------------------------------|
 * | 0x00000000-0x0009FBFF     | RAM                                                                          |
 * | 0x0009FC00-0x0009FFFF     | RAM, reserved in E820: where PCs keep the extended BIOS data area            |
 * | 0x000A0000-0x000DFFFF     | nothing: no VGA, no option ROMs. Reads give all ones, writes vanish          |
 * | 0x000E0000-0x000FFFFF     | RAM, reserved in E820: the ACPI tables (a PC's BIOS area)                    |
 * | 0x00100000-top of RAM     | RAM; its top is the amount of RAM: the holes above hide RAM, they move none  |
 * | 0xC0000000-0xFEBFFFFF     | PCI memory window                                                            |
 * | 0xFEC00000-0xFEC00FFF     | I/O APIC                                                                     |
 * | 0xFEE00000-0xFEE00FFF     | local APIC                                                                   |
 *
 * Sources: the PC/AT's port map as the chips' data sheets (8259A, 8254, MC146818, 8042, 16550) and the PIIX4 data sheet
 * give it; PCI 3.0, 3.2.2.3.2 (CONFIG_ADDRESS); ACPI 6.5, 15 (E820 types) and 4.8 (fixed hardware); SDM Vol. 3A, 11.4
 * (local APIC base).
 *
 * NOT IMPLEMENTED: RAM above 4 GiB, VGA, option ROMs, HPET, PCI memory-mapped configuration (MCFG).
 */
import { UserError } from '../common/errors';

/** A range of addresses: bytes [start, start + length). */
export interface AddressRange {
  /** First address. */
  readonly start: number;
  /** Length in bytes. */
  readonly length: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

// --- Guest-physical memory ------------------------------------------------------------------------------------------

/** The least RAM, in bytes, that the board takes. */
export const MIN_RAM = 2 * MIB;
/** The most RAM, in bytes: where the PCI window begins. */
export const MAX_RAM = 0xc0000000;
/** The end (exclusive) of the RAM below 1 MiB that E820 calls usable. */
export const LOW_RAM_END = 0x9fc00;
/** Not RAM though below the top of RAM: the CPU's accesses here go to the bus, where nothing answers. */
export const LOW_HOLE: AddressRange = { start: 0xa0000, length: 0x40000 };
/** The part of the hole where option ROMs would be: this board has none and puts no device there. */
export const OPTION_ROMS: AddressRange = { start: 0xc0000, length: 0x20000 };
/** RAM reserved for the ACPI tables, where every kernel's search for the RSDP looks. */
export const FIRMWARE_AREA: AddressRange = { start: 0xe0000, length: 0x20000 };
/** Where the RAM above the first megabyte begins. */
export const HIGH_RAM_START = 0x100000;
/** The window for memory BARs, as the host bridge's _CRS gives it. */
export const PCI_MEMORY: AddressRange = { start: MAX_RAM, length: 0xfec00000 - MAX_RAM };
/** The I/O APIC's registers (IOREGSEL, IOWIN). */
export const IO_APIC: AddressRange = { start: 0xfec00000, length: 0x1000 };
/** The local APIC's registers after reset, before IA32_APIC_BASE is written. */
export const LOCAL_APIC: AddressRange = { start: 0xfee00000, length: 0x1000 };

// --- I/O ports ------------------------------------------------------------------------------------------------------

/** Every port range of the board. Ranges may lie one inside the other (`resetControl` in `pciConfig`). */
export const PORTS = {
  /** 8259A, master. */
  picMaster: { start: 0x20, length: 2 },
  /** 8254 counters and control word. */
  pit: { start: 0x40, length: 4 },
  /** 8042 data. */
  i8042Data: { start: 0x60, length: 1 },
  /** NMI status and control: counter 2's gate and output, refresh toggle. */
  systemControlB: { start: 0x61, length: 1 },
  /** 8042 status and command. */
  i8042Command: { start: 0x64, length: 1 },
  /** MC146818 index and data. */
  rtc: { start: 0x70, length: 2 },
  /** A20 gate and fast reset. */
  systemControlA: { start: 0x92, length: 1 },
  /** 8259A, slave. */
  picSlave: { start: 0xa0, length: 2 },
  /** isa-debug-exit: a write ends the machine. */
  debugExit: { start: 0xf4, length: 4 },
  /** 16550A, COM1. */
  uart0: { start: 0x3f8, length: 8 },
  /** Edge/level control registers of both 8259As. */
  elcr: { start: 0x4d0, length: 2 },
  /** fw_cfg selector, data and DMA address. */
  fwCfg: { start: 0x510, length: 12 },
  /** PM1a_STS and PM1a_EN, 2 bytes each. */
  pm1aEvent: { start: 0x600, length: 4 },
  /** PM1a_CNT. */
  pm1aControl: { start: 0x604, length: 2 },
  /** The 3.579545 MHz timer, 4 bytes. */
  pmTimer: { start: 0x608, length: 4 },
  /** CONFIG_ADDRESS (4-byte accesses) and CONFIG_DATA. */
  pciConfig: { start: 0xcf8, length: 8 },
  /** Reset control: a 1-byte register inside `pciConfig`, told apart by its width (PIIX3 2.5.5). */
  resetControl: { start: 0xcf9, length: 1 },
} as const satisfies Record<string, AddressRange>;

/** What the FADT tells the guest to write to `PORTS.resetControl`: system reset of the CPU, hard. */
export const RESET_VALUE = 0x06;
/**
 * SLP_TYPa of the \_S5 package: what the guest writes to PM1a_CNT bits 12:10, with SLP_EN, to power off. As on the
 * PIIX4, so that small kernels that write 0x2000 to port 0x604 without reading the DSDT power off too.
 */
export const SLEEP_TYPE_S5 = 0;

// --- Interrupts -----------------------------------------------------------------------------------------------------

/** ISA interrupt requests, by number of the 8259A pair's input. */
export const IRQ = { timer: 0, keyboard: 1, cascade: 2, uart0: 4, rtc: 8, sci: 9, mouse: 12 } as const;
/** The local APIC's ID of the only processor. */
export const BOOT_APIC_ID = 0;
/** The I/O APIC's ID. */
export const IO_APIC_ID = 1;
/** The GSI of ISA IRQ 0; every other IRQ's GSI is its own number. GSI 0 is not connected. */
export const TIMER_GSI = 2;
/**
 * The GSI of PCI INTA#-INTD# of device 0, in that order; device `d`'s pin `p` uses entry (d + p) mod 4. They are ISA
 * IRQs with no other user, so that they reach the 8259As as well: one wiring for kernels with and without the I/O APIC.
 */
export const PCI_INTX_GSI = [10, 11, 10, 11] as const;

/** The GSI that an ISA IRQ (0-15) reaches on the I/O APIC. */
export function gsiOfIrq(irq: number): number {
  return irq === IRQ.timer ? TIMER_GSI : irq;
}

// --- E820 -----------------------------------------------------------------------------------------------------------

/** Address range types of ACPI 6.5, table 15.1; the board's map needs these two. */
export const E820_RAM = 1;
/** Not to be used by the operating system. */
export const E820_RESERVED = 2;

/** One entry of the memory map that kernels get. */
export interface E820Entry extends AddressRange {
  readonly type: typeof E820_RAM | typeof E820_RESERVED;
}

/** The memory map of a board with `ramBytes` bytes of RAM (checked by `requireRamSize`), ascending, no overlaps. */
export function e820(ramBytes: number): readonly E820Entry[] {
  return [
    { start: 0, length: LOW_RAM_END, type: E820_RAM },
    { start: LOW_RAM_END, length: LOW_HOLE.start - LOW_RAM_END, type: E820_RESERVED },
    { ...FIRMWARE_AREA, type: E820_RESERVED },
    { start: HIGH_RAM_START, length: ramBytes - HIGH_RAM_START, type: E820_RAM },
  ];
}

/** Throws a `UserError` unless `ramBytes` is an amount of RAM that the board can have: 2 MiB to 3 GiB in 4 KiB pages. */
export function requireRamSize(ramBytes: number): void {
  if (!Number.isInteger(ramBytes) || ramBytes < MIN_RAM || ramBytes % (4 * KIB) !== 0)
    throw new UserError('memory/size', 'The memory must be at least 2M and a multiple of 4K: try 256M.');
  if (ramBytes > MAX_RAM)
    throw new UserError('memory/too-large', 'The machine takes at most 3G of memory: ask for 3G or less.');
}
