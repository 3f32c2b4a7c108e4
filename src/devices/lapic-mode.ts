/** The local APIC's modes, the legal changes between them, and which messages are addressed to it (SDM Vol. 3A, 11.6.2, 11.12). */

/** The EN and EXTD bits of IA32_APIC_BASE as a number: EN * 2 + EXTD. */
export const enum LapicMode {
  DISABLED = 0,
  XAPIC = 2,
  X2APIC = 3,
}

/** Bits of IA32_APIC_BASE below the address that are not reserved: BSP, EXTD, EN. */
const FLAGS = 0xd00n;

/** Whether IA32_APIC_BASE may be written with `value` in `mode`: no reserved bits, no illegal transition (figure 11-27). */
export function changesMode(mode: LapicMode, value: bigint, physicalAddressBits: number): boolean {
  if ((value & 0xfffn & ~FLAGS) !== 0n || value >> BigInt(physicalAddressBits) !== 0n) return false;
  const next = Number((value >> 10n) & 3n);
  // EXTD without EN does not exist.
  if (next === 1) return false;
  if (mode === LapicMode.DISABLED) return next !== LapicMode.X2APIC;
  return mode !== LapicMode.X2APIC || next !== LapicMode.XAPIC;
}

/** Whether a message to `destination` is for the APIC with this `id`, LDR and DFR (broadcasts are the caller's). */
export function acceptsDestination(
  mode: LapicMode,
  id: number,
  ldr: number,
  dfr: number,
  destination: number,
  logical: boolean,
): boolean {
  if (!logical) return destination === id;
  if (mode === LapicMode.X2APIC) {
    const bit = 1 << (id & 15);
    return destination === 0xffffffff || (destination >>> 16 === id >>> 4 && (destination & bit) !== 0);
  }
  if (destination === 0xff) return true;
  const own = ldr >>> 24;
  if (dfr >>> 28 === 0xf) return (destination & own) !== 0;
  // Cluster model: the upper half names the cluster, the lower half its members.
  return dfr >>> 28 === 0 && destination >> 4 === own >> 4 && (destination & own & 15) !== 0;
}
