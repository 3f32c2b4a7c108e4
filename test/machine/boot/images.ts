/** Small builders of kernel images for the loaders' tests, written from the formats' documents. */
import { Structure } from '../../../src/machine/boot/structure';

export interface SegmentSpec {
  readonly type?: number;
  readonly virtual?: number;
  readonly physical: number;
  readonly bytes: Uint8Array;
  readonly memorySize?: number;
}

export interface ElfSpec {
  readonly bits?: 32 | 64;
  readonly machine?: number;
  readonly type?: number;
  readonly entry: number;
  readonly segments: readonly SegmentSpec[];
}

const PT_LOAD = 1;
export const PT_NOTE = 4;

/** An ELF executable: header, program headers, then (at a multiple of 16) the segments' bytes one after another. */
export function buildElf({ bits = 64, machine, type = 2, entry, segments }: ElfSpec): Uint8Array {
  const [headerBytes, entryBytes] = bits === 64 ? [64, 56] : [52, 32];
  let dataAt = Math.ceil((headerBytes + segments.length * entryBytes) / 16) * 16;
  const image = new Structure(segments.reduce((sum, { bytes }) => sum + bytes.length, dataAt));
  image
    .ascii(0, '\x7fELF')
    .u8(4, bits / 32)
    .u8(5, 1)
    .u8(6, 1)
    .u16(16, type);
  image.u16(18, machine ?? (bits === 64 ? 62 : 3)).u32(20, 1);
  if (bits === 64)
    image.u64(24, entry).u64(32, headerBytes).u16(52, headerBytes).u16(54, entryBytes).u16(56, segments.length);
  else image.u32(24, entry).u32(28, headerBytes).u16(40, headerBytes).u16(42, entryBytes).u16(44, segments.length);
  segments.forEach((segment, index) => {
    const at = headerBytes + index * entryBytes;
    const { physical, bytes, virtual = physical, memorySize = bytes.length } = segment;
    image.u32(at, segment.type ?? PT_LOAD);
    if (bits === 64)
      image
        .u64(at + 8, dataAt)
        .u64(at + 16, virtual)
        .u64(at + 24, physical)
        .u64(at + 32, bytes.length)
        .u64(at + 40, memorySize);
    else
      image
        .u32(at + 4, dataAt)
        .u32(at + 8, virtual)
        .u32(at + 12, physical)
        .u32(at + 16, bytes.length)
        .u32(at + 20, memorySize);
    image.copy(dataAt, bytes);
    dataAt += bytes.length;
  });
  return image.bytes;
}

/** One ELF note; its description is an address of 4 or 8 bytes. */
export function buildNote(name: string, type: number, description: number, size: 4 | 8 = 4): Uint8Array {
  const nameBytes = Math.ceil((name.length + 1) / 4) * 4;
  const note = new Structure(12 + nameBytes + size)
    .u32(0, name.length + 1)
    .u32(4, size)
    .u32(8, type)
    .ascii(12, name);
  return (size === 8 ? note.u64(12 + nameBytes, description) : note.u32(12 + nameBytes, description)).bytes;
}

export interface LinuxSpec {
  readonly version?: number;
  readonly setupSectors?: number;
  readonly payloadBytes?: number;
  readonly loadFlags?: number;
  readonly xloadFlags?: number;
  readonly initrdAddressMax?: number;
  readonly cmdlineSize?: number;
  readonly preferred?: number;
  readonly initSize?: number;
}

/** A bzImage whose protected-mode part is 0xe0, 0xe1, ... repeated. */
export function buildLinux(spec: LinuxSpec = {}): Uint8Array {
  const { version = 0x020f, setupSectors = 2, payloadBytes = 0x1000 } = spec;
  const setupBytes = (setupSectors + 1) * 512;
  const image = new Structure(setupBytes + payloadBytes);
  image
    .u8(0x1f1, setupSectors)
    .u32(0x1f4, payloadBytes / 16)
    .u16(0x1fe, 0xaa55)
    .u8(0x200, 0xeb)
    .u8(0x201, 0x6a);
  image
    .ascii(0x202, 'HdrS')
    .u16(0x206, version)
    .u8(0x211, spec.loadFlags ?? 1)
    .u32(0x214, 0x100000);
  image
    .u32(0x22c, spec.initrdAddressMax ?? 0x7fffffff)
    .u8(0x234, 1)
    .u16(0x236, spec.xloadFlags ?? 1);
  image
    .u32(0x238, spec.cmdlineSize ?? 255)
    .u64(0x258, spec.preferred ?? 0x200000)
    .u32(0x260, spec.initSize ?? 0x10000);
  for (let i = 0; i < payloadBytes; i++) image.u8(setupBytes + i, 0xe0 + (i & 0xf));
  return image.bytes;
}

/** A Multiboot 1 header; `addresses` are header, load, load end, bss end and entry of the a.out kludge. */
export function multibootHeader(flags: number, addresses: readonly number[] = []): Uint8Array {
  const header = new Structure(12 + addresses.length * 4).u32(0, 0x1badb002).u32(4, flags);
  header.u32(8, -(0x1badb002 + flags));
  addresses.forEach((address, index) => header.u32(12 + index * 4, address));
  return header.bytes;
}

export interface TagSpec {
  readonly type: number;
  readonly flags?: number;
  readonly fields?: readonly number[];
}

/** A Multiboot 2 header with `tags` and, unless `end` is false, the end tag. */
export function multiboot2Header(tags: readonly TagSpec[], end = true): Uint8Array {
  const all = end ? [...tags, { type: 0 }] : tags;
  const parts = all.map(({ type, flags = 0, fields = [] }) => {
    const size = 8 + fields.length * 4;
    const tag = new Structure(Math.ceil(size / 8) * 8).u16(0, type).u16(2, flags).u32(4, size);
    fields.forEach((value, index) => tag.u32(8 + index * 4, value));
    return tag.bytes;
  });
  const length = parts.reduce((sum, part) => sum + part.length, 16);
  const header = new Structure(16)
    .u32(0, 0xe85250d6)
    .u32(8, length)
    .u32(12, -(0xe85250d6 + length));
  return concat(header.bytes, ...parts);
}

/** The parts one after another. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)));
}
