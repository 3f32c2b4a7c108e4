/**
 * The stack pointers that the current TSS holds for inner privilege levels and interrupts.
 *
 * Source: SDM Vol. 3A 5.8.5, 6.14.5 (IST), 7.2.1, 7.6 (16-bit TSS), 7.7 (64-bit TSS).
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import type { Core } from './core';
import { isNull, readDescriptor, selectorFault, segmentOf, markAccessed } from './descriptors';
import { SYSTEM } from './linear-memory';
import { checkStackDescriptor } from './segment-load';
import { GuestFault } from './signals';
import type { Segment } from './state';

/** True when TR holds a 32-bit (or 64-bit) TSS. */
export function isTss32(cpu: Core): boolean {
  return (cpu.state.segmentRights(SEGMENT.TR) & 8) !== 0;
}

/** Linear address of `bytes` bytes at `offset` in the TSS; #TS(TR) beyond its limit. */
function tssAddress(cpu: Core, offset: number, bytes: number, external: 0 | 1): bigint {
  const { state } = cpu;
  if (offset + bytes - 1 > state.segmentLimit(SEGMENT.TR)) {
    throw selectorFault(VECTOR.TS, state.selector(SEGMENT.TR), external);
  }
  return BigInt.asUintN(cpu.isLong ? 64 : 32, state.segmentBase(SEGMENT.TR) + BigInt(offset));
}

/** SS and ESP for privilege `level` (0 to 2), the segment checked and ready to load; #TS or #SS else. */
export function stackOfLevel(cpu: Core, level: number, external: 0 | 1): { segment: Segment; pointer: bigint } {
  const wide = isTss32(cpu);
  const address = wide ? tssAddress(cpu, level * 8 + 4, 6, external) : tssAddress(cpu, level * 4 + 2, 4, external);
  const { memory } = cpu;
  const pointer = wide ? memory.read32(address, SYSTEM) : memory.read16(address, SYSTEM);
  const selector = memory.read16(address + (wide ? 4n : 2n), SYSTEM);
  if (isNull(selector)) throw new GuestFault(VECTOR.TS, external);
  const descriptor = readDescriptor(cpu, selector, VECTOR.TS, external);
  checkStackDescriptor(descriptor, level, VECTOR.TS, external);
  return { segment: segmentOf(markAccessed(cpu, descriptor)), pointer: BigInt(pointer) };
}

/** RSP for privilege `level` from a 64-bit TSS. */
export function pointerOfLevel(cpu: Core, level: number, external: 0 | 1): bigint {
  return cpu.memory.read64(tssAddress(cpu, level * 8 + 4, 8, external), SYSTEM);
}

/** Interrupt-stack-table entry `index` (1 to 7) of a 64-bit TSS. */
export function interruptStack(cpu: Core, index: number, external: 0 | 1): bigint {
  return cpu.memory.read64(tssAddress(cpu, index * 8 + 28, 8, external), SYSTEM);
}
