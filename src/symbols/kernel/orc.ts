/**
 * ORC: where a Linux kernel's code, at each address, has its caller's stack pointer, return address and frame pointer.
 * Sources: Linux Documentation/arch/x86/orc-unwinder.rst, arch/x86/include/asm/orc_types.h, scripts/sorttable.h. x86-64
 * only. `.orc_unwind_ip` has a place-relative 32-bit address for each entry of 6 bytes in `.orc_unwind`.
 *
 * The bits above the registers changed: type (2 bits) up to 6.3, `end` behind it (from 4.20 on; 6.3 put `signal` between);
 * from 6.4 on type has 3 bits, in other numbers, and says the end too. NOT IMPLEMENTED: other processors' ORC.
 */
import { damaged } from '../byte-reader';
import type { ElfFile } from '../elf/elf-file';
import { kallsymsAddress, type Kallsyms } from './kallsyms';
import { readAll, type ReadLinear } from './linear-memory';

/** What a stack pointer or frame pointer is computed from; by its number in an entry. */
const REGISTERS = [
  'undefined',
  'previousSp',
  'rdx',
  'rdi',
  'rbp',
  'rsp',
  'r10',
  'r13',
  'atRbp',
  'atRsp',
  // Numbers that no kernel uses.
  ...Array<'undefined'>(6).fill('undefined'),
] as const;

/** A register, `previousSp` for the caller's stack pointer, or what lies at `rbp + offset` or at `rsp`. */
export type OrcRegister = (typeof REGISTERS)[number];

/**
 * What lies below the caller's stack pointer: a return address; all registers (struct pt_regs); or the processor's own
 * part of them only. `end` is the outermost function; `unknown` is code without unwind data.
 */
export type OrcType = 'call' | 'registers' | 'partialRegisters' | 'end' | 'unknown';

/** One entry. */
export interface OrcEntry {
  readonly type: OrcType;
  /** The caller's stack pointer is this plus `spOffset` bytes. */
  readonly spRegister: OrcRegister;
  readonly spOffset: number;
  /** The caller's frame pointer was saved at this plus `bpOffset` bytes; `undefined`: it was not changed. */
  readonly bpRegister: OrcRegister;
  readonly bpOffset: number;
}

const ENTRY = 6;
const TYPES_BY_2_BITS: readonly OrcType[] = ['call', 'registers', 'partialRegisters', 'unknown'];
const TYPES_BY_3_BITS: readonly OrcType[] = ['unknown', 'end', 'call', 'registers', 'partialRegisters'];
/** Bits of a table: more than any kernel's. */
const MAX_ENTRIES = 0x80_0000;

type Layout = '4.14' | '6.3' | '6.4';

/** The unwind data of a kernel or of a module. */
export class OrcTable {
  /** Addresses less `base`, rising. */
  private readonly places: Int32Array;
  /** The entry of each place, where the tables are not sorted. */
  private readonly order: Uint32Array | undefined;
  private readonly view: DataView;
  private readonly layout: Layout;

  /**
   * `base` is where `.orc_unwind_ip` lies: addresses are as linked or as loaded, as that is. A module's table is of the same
   * age as that of its kernel, which tells more. Throws the `damaged` error.
   */
  constructor(
    ips: Uint8Array,
    private readonly base: bigint,
    entries: Uint8Array,
    kernel?: OrcTable,
  ) {
    const count = ips.length / 4;
    if (!Number.isInteger(count) || entries.length !== count * ENTRY || count > MAX_ENTRIES) {
      throw damaged('The ORC unwind table', 'its two parts differ in length');
    }
    this.view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
    this.layout = kernel?.layout ?? layoutOf(this.view, count);
    const view = new DataView(ips.buffer, ips.byteOffset, ips.byteLength);
    const places = Int32Array.from({ length: count }, (_, index) => 4 * index + view.getInt32(4 * index, true));
    const isSorted = places.every((place, index) => index === 0 || place >= places[index - 1]!);
    if (!isSorted) {
      // Ends of sections come first among equals: what else lies there counts.
      const weak = (index: number): number => (this.entry(index).type === 'unknown' ? 0 : 1);
      this.order = Uint32Array.from(places, (_, index) => index).sort(
        (a, b) => places[a]! - places[b]! || weak(a) - weak(b) || a - b,
      );
    }
    this.places = this.order ? Int32Array.from(this.order, (index) => places[index]!) : places;
  }

  /** How many entries there are. */
  get size(): number {
    return this.places.length;
  }

  /** The entry for the instruction at an address; undefined if no data are there. */
  at(address: bigint): OrcEntry | undefined {
    const place = Number(address - this.base);
    let low = 0;
    let high = this.places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.places[middle]! <= place) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return undefined;
    const entry = this.entry(this.order ? this.order[low - 1]! : low - 1);
    return entry.type === 'unknown' ? undefined : entry;
  }

  private entry(index: number): OrcEntry {
    const bits = this.view.getUint16(index * ENTRY + 4, true);
    const spRegister = REGISTERS[bits & 15]!;
    return {
      type: typeOf(bits, this.layout, spRegister),
      spRegister,
      spOffset: this.view.getInt16(index * ENTRY, true),
      bpRegister: REGISTERS[(bits >> 4) & 15]!,
      bpOffset: this.view.getInt16(index * ENTRY + 2, true),
    };
  }
}

/** The unwind data of a vmlinux at link addresses; undefined if it has none. Throws the `damaged` error. */
export function orcOfElf(elf: ElfFile): OrcTable | undefined {
  const ips = elf.section('.orc_unwind_ip');
  const places = ips && elf.contents(ips);
  const entries = elf.contentsOf('.orc_unwind');
  if (!ips || !places || !entries || places.size > 4 * MAX_ENTRIES || entries.size > ENTRY * MAX_ENTRIES)
    return undefined;
  return new OrcTable(places.read(0, places.size), ips.address, entries.read(0, entries.size));
}

/** The unwind data of a kernel that runs, at the addresses where it lies; undefined if it has none or cannot be read. */
export async function readOrc(read: ReadLinear, kallsyms: Kallsyms): Promise<OrcTable | undefined> {
  const part = async (name: string, size: number): Promise<{ start: bigint; bytes: Uint8Array } | undefined> => {
    const start = kallsymsAddress(kallsyms, `__start_${name}`);
    const end = kallsymsAddress(kallsyms, `__stop_${name}`);
    if (start === undefined || end === undefined || end <= start || end - start > BigInt(size * MAX_ENTRIES)) {
      return undefined;
    }
    const bytes = await readAll(read, start, Number(end - start));
    return bytes && { start, bytes };
  };
  const ips = await part('orc_unwind_ip', 4);
  const entries = await part('orc_unwind', ENTRY);
  return ips && entries && new OrcTable(ips.bytes, ips.start, entries.bytes);
}

/** Most code is called: from 6.4 on that type is 2 in bits 10..8, before it is 0 in bits 9..8. 6.3 has ends at bit 11. */
function layoutOf(view: DataView, count: number): Layout {
  let old = 0;
  let hasBit11 = false;
  for (let index = 0; index < count; index += 1) {
    const bits = view.getUint16(index * ENTRY + 4, true);
    if ((bits & 15) === 0) continue;
    old += bits & 0x300 ? -1 : 1;
  }
  if (old < 0) return '6.4';
  for (let index = 0; index < count && !hasBit11; index += 1) {
    hasBit11 = (view.getUint16(index * ENTRY + 4, true) & 0x800) !== 0;
  }
  return hasBit11 ? '6.3' : '4.14';
}

function typeOf(bits: number, layout: Layout, spRegister: OrcRegister): OrcType {
  if (layout === '6.4') return TYPES_BY_3_BITS[(bits >> 8) & 7] ?? 'unknown';
  if (bits & (layout === '6.3' ? 0x800 : 0x400)) return 'end';
  return spRegister === 'undefined' ? 'unknown' : TYPES_BY_2_BITS[(bits >> 8) & 3]!;
}
