/**
 * ACPI's fixed tables, as functions from addresses to bytes.
 *
 * Source: ACPI 6.5, 5.2.5 (RSDP), 5.2.6 (header), 5.2.7-8 (RSDT, XSDT), 5.2.9 (FADT), 5.2.10 (FACS), 5.2.12 (MADT).
 * NOT IMPLEMENTED: SMM (SMI_CMD = 0: the guest finds ACPI mode on), general-purpose events, sleep and power buttons of
 * the control-method kind, wake from sleep.
 */
import {
  BOOT_APIC_ID,
  IO_APIC,
  IO_APIC_ID,
  IRQ,
  LOCAL_APIC,
  PORTS,
  RESET_VALUE,
  TIMER_GSI,
  type AddressRange,
} from '../layout';
import { Structure } from '../boot/structure';

const HEADER_BYTES = 36;
const OEM_ID = 'VMXRAY';
const OEM_TABLE_ID = 'VMXRAY  ';

/** FADT flags. */
const FADT_FLAGS = {
  /** WBINVD works. */
  wbinvd: 1 << 0,
  /** Every processor has C1 (HLT). */
  c1: 1 << 2,
  /** No sleep button in the fixed registers. */
  noSleepButton: 1 << 5,
  /** No RTC wake status in the fixed registers. */
  noFixedRtc: 1 << 6,
  /** RESET_REG is there. */
  resetRegister: 1 << 10,
} as const;

/** IA-PC boot architecture flags: user-visible ISA devices; an 8042; no VGA to be probed. */
const BOOT_ARCHITECTURE = { legacyDevices: 1 << 0, i8042: 1 << 1, noVga: 1 << 2 } as const;

/** The index of the MC146818's century byte. */
const RTC_CENTURY = 0x32;

/** MPS INTI flags. */
const ACTIVE_HIGH = 0x1;
const LEVEL_TRIGGERED = 0xc;

/** Makes the sum of `bytes` 0 modulo 256 by setting the byte at `offset`, which must be 0 before. */
export function setChecksum(bytes: Uint8Array, offset: number): void {
  bytes[offset] = -bytes.reduce((sum, byte) => sum + byte, 0);
}

/** A system description table: the common header, `body` behind it, the checksum set. */
export function table(signature: string, revision: number, body: Uint8Array): Uint8Array {
  const bytes = new Structure(HEADER_BYTES + body.length)
    .ascii(0, signature)
    .u32(4, HEADER_BYTES + body.length)
    .u8(8, revision)
    .ascii(10, OEM_ID)
    .ascii(16, OEM_TABLE_ID)
    .u32(24, 1)
    .ascii(28, 'VMXR')
    .u32(32, 1)
    .copy(HEADER_BYTES, body).bytes;
  setChecksum(bytes, 9);
  return bytes;
}

/** The root pointer, revision 2, 36 bytes; both checksums set. */
export function rsdp(rsdt: number, xsdt: number): Uint8Array {
  const bytes = new Structure(36).ascii(0, 'RSD PTR ').ascii(9, OEM_ID).u8(15, 2).u32(16, rsdt).u32(20, 36);
  bytes.u64(24, xsdt);
  bytes.u8(8, -bytes.bytes.subarray(0, 20).reduce((sum, byte) => sum + byte, 0));
  setChecksum(bytes.bytes, 32);
  return bytes.bytes;
}

/** RSDT (32-bit pointers, for kernels that know no other) over `tables`. */
export function rsdt(tables: readonly number[]): Uint8Array {
  const body = new Structure(tables.length * 4);
  tables.forEach((address, index) => body.u32(index * 4, address));
  return table('RSDT', 1, body.bytes);
}

/** XSDT (64-bit pointers) over `tables`. */
export function xsdt(tables: readonly number[]): Uint8Array {
  const body = new Structure(tables.length * 8);
  tables.forEach((address, index) => body.u64(index * 8, address));
  return table('XSDT', 1, body.bytes);
}

/** FADT revision 6.5, 276 bytes. */
export function fadt(facs: number, dsdt: number): Uint8Array {
  const body = new Structure(276 - HEADER_BYTES);
  const at = (offset: number): number => offset - HEADER_BYTES;
  const { pm1aEvent, pm1aControl, pmTimer, resetControl } = PORTS;
  body
    .u32(at(36), facs)
    .u32(at(40), dsdt)
    .u16(at(46), IRQ.sci)
    .u32(at(56), pm1aEvent.start)
    .u32(at(64), pm1aControl.start)
    .u32(at(76), pmTimer.start)
    .u8(at(88), pm1aEvent.length)
    .u8(at(89), pm1aControl.length)
    .u8(at(91), pmTimer.length)
    .u16(at(96), 0xffff) // P_LVL2_LAT above 100 us: no C2
    .u16(at(98), 0xffff) // P_LVL3_LAT above 1000 us: no C3
    .u8(at(108), RTC_CENTURY)
    .u16(at(109), BOOT_ARCHITECTURE.legacyDevices | BOOT_ARCHITECTURE.i8042 | BOOT_ARCHITECTURE.noVga)
    .u32(
      at(112),
      FADT_FLAGS.wbinvd | FADT_FLAGS.c1 | FADT_FLAGS.noSleepButton | FADT_FLAGS.noFixedRtc | FADT_FLAGS.resetRegister,
    )
    .copy(at(116), portAddress(resetControl))
    .u8(at(128), RESET_VALUE)
    .u8(at(131), 5) // minor version: 6.5
    .u64(at(132), facs)
    .u64(at(140), dsdt)
    .copy(at(148), portAddress(pm1aEvent))
    .copy(at(172), portAddress(pm1aControl))
    .copy(at(208), portAddress(pmTimer))
    .ascii(at(268), OEM_ID);
  return table('FACP', 6, body.bytes);
}

/** FACS version 2, 64 bytes, no checksum; it must lie at a multiple of 64. */
export function facs(): Uint8Array {
  return new Structure(64).ascii(0, 'FACS').u32(4, 64).u8(32, 2).bytes;
}

/** MADT: one local APIC, one I/O APIC, the IRQs whose GSI or trigger differs from ISA's, NMI on LINT1. */
export function madt(): Uint8Array {
  const localApic = new Structure(8).u8(0, 0).u8(1, 8).u8(2, BOOT_APIC_ID).u8(3, BOOT_APIC_ID).u32(4, 1);
  const ioApic = new Structure(12).u8(0, 1).u8(1, 12).u8(2, IO_APIC_ID).u32(4, IO_APIC.start).u32(8, 0);
  const timer = sourceOverride(IRQ.timer, TIMER_GSI, 0);
  const sci = sourceOverride(IRQ.sci, IRQ.sci, ACTIVE_HIGH | LEVEL_TRIGGERED);
  const allProcessors = 0xff;
  const nmi = new Structure(6).u8(0, 4).u8(1, 6).u8(2, allProcessors).u16(3, 0).u8(5, 1);
  const entries = [localApic, ioApic, timer, sci, nmi];
  const body = new Structure(8 + entries.reduce((sum, { bytes }) => sum + bytes.length, 0));
  const pcCompatible8259As = 1;
  body.u32(0, LOCAL_APIC.start).u32(4, pcCompatible8259As);
  let offset = 8;
  for (const { bytes } of entries) {
    body.copy(offset, bytes);
    offset += bytes.length;
  }
  return table('APIC', 5, body.bytes);
}

function sourceOverride(irq: number, gsi: number, flags: number): Structure {
  return new Structure(10).u8(0, 2).u8(1, 10).u8(2, 0).u8(3, irq).u32(4, gsi).u16(8, flags);
}

/** Generic address structure for ports: the whole register in bits, access size as wide as the register is used. */
function portAddress({ start, length }: AddressRange): Uint8Array {
  const systemIo = 1;
  const accessSize: Readonly<Record<number, number>> = { 1: 1, 2: 2, 4: 3 };
  const access = start === PORTS.pm1aEvent.start ? accessSize[2]! : accessSize[length]!;
  return new Structure(12)
    .u8(0, systemIo)
    .u8(1, length * 8)
    .u8(3, access)
    .u64(4, start).bytes;
}
