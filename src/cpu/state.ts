/**
 * The processor's state as TypeScript sees it: typed views over the layout that emitted code uses, so that both work
 * on the same bytes. 64-bit values are unsigned bigints.
 *
 * Source: SDM Vol. 1 ch. 3, Vol. 3A ch. 2.
 */
import { SEGMENT_BYTES, SEGMENT_FIELD, STATE } from './layout';

/** Arithmetic flags of EFLAGS, kept apart from the others in lazy form. */
export const ARITHMETIC_FLAGS = 0x8d5;

/** A segment register with its hidden part. Rights are in the VMCS format (SDM Vol. 3C, 25.4.1). */
export interface Segment {
  readonly selector: number;
  readonly base: bigint;
  /** Limit in bytes. */
  readonly limit: number;
  readonly rights: number;
}

export class ProcessorState {
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly u64: BigUint64Array;
  readonly view: DataView;

  constructor(
    /** The machine's WebAssembly memory; the state lies at the offsets of `STATE`. */
    readonly buffer: ArrayBuffer,
  ) {
    this.u8 = new Uint8Array(buffer, 0, 0x10000);
    this.u32 = new Uint32Array(buffer, 0, 0x4000);
    this.u64 = new BigUint64Array(buffer, 0, 0x2000);
    this.view = new DataView(buffer, 0, 0x10000);
  }

  /** 32-bit word at a state offset (unsigned). */
  word(offset: number): number {
    return this.u32[offset >> 2]!;
  }

  setWord(offset: number, value: number): void {
    this.u32[offset >> 2] = value;
  }

  /** 64-bit word at a state offset (unsigned). */
  quad(offset: number): bigint {
    return this.u64[offset >> 3]!;
  }

  setQuad(offset: number, value: bigint): void {
    this.u64[offset >> 3] = value;
  }

  /** General register 0-15 (RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8...). */
  general(number: number): bigint {
    return this.u64[(STATE.general >> 3) + number]!;
  }

  setGeneral(number: number, value: bigint): void {
    this.u64[(STATE.general >> 3) + number] = value;
  }

  /** Low 32 bits of a general register, unsigned. */
  general32(number: number): number {
    return this.u32[(STATE.general >> 2) + number * 2]!;
  }

  /** Writes a general register as a 32-bit instruction does: zero-extended. */
  setGeneral32(number: number, value: number): void {
    const at = (STATE.general >> 2) + number * 2;
    this.u32[at] = value;
    this.u32[at + 1] = 0;
  }

  get rip(): bigint {
    return this.quad(STATE.rip);
  }

  set rip(value: bigint) {
    this.setQuad(STATE.rip, value);
  }

  /** RFLAGS whole, the arithmetic flags materialised; bit 1 set. */
  get rflags(): number {
    return (this.word(STATE.eflags) & ~ARITHMETIC_FLAGS) | this.arithmeticFlags | 2;
  }

  /** Writes RFLAGS whole. */
  set rflags(value: number) {
    this.setWord(STATE.eflags, ((value & ~ARITHMETIC_FLAGS) | 2) >>> 0);
    this.arithmeticFlags = value;
  }

  /** CF, PF, AF, ZF, SF, OF at their EFLAGS positions, from the lazy form (see `STATE.flagCarries`). */
  get arithmeticFlags(): number {
    const low = this.word(STATE.flagResult);
    const high = this.word(STATE.flagResult + 4);
    const carries = this.word(STATE.flagCarries);
    const top = this.word(STATE.flagCarries + 4);
    let parity = (low ^ (carries >>> 16)) & 0xff;
    parity ^= parity >> 4;
    parity = (0x9669 >> (parity & 15)) & 1;
    const carry = top >>> 31;
    const overflow = carry ^ ((top >>> 30) & 1);
    const sign = (high >>> 31) ^ ((carries >>> 8) & 1);
    const zero = low === 0 && high === 0 ? 1 : 0;
    return carry | (parity << 2) | (((carries >>> 3) & 1) << 4) | (zero << 6) | (sign << 7) | (overflow << 11);
  }

  set arithmeticFlags(flags: number) {
    const carry = flags & 1;
    const overflow = (flags >> 11) & 1;
    const zero = (flags >> 6) & 1;
    // The result is 0 for ZF, else 0x100: nonzero, even parity in its low byte. SF and PF come by inversion.
    const invertSign = (flags >> 7) & 1;
    const invertParity = (flags >> 2) & 1 ? 0 : 1;
    this.setWord(STATE.flagResult, zero ? 0 : 0x100);
    this.setWord(STATE.flagResult + 4, 0);
    this.setWord(STATE.flagCarries, (((flags >> 4) & 1) << 3) | (invertSign << 8) | (invertParity << 16));
    this.setWord(STATE.flagCarries + 4, ((carry << 31) | ((carry ^ overflow) << 30)) >>> 0);
  }

  /** Segment register by number: ES, CS, SS, DS, FS, GS, LDTR, TR. */
  segment(number: number): Segment {
    const at = STATE.segments + number * SEGMENT_BYTES;
    return {
      selector: this.word(at + SEGMENT_FIELD.selector),
      base: this.quad(at + SEGMENT_FIELD.base),
      limit: this.word(at + SEGMENT_FIELD.limit),
      rights: this.word(at + SEGMENT_FIELD.rights),
    };
  }

  selector(number: number): number {
    return this.word(STATE.segments + number * SEGMENT_BYTES + SEGMENT_FIELD.selector);
  }

  segmentBase(number: number): bigint {
    return this.quad(STATE.segments + number * SEGMENT_BYTES + SEGMENT_FIELD.base);
  }

  setSegmentBase(number: number, base: bigint): void {
    this.setQuad(STATE.segments + number * SEGMENT_BYTES + SEGMENT_FIELD.base, base);
  }

  segmentLimit(number: number): number {
    return this.word(STATE.segments + number * SEGMENT_BYTES + SEGMENT_FIELD.limit);
  }

  segmentRights(number: number): number {
    return this.word(STATE.segments + number * SEGMENT_BYTES + SEGMENT_FIELD.rights);
  }

  /** Writes the visible and hidden parts; the derived `access` word follows (see `mode.ts`, which calls this). */
  storeSegment(number: number, segment: Segment, access: number): void {
    const at = STATE.segments + number * SEGMENT_BYTES;
    this.setQuad(at + SEGMENT_FIELD.base, segment.base);
    this.setWord(at + SEGMENT_FIELD.limit, segment.limit);
    this.setWord(at + SEGMENT_FIELD.rights, segment.rights);
    this.setWord(at + SEGMENT_FIELD.selector, segment.selector);
    this.setWord(at + SEGMENT_FIELD.access, access);
  }
}
