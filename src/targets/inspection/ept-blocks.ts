/**
 * What the EPT maps of guest RAM, and what of it has been written, in blocks of 2 MiB: read from the entries, whose dirty
 * flags the processor sets (SDM Vol. 3C 29.3.5) and nobody clears.
 */
import { STATE } from '../../cpu/layout';
import type { Machine } from '../../machine/machine';
import type { EptBlocks } from '../../protocol/mappings';

const BLOCK = 2 ** 21;
const PAGES = 512;
const ENTRIES = 512;
const ENTRY_BYTES = 8;
const ADDRESS = 0x000f_ffff_ffff_f000n;
const PRESENT = 7n;
const LARGE = 1n << 7n;
const DIRTY = 1n << 9n;

/** The blocks of RAM from address 0 on; undefined where there is no EPT. */
export function eptBlocks(machine: Machine): EptBlocks | undefined {
  const root = machine.asGuest(() => machine.state.word(STATE.eptRoot));
  if (root === 0) return undefined;
  const table = (address: bigint): readonly bigint[] => {
    const bytes = machine.readMemory('physical', address, ENTRIES * ENTRY_BYTES);
    if (bytes.length < ENTRIES * ENTRY_BYTES) return [];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Array.from({ length: ENTRIES }, (_, index) => view.getBigUint64(index * ENTRY_BYTES, true));
  };
  const below = (entry: bigint | undefined): readonly bigint[] =>
    entry !== undefined && (entry & PRESENT) !== 0n ? table(entry & ADDRESS) : [];
  const pointers = below(table(BigInt(root))[0]);
  const mapped: number[] = [];
  const written: number[] = [];
  let directories: readonly bigint[] = [];
  for (let block = 0; block * BLOCK < machine.board.ramBytes; block++) {
    if (block % ENTRIES === 0) directories = below(pointers[block / ENTRIES]);
    const entry = directories[block % ENTRIES] ?? 0n;
    const isLarge = (entry & PRESENT) !== 0n && (entry & LARGE) !== 0n;
    const pages = isLarge ? [] : below(entry).filter((page) => (page & PRESENT) !== 0n);
    mapped.push(isLarge ? PAGES : pages.length);
    const dirty = pages.filter((page) => (page & DIRTY) !== 0n).length;
    written.push(isLarge ? ((entry & DIRTY) !== 0n ? PAGES : 0) : dirty);
  }
  return { blockBytes: BLOCK, pagesOfBlock: PAGES, mapped, written };
}
