/**
 * The setup header of a Linux/x86 kernel image.
 *
 * Source: Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header". Offsets are those of the file and of
 * struct boot_params alike.
 */
import { malformedImage, unsupportedImage } from './errors';
import type { ImageReader } from './image-reader';

/** The setup header's own offset, in the image and in boot_params. */
export const SETUP_HEADER = 0x1f1;
/** boot_params has no room for a setup header beyond this offset. */
const SETUP_HEADER_LIMIT = 0x290;
const HDRS = 0x53726448;
const LOADED_HIGH = 0x01;
const XLF_KERNEL_64 = 0x01;
const SECTOR = 512;

/** What the loader needs to know of the kernel. */
export interface LinuxHeader {
  /** Boot protocol version, 0x0206 for 2.06. */
  readonly version: number;
  /** The setup header's bytes, from `SETUP_HEADER` on. */
  readonly bytes: Uint8Array;
  /** The protected-mode part of the file. */
  readonly payload: Uint8Array;
  /** The highest address that a byte of the initrd may have. */
  readonly initrdAddressMax: number;
  /** Longest command line in bytes, without the NUL. */
  readonly cmdlineSize: number;
  /** Whether the 64-bit entry point at +0x200 exists (XLF_KERNEL_64). */
  readonly entry64: boolean;
  /** Where the kernel likes to run, and how many bytes it needs from there; undefined before protocol 2.10. */
  readonly run?: { readonly start: number; readonly length: number };
}

/** Tells whether the image has the boot flag and the "HdrS" signature. */
export function isLinux(image: ImageReader): boolean {
  return image.length >= 0x208 && image.u16(0x1fe, WHAT) === 0xaa55 && image.u32(0x202, WHAT) === HDRS;
}

/** Reads and checks the header. UserErrors: truncated, malformed, unsupported (zImage, protocol before 2.06). */
export function parseLinuxHeader(image: ImageReader): LinuxHeader {
  const version = image.u16(0x206, WHAT);
  if (version < 0x0206)
    throw unsupportedImage('speaks a Linux boot protocol older than 2.06', 'use Linux 2.6.22 or newer');
  if (!(image.u8(0x211, WHAT) & LOADED_HIGH)) throw unsupportedImage('is a zImage', 'build a bzImage');

  const end = 0x202 + image.u8(0x201, WHAT);
  if (end < requiredEnd(version) || end > SETUP_HEADER_LIMIT)
    throw malformedImage('its setup header has an impossible length');
  return {
    version,
    bytes: image.slice(SETUP_HEADER, end - SETUP_HEADER, WHAT),
    payload: protectedModePart(image),
    initrdAddressMax: image.u32(0x22c, WHAT),
    cmdlineSize: image.u32(0x238, WHAT),
    entry64: version >= 0x020c && (image.u16(0x236, WHAT) & XLF_KERNEL_64) !== 0,
    ...(version >= 0x020a && { run: { start: image.u64(0x258, WHAT), length: image.u32(0x260, WHAT) } }),
  };
}

const WHAT = 'setup header';

/** The end of the last field that each protocol version promises: cmdline_size, then init_size. */
function requiredEnd(version: number): number {
  return version >= 0x020a ? 0x264 : 0x23c;
}

/** Everything behind the setup sectors; `syssize` says in 16-byte paragraphs how much must be there. */
function protectedModePart(image: ImageReader): Uint8Array {
  const setupSectors = image.u8(SETUP_HEADER, WHAT) || 4;
  const start = (setupSectors + 1) * SECTOR;
  const paragraphs = image.u32(0x1f4, WHAT);
  if (paragraphs === 0) throw malformedImage('its protected-mode part is empty');
  // The last paragraph may be begun only: syssize is rounded up.
  image.require(start, paragraphs * 16 - 15, 'protected-mode part');
  return image.slice(start, image.length - start, 'protected-mode part');
}
