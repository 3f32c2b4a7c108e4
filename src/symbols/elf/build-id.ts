/**
 * The build id that the linker puts into a file. Sources: gABI chapter 5 "Note Section"; GNU's NT_GNU_BUILD_ID (3) with
 * the name `GNU`.
 */
import { ByteReader, unlessDamaged } from '../byte-reader';
import type { ElfFile } from './elf-file';

const NT_GNU_BUILD_ID = 3;
/** `GNU\0`, little-endian. */
const GNU = 0x0055_4e47;
/** The most that is searched of one note section, bytes. */
const MAX_NOTES = 0x1_0000;

/** The build id as lower-case hexadecimal digits; undefined if the file has none. */
export function buildIdOf(elf: ElfFile): string | undefined {
  for (const { offset, size } of elf.notes) {
    const found = unlessDamaged(() => buildIdIn(elf.bytes.read(offset, Math.min(size, MAX_NOTES))));
    if (found) return found;
  }
  return undefined;
}

/** The build id in the contents of a note section. Throws the `damaged` UserError. */
export function buildIdIn(bytes: Uint8Array): string | undefined {
  const reader = new ByteReader(bytes, 'The notes');
  while (reader.remaining >= 12) {
    const nameSize = reader.u32();
    const size = reader.u32();
    const type = reader.u32();
    const name = nameSize === 4 ? reader.u32() : undefined;
    if (name === undefined) reader.skip(aligned(nameSize));
    if (type === NT_GNU_BUILD_ID && name === GNU) {
      return [...reader.take(size)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    }
    reader.skip(Math.min(aligned(size), reader.remaining));
  }
  return undefined;
}

/** Names and contents of notes end on 4 bytes. */
function aligned(size: number): number {
  return size + ((4 - (size % 4)) % 4);
}
