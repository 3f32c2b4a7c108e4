/**
 * Words that VM entries and VM exits copy between the VMCS and the processor's state as they are: lists of indices, made
 * once.
 */
import type { Vmcs } from './vmcs';
import type { VmcsField } from './vmcs-layout';

/** A 64-bit or natural-width field and the offset of its 8 bytes in the processor's state. */
export type CopiedField = readonly [field: VmcsField, offset: number];

/** 64-bit values that have a field each. */
export class StateCopy {
  private readonly inVmcs: Int32Array;
  private readonly inState: Int32Array;

  /** `state`: the processor's state as 32-bit words. */
  constructor(
    private readonly state: Uint32Array,
    fields: readonly CopiedField[],
  ) {
    this.inVmcs = Int32Array.from(fields.flatMap(([{ word }]) => [word, word + 1]));
    this.inState = Int32Array.from(fields.flatMap(([, offset]) => [offset >> 2, (offset >> 2) + 1]));
  }

  /** VM entry: from the fields to the processor. */
  load({ words }: Vmcs): void {
    const { state, inVmcs, inState } = this;
    for (let i = 0; i < inVmcs.length; i++) state[inState[i]!] = words[inVmcs[i]!]!;
  }

  /** VM exit: from the processor to the fields. */
  save({ words }: Vmcs): void {
    const { state, inVmcs, inState } = this;
    for (let i = 0; i < inVmcs.length; i++) words[inVmcs[i]!] = state[inState[i]!]!;
  }
}
