/**
 * `qMemoryRegionInfo`, by which lldb learns what is mapped where: the page tables' answer for one linear address.
 * Source: LLDB, "GDB remote protocol extensions".
 */
import type { MappedRange } from '../protocol/mappings';
import type { Target } from '../targets/target';

/** lldb takes a region that reaches 2^64 for one that ends at 0, and asks for ever. */
const TOP = (1n << 64n) - 1n;

/** The region around an address: mapped, with its permissions, or a gap up to the next one. */
export async function memoryRegion(target: Target, thread: number, address: bigint): Promise<string> {
  const start = `0x${address.toString(16)}` as const;
  const { ranges } = await target.mappings(thread, { space: 'linear', start, count: 1 });
  const [range] = ranges;
  if (!range) return region(address, TOP, '');
  const first = BigInt(range.start);
  return first <= address ? region(first, BigInt(range.end), permissions(range)) : region(address, first, '');
}

function permissions({ read, write, execute }: MappedRange): string {
  return `${read ? 'r' : ''}${write ? 'w' : ''}${execute ? 'x' : ''}`;
}

function region(start: bigint, behind: bigint, allowed: string): string {
  const end = behind < TOP ? behind : TOP;
  const place = `start:${start.toString(16)};size:${(end - start).toString(16)};`;
  return allowed === '' ? place : `${place}permissions:${allowed};`;
}
