/**
 * A virtual-machine control structure over its 4 KiB region of machine memory. Source: SDM Vol. 3C chapter 25;
 * VMREAD and VMWRITE semantics from chapter 31. The layout is in `vmcs-layout.ts`.
 *
 * Two doors: `read` and `write` take encodings and are VMREAD and VMWRITE; the accessors that take a field are the
 * processor's own. Written fields are remembered until the next passing VM-entry check, which then tests only the
 * rules that those fields take part in.
 *
 * NOT IMPLEMENTED: shadow VMCSs (the "VMCS shadowing" control reads 0), caching of VMCS data in the processor: a field
 * that software overwrites in memory changes at once, but is not checked again before `markAllWritten`.
 */
import { assert } from '../../common/assert';
import {
  ABORT_OFFSET,
  LAUNCH_STATE_OFFSET,
  REVISION_OFFSET,
  SEGMENTS_OFFSET,
  VMCS_FIELDS,
  VMCS_REGION_SIZE,
} from './vmcs-layout';
import type { VmcsField } from './vmcs-layout';

/** What became of a VMWRITE: the two failures are VM-instruction errors 12 and 13. */
export type VmwriteResult = 'done' | 'unsupported' | 'read-only';

/** Where the region lies: `byteOffset` must be a multiple of 4 in a buffer that never grows. */
export interface VmcsRegion {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly byteOffset: number;
}

/** The launch states of a VMCS (SDM 25.1). */
export const LAUNCH_STATE = { CLEAR: 0, LAUNCHED: 1 } as const;

/** Reads of VMCS fields, as the VM-entry checks need them. */
export interface VmcsView {
  /** Bits 31:0 of a field, unsigned. */
  low(field: VmcsField): number;
  /** Bits 63:32 of a field, unsigned; 0 for 16-bit and 32-bit fields. */
  high(field: VmcsField): number;
}

/** Finds the field of an encoding among those that the processor supports (SDM 25.11.2). */
export class FieldDirectory {
  private readonly byEncoding = new Map<number, VmcsField>();

  constructor(supported: (field: VmcsField) => boolean) {
    for (const field of VMCS_FIELDS.filter(supported)) {
      this.byEncoding.set(field.encoding, field);
      if (field.width === 64) this.byEncoding.set(field.encoding + 1, field);
    }
  }

  /** The field that `encoding` (full or high access) names, or undefined if there is none. */
  find(encoding: number): VmcsField | undefined {
    return this.byEncoding.get(encoding);
  }

  /** True if the field exists on this processor. */
  has(field: VmcsField): boolean {
    return this.byEncoding.has(field.encoding);
  }
}

const MAX_WRITTEN = 64;
/** 32-bit words of a set of rules of VM entry, one bit each. */
export const RULE_WORDS = 8;

/** One VMCS. Creating it reads and changes nothing. */
export class Vmcs implements VmcsView {
  /** The region as 32-bit words, for block copies by `VmcsField.word`. Copies through it mark nothing as written. */
  readonly words: Int32Array;
  /** The rules that must be checked at every VM entry with the fields as they are, one bit each; `checkEntry` keeps it. */
  readonly volatileRules = new Uint32Array(RULE_WORDS);
  private readonly writtenIds = new Uint8Array(MAX_WRITTEN);
  private writtenCount = 0;
  private everything = true;
  private hostWrites = 0;
  private segmentWrites = 0;

  constructor(
    region: VmcsRegion,
    private readonly directory: FieldDirectory,
  ) {
    assert(region.byteOffset % 4 === 0, 'a VMCS region is aligned');
    this.words = new Int32Array(region.buffer, region.byteOffset, VMCS_REGION_SIZE / 4);
  }

  /** Bits 30:0 of the first word. */
  get revisionIdentifier(): number {
    return this.words[REVISION_OFFSET >> 2]! & 0x7fffffff;
  }

  /** The shadow-VMCS indicator, bit 31 of the first word. */
  get isShadow(): boolean {
    return this.words[REVISION_OFFSET >> 2]! < 0;
  }

  /** The VMX-abort indicator (SDM 28.7): 0, or the reason of the last VMX abort. */
  get abortIndicator(): number {
    return this.words[ABORT_OFFSET >> 2]! >>> 0;
  }

  set abortIndicator(reason: number) {
    this.words[ABORT_OFFSET >> 2] = reason;
  }

  /** True after a successful VMLAUNCH, until VMCLEAR. */
  get launched(): boolean {
    return this.words[LAUNCH_STATE_OFFSET >> 2] === LAUNCH_STATE.LAUNCHED;
  }

  set launched(launched: boolean) {
    this.words[LAUNCH_STATE_OFFSET >> 2] = launched ? LAUNCH_STATE.LAUNCHED : LAUNCH_STATE.CLEAR;
  }

  /** True if the processor has this field. */
  has(field: VmcsField): boolean {
    return this.directory.has(field);
  }

  /**
   * VMREAD: the value of the field that `encoding` names, zero-extended, or undefined if there is none (error 12).
   * The high-access encoding of a 64-bit field gives its bits 63:32. Outside 64-bit mode the caller drops bits 63:32.
   */
  read(encoding: number): bigint | undefined {
    const field = this.directory.find(encoding);
    if (!field) return undefined;
    return encoding === field.encoding ? this.get(field) : BigInt(this.high(field));
  }

  /**
   * VMWRITE of `value` (64 bits, zero-extended by the caller outside 64-bit mode) to the field that `encoding` names;
   * bits beyond the field's width are ignored. The high-access encoding writes bits 31:0 of `value` to bits 63:32.
   */
  write(encoding: number, value: bigint): VmwriteResult {
    const field = this.directory.find(encoding);
    if (!field) return 'unsupported';
    if (field.group === 'exit-information') return 'read-only';
    const low = Number(BigInt.asUintN(32, value));
    if (encoding === field.encoding) this.writeField(field, low, Number(BigInt.asUintN(32, value >> 32n)));
    else this.writeField(field, this.low(field), low);
    return 'done';
  }

  /** VMWRITE of a known, supported, writable field without BigInt: `low` and `high` are bits 31:0 and 63:32. */
  writeField(field: VmcsField, low: number, high = 0): void {
    this.store(field, low, high);
    this.markWritten(field);
  }

  /** The whole field, unsigned. */
  get(field: VmcsField): bigint {
    return (BigInt(this.high(field)) << 32n) | BigInt(this.low(field));
  }

  low(field: VmcsField): number {
    return (this.words[field.word]! & field.mask) >>> 0;
  }

  high(field: VmcsField): number {
    return field.wide ? this.words[field.word + 1]! >>> 0 : 0;
  }

  /** The whole field as a number: for physical addresses and counts, which stay below 2^53. */
  number(field: VmcsField): number {
    return this.high(field) * 0x1_0000_0000 + this.low(field);
  }

  /** The processor's own store: as `writeField`, but not marked as written. */
  store(field: VmcsField, low: number, high = 0): void {
    if (field.wide) {
      this.words[field.word] = low;
      this.words[field.word + 1] = high;
    } else {
      this.words[field.word] = low & field.mask;
    }
  }

  /** The processor's own store of a 64-bit value. */
  set(field: VmcsField, value: bigint): void {
    this.store(field, Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n)));
  }

  /** Changes whenever a host-state field may have changed: what VM exits derive from them can be kept until then. */
  get hostGeneration(): number {
    return this.hostWrites;
  }

  /** As `hostGeneration`, for the guest's segment and descriptor-table registers: only software's writes change it. */
  get segmentGeneration(): number {
    return this.segmentWrites;
  }

  /** Remembers that the next VM entry must check the rules on `field`. */
  markWritten(field: VmcsField): void {
    if (field.group === 'host-state') this.hostWrites++;
    else if (field.offset >= SEGMENTS_OFFSET) this.segmentWrites++;
    if (this.writtenCount < MAX_WRITTEN) this.writtenIds[this.writtenCount++] = field.id;
    else this.everything = true;
  }

  /** Makes the next VM entry check everything: after VMPTRLD, a restored snapshot, or a write past our doors. */
  markAllWritten(): void {
    this.hostWrites++;
    this.segmentWrites++;
    this.everything = true;
  }

  /** Forgets what was written: all rules have passed. */
  clearWritten(): void {
    this.everything = false;
    this.writtenCount = 0;
  }

  /** Calls `visit` with the `id` of each field written since the last `clearWritten`, or returns false for "all". */
  forEachWritten(visit: (id: number) => void): boolean {
    if (this.everything) return false;
    for (let i = 0; i < this.writtenCount; i++) visit(this.writtenIds[i]!);
    return true;
  }
}
