/**
 * Memory operands of ModRM, SIB and displacement, in 16-, 32- and 64-bit addressing.
 * Source: SDM Vol. 2A, 2.1.5 (tables 2-1 to 2-3), 2.2.1.2-2.2.1.6 (REX, RIP-relative).
 */
import type { MemoryOperand } from '../decoded';
import { RIP_BASE } from '../decoded';
import type { Cursor } from './cursor';

const SS = 2;
const SP = 4;
const BP = 5;

/** Base and index of 16-bit addressing by ModRM.rm: BX+SI, BX+DI, BP+SI, BP+DI, SI, DI, BP, BX. */
const BASES_16 = [3, 3, 5, 5, 6, 7, 5, 3];
const INDEXES_16 = [6, 7, 6, 7, -1, -1, -1, -1];

function displacementOf(cursor: Cursor, mod: number, wideBits: 16 | 32): bigint {
  return mod === 0 ? 0n : cursor.signed(mod === 1 ? 8 : wideBits);
}

function memory16(cursor: Cursor, modrm: number, override: number, dataSegment: number): MemoryOperand {
  const mod = modrm >> 6;
  const rm = modrm & 7;
  if (mod === 0 && rm === 6)
    return { segment: dataSegment, base: -1, index: -1, scale: 0, displacement: cursor.signed(16) };
  const base = BASES_16[rm]!;
  return {
    segment: override < 0 && base === BP ? SS : dataSegment,
    base,
    index: INDEXES_16[rm]!,
    scale: 0,
    displacement: displacementOf(cursor, mod, 16),
  };
}

/**
 * Reads what follows `modrm` (mod is not 3). `override` is the segment override in force or -1, `dataSegment` that or
 * DS; `rex` the REX byte or 0; `long` 64-bit mode, where disp32 alone is relative to RIP.
 */
export function memoryOperand(
  cursor: Cursor,
  modrm: number,
  addressSize: 16 | 32 | 64,
  rex: number,
  long: boolean,
  override: number,
  dataSegment: number,
): MemoryOperand {
  if (addressSize === 16) return memory16(cursor, modrm, override, dataSegment);
  const mod = modrm >> 6;
  let base = modrm & 7;
  let index = -1;
  let scale = 0;
  if (base === 4) {
    const sib = cursor.unsigned8();
    base = sib & 7;
    index = ((sib >> 3) & 7) | ((rex & 2) << 2);
    if (index === SP) index = -1;
    else scale = sib >> 6;
    if (mod === 0 && base === 5)
      return { segment: dataSegment, base: -1, index, scale, displacement: cursor.signed(32) };
  } else if (mod === 0 && base === 5) {
    return { segment: dataSegment, base: long ? RIP_BASE : -1, index, scale, displacement: cursor.signed(32) };
  }
  base |= (rex & 1) << 3;
  return {
    segment: override < 0 && (base === SP || base === BP) ? SS : dataSegment,
    base,
    index,
    scale,
    displacement: displacementOf(cursor, mod, 32),
  };
}
