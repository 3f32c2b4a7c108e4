/**
 * The memory type range registers as firmware leaves them: RAM write-back, the hole below 1 MiB and everything from the
 * PCI window up uncacheable, the firmware's own area write-protected. Kernels read them; nothing here caches.
 *
 * Source: SDM Vol. 3A 11.11.1 (MTRRcap), 11.11.2 (default type, fixed and variable ranges), 11.11.3 (mask arithmetic).
 */
import { MSR } from '../cpu/msr-numbers';
import { PHYSICAL_BITS } from '../cpu/paging/ept-walker';
import { FIRMWARE_AREA, LOW_HOLE, PCI_MEMORY } from './layout';

const UNCACHEABLE = 0n;
const WRITE_PROTECTED = 5n;
const WRITE_BACK = 6n;
/** IA32_MTRR_DEF_TYPE: MTRRs enabled, fixed ranges enabled. */
const ENABLED = 0xc00n;
/** IA32_MTRR_PHYSMASKn: the pair is valid. */
const VALID = 0x800n;
const FOUR_GIB = 0x100000000;

const KIB = 1024;
/** Fixed-range MTRRs: number, first address, bytes of each of its eight ranges. */
const FIXED: readonly (readonly [number, number, number])[] = [
  [MSR.MTRR_FIX64K_00000, 0, 64 * KIB],
  [MSR.MTRR_FIX16K_80000, 0x80000, 16 * KIB],
  [MSR.MTRR_FIX16K_A0000, 0xa0000, 16 * KIB],
  ...Array.from({ length: 8 }, (_, i) => [MSR.MTRR_FIX4K_C0000 + i, 0xc0000 + i * 0x8000, 4 * KIB] as const),
];

/** The type of the range that begins at `address`, below 1 MiB. */
function lowType(address: number): bigint {
  const lies = ({ start, length }: { start: number; length: number }): boolean =>
    address >= start && address < start + length;
  if (lies(LOW_HOLE)) return UNCACHEABLE;
  return lies(FIRMWARE_AREA) ? WRITE_PROTECTED : WRITE_BACK;
}

/** The MTRRs that firmware writes, by number, in the order of writing: the ranges first, then what enables them. */
export function firmwareMemoryTypes(): readonly (readonly [msr: number, value: bigint])[] {
  const fixed = FIXED.map(([msr, start, size]): readonly [number, bigint] => {
    let value = 0n;
    for (let i = 7; i >= 0; i--) value = (value << 8n) | lowType(start + i * size);
    return [msr, value];
  });
  // One pair reaches from the PCI window to 4 GiB, a power of two: every device lies in it.
  const mask = ((1n << BigInt(PHYSICAL_BITS)) - 1n) & ~BigInt(FOUR_GIB - PCI_MEMORY.start - 1);
  return [
    ...fixed,
    [MSR.MTRR_PHYSBASE0, BigInt(PCI_MEMORY.start) | UNCACHEABLE],
    [MSR.MTRR_PHYSBASE0 + 1, mask | VALID],
    [MSR.MTRR_DEF_TYPE, ENABLED | WRITE_BACK],
  ];
}
