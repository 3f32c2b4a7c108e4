/**
 * From segment and offset to linear address, for slow functions that take a memory operand.
 *
 * Source: SDM Vol. 3A 3.4.4, 5.3; Vol. 1 3.3.7.1 (canonical addresses).
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import { isCanonical } from './core';
import type { Core } from './core';
import { SEGMENT_ACCESS, SEGMENT_BYTES, SEGMENT_FIELD, STATE } from './layout';
import { GuestFault } from './signals';

/**
 * Linear address of `bytes` bytes at `offset` (any sign, cut to 64 bits here); #SS(0) for SS, else #GP(0), when they are
 * outside the segment, not canonical, or the segment does not allow the access.
 */
export function linearAddress(
  cpu: Pick<Core, 'state' | 'is64'>,
  segment: number,
  offset: bigint,
  bytes: number,
  access: 'read' | 'write',
): bigint {
  const { state } = cpu;
  const start = BigInt.asUintN(64, offset);
  const fail = (): never => {
    throw new GuestFault(segment === SEGMENT.SS ? VECTOR.SS : VECTOR.GP, 0);
  };
  if (cpu.is64) {
    const base = segment >= SEGMENT.FS ? state.segmentBase(segment) : 0n;
    const linear = BigInt.asUintN(64, base + start);
    if (!isCanonical(linear) || !isCanonical(BigInt.asUintN(64, linear + BigInt(bytes - 1)))) fail();
    return linear;
  }
  const allowed = state.word(STATE.segments + segment * SEGMENT_BYTES + SEGMENT_FIELD.access);
  if (!(allowed & SEGMENT_ACCESS[access])) fail();
  const last = start + BigInt(bytes - 1);
  const limit = BigInt(state.segmentLimit(segment));
  if (allowed & SEGMENT_ACCESS.expandDown) {
    const top = allowed & SEGMENT_ACCESS.big ? 0xffffffffn : 0xffffn;
    if (start <= limit || last > top) fail();
  } else if (last > limit) fail();
  return BigInt.asUintN(32, state.segmentBase(segment) + start);
}
