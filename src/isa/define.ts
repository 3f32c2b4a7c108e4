/**
 * Instruction records: the encodings and the one meaning of each instruction. Interpreter, compiler, disassembler and
 * test assembler are folds over these records.
 */
import type { Form } from './form';
import type { Operand, Semantics } from './semantics';
import type { ExitCheck } from './exits';

/** CPUID feature that brings the instruction; without it the encoding raises #UD. */
export type Feature =
  | 'FPU'
  | 'MMX'
  | 'SSE'
  | 'SSE2'
  | 'SSE3'
  | 'SSSE3'
  | 'SSE4_1'
  | 'SSE4_2'
  | 'POPCNT'
  | 'MOVBE'
  | 'XSAVE'
  | 'RDTSCP'
  | 'RDRAND'
  | 'RDSEED'
  | 'FSGSBASE'
  | 'INVPCID'
  | 'MONITOR'
  | 'VMX'
  | 'CX16'
  | 'FXSR'
  | 'SMAP'
  | 'CLFSH'
  | 'SEP'
  | 'LONG';

export interface InstructionOptions {
  readonly forms: readonly Form[];
  /** LOCK is legal with a memory destination. */
  readonly lock?: boolean;
  /** CPL that is needed at most, else #GP(0). In virtual-8086 mode CPL is 3. */
  readonly privilege?: 0;
  /** #UD outside protected mode (real and virtual-8086 mode). */
  readonly protectedOnly?: boolean;
  /** A VM exit that the instruction causes in VMX non-root operation when the controls say so; asked before it acts. */
  readonly exit?: ExitCheck;
  /** Meaning of F2/F3: `count` repeats until rCX is 0; `zero` stops on ZF too (REPE/REPNE). Else they are ignored. */
  readonly repeat?: 'count' | 'zero';
  /** Iterations that may be done at once where that equals the loop: a forward copy, or a fill from the accumulator. */
  readonly bulk?: 'copy' | 'fill';
  /** The instruction may change how or where the next one is decoded, or must be followed by a check for events. */
  readonly endsBlock?: boolean;
  /** A near transfer that is always taken: the instruction behind is not the next one. */
  readonly goesElsewhere?: boolean;
  readonly feature?: Feature;
}

/** The meaning: runs once per form, operand size and operand kind, and emits WebAssembly through `m`. */
export type Meaning = (m: Semantics, operands: readonly Operand[]) => void;

export interface Instruction extends InstructionOptions {
  /** Mnemonic as the SDM writes it; `{cc}` stands for the condition. */
  readonly name: string;
  readonly meaning: Meaning;
}

/** Makes a record. Records are listed in `records/index.ts`. All have all fields, so that V8 reads them fast. */
export function define(name: string, options: InstructionOptions, meaning: Meaning): Instruction {
  const { forms, lock, privilege, protectedOnly, exit, repeat, bulk, endsBlock, goesElsewhere, feature } = options;
  const given = { forms, lock, privilege, protectedOnly, exit, repeat, bulk, endsBlock, goesElsewhere, feature };
  return { name, ...given, meaning };
}
