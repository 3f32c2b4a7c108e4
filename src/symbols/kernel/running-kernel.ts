/**
 * A Linux kernel that runs, with nothing known of it but its memory, as a symbol file: its kallsyms, ORC data, types and
 * build id, all where the kernel keeps them for itself. Addresses are linear ones, so that nothing is left to slide. Source:
 * Linux arch/x86/kernel/vmlinux.lds.S for the symbols at the ends of sections. NOT IMPLEMENTED: what the image held before
 * it ran; parts whose ends are not among the symbols (without KALLSYMS_ALL those are data).
 */
import { unlessDamaged } from '../byte-reader';
import { buildIdIn } from '../elf/build-id';
import type { Section, Segment, SymbolFile } from '../symbol-file';
import { type Btf, readBtf } from './btf';
import { kallsymsAddress, type Kallsyms } from './kallsyms';
import { KallsymsFile } from './kallsyms-file';
import { type LinearRange, readKallsyms } from './kallsyms-memory';
import { awaitUnlessDamaged, readAll, type ReadLinear } from './linear-memory';
import { type OrcTable, readOrc } from './orc';

/** Sections by the symbols at their ends; flags as in a program header: 1 execute, 2 write, 4 read. */
const SECTIONS = [
  { name: '.text', first: '_text', last: '_etext', flags: 5 },
  { name: '.rodata', first: '__start_rodata', last: '__end_rodata', flags: 4 },
  { name: '.data', first: '_sdata', last: '_edata', flags: 6 },
  { name: '.init.text', first: '_sinittext', last: '_einittext', flags: 5 },
  { name: '.bss', first: '__bss_start', last: '__bss_stop', flags: 6 },
] as const;
const MAX_NOTES = 0x1_0000n;

/** A kernel in a guest's memory. */
export interface RunningKernel extends SymbolFile {
  readonly kallsyms: Kallsyms;
  /** At linear addresses, as all the rest. */
  readonly orc: OrcTable | undefined;
  readonly types: Btf | undefined;
}

/** Looks for a kernel in mapped linear ranges; undefined if there is none with kallsyms. Takes some tenths of a second. */
export async function openRunningKernel(
  read: ReadLinear,
  ranges: readonly LinearRange[],
): Promise<RunningKernel | undefined> {
  const kallsyms = await readKallsyms(read, ranges);
  if (!kallsyms) return undefined;
  const orc = await awaitUnlessDamaged(readOrc(read, kallsyms));
  const types = await awaitUnlessDamaged(readBtf(read, kallsyms));
  return new KernelInMemory(kallsyms, orc, types, await readBuildId(read, kallsyms));
}

async function readBuildId(read: ReadLinear, kallsyms: Kallsyms): Promise<string | undefined> {
  const start = kallsymsAddress(kallsyms, '__start_notes');
  const end = kallsymsAddress(kallsyms, '__stop_notes');
  if (start === undefined || end === undefined || end <= start || end - start > MAX_NOTES) return undefined;
  const notes = await readAll(read, start, Number(end - start));
  return notes && unlessDamaged(() => buildIdIn(notes));
}

class KernelInMemory extends KallsymsFile implements RunningKernel {
  readonly machine: 'x86' | 'x86-64';
  readonly bits: 32 | 64;
  readonly entry: bigint;
  readonly isRelocatable = false;

  constructor(
    kallsyms: Kallsyms,
    readonly orc: OrcTable | undefined,
    readonly types: Btf | undefined,
    readonly buildId: string | undefined,
  ) {
    super(kallsyms, segmentsOf(kallsyms));
    this.bits = kallsyms.bits;
    this.machine = this.bits === 64 ? 'x86-64' : 'x86';
    this.entry = kallsymsAddress(kallsyms, `startup_${this.bits}`) ?? this.segments[0]?.start ?? 0n;
  }

  sections(): Section[] {
    return sectionsOf(this.kallsyms).map(({ name, start, end }) => ({ name, address: start, size: end - start }));
  }

  /** What the image held before it ran is not in memory. */
  readInitial(): Uint8Array {
    return new Uint8Array(0);
  }
}

function sectionsOf(kallsyms: Kallsyms): (Segment & { readonly name: string })[] {
  return SECTIONS.flatMap(({ name, first, last, flags }) => {
    const start = kallsymsAddress(kallsyms, first);
    const end = kallsymsAddress(kallsyms, last);
    return start !== undefined && end !== undefined && start < end ? [{ name, start, end, flags }] : [];
  });
}

function segmentsOf(kallsyms: Kallsyms): Segment[] {
  return sectionsOf(kallsyms)
    .map(({ start, end, flags }) => ({ start, end, flags }))
    .sort((a, b) => (a.start < b.start ? -1 : 1));
}
