/**
 * LAR, LSL, VERR, VERW: what a selector would give, without loading it.
 *
 * Source: SDM Vol. 2A/B, the instructions; Vol. 3A 5.10.
 */
import { Outcome } from '../isa/slow';
import type { Core } from './core';
import { descriptorAddress, descriptorAt, isNull } from './descriptors';
import type { Descriptor } from './descriptors';
import { STATE } from './layout';

const KIND = { LAR: 0, LSL: 1, VERR: 2, VERW: 3 } as const;

/** System types that LAR and LSL accept, legacy and in IA-32e mode (SDM Vol. 2A, tables 3-53 and 3-56). */
const VALID_TYPES: Readonly<Record<number, { legacy: ReadonlySet<number>; long: ReadonlySet<number> }>> = {
  [KIND.LAR]: { legacy: new Set([1, 2, 3, 4, 5, 9, 11, 12]), long: new Set([2, 9, 11, 12]) },
  [KIND.LSL]: { legacy: new Set([1, 2, 3, 9, 11]), long: new Set([2, 9, 11]) },
};

function isVisible(cpu: Core, kind: number, descriptor: Descriptor): boolean {
  if (descriptor.isSystem) {
    const valid = VALID_TYPES[kind];
    if (!valid || !(cpu.isLong ? valid.long : valid.legacy).has(descriptor.type)) return false;
  } else if (kind === KIND.VERR && !descriptor.isReadable) return false;
  else if (kind === KIND.VERW && !descriptor.isWritableData) return false;
  const { privilege, selector } = descriptor;
  return descriptor.isConforming || (privilege >= cpu.cpl && privilege >= (selector & 3));
}

/** The rights (LAR) or the limit (LSL) go to `result`, the new ZF to `result2`. */
export function accessRights(cpu: Core, kind: number, selector: number): Outcome {
  const { state } = cpu;
  state.setQuad(STATE.result2, 0n);
  const address = isNull(selector) ? undefined : descriptorAddress(cpu, selector & 0xffff, 8);
  if (address === undefined) return Outcome.Done;
  const descriptor = descriptorAt(cpu, selector & 0xffff, address);
  if (!isVisible(cpu, kind, descriptor)) return Outcome.Done;
  // Limit bits 19:16 are undefined in LAR's result; we give 0.
  const value = kind === KIND.LSL ? descriptor.limit : descriptor.high & 0x00f0ff00;
  state.setQuad(STATE.result, BigInt(value));
  state.setQuad(STATE.result2, 1n);
  return Outcome.Done;
}
