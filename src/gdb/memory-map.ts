/**
 * The memory map for a debugger. gdb refuses to touch what its map does not name, and its addresses are linear: a map of
 * guest-physical memory would hide every kernel that lives in the upper half. So the map of linear memory names all of it,
 * and whether something is mapped shows when it is read; the map of guest-physical memory, for who has switched to
 * that, is the board's. Source: "Debugging with GDB", E.12 (memory map format).
 */
import type { MemoryRegion } from '../protocol/mappings';

const HEADER =
  '<?xml version="1.0"?>\n' +
  '<!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN"' +
  ' "http://sourceware.org/gdb/gdb-memory-map.dtd">\n';

const memory = (start: bigint, length: bigint): string =>
  `<memory type="ram" start="0x${start.toString(16)}" length="0x${length.toString(16)}"/>\n`;

const mapOf = (memories: readonly string[]): string => `${HEADER}<memory-map>\n${memories.join('')}</memory-map>\n`;

/** All of the linear addresses; in two halves, since the length of the whole does not fit into 64 bits. */
export const LINEAR_MAP = mapOf([memory(0n, 1n << 63n), memory(1n << 63n, 1n << 63n)]);

/** What of guest-physical memory there is. */
export function physicalMap(regions: readonly MemoryRegion[]): string {
  const present = regions.filter(({ kind }) => kind !== 'none');
  return mapOf(present.map(({ start, end }) => memory(BigInt(start), BigInt(end) - BigInt(start))));
}
