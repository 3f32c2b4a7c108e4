/**
 * The part of ELF that a boot loader needs: header, program headers, notes.
 *
 * Source: System V ABI (gABI 4.1), chapters 4 and 5, with the x86-64 and i386 supplements' e_machine values.
 * NOT IMPLEMENTED: section headers (kernels boot without), relocation of ET_DYN images (loaded where they are linked).
 */
import { malformedImage, unsupportedImage } from './errors';
import type { ImageReader } from './image-reader';
import type { MemoryPlan } from './memory-plan';

/** A PT_LOAD program header. All in bytes; addresses above 2^53 arrive rounded and fail the memory checks. */
export interface ElfSegment {
  readonly offset: number;
  readonly virtual: number;
  readonly physical: number;
  readonly fileSize: number;
  readonly memorySize: number;
}

/** One entry of a PT_NOTE segment. */
export interface ElfNote {
  /** Without the terminating NUL. */
  readonly name: string;
  readonly type: number;
  readonly description: Uint8Array;
}

/** A parsed ELF executable for x86. */
export interface ElfImage {
  readonly bits: 32 | 64;
  /** e_entry, a virtual address. */
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
  readonly notes: readonly ElfNote[];
}

const EM_386 = 3;
const EM_X86_64 = 62;
const ET_EXEC = 2;
const ET_DYN = 3;
const PT_LOAD = 1;
const PT_INTERP = 3;
const PT_NOTE = 4;
/** More loadable segments or notes than any kernel has: a bound for hostile files. */
const MAX_SEGMENTS = 64;
const MAX_NOTES = 1024;

/** Tells whether the image begins with ELF's magic number. */
export function isElf(image: ImageReader): boolean {
  return image.length >= 4 && image.u32(0, 'ELF header') === 0x464c457f;
}

/** Parses the headers. UserErrors for another machine, another kind of ELF, or sizes that leave the file. */
export function parseElf(image: ImageReader): ElfImage {
  const bits = checkHeader(image);
  const [entry, tableOffset, entrySize, count] =
    bits === 64
      ? [image.u64(24, HEADER), image.u64(32, HEADER), image.u16(54, HEADER), image.u16(56, HEADER)]
      : [image.u32(24, HEADER), image.u32(28, HEADER), image.u16(42, HEADER), image.u16(44, HEADER)];
  if (entrySize !== (bits === 64 ? 56 : 32)) throw malformedImage('its program headers have the wrong size');
  image.require(tableOffset, entrySize * count, TABLE);

  const segments: ElfSegment[] = [];
  const notes: ElfNote[] = [];
  for (let i = 0; i < count; i++) {
    const at = tableOffset + i * entrySize;
    const type = image.u32(at, TABLE);
    if (type === PT_INTERP) throw unsupportedImage('is a user program', 'name a kernel image');
    if (type === PT_LOAD) segments.push(readSegment(image, at, bits));
    if (type === PT_NOTE) readNotes(image, readSegment(image, at, bits), notes);
    if (segments.length > MAX_SEGMENTS) throw malformedImage(`it has more than ${MAX_SEGMENTS} segments to load`);
  }
  if (!segments.some((segment) => segment.memorySize > 0)) throw malformedImage('it has nothing to load');
  return { bits, entry, segments, notes };
}

/** Writes every segment to its physical address; what lies beyond its file size is left zero. */
export function loadSegments(image: ImageReader, elf: ElfImage, plan: MemoryPlan): void {
  for (const segment of elf.segments) {
    plan.claim(segment.physical, segment.memorySize, 'kernel segment');
    plan.fill(segment.physical, image.slice(segment.offset, segment.fileSize, 'segments'));
  }
}

/** The physical address of e_entry: through the segment that holds it by virtual, else by physical address. */
export function physicalEntry(elf: ElfImage): number {
  const holder = elf.segments.find((s) => elf.entry >= s.virtual && elf.entry < s.virtual + s.memorySize);
  return requireInside(elf, holder ? elf.entry - holder.virtual + holder.physical : elf.entry);
}

/** Gives `physical` back, or throws if no segment covers it. */
export function requireInside(elf: ElfImage, physical: number): number {
  if (elf.segments.some((s) => physical >= s.physical && physical < s.physical + s.memorySize)) return physical;
  throw malformedImage('its entry point lies outside every segment');
}

const HEADER = 'ELF header';
const TABLE = 'program headers';

function checkHeader(image: ImageReader): 32 | 64 {
  const elfClass = image.u8(4, HEADER);
  if (elfClass !== 1 && elfClass !== 2) throw malformedImage('its ELF class is neither 32 nor 64 bits');
  const machine = image.u16(18, HEADER);
  const expected = elfClass === 2 ? EM_X86_64 : EM_386;
  if (image.u8(5, HEADER) !== 1 || machine !== expected)
    throw unsupportedImage('is built for another processor', 'build it for x86-64 or i386');
  const type = image.u16(16, HEADER);
  if (type !== ET_EXEC && type !== ET_DYN)
    throw unsupportedImage('is an object file or a core dump', 'link it to an executable');
  return elfClass === 2 ? 64 : 32;
}

function readSegment(image: ImageReader, at: number, bits: 32 | 64): ElfSegment {
  const word = (at64: number, at32: number): number =>
    bits === 64 ? image.u64(at + at64, TABLE) : image.u32(at + at32, TABLE);
  const segment: ElfSegment = {
    offset: word(8, 4),
    virtual: word(16, 8),
    physical: word(24, 12),
    fileSize: word(32, 16),
    memorySize: word(40, 20),
  };
  if (segment.fileSize > segment.memorySize) throw malformedImage('a segment is larger in the file than in memory');
  image.require(segment.offset, segment.fileSize, 'segments');
  return segment;
}

/** Notes are 4-byte aligned here even in ELF64, as every producer writes them (gABI's 8 is used by none). */
function readNotes(image: ImageReader, segment: ElfSegment, notes: ElfNote[]): void {
  const what = 'notes';
  const end = segment.offset + segment.fileSize;
  let at = segment.offset;
  while (at + 12 <= end) {
    const nameSize = image.u32(at, what);
    const descriptionSize = image.u32(at + 4, what);
    const type = image.u32(at + 8, what);
    const descriptionAt = at + 12 + roundTo4(nameSize);
    if (descriptionAt + descriptionSize > end) throw malformedImage('a note leaves its segment');
    if (notes.length >= MAX_NOTES) throw malformedImage(`it has more than ${MAX_NOTES} notes`);
    const name = String.fromCharCode(...image.slice(at + 12, Math.min(nameSize, 64), what)).replace(/\0+$/, '');
    notes.push({ name, type, description: image.slice(descriptionAt, descriptionSize, what) });
    at = descriptionAt + roundTo4(descriptionSize);
  }
}

const roundTo4 = (value: number): number => Math.ceil(value / 4) * 4;
