/**
 * The compressed kdump format (diskdump): one page after the other, packed, behind two bit maps. Sources: makedumpfile's
 * diskdump_mod.h and IMPLEMENTATION; QEMU's include/sysemu/dump.h. NOT IMPLEMENTED: LZO, snappy and zstd (refused); files
 * split in several; 32-bit machines.
 */
import { inflateSync } from 'node:zlib';
import type { DumpBytes } from './dump-bytes';
import type { DumpContents } from './dump-contents';
import { damagedDump, unknownPacking } from './errors';
import { linesOf, readNotes } from './notes';

const SIGNATURE = 'KDUMP   ';
const BLOCK_SIZE_AT = 428;
const DESCRIPTOR_BYTES = 24;
const PACKINGS: Readonly<Record<number, string>> = { 2: 'LZO', 4: 'snappy', 0x20: 'zstd' };
const ZLIB = 1;
const MOST_NOTES = 2 ** 25;
const MOST_MAP = 2 ** 29;
/** Bits whose ones are counted together. */
const CHUNK = 4096;
const PAGE = 4096;

/** True for the first bytes of a compressed kdump. */
export const isKdump = (head: Uint8Array): boolean =>
  Buffer.from(head.subarray(0, SIGNATURE.length)).toString('latin1') === SIGNATURE;

/** Reads a compressed kdump. Throws a UserError. */
export function readKdump(file: DumpBytes): DumpContents {
  const fail = (why: string) => damagedDump(file.path, why);
  const view = (offset: number, length: number): DataView => {
    const bytes = file.read(offset, length);
    if (bytes.length < length) throw fail('it ends too early');
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  };
  const head = view(0, BLOCK_SIZE_AT + 16);
  const version = head.getUint32(8, true);
  const [block, subBlocks, mapBlocks] = [0, 4, 8].map((at) => head.getUint32(BLOCK_SIZE_AT + at, true)) as [
    number,
    number,
    number,
  ];
  if (block !== PAGE) throw fail('its pages are not of 4096 bytes');
  if (mapBlocks * block > MOST_MAP || mapBlocks < 2) throw fail('its bit maps are too large');
  const sub = view(block, 104);
  const at = (offset: number): number => Number(sub.getBigUint64(offset, true));
  const [noteOffset, noteBytes] = version >= 4 ? [at(48), at(56)] : [0, 0];
  if (noteBytes > MOST_NOTES) throw fail('its notes are too large');
  const [infoOffset, infoBytes] = version >= 3 ? [at(32), at(40)] : [0, 0];
  const found = readNotes(file.read(noteOffset, noteBytes), 64);
  const info = linesOf(Buffer.from(file.read(infoOffset, Math.min(infoBytes, MOST_NOTES))).toString('latin1'));

  const halfMap = Math.floor(mapBlocks / 2) * block;
  const map = file.read((1 + subBlocks) * block + halfMap, halfMap);
  const before = countsOf(map);
  const descriptors = (1 + subBlocks + mapBlocks) * block;
  return {
    file,
    machine: 'x86-64',
    ...found,
    kernel: found.kernel.size > 0 ? found.kernel : info,
    ranges: rangesOf(map),
    readPage: (page) => {
      if (!hasBit(map, page)) return undefined;
      const descriptor = view(descriptors + indexOf(map, before, page) * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES);
      const offset = Number(descriptor.getBigUint64(0, true));
      const size = descriptor.getUint32(8, true);
      const flags = descriptor.getUint32(12, true);
      if (size > PAGE || !Number.isSafeInteger(offset)) throw fail('a page of it has no place');
      const bytes = file.read(offset, size);
      const packing = PACKINGS[flags & ~ZLIB];
      if (packing) throw unknownPacking(file.path, packing);
      const whole = flags & ZLIB ? inflated(bytes) : bytes;
      if (whole?.length !== PAGE) throw fail('a page of it cannot be unpacked');
      return whole;
    },
  };
}

function inflated(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return inflateSync(bytes, { maxOutputLength: PAGE });
  } catch {
    return undefined;
  }
}

const hasBit = (map: Uint8Array, index: number): boolean => ((map[index >> 3] ?? 0) >> (index & 7)) % 2 === 1;

function onesIn(byte: number): number {
  let ones = 0;
  for (let rest = byte; rest; rest &= rest - 1) ones++;
  return ones;
}

/** How many bits are set before each chunk. */
function countsOf(map: Uint8Array): Uint32Array {
  const counts = new Uint32Array(Math.ceil((map.length * 8) / CHUNK) + 1);
  for (let byte = 0; byte < map.length; byte++) {
    const chunk = Math.floor((byte * 8) / CHUNK);
    counts[chunk + 1]! += onesIn(map[byte]!);
  }
  for (let chunk = 1; chunk < counts.length; chunk++) counts[chunk]! += counts[chunk - 1]!;
  return counts;
}

/** How many bits are set before this one. */
function indexOf(map: Uint8Array, before: Uint32Array, index: number): number {
  const chunk = Math.floor(index / CHUNK);
  let count = before[chunk]!;
  for (let byte = (chunk * CHUNK) / 8; byte < index >> 3; byte++) count += onesIn(map[byte]!);
  return count + onesIn((map[index >> 3] ?? 0) & ((1 << (index & 7)) - 1));
}

function rangesOf(map: Uint8Array): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  let start: number | undefined;
  for (let index = 0; index <= map.length * 8; index++) {
    const isSet = index < map.length * 8 && hasBit(map, index);
    if (isSet && start === undefined) start = index;
    else if (!isSet && start !== undefined) {
      ranges.push({ start: start * PAGE, end: index * PAGE });
      start = undefined;
    }
  }
  return ranges;
}
