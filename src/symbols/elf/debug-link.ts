/**
 * The name of the file that has the debug information of a stripped one. Source: GDB manual, "Debugging Information in
 * Separate Files": `.gnu_debuglink` holds a name, zeros up to a multiple of 4 bytes, and a CRC-32.
 */
import { ByteReader, unlessDamaged } from '../byte-reader';
import type { ElfFile } from './elf-file';

/** Where the debug information is. */
export interface DebugLink {
  /** A file's name without a folder. */
  readonly name: string;
  /** CRC-32 (polynomial 0xedb88320, reflected, inverted) of that file's bytes. */
  readonly crc: number;
}

const MAX_LINK = 0x1000;

/** The debug link of a file; undefined if it has none. */
export function debugLinkOf(elf: ElfFile): DebugLink | undefined {
  const contents = elf.contentsOf('.gnu_debuglink');
  if (!contents) return undefined;
  return unlessDamaged(() => {
    const reader = new ByteReader(contents.read(0, MAX_LINK), 'The debug link');
    const name = reader.string();
    reader.skip((4 - (reader.position % 4)) % 4);
    return { name, crc: reader.u32() };
  });
}
