/**
 * The VM-exit instruction-information field: one layout per group of instructions. Source: SDM Vol. 3C 28.2.5 and its
 * tables. Bits that the SDM leaves undefined are 0.
 */
import { BitLayout } from './bit-layout';

const MEMORY = {
  scaling: [1, 0],
  addressSize: [9, 7],
  segment: [17, 15],
  index: [21, 18],
  indexInvalid: [22, 22],
  base: [26, 23],
  baseInvalid: [27, 27],
} as const;

/** INS and OUTS (Table 28-9); the segment is defined for OUTS only. */
export const stringIoInformation = new BitLayout({ addressSize: [9, 7], segment: [17, 15] });

/** INVEPT, INVPCID, INVVPID (Table 28-10). */
export const invalidateInformation = new BitLayout({ ...MEMORY, register2: [31, 28] });

/** LIDT, LGDT, SIDT, SGDT (Table 28-11). */
export const descriptorTableInformation = new BitLayout({ ...MEMORY, operandSize32: [11, 11], identity: [29, 28] });
/** `identity` of the above. */
export const DESCRIPTOR_TABLE_IDENTITY = { SGDT: 0, SIDT: 1, LGDT: 2, LIDT: 3 } as const;

/** LLDT, LTR, SLDT, STR (Table 28-12). */
export const taskRegisterInformation = new BitLayout({
  ...MEMORY,
  register1: [6, 3],
  isRegister: [10, 10],
  identity: [29, 28],
});
/** `identity` of the above. */
export const TASK_REGISTER_IDENTITY = { SLDT: 0, STR: 1, LLDT: 2, LTR: 3 } as const;

/** RDRAND, RDSEED (Table 28-13): `operandSize` is 0, 1, 2 for 16, 32, 64 bits. */
export const randomInformation = new BitLayout({ register1: [6, 3], operandSize: [12, 11] });

/** VMCLEAR, VMPTRLD, VMPTRST, VMXON (Table 28-14). */
export const vmcsPointerInformation = new BitLayout(MEMORY);

/** VMREAD, VMWRITE (Table 28-15): `register2` holds the encoding, `register1` the value if `isRegister`. */
export const vmreadInformation = new BitLayout({
  ...MEMORY,
  register1: [6, 3],
  isRegister: [10, 10],
  register2: [31, 28],
});

/** A memory operand as the instruction encoded it. */
export interface MemoryOperand {
  /** 1, 2, 4 or 8; 1 without an index. */
  readonly scale: 1 | 2 | 4 | 8;
  /** Address size in bits. */
  readonly addressSize: 16 | 32 | 64;
  /** 0 to 5: ES, CS, SS, DS, FS, GS. */
  readonly segment: number;
  /** General-purpose register number. */
  readonly index?: number;
  /** General-purpose register number. */
  readonly base?: number;
}

/** The layouts' fields that describe a memory operand, for their `encode`. */
export function memoryOperandFields(operand: MemoryOperand): {
  scaling: number;
  addressSize: number;
  segment: number;
  index: number;
  indexInvalid: number;
  base: number;
  baseInvalid: number;
} {
  return {
    scaling: operand.index === undefined ? 0 : Math.log2(operand.scale),
    addressSize: addressSizeCode(operand.addressSize),
    segment: operand.segment,
    index: operand.index ?? 0,
    indexInvalid: operand.index === undefined ? 1 : 0,
    base: operand.base ?? 0,
    baseInvalid: operand.base === undefined ? 1 : 0,
  };
}

/** The code of an address size: 0, 1, 2 for 16, 32, 64 bits. */
export function addressSizeCode(bits: 16 | 32 | 64): number {
  return bits === 16 ? 0 : bits === 32 ? 1 : 2;
}
