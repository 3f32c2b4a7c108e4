/** What guest-physical memory holds, from the board's map (`machine/layout.ts`). */
import { LapicMode } from '../../devices/lapic-mode';
import { e820, E820_RAM, FIRMWARE_AREA, IO_APIC, LOCAL_APIC, LOW_HOLE, PCI_MEMORY } from '../../machine/layout';
import type { AddressRange } from '../../machine/layout';
import { PHYSICAL_BITS } from '../../cpu/paging/ept-walker';
import type { Machine } from '../../machine/machine';
import type { Hex } from '../../protocol/address';
import type { MemoryMapAnswer, MemoryRegion } from '../../protocol/mappings';
import { eptBlocks } from './ept-blocks';

const hex = (value: number): Hex => `0x${value.toString(16)}`;

function region({ start, length }: AddressRange, kind: MemoryRegion['kind'], name: string): MemoryRegion {
  return { start: hex(start), end: hex(start + length), kind, name };
}

function between(start: number, end: number, name: string): MemoryRegion[] {
  return end > start ? [region({ start, length: end - start }, 'none', name)] : [];
}

const endOf = ({ start, length }: AddressRange): number => start + length;

/** Every region in ascending order, without gaps, up to the end of physical addresses. */
export function memoryMapAnswer(machine: Machine): MemoryMapAnswer {
  const { board } = machine;
  const ept = eptBlocks(machine);
  const ram = e820(board.ramBytes).flatMap(({ type, ...range }): MemoryRegion[] => {
    if (type === E820_RAM) return [region(range, 'RAM', 'RAM')];
    if (range.start === FIRMWARE_AREA.start) return [region(range, 'firmware', 'ACPI tables')];
    return [region(range, 'RAM', 'RAM, reserved: extended BIOS data area')];
  });
  const hole = region(LOW_HOLE, 'none', 'no VGA, no option ROMs');
  const answers = board.lapic.apicMode === LapicMode.XAPIC;
  const lapic = answers
    ? region(LOCAL_APIC, 'device', 'Local APIC')
    : region(LOCAL_APIC, 'none', 'Local APIC, not in xAPIC mode');
  const low = ram.filter(({ end }) => Number(end) <= LOW_HOLE.start);
  return {
    regions: [
      ...low,
      hole,
      ...ram.slice(low.length),
      ...between(board.ramBytes, PCI_MEMORY.start, 'above the RAM'),
      region(PCI_MEMORY, 'none', 'PCI memory window, no device in it'),
      region(IO_APIC, 'device', 'I/O APIC'),
      ...between(endOf(IO_APIC), LOCAL_APIC.start, 'nothing'),
      lapic,
      ...between(endOf(LOCAL_APIC), 2 ** PHYSICAL_BITS, 'nothing'),
    ],
    ...(ept && { ept }),
  };
}
