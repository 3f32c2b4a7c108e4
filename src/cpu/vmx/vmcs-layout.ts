/**
 * Our layout of the VMCS data that the SDM leaves to the implementation (SDM Vol. 3C 25.2): where each field lies in
 * the 4 KiB region. Software must not rely on it: fields are reached through VMREAD and VMWRITE.
 *
 * | bytes         | content                                                                                    |
 * |---------------|--------------------------------------------------------------------------------------------|
 * | 0x000         | VMCS revision identifier (bits 30:0), shadow-VMCS indicator (bit 31)                       |
 * | 0x004         | VMX-abort indicator                                                                        |
 * | 0x008         | launch state: 0 clear, 1 launched                                                          |
 * | 0x040         | control fields                                                                             |
 * | 0x280         | VM-exit information fields                                                                 |
 * | 0x300         | host-state fields                                                                          |
 * | 0x400         | guest-state fields other than segment registers                                            |
 * | 0x600 + 32 n  | guest segment register n (ES CS SS DS FS GS LDTR TR): base u64, limit u32, access rights   |
 * |               | u32, selector u16, 14 bytes unused                                                         |
 * | 0x700, 0x710  | guest GDTR, guest IDTR: base u64, limit u32, 4 bytes unused                                |
 *
 * The last two kinds are laid out as in the processor's own state (`cpu/layout.ts`), so that VM exits and VM entries copy
 * them as one block; their unused bytes have no meaning. Every other field has 8 bytes, zero-extended, in ascending order
 * of encodings within its group.
 * All values are little-endian.
 */
import { SEGMENT_BYTES, SEGMENT_FIELD, STATE } from '../layout';
import { fieldDefinitions, SEGMENT_REGISTERS } from './fields';
import type { FieldDefinition, FieldGroup, FieldKey, SegmentRegister } from './fields';

/** Size of a VMCS region in bytes (IA32_VMX_BASIC bits 44:32). */
export const VMCS_REGION_SIZE = 4096;
/** Byte offset of the revision identifier and the shadow-VMCS indicator. */
export const REVISION_OFFSET = 0;
/** Byte offset of the VMX-abort indicator. */
export const ABORT_OFFSET = 4;
/** Byte offset of the launch state. */
export const LAUNCH_STATE_OFFSET = 8;
/** Byte offset of the first guest segment record. */
export const SEGMENTS_OFFSET = 0x600;
/** Bytes from one guest segment record to the next. */
export const SEGMENT_STRIDE = SEGMENT_BYTES;
/** Bytes of the block that holds all guest segment records and both descriptor-table records. */
export const SEGMENT_BLOCK_SIZE = STATE.idtr + 16 - STATE.segments;

const GROUP_OFFSETS: Readonly<Record<FieldGroup, number>> = {
  control: 0x040,
  'exit-information': 0x280,
  'host-state': 0x300,
  'guest-state': 0x400,
};
const RECORD_PARTS = {
  BASE: SEGMENT_FIELD.base,
  LIMIT: SEGMENT_FIELD.limit,
  ACCESS_RIGHTS: SEGMENT_FIELD.rights,
  SELECTOR: SEGMENT_FIELD.selector,
} as const;

/** A field with its place in the region. */
export interface VmcsField extends FieldDefinition {
  readonly key: FieldKey;
  /** Index into `VMCS_FIELDS`. */
  readonly id: number;
  /** Byte offset in the region. */
  readonly offset: number;
  /** `offset` in 32-bit words. */
  readonly word: number;
  /** True for 64-bit and natural-width fields, which take two words. */
  readonly wide: boolean;
  /** The bits of the (first) word that belong to the field: 0xffff or -1. */
  readonly mask: number;
}

function recordOffset(key: string): number | undefined {
  const match = /^GUEST_([A-Z]+)_(BASE|LIMIT|ACCESS_RIGHTS|SELECTOR)$/.exec(key);
  if (!match) return undefined;
  const part = RECORD_PARTS[match[2] as keyof typeof RECORD_PARTS];
  if (match[1] === 'GDTR') return SEGMENTS_OFFSET + STATE.gdtr - STATE.segments + part;
  if (match[1] === 'IDTR') return SEGMENTS_OFFSET + STATE.idtr - STATE.segments + part;
  return SEGMENTS_OFFSET + SEGMENT_REGISTERS.indexOf(match[1] as SegmentRegister) * SEGMENT_STRIDE + part;
}

function place(): VmcsField[] {
  const next = { ...GROUP_OFFSETS };
  const ordered = Object.entries<FieldDefinition>(fieldDefinitions).sort(([, a], [, b]) => a.encoding - b.encoding);
  return ordered.map(([key, definition], id) => {
    let offset = recordOffset(key);
    if (offset === undefined) {
      offset = next[definition.group];
      next[definition.group] += 8;
    }
    const { name, encoding, width, group, controls } = definition;
    const wide = width === 64 || width === 'natural';
    const mask = width === 16 ? 0xffff : -1;
    // No spread here: V8 then gives every field a shape of its own, and each look at a field becomes a search.
    return { name, encoding, width, group, controls, key: key as FieldKey, id, offset, word: offset >> 2, wide, mask };
  });
}

/** Every field in ascending order of encodings; `id` is the index. */
export const VMCS_FIELDS: readonly VmcsField[] = place();

/** Every field by its identifier. Code that runs often should keep the fields it uses in constants of its own. */
export const F = Object.fromEntries(VMCS_FIELDS.map((field) => [field.key, field])) as {
  readonly [K in FieldKey]: VmcsField;
};

/** The fields of one guest segment register. */
export interface GuestSegmentFields {
  readonly register: SegmentRegister;
  readonly selector: VmcsField;
  readonly base: VmcsField;
  readonly limit: VmcsField;
  readonly accessRights: VmcsField;
}

/** The fields of the guest segment registers, in the order of their records. */
export const GUEST_SEGMENTS: readonly GuestSegmentFields[] = SEGMENT_REGISTERS.map((register) => ({
  register,
  selector: F[`GUEST_${register}_SELECTOR`],
  base: F[`GUEST_${register}_BASE`],
  limit: F[`GUEST_${register}_LIMIT`],
  accessRights: F[`GUEST_${register}_ACCESS_RIGHTS`],
}));
