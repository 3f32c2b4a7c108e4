/**
 * The test assembler's memory operands: ModRM.mod and rm, SIB and displacement for a memory operand.
 * Source: SDM Vol. 2A, 2.1.5 (tables 2-1 to 2-3), 2.2.1.2-2.2.1.6.
 */
import type { MemoryOperand } from '../decoded';
import { RIP_BASE } from '../decoded';

/** What a memory operand puts into an instruction; `rex` holds the X and B bits that it needs. */
export interface AddressBytes {
  readonly mod: number;
  readonly rm: number;
  readonly rex: number;
  readonly tail: readonly number[];
}

const FORMS_16 = ['3,6', '3,7', '5,6', '5,7', '6,-1', '7,-1', '5,-1', '3,-1'];

/** The low `bits` of `value`, little-endian. */
export function littleEndian(value: bigint, bits: number): number[] {
  return Array.from({ length: bits / 8 }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));
}

function fits(value: bigint, bits: number): boolean {
  return BigInt.asIntN(bits, value) === value;
}

/** `mod` and displacement bytes, the shortest that hold `displacement`; some bases have no form without one. */
function displaced(displacement: bigint, wideBits: number, needsDisplacement: boolean): [number, number[]] {
  if (displacement === 0n && !needsDisplacement) return [0, []];
  return fits(displacement, 8) ? [1, littleEndian(displacement, 8)] : [2, littleEndian(displacement, wideBits)];
}

function address16({ base, index, displacement }: MemoryOperand): AddressBytes | undefined {
  if (!fits(displacement, 16)) return undefined;
  if (base < 0 && index < 0) return { mod: 0, rm: 6, rex: 0, tail: littleEndian(displacement, 16) };
  const rm = FORMS_16.indexOf(`${base},${index}`);
  if (rm < 0) return undefined;
  const [mod, tail] = displaced(displacement, 16, rm === 6);
  return { mod, rm, rex: 0, tail };
}

/** The bytes of `memory` at an address size; undefined when that address size cannot express it. */
export function addressBytes(
  memory: MemoryOperand,
  addressSize: 16 | 32 | 64,
  long: boolean,
): AddressBytes | undefined {
  if (addressSize === 16) return address16(memory);
  const { base, index, scale, displacement } = memory;
  if (!fits(displacement, 32) || index === 4) return undefined;
  const wide = littleEndian(displacement, 32);
  const rex = (index >= 8 ? 2 : 0) | (base >= 8 && base < 16 ? 1 : 0);
  if (rex !== 0 && !long) return undefined;
  const indexBits = (scale << 6) | ((index < 0 ? 4 : index & 7) << 3);
  if (base === RIP_BASE) return long && index < 0 ? { mod: 0, rm: 5, rex, tail: wide } : undefined;
  if (base < 0) {
    if (index < 0 && !long) return { mod: 0, rm: 5, rex, tail: wide };
    return { mod: 0, rm: 4, rex, tail: [indexBits | 5, ...wide] };
  }
  const [mod, tail] = displaced(displacement, 32, (base & 7) === 5);
  if (index < 0 && (base & 7) !== 4) return { mod, rm: base & 7, rex, tail };
  return { mod, rm: 4, rex, tail: [indexBits | (base & 7), ...tail] };
}
