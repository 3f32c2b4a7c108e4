/**
 * An ELF core file of a whole machine: its program headers say where physical memory lies in the file. Sources: the generic
 * ABI, chapter 5; QEMU's dump/dump.c; Linux fs/proc/vmcore.c. NOT IMPLEMENTED: big-endian files.
 */
import type { DumpBytes } from './dump-bytes';
import { damagedDump, notADump } from './errors';
import type { DumpContents, DumpRange } from './dump-contents';
import { readNotes } from './notes';

const ET_CORE = 4;
const EM_386 = 3;
const EM_X86_64 = 62;
const PT_LOAD = 1;
const PT_NOTE = 4;
const PN_XNUM = 0xffff;
const MOST_HEADERS = 2 ** 16;
const MOST_NOTES = 2 ** 25;
const PAGE = 4096;

/** True for the first bytes of an ELF file. */
export const isElf = (head: Uint8Array): boolean => Buffer.from(head.subarray(0, 4)).toString('latin1') === '\x7fELF';

/** Reads an ELF core file. Throws a UserError. */
export function readElfCore(file: DumpBytes): DumpContents {
  const head = viewOf(file, 0, 64);
  const bits = head.getUint8(4) === 2 ? 64 : 32;
  const machine = head.getUint16(18, true);
  const isKnown = head.getUint8(5) === 1 && head.getUint16(16, true) === ET_CORE;
  if (!isKnown || (machine !== EM_386 && machine !== EM_X86_64)) throw notADump(file.path);
  const is64 = bits === 64;
  const wide = (view: DataView, at: number): number =>
    is64 ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true);
  const sections = wide(head, is64 ? 40 : 32);
  const counted = head.getUint16(is64 ? 56 : 44, true);
  // Too many for the header: section 0 has the number.
  const count = counted === PN_XNUM ? viewOf(file, sections, is64 ? 64 : 40).getUint32(is64 ? 44 : 28, true) : counted;
  const size = is64 ? 56 : 32;
  if (count > MOST_HEADERS || head.getUint16(is64 ? 54 : 42, true) !== size)
    throw damagedDump(file.path, 'its program headers are none');
  const headers = viewOf(file, wide(head, is64 ? 32 : 28), count * size);
  const ranges: DumpRange[] = [];
  const notes: Uint8Array[] = [];
  for (let at = 0; at < count * size; at += size) {
    const type = headers.getUint32(at, true);
    const offset = wide(headers, at + (is64 ? 8 : 4));
    const physical = wide(headers, at + (is64 ? 24 : 12));
    const bytes = wide(headers, at + (is64 ? 32 : 16));
    if (!Number.isSafeInteger(offset + bytes) || !Number.isSafeInteger(physical + bytes))
      throw damagedDump(file.path, 'a part of it has no place');
    if (type === PT_NOTE && bytes <= MOST_NOTES) notes.push(file.read(offset, bytes));
    else if (type === PT_LOAD && bytes > 0) ranges.push({ start: physical, end: physical + bytes, offset });
  }
  // With paging, the same memory is there once for each place where it is mapped.
  ranges.sort((a, b) => a.start - b.start);
  const found = readNotes(Buffer.concat(notes), bits);
  return {
    file,
    machine: machine === EM_X86_64 ? 'x86-64' : 'x86',
    ...found,
    ranges,
    readPage: (page) => {
      const start = page * PAGE;
      const range = ranges.find((one) => start >= one.start && start < one.end);
      if (!range) return undefined;
      const bytes = new Uint8Array(PAGE);
      bytes.set(file.read(range.offset + start - range.start, Math.min(PAGE, range.end - start)));
      return bytes;
    },
  };
}

function viewOf(file: DumpBytes, offset: number, length: number): DataView {
  const bytes = file.read(offset, length);
  if (bytes.length < length) throw damagedDump(file.path, 'it ends too early');
  return new DataView(bytes.buffer, bytes.byteOffset, length);
}
