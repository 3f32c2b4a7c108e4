/** What Multiboot 1 and 2 share: finding the header, loading by ELF or by the header's addresses, placing modules. */
import { HIGH_RAM_START } from '../layout';
import { CMDLINE_LIMIT, encodeCmdline } from './cmdline';
import { isElf, loadSegments, parseElf, physicalEntry, requireInside } from './elf-image';
import { malformedImage, unsupportedImage } from './errors';
import type { ImageReader } from './image-reader';
import { PAGE, type MemoryPlan } from './memory-plan';
import { modulesOf, type BootOptions } from './options';

/** The load addresses that a header can carry (Multiboot 1 flag bit 16, Multiboot 2 address tag). */
export interface LoadAddresses {
  /** Where the header itself lands. */
  readonly header: number;
  /** Where loading begins; undefined: at the file's first byte. */
  readonly load: number | undefined;
  /** Exclusive end of what is loaded; 0: to the end of the file. */
  readonly loadEnd: number;
  /** Exclusive end of what is zeroed; 0: nothing. */
  readonly bssEnd: number;
}

/** A module in its place. Addresses are guest-physical, `end` exclusive, `cmdline` with its NUL. */
export interface PlacedModule {
  readonly start: number;
  readonly end: number;
  readonly cmdline: Uint8Array;
}

/** The least offset below `limit` where `matches` holds, tried in steps of `alignment`; undefined if there is none. */
export function findHeader(
  image: ImageReader,
  limit: number,
  alignment: number,
  size: number,
  matches: (offset: number) => boolean,
): number | undefined {
  for (let offset = 0; offset + size <= Math.min(limit, image.length); offset += alignment)
    if (matches(offset)) return offset;
  return undefined;
}

/** Loads the image and gives its entry: by `addresses` if given, else as ELF. `entry` overrides the ELF's own. */
export function loadKernel(
  image: ImageReader,
  headerOffset: number,
  addresses: LoadAddresses | undefined,
  entry: number | undefined,
  plan: MemoryPlan,
): number {
  if (addresses) {
    if (entry === undefined) throw malformedImage('its Multiboot header has load addresses and no entry address');
    return loadByAddresses(image, headerOffset, addresses, entry, plan);
  }
  if (!isElf(image)) throw unsupportedImage('has no load addresses in its Multiboot header', 'link it as an ELF');
  const elf = parseElf(image);
  loadSegments(image, elf, plan);
  return entry === undefined ? physicalEntry(elf) : requireInside(elf, entry);
}

/** Modules in order, from the lowest free page above the kernel's first megabyte, each on a page of its own. */
export function placeModules(options: BootOptions, plan: MemoryPlan): PlacedModule[] {
  return modulesOf(options).map(({ bytes, cmdline }) => {
    const start = plan.writeLow(bytes, PAGE, 'module', HIGH_RAM_START);
    return { start, end: start + bytes.length, cmdline: encodeCmdline(cmdline, CMDLINE_LIMIT) };
  });
}

function loadByAddresses(
  image: ImageReader,
  headerOffset: number,
  { header, load, loadEnd, bssEnd }: LoadAddresses,
  entry: number,
  plan: MemoryPlan,
): number {
  const start = load ?? header - headerOffset;
  const offset = load === undefined ? 0 : headerOffset - (header - load);
  if (offset < 0 || offset > headerOffset) throw malformedImage('its Multiboot header lies outside what it loads');
  if ((loadEnd !== 0 && loadEnd < start) || start < 0)
    throw malformedImage('its Multiboot load addresses are reversed');
  const length = loadEnd === 0 ? image.length - offset : loadEnd - start;
  const bytes = image.slice(offset, length, 'kernel');
  const end = Math.max(start + length, bssEnd);
  plan.claim(start, end - start, 'kernel');
  plan.fill(start, bytes);
  if (entry < start || entry >= end) throw malformedImage('its entry point lies outside what it loads');
  return entry;
}
