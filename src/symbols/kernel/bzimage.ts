/**
 * The kernel inside a bzImage: an ELF file without its symbol table, packed. Sources: Linux
 * Documentation/arch/x86/boot.rst (`payload_offset` and `payload_length`, protocol 2.08), arch/x86/boot/compressed/Makefile
 * and scripts/Makefile.lib (`size_append`: the size follows the packed data where the packer does not say it).
 *
 * gzip is the caller's to unpack. NOT IMPLEMENTED: payloads of bzip2, lzma and lzo, which are told by name.
 */
import { UserError } from '../../common/errors';
import { damaged } from '../byte-reader';
import type { RandomAccessBytes } from '../bytes';
import type { Inflate } from '../elf/elf-file';
import { unpackLz4 } from './lz4';
import { unpackXz, XZ_MAGIC } from './xz';
import { unpackZstd, ZSTD_MAGIC } from './zstd/zstd';

const SETUP_SECTORS = 0x1f1;
const BOOT_FLAG = 0x1fe;
const HEADER = 0x202;
const HDRS = 0x5372_6448;
const VERSION = 0x206;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const SECTOR = 512;
/** More than any kernel has. */
const MAX_KERNEL = 0x2000_0000;
/** No kernel packs better; LZ4 makes at most 255 bytes of one. */
const MAX_RATIO = 256;
const ELF_MAGIC = 0x464c_457f;

/** What the caller can unpack: a whole file of the format, given the size of what is in it, bytes. */
export interface Unpackers {
  readonly gzip?: Inflate | undefined;
}

type Unpack = (payload: Uint8Array, size: number) => Uint8Array;

/** A packer that Linux knows, by the payload's first bytes. */
interface Packer {
  readonly name: string;
  readonly magic: readonly number[];
  /** Whether the file ends with the size, rather than being followed by it. */
  readonly endsWithSize?: boolean;
  unpack(unpackers: Unpackers): Unpack | undefined;
}

const unknown = (): undefined => undefined;
const PACKERS: readonly Packer[] = [
  { name: 'LZ4', magic: [0x02, 0x21, 0x4c, 0x18], unpack: () => unpackLz4 },
  { name: 'xz', magic: XZ_MAGIC, unpack: () => unpackXz },
  { name: 'gzip', magic: [0x1f, 0x8b], endsWithSize: true, unpack: ({ gzip }) => gzip },
  { name: 'zstd', magic: ZSTD_MAGIC, unpack: () => unpackZstd },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68], unpack: unknown },
  { name: 'lzma', magic: [0x5d, 0x00, 0x00], unpack: unknown },
  { name: 'lzo', magic: [0x89, 0x4c, 0x5a, 0x4f], unpack: unknown },
];

/** Whether these bytes begin as a bzImage does. */
export function isBzImage(bytes: RandomAccessBytes): boolean {
  const header = viewOf(bytes.read(0, SETUP_SECTORS + SECTOR));
  return (
    header.byteLength >= PAYLOAD_LENGTH + 4 &&
    header.getUint16(BOOT_FLAG, true) === 0xaa55 &&
    header.getUint32(HEADER, true) === HDRS
  );
}

/**
 * The ELF file packed in a bzImage, behind which the relocations may follow. Throws UserErrors: no such payload, damaged,
 * or packed in a way that is not known here.
 */
export function unpackKernel(bytes: RandomAccessBytes, unpackers: Unpackers = {}): Uint8Array {
  if (!isBzImage(bytes))
    throw new UserError('symbols.notBzImage', 'This is not a bzImage of Linux; give another file.');
  const header = viewOf(bytes.read(0, SETUP_SECTORS + SECTOR));
  const offset = header.getUint32(PAYLOAD_OFFSET, true);
  const length = header.getUint32(PAYLOAD_LENGTH, true);
  if (header.getUint16(VERSION, true) < 0x208 || length < 8) {
    throw new UserError('symbols.noPayload', 'This kernel does not say where its code is packed; give its vmlinux.');
  }
  const payload = bytes.read(((header.getUint8(SETUP_SECTORS) || 4) + 1) * SECTOR + offset, length);
  if (payload.length < length) throw damaged('The bzImage', 'it ends too early');
  const kernel = unpack(payload, unpackers);
  if (kernel.length < 4 || viewOf(kernel).getUint32(0, true) !== ELF_MAGIC)
    throw damaged('The bzImage', 'it holds no ELF file');
  return kernel;
}

function unpack(payload: Uint8Array, unpackers: Unpackers): Uint8Array {
  if (viewOf(payload).getUint32(0, true) === ELF_MAGIC) return payload;
  const packer = PACKERS.find(({ magic }) => magic.every((byte, index) => payload[index] === byte));
  const unpackIt = packer?.unpack(unpackers);
  if (!packer || !unpackIt) {
    throw new UserError(
      'symbols.packer',
      `This kernel is packed with ${packer?.name ?? 'an unknown program'}, which cannot be read here; give its vmlinux.`,
    );
  }
  const size = sizeAppended(payload);
  const kernel = attempt(() => unpackIt(packer.endsWithSize ? payload : payload.subarray(0, -4), size));
  if (kernel?.length !== size) throw damaged('The bzImage', `its ${packer.name} data cannot be unpacked`);
  return kernel;
}

/** What an unpacker gives; undefined if it fails in words of its own. */
function attempt(unpackIt: () => Uint8Array): Uint8Array | undefined {
  try {
    return unpackIt();
  } catch (error) {
    if (error instanceof UserError) throw error;
    return undefined;
  }
}

/** The unpacked size at the payload's end. */
function sizeAppended(payload: Uint8Array): number {
  const size = viewOf(payload).getUint32(payload.length - 4, true);
  if (size < 4 || size > MAX_KERNEL || size > payload.length * MAX_RATIO) {
    throw damaged('The bzImage', `it says that ${size} bytes are packed in it`);
  }
  return size;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
