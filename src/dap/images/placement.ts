/**
 * Finds where a program lies that moves itself before it runs, as Linux does with KASLR: among the ranges that the guest's
 * page tables map executable, the one that holds what the program's file holds.
 *
 * A 64-bit kernel's own tables map its image from `_text` on (arch/x86/kernel/head64.c, `__startup_64`, clears what lies
 * before it), so that the start of a range is the candidate; a 32-bit kernel lies somewhere in its map of all low memory
 * (arch/x86/Kconfig, RANDOMIZE_BASE: at most 512 MiB up, aligned to 2 MiB at least). What is compared are places that
 * nothing patches.
 */
import type { MappedRange } from '../../protocol/mappings';
import type { SymbolFile } from '../../symbols/symbol-file';
import type { Target } from '../../targets/target';

const PAGE = 4096n;
/** PF_X of a program header. */
const EXECUTABLE = 1;
const MOST_CALLS = 8;
const RANGES = 1000;
const PROBE_BYTES = 32;
const MOST_SLIDE_32 = 0x2000_0000n;
const ALIGNMENT_32 = 0x20_0000n;
/** How every Linux kernel names itself, in data that nothing changes. */
const BANNER = /Linux version \d/;
const PIECE = 1 << 20;

/** A piece of the file to look for. */
interface Probe {
  readonly link: bigint;
  readonly bytes: Uint8Array;
}

/** Pieces of a program are the same each time that it is looked for. */
const probed = new WeakMap<SymbolFile, readonly Probe[]>();

/** Linear minus link address of the program, or undefined if it is not there now. */
export async function findSlide(target: Target, thread: number, symbols: SymbolFile): Promise<bigint | undefined> {
  const text = symbols.segments.find(({ flags }) => flags & EXECUTABLE);
  if (!text) return undefined;
  const probes = probed.get(symbols) ?? probesOf(symbols, text.start, text.end);
  probed.set(symbols, probes);
  if (probes.length === 0) return undefined;
  for (const range of await executableRanges(target, thread)) {
    for (const slide of symbols.bits === 64 ? [BigInt(range.start) - text.start] : lowMemorySlides(range, text.start)) {
      if (slide % PAGE === 0n && (await isAt(target, thread, probes, slide))) return slide;
    }
  }
  return undefined;
}

function* lowMemorySlides({ start, end }: MappedRange, text: bigint): Generator<bigint> {
  for (let slide = 0n; slide < MOST_SLIDE_32 && text + slide < BigInt(end); slide += ALIGNMENT_32) {
    if (text + slide >= BigInt(start)) yield slide;
  }
}

async function executableRanges(target: Target, thread: number): Promise<MappedRange[]> {
  const found: MappedRange[] = [];
  // The upper half first: that is where kernels lie.
  for (const half of ['0xffff800000000000', '0x0'] as const) {
    let start: `0x${string}` | undefined = half;
    for (let call = 0; call < MOST_CALLS && start !== undefined; call++) {
      const { ranges, next } = await target.mappings(thread, { space: 'linear', start, count: RANGES });
      found.push(...ranges.filter(({ execute }) => execute));
      start = next;
    }
  }
  return found;
}

/** Linux's banner if there is one, which says the version too; else pieces of the code. */
function probesOf(symbols: SymbolFile, start: bigint, end: bigint): Probe[] {
  const banner = symbols.symbolsByName('linux_banner')[0]?.address ?? bannerIn(symbols);
  const places =
    banner !== undefined ? [banner] : [start, start + (end - start) / 3n, start + ((end - start) * 2n) / 3n];
  return places.flatMap((link) => {
    const bytes = symbols.readInitial(link, PROBE_BYTES);
    return bytes.length === PROBE_BYTES && bytes.some((byte) => byte !== bytes[0]) ? [{ link, bytes }] : [];
  });
}

/** The link address of the banner, for kernels whose symbols are those of code only. */
function bannerIn(symbols: SymbolFile): bigint | undefined {
  if (symbols.hasLines) return undefined;
  for (const { start, end } of symbols.segments) {
    for (let at = start; at < end; at += BigInt(PIECE)) {
      // Pieces overlap, so that none cuts it.
      const bytes = symbols.readInitial(at, PIECE + PROBE_BYTES);
      const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').search(BANNER);
      if (found >= 0) return at + BigInt(found);
    }
  }
  return undefined;
}

async function isAt(target: Target, thread: number, probes: readonly Probe[], slide: bigint): Promise<boolean> {
  for (const { link, bytes } of probes) {
    const there = await target.readMemory(thread, 'linear', BigInt.asUintN(64, link + slide), bytes.length);
    if (there.length < bytes.length || bytes.some((byte, index) => byte !== there[index])) return false;
  }
  return true;
}
