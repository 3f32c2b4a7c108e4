/**
 * The Multiboot 2 header and its tags.
 *
 * Source: Multiboot2 Specification 2.0, 3.1. A tag that the machine cannot serve is skipped if it is marked optional and
 * refused if not. EFI entry tags are passed over: there is no EFI here, and the specification has them used on EFI only.
 */
import type { UserError } from '../../common/errors';
import { malformedImage, unsupportedImage } from './errors';
import type { ImageReader } from './image-reader';
import { findHeader, type LoadAddresses } from './multiboot-image';

/** Tags of the boot information that this loader builds (3.6), by type. */
export const INFO_TAG = {
  end: 0,
  cmdline: 1,
  loaderName: 2,
  module: 3,
  basicMemory: 4,
  memoryMap: 6,
  rsdpOld: 14,
  rsdpNew: 15,
} as const;

/** What the header asks for. */
export interface Multiboot2Header {
  readonly offset: number;
  readonly addresses?: LoadAddresses;
  readonly entry?: number;
}

const HEADER_MAGIC = 0xe85250d6;
const SEARCH_LIMIT = 32768;
const ARCHITECTURE_I386 = 0;
const OPTIONAL = 1;
const WHAT = 'Multiboot 2 header';
const CONSOLE_REQUIRED = 1;
const LOAD_FROM_START = 0xffffffff;
const TAG = {
  end: 0,
  informationRequest: 1,
  address: 2,
  entryAddress: 3,
  consoleFlags: 4,
  framebuffer: 5,
  moduleAlignment: 6,
  efiBootServices: 7,
  efiEntry32: 8,
  efiEntry64: 9,
  relocatable: 10,
} as const;

/** The header's file offset, or undefined when the first 32 KiB hold none. */
export function findMultiboot2(image: ImageReader): number | undefined {
  return findHeader(image, SEARCH_LIMIT, 8, 16, (offset) => {
    let sum = 0;
    for (let i = 0; i < 16; i += 4) sum += image.u32(offset + i, WHAT);
    return image.u32(offset, WHAT) === HEADER_MAGIC && sum % 2 ** 32 === 0;
  });
}

/** Walks the tags of the header at `offset`. */
export function parseMultiboot2(image: ImageReader, offset: number): Multiboot2Header {
  if (image.u32(offset + 4, WHAT) !== ARCHITECTURE_I386)
    throw unsupportedImage('has a Multiboot 2 header for MIPS', 'build it for i386 or x86-64');
  const end = offset + image.u32(offset + 8, WHAT);
  image.require(offset, end - offset, WHAT);
  let header: Multiboot2Header = { offset };
  for (let at = offset + 16; at + 8 <= end;) {
    const type = image.u16(at, WHAT);
    const size = image.u32(at + 4, WHAT);
    if (type === TAG.end) return header;
    if (size < 8 || at + size > end) throw malformedImage('a tag of its Multiboot 2 header has an impossible size');
    const optional = (image.u16(at + 2, WHAT) & OPTIONAL) !== 0;
    header = { ...header, ...readTag(image, at, type, size, optional) };
    at += Math.ceil(size / 8) * 8;
  }
  throw malformedImage('its Multiboot 2 header has no end tag');
}

function readTag(
  image: ImageReader,
  at: number,
  type: number,
  size: number,
  optional: boolean,
): Omit<Multiboot2Header, 'offset'> {
  const field = (offset: number): number => {
    if (offset + 4 > size) throw malformedImage('a tag of its Multiboot 2 header is too short');
    return image.u32(at + offset, WHAT);
  };
  switch (type) {
    case TAG.informationRequest:
      for (let offset = 8; offset + 4 <= size; offset += 4) requireInfoTag(field(offset), optional);
      return {};
    case TAG.address: {
      const load = field(12);
      const addresses = { header: field(8), loadEnd: field(16), bssEnd: field(20) };
      return { addresses: { ...addresses, load: load === LOAD_FROM_START ? undefined : load } };
    }
    case TAG.entryAddress:
      return { entry: field(8) };
    case TAG.moduleAlignment:
    case TAG.efiBootServices:
    case TAG.efiEntry32:
    case TAG.efiEntry64:
    case TAG.relocatable:
      return {};
    case TAG.consoleFlags:
      if (!optional && field(8) & CONSOLE_REQUIRED) throw needsDisplay();
      return {};
    case TAG.framebuffer:
      if (!optional) throw needsDisplay();
      return {};
    default:
      if (!optional) throw unsupportedImage(`has an unknown Multiboot 2 tag ${type}`, 'mark it optional (flags = 1)');
      return {};
  }
}

const needsDisplay = (): UserError =>
  unsupportedImage('demands a display', 'mark that Multiboot 2 tag optional (flags = 1) and use the serial port');

function requireInfoTag(type: number, optional: boolean): void {
  const known: readonly number[] = Object.values(INFO_TAG);
  if (!optional && !known.includes(type))
    throw unsupportedImage(
      `demands Multiboot 2 information of type ${type}`,
      'mark the request optional (flags = 1), for the machine has none',
    );
}
