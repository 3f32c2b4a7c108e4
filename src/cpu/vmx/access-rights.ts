/**
 * The VMCS format of segment access rights (SDM Vol. 3C 25.4.1, Table 25-2) and its conversions from and to segment
 * descriptors (SDM Vol. 3A 3.4.5). The bits themselves are `RIGHTS` of `cpu/mode.ts`.
 */
import { RIGHTS } from '../mode';

/** The access rights of the descriptor whose second doubleword (bytes 7:4) is `high`: usable, reserved bits 0. */
export function accessRightsOfDescriptor(high: number): number {
  return (high >>> 8) & 0xf0ff;
}

/** The bits of a descriptor's second doubleword that hold access rights: type to P at 15:8, AVL to G at 23:20. */
export function descriptorBitsOfAccessRights(accessRights: number): number {
  return ((accessRights & 0xf0ff) << 8) >>> 0;
}

/** The parts of access rights. */
export interface AccessRights {
  readonly type: number;
  /** 1 for a code or data segment. */
  readonly s: number;
  readonly dpl: number;
  readonly p: number;
  readonly avl: number;
  readonly l: number;
  readonly db: number;
  readonly g: number;
  readonly unusable: boolean;
}

/** Unpacks access rights. */
export function decodeAccessRights(value: number): AccessRights {
  return {
    type: value & 0xf,
    s: (value >>> 4) & 1,
    dpl: (value >>> RIGHTS.dplShift) & 3,
    p: (value >>> 7) & 1,
    avl: (value >>> 12) & 1,
    l: (value >>> 13) & 1,
    db: (value >>> 14) & 1,
    g: (value >>> 15) & 1,
    unusable: (value & RIGHTS.unusable) !== 0,
  };
}

const SYSTEM_TYPES: Readonly<Record<number, string>> = {
  1: '16-bit TSS (available)',
  2: 'LDT',
  3: '16-bit TSS (busy)',
  9: 'TSS (available)',
  11: 'TSS (busy)',
};

function typeName(type: number, s: number): string {
  if (!s) return SYSTEM_TYPES[type] ?? `system type ${type}`;
  const accessed = type & 1 ? ', accessed' : '';
  if (type & 8) return `code, ${type & 2 ? 'readable' : 'execute-only'}${type & 4 ? ', conforming' : ''}${accessed}`;
  return `data, ${type & 2 ? 'writable' : 'read-only'}${type & 4 ? ', expand-down' : ''}${accessed}`;
}

/** Access rights in words: `code, readable, accessed; DPL 0; L`. */
export function describeAccessRights(value: number): string {
  const { type, s, dpl, p, l, db, g, unusable } = decodeAccessRights(value);
  if (unusable) return 'unusable';
  const flags = [p ? '' : 'not present', l ? 'L' : '', db ? 'D/B' : '', g ? 'G' : ''].filter(Boolean);
  return [typeName(type, s), `DPL ${dpl}`, ...flags].join('; ');
}
