/**
 * The kernel inside a bzImage: an ELF file without its symbol table, packed. Sources: Linux
 * Documentation/arch/x86/boot.rst (`payload_offset` and `payload_length`, protocol 2.08), arch/x86/boot/compressed/Makefile
 * and scripts/Makefile.lib (`size_append`: the size follows the packed data where the packer does not say it).
 *
 * NOT IMPLEMENTED: payloads of zstd, bzip2, lzma and lzo, which are told by name.
 */
import { UserError } from '../../common/errors';
import { damaged } from '../byte-reader';
import type { RandomAccessBytes } from '../bytes';
import { LZ4_LEGACY_MAGIC, unpackLz4 } from './lz4';

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
/** LZ4 makes at most 255 bytes of one. */
const MAX_RATIO = 256;
const ELF_MAGIC = 0x464c_457f;

/** The packers that Linux knows, by the payload's first bytes. */
const PACKERS: readonly { readonly name: string; readonly magic: readonly number[] }[] = [
  { name: 'gzip', magic: [0x1f, 0x8b] },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
  { name: 'lzma', magic: [0x5d, 0x00, 0x00] },
  { name: 'lzo', magic: [0x89, 0x4c, 0x5a, 0x4f] },
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
export function unpackKernel(bytes: RandomAccessBytes): Uint8Array {
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
  const kernel = unpack(payload);
  if (viewOf(kernel).getUint32(0, true) !== ELF_MAGIC) throw damaged('The bzImage', 'it holds no ELF file');
  return kernel;
}

function unpack(payload: Uint8Array): Uint8Array {
  const view = viewOf(payload);
  const magic = view.getUint32(0, true);
  if (magic === ELF_MAGIC) return payload;
  if (magic === LZ4_LEGACY_MAGIC) {
    const size = sizeAppended(payload);
    return unpackLz4(payload.subarray(0, -4), size);
  }
  const packer = PACKERS.find(({ magic }) => magic.every((byte, index) => payload[index] === byte));
  throw new UserError(
    'symbols.packer',
    `This kernel is packed with ${packer?.name ?? 'an unknown program'}; give its vmlinux, or one packed with LZ4.`,
  );
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
