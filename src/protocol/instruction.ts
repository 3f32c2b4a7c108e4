/** `vmxray/instruction`: what an instruction is and can do, by its mnemonic; for hovers. */

/** Arguments of `vmxray/instruction`. */
export interface InstructionArguments {
  /** Intel's or AT&T's mnemonic, in any case: `movq`, `JNE`. */
  readonly mnemonic: string;
}

/** One instruction of the processor. */
export interface InstructionFacts {
  /** As the SDM writes it; `{cc}` stands for the condition. */
  readonly name: string;
  /** The CPUID feature that brings it. */
  readonly feature?: string;
  /** Ring 0 only, else #GP(0). */
  readonly privileged: boolean;
  /** LOCK is legal with a memory destination. */
  readonly lock: boolean;
  /** Flags by their names: `CF`. */
  readonly flagsRead: readonly string[];
  readonly flagsWritten: readonly string[];
  readonly readsMemory: boolean;
  readonly writesMemory: boolean;
  readonly mayFault: boolean;
  /** The checks for VM exits before it acts: `CPUID`, `IO`. */
  readonly exits: readonly string[];
}

/** Answer of `vmxray/instruction`; empty for no instruction of this processor. */
export interface InstructionAnswer {
  readonly instructions: readonly InstructionFacts[];
}
