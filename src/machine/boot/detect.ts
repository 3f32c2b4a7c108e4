/**
 * Which loader an image is for. In this order, the first match decides:
 *
 * 1. The user's `flat` placement: a flat binary, whatever the bytes look like.
 * 2. 0xaa55 at 0x1fe and "HdrS" at 0x202: Linux bzImage.
 * 3. ELF with a PVH note: PVH (it comes first because the note says "boot me directly"; a kernel that has a Multiboot
 *    header too gets the newer protocol).
 * 4. A Multiboot 2 header in the first 32 KiB, in an ELF or not.
 * 5. A Multiboot 1 header in the first 8 KiB, in an ELF or not.
 * 6. Any other ELF: plain ELF.
 *
 * Everything else is refused: compressed files with the command that unpacks them, the rest as not bootable.
 */
import { isElf, parseElf } from './elf-image';
import { compressedImage, emptyImage, unknownFormat } from './errors';
import type { ImageReader } from './image-reader';
import { isLinux } from './linux-header';
import { findMultiboot } from './multiboot';
import { findMultiboot2 } from './multiboot2-header';
import type { BootFormat, BootOptions } from './options';
import { pvhEntry } from './pvh';

const COMPRESSED: readonly { name: string; unpack: string; magic: readonly number[] }[] = [
  { name: 'gzip', unpack: 'gzip -d', magic: [0x1f, 0x8b] },
  { name: 'bzip2', unpack: 'bzip2 -d', magic: [0x42, 0x5a, 0x68] },
  { name: 'xz', unpack: 'xz -d', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { name: 'zstd', unpack: 'zstd -d', magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: 'lz4', unpack: 'lz4 -d', magic: [0x04, 0x22, 0x4d, 0x18] },
  { name: 'lz4', unpack: 'lz4 -d', magic: [0x02, 0x21, 0x4c, 0x18] },
];

/** The format to load `image` as: `options.format` if given, else by its bytes. UserErrors when there is none. */
export function detectFormat(image: ImageReader, options: BootOptions): BootFormat {
  if (image.length === 0) throw emptyImage();
  if (options.format) return options.format;
  if (options.flat) return 'flat';
  if (isLinux(image)) return 'linux';
  const elf = isElf(image) ? parseElf(image) : undefined;
  if (elf && pvhEntry(elf) !== undefined) return 'pvh';
  if (findMultiboot2(image) !== undefined) return 'multiboot2';
  if (findMultiboot(image) !== undefined) return 'multiboot';
  if (elf) return 'elf';
  const packed = COMPRESSED.find(({ magic }) => magic.every((byte, index) => image.bytes[index] === byte));
  throw packed ? compressedImage(packed.name, packed.unpack) : unknownFormat();
}
