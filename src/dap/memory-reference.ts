/**
 * Memory references: `0x…` is linear in the vCPU, `guestPhysical:0x…` and `physical:0x…` say their space; `@cpuN`
 * after any of them names vCPU N (thread N + 1).
 */
import type { AddressSpace, Hex } from '../protocol/address';
import { badArgument, badMemoryReference } from './errors';

/** A place in memory as a client names it. */
export interface MemoryReference {
  readonly space: AddressSpace;
  /** Below 2^64. */
  readonly address: bigint;
  /** The vCPU's thread id, if the reference names one. */
  readonly thread?: number;
}

const GRAMMAR = /^(?:(guestPhysical|physical):)?0x([0-9a-f]{1,16})(?:@cpu([0-9]{1,4}))?$/i;

/** Reads a memory reference. Throws a UserError (`request/memory-reference`). */
export function parseMemoryReference(text: string): MemoryReference {
  const match = GRAMMAR.exec(text);
  if (!match) throw badMemoryReference(text);
  const [, space, digits, cpu] = match;
  return {
    space: space === undefined ? 'linear' : space.toLowerCase() === 'physical' ? 'physical' : 'guestPhysical',
    address: BigInt(`0x${digits}`),
    ...(cpu !== undefined && { thread: Number(cpu) + 1 }),
  };
}

/** The reference `offset` bytes further. Throws a UserError past either end of the address space. */
export function moved(reference: MemoryReference, offset: number): MemoryReference {
  const address = reference.address + BigInt(offset);
  if (address < 0n || address >= 1n << 64n) throw badArgument('offset', 'inside the address space');
  return { ...reference, address };
}

/** An address or 64-bit value for the wire. */
export function hex(value: bigint | number): Hex {
  return `0x${value.toString(16)}`;
}
