/**
 * Whether translations survive a VMX transition. The processor's TLB is not tagged; with a native host nothing is
 * translated in root operation, so that a guest entered with the paging state that it left with keeps its own.
 */
import { SEGMENT_BYTES, STATE } from '../layout';
import type { VmxCore } from './vmx-core';

const WORDS = Int32Array.from([
  ...[STATE.cr0, STATE.cr3, STATE.cr3 + 4, STATE.cr4, STATE.efer, STATE.eptRoot, STATE.eptDirty],
  // Fetches depend on the code segment's base and limit.
  ...[STATE.segments + SEGMENT_BYTES, STATE.segments + SEGMENT_BYTES + 4, STATE.segments + SEGMENT_BYTES + 8],
  ...Array.from({ length: 8 }, (_, i) => STATE.pdpte + i * 4),
]).map((offset) => offset >> 2);

/** Remembers the paging state of the last guest. */
export class TranslationRegime {
  private readonly last = new Uint32Array(WORDS.length);
  private isKnown = false;

  constructor(private readonly core: VmxCore) {}

  /** To be called before guest state is replaced at a VM exit: says whether translations must go now. */
  leave(): boolean {
    if (!this.core.nativeHost) return true;
    const words = this.core.processor.state.u32;
    for (let i = 0; i < WORDS.length; i++) this.last[i] = words[WORDS[i]!]!;
    this.isKnown = true;
    return false;
  }

  /** To be called with guest state loaded at VM entry: says whether translations must go now. */
  enter(): boolean {
    if (!this.core.nativeHost || !this.isKnown) return true;
    const words = this.core.processor.state.u32;
    for (let i = 0; i < WORDS.length; i++) if (this.last[i] !== words[WORDS[i]!]) return true;
    return false;
  }

  /** Makes the next VM entry flush. */
  forget(): void {
    this.isKnown = false;
  }
}
