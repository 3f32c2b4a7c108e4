/**
 * Where the ACPI tables lie: all in the firmware area 0xE0000-0xFFFFF, the RSDP first. There every kernel's own search
 * finds the RSDP (ACPI 6.5, 5.2.5.1), E820 reserves the whole area anyway, and nothing is taken from the top of RAM. The
 * FACS, which the guest writes to, is in RAM there as everything is.
 */
import { FIRMWARE_AREA } from '../layout';
import type { GuestMemory } from '../boot/guest-memory';
import { assert } from '../../common/assert';
import { definitionBlock } from './dsdt';
import { facs, fadt, madt, rsdp, rsdt, table, xsdt } from './tables';

/** The FACS demands it; the others get it too. */
const ALIGNMENT = 64;
const RSDP_BYTES = 36;

/** Writes all tables into `memory`; gives the RSDP's guest-physical address and bytes. */
export function installAcpi(memory: GuestMemory): { readonly rsdp: number; readonly rsdpBytes: Uint8Array } {
  let next = FIRMWARE_AREA.start + Math.ceil(RSDP_BYTES / ALIGNMENT) * ALIGNMENT;
  const place = (bytes: Uint8Array): number => {
    const start = next;
    next = Math.ceil((start + bytes.length) / ALIGNMENT) * ALIGNMENT;
    assert(next <= FIRMWARE_AREA.start + FIRMWARE_AREA.length, 'the ACPI tables outgrow the firmware area');
    memory.write(start, bytes);
    return start;
  };
  const dsdt = place(table('DSDT', 2, Uint8Array.from(definitionBlock())));
  const tables = [place(fadt(place(facs()), dsdt)), place(madt())];
  const rsdpBytes = rsdp(place(rsdt(tables)), place(xsdt(tables)));
  memory.write(FIRMWARE_AREA.start, rsdpBytes);
  return { rsdp: FIRMWARE_AREA.start, rsdpBytes };
}
