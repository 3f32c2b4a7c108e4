/**
 * The I/O bitmaps, the MSR bitmaps and the exception bitmap: which accesses and exceptions cause VM exits. Source: SDM
 * Vol. 3C 25.6.3, 25.6.4, 25.6.9 and 26.1.3, 26.2.
 *
 * Bitmaps lie in machine memory: every look-up takes views of their 4096-byte pages and reads them anew, so that a
 * write to the bitmap counts from the next access on.
 */
import { PRIMARY } from './controls';

/** Bytes of one I/O bitmap and of the four MSR bitmaps together. */
export const BITMAP_SIZE = 4096;

const isSet = (page: Uint8Array, offset: number, bit: number): boolean =>
  ((page[offset + (bit >>> 3)]! >>> (bit & 7)) & 1) !== 0;

/**
 * True if an access to `size` (1, 2, 4) ports from `port` (0 to 0xffff) finds a 1 in I/O bitmap A (ports 0 to 0x7fff)
 * or B (0x8000 to 0xffff), or wraps around port 0xffff.
 */
export function ioBitmapsExit(bitmapA: Uint8Array, bitmapB: Uint8Array, port: number, size: number): boolean {
  if (port + size > 0x1_0000) return true;
  for (let p = port; p < port + size; p++) {
    if (isSet(p < 0x8000 ? bitmapA : bitmapB, 0, p & 0x7fff)) return true;
  }
  return false;
}

/** What decides whether an I/O instruction exits without looking at bitmaps: "exit", "pass" or "look". */
export function ioDecision(primaryControls: number): 'exit' | 'pass' | 'look' {
  if (primaryControls & PRIMARY.USE_IO_BITMAPS) return 'look';
  return primaryControls & PRIMARY.UNCONDITIONAL_IO_EXITING ? 'exit' : 'pass';
}

/** Byte offsets of the four MSR bitmaps in their page. */
export const MSR_BITMAP_OFFSET = { READ_LOW: 0, READ_HIGH: 0x400, WRITE_LOW: 0x800, WRITE_HIGH: 0xc00 } as const;

/**
 * True if RDMSR (or WRMSR, if `isWrite`) of `msr` (ECX, unsigned) exits while "use MSR bitmaps" is 1. MSRs outside
 * 0 to 0x1fff and 0xc0000000 to 0xc0001fff always do.
 */
export function msrBitmapsExit(page: Uint8Array, msr: number, isWrite: boolean): boolean {
  if (msr < 0x2000) return isSet(page, isWrite ? MSR_BITMAP_OFFSET.WRITE_LOW : MSR_BITMAP_OFFSET.READ_LOW, msr);
  if (msr < 0xc000_0000 || msr > 0xc000_1fff) return true;
  return isSet(page, isWrite ? MSR_BITMAP_OFFSET.WRITE_HIGH : MSR_BITMAP_OFFSET.READ_HIGH, msr & 0x1fff);
}

/** The VM-execution controls that decide about exceptions, each unsigned 32 bits. */
export interface ExceptionControls {
  readonly bitmap: number;
  /** Page-fault error-code mask. */
  readonly mask: number;
  /** Page-fault error-code match. */
  readonly match: number;
}

const PAGE_FAULT = 14;

/**
 * True if the exception `vector` (0 to 31) exits. For #PF the bit in the bitmap counts if the error code, under the
 * mask, equals the match, and its opposite if not. NMIs are not asked here: "NMI exiting" decides.
 */
export function exceptionExits({ bitmap, mask, match }: ExceptionControls, vector: number, errorCode: number): boolean {
  const bit = ((bitmap >>> vector) & 1) !== 0;
  if (vector !== PAGE_FAULT) return bit;
  return ((errorCode & mask) >>> 0 === match >>> 0) === bit;
}
