/**
 * Whether translations survive a VMX transition. The processor's TLB is not tagged; with a native host nothing is
 * translated in root operation, so that a guest entered with the paging state that it left with keeps its own.
 */
import { PAGING, SEGMENT_BYTES, STATE } from '../layout';
import type { VmxCore } from './vmx-core';

const inWords = (offsets: readonly number[]): Int32Array => Int32Array.from(offsets, (offset) => offset >> 2);

const CODE = STATE.segments + SEGMENT_BYTES;
const WORDS = inWords([
  ...[STATE.cr0, STATE.cr3, STATE.cr3 + 4, STATE.cr4, STATE.efer, STATE.eptRoot, STATE.eptDirty],
  // Fetches depend on the code segment's base and limit.
  ...[CODE, CODE + 4, CODE + 8],
]);
/** `PAGING.modeMask` in PAE paging. */
const PAE_PAGING = 2;
/** The PDPTEs, which count in PAE paging alone. */
const PAE_WORDS = inWords(Array.from({ length: 8 }, (_, i) => STATE.pdpte + i * 4));

/** Remembers the paging state of the last guest. */
export class TranslationRegime {
  private readonly last = new Uint32Array(WORDS.length);
  private readonly lastPae = new Uint32Array(PAE_WORDS.length);
  private usesPae = false;
  private isKnown = false;

  constructor(private readonly core: VmxCore) {}

  /** To be called before guest state is replaced at a VM exit: says whether translations must go now. */
  leave(): boolean {
    if (!this.core.nativeHost) return true;
    const { state } = this.core.processor;
    copy(state.u32, WORDS, this.last);
    this.usesPae = (state.word(STATE.paging) & PAGING.modeMask) === PAE_PAGING;
    if (this.usesPae) copy(state.u32, PAE_WORDS, this.lastPae);
    this.isKnown = true;
    return false;
  }

  /** To be called with guest state loaded at VM entry: says whether translations must go now. */
  enter(): boolean {
    if (!this.core.nativeHost || !this.isKnown) return true;
    const words = this.core.processor.state.u32;
    // With equal control registers the paging mode is that of the last guest.
    return differ(words, WORDS, this.last) || (this.usesPae && differ(words, PAE_WORDS, this.lastPae));
  }

  /** Makes the next VM entry flush. */
  forget(): void {
    this.isKnown = false;
  }
}

function copy(words: Uint32Array, from: Int32Array, to: Uint32Array): void {
  for (let i = 0; i < from.length; i++) to[i] = words[from[i]!]!;
}

function differ(words: Uint32Array, from: Int32Array, last: Uint32Array): boolean {
  for (let i = 0; i < from.length; i++) if (last[i] !== words[from[i]!]) return true;
  return false;
}
