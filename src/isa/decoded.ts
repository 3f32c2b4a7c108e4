/** What the decoder says of one instruction; plain data that engine, disassembler and exit logic share. */
import type { Form } from './form';
import type { Instruction } from './define';
import type { Bits } from './semantics';

/** A memory operand before its registers are read. */
export interface MemoryOperand {
  /** Segment number after overrides and defaults (SS for rBP/rSP bases). In 64-bit mode only FS and GS matter. */
  readonly segment: number;
  /** General register number, or -1. `RIP` (64) for RIP-relative. */
  readonly base: number;
  /** General register number, or -1. */
  readonly index: number;
  /** log2 of the index's factor. */
  readonly scale: number;
  /** Sign-extended displacement; a full unsigned 64-bit offset for moffs. */
  readonly displacement: bigint;
}

/** Base register number that stands for RIP of the next instruction. */
export const RIP_BASE = 64;

/** Operand values, parallel to the form's operands. */
export type OperandValue =
  /** Register number; 8-bit AH, CH, DH, BH are 16-19. */
  | { readonly kind: 'register'; readonly number: number }
  | { readonly kind: 'memory'; readonly memory: MemoryOperand }
  /** As encoded: sign-extended unless the form says otherwise. */
  | { readonly kind: 'immediate'; readonly value: bigint }
  /** Displacement from the next instruction. */
  | { readonly kind: 'relative'; readonly value: bigint }
  | { readonly kind: 'far'; readonly selector: number; readonly offset: number }
  | { readonly kind: 'condition'; readonly code: number }
  | { readonly kind: 'one' };

export interface Decoded {
  readonly instruction: Instruction;
  readonly form: Form;
  /** Length in bytes, 1-15. */
  readonly length: number;
  /** Operand size in bits: 8 for byte forms. */
  readonly size: Bits;
  /** 16, 32 or 64. */
  readonly addressSize: 16 | 32 | 64;
  readonly operands: readonly OperandValue[];
  /** Default data segment after overrides (for string and implicit operands). */
  readonly dataSegment: number;
  readonly lock: boolean;
  /** Repeat prefix in force for the instruction: 0, 0xf3 or 0xf2. */
  readonly repeat: 0 | 0xf2 | 0xf3;
  /** ModRM chose memory. */
  readonly memory: boolean;
}

/** What can go wrong: an undefined encoding, more than 15 bytes (#GP), or bytes missing at the end of the input. */
export type DecodeFailure = { readonly failure: 'undefined' | 'too long' | 'truncated'; readonly length: number };

/** Size of the code segment: CS.D and CS.L. */
export type CodeBits = 16 | 32 | 64;
