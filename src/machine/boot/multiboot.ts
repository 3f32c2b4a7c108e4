/**
 * Multiboot 1: protected mode, EAX = 0x2badb002, EBX = the information structure.
 *
 * Source: Multiboot Specification 0.6.96, chapter 3.
 * NOT IMPLEMENTED: video modes (an image that demands one is refused), symbols, drives, ROM configuration, APM, VBE.
 */
import { e820, HIGH_RAM_START, LOW_RAM_END } from '../layout';
import { CMDLINE_LIMIT, encodeCmdline } from './cmdline';
import { protectedMode } from './entry-states';
import { formatMismatch, unsupportedImage } from './errors';
import type { Handover } from './handover';
import type { ImageReader } from './image-reader';
import type { InitialState } from './initial-state';
import type { MemoryPlan } from './memory-plan';
import { findHeader, loadKernel, placeModules, type LoadAddresses, type PlacedModule } from './multiboot-image';
import { FORMAT_NAMES, type BootOptions } from './options';
import { Structure } from './structure';

const HEADER_MAGIC = 0x1badb002;
const LOADER_MAGIC = 0x2badb002n;
const SEARCH_LIMIT = 8192;

/** Header flags: page-aligned modules and memory information, which every kernel gets. */
const FLAGS_ALWAYS_MET = 0x3;
const FLAG_VIDEO = 0x4;
/** The image must not boot if the loader does not understand one of these. */
const FLAGS_REQUIRED = 0xffff;
const FLAG_ADDRESSES = 0x10000;

const INFO_BYTES = 120;
const INFO_MEMORY = 1 << 0;
const INFO_CMDLINE = 1 << 2;
const INFO_MODULES = 1 << 3;
const INFO_MEMORY_MAP = 1 << 6;
const INFO_LOADER_NAME = 1 << 9;
const MODULE_BYTES = 16;
const MAP_ENTRY_BYTES = 24;

const WHAT = 'Multiboot header';

/** The header's file offset, or undefined when the first 8 KiB hold none. */
export function findMultiboot(image: ImageReader): number | undefined {
  return findHeader(image, SEARCH_LIMIT, 4, 12, (offset) => {
    if (image.u32(offset, WHAT) !== HEADER_MAGIC) return false;
    return ((HEADER_MAGIC + image.u32(offset + 4, WHAT) + image.u32(offset + 8, WHAT)) & 0xffffffff) === 0;
  });
}

/** Loads a Multiboot 1 image. */
export function loadMultiboot(
  image: ImageReader,
  options: BootOptions,
  plan: MemoryPlan,
  handover: Handover,
): InitialState {
  const at = findMultiboot(image);
  if (at === undefined) throw formatMismatch(FORMAT_NAMES.multiboot);
  const flags = image.u32(at + 4, WHAT);
  if (flags & FLAG_VIDEO) throw unsupportedImage('demands a video mode', 'clear bit 2 of its Multiboot flags');
  if (flags & FLAGS_REQUIRED & ~FLAGS_ALWAYS_MET)
    throw unsupportedImage('demands unknown Multiboot features', 'clear bits 3-15 of its Multiboot flags');

  const byAddress = (flags & FLAG_ADDRESSES) !== 0;
  const addresses = byAddress ? readAddresses(image, at) : undefined;
  const entry = loadKernel(image, at, addresses, byAddress ? image.u32(at + 28, WHAT) : undefined, plan);
  const info = plan.writeLow(buildInfo(options, plan, handover), 8, 'Multiboot information');
  return protectedMode(plan, entry, { rax: LOADER_MAGIC, rbx: BigInt(info) });
}

function readAddresses(image: ImageReader, at: number): LoadAddresses {
  const field = (offset: number): number => image.u32(at + offset, WHAT);
  return { header: field(12), load: field(16), loadEnd: field(20), bssEnd: field(24) };
}

function buildInfo(options: BootOptions, plan: MemoryPlan, handover: Handover): Uint8Array {
  const modules = placeModules(options, plan);
  const map = buildMemoryMap(handover);
  const cmdline = encodeCmdline(options.cmdline ?? '', CMDLINE_LIMIT);
  return new Structure(INFO_BYTES)
    .u32(0, INFO_MEMORY | INFO_CMDLINE | INFO_MODULES | INFO_MEMORY_MAP | INFO_LOADER_NAME)
    .u32(4, Math.floor(LOW_RAM_END / 1024))
    .u32(8, (handover.ramBytes - HIGH_RAM_START) / 1024)
    .u32(16, plan.writeLow(cmdline, 4, 'command line'))
    .u32(20, modules.length)
    .u32(24, modules.length ? plan.writeLow(buildModuleList(modules, plan), 8, 'module list') : 0)
    .u32(44, map.length)
    .u32(48, plan.writeLow(map, 8, 'memory map'))
    .u32(64, plan.writeLow(encodeCmdline('VMXray', CMDLINE_LIMIT), 4, 'loader name')).bytes;
}

function buildModuleList(modules: readonly PlacedModule[], plan: MemoryPlan): Uint8Array {
  const list = new Structure(modules.length * MODULE_BYTES);
  modules.forEach(({ start, end, cmdline }, index) => {
    const at = index * MODULE_BYTES;
    list
      .u32(at, start)
      .u32(at + 4, end)
      .u32(at + 8, plan.writeLow(cmdline, 4, 'module command line'));
  });
  return list.bytes;
}

/** mmap entries; their `size` field does not count itself. */
function buildMemoryMap(handover: Handover): Uint8Array {
  const map = e820(handover.ramBytes);
  const bytes = new Structure(map.length * MAP_ENTRY_BYTES);
  map.forEach(({ start, length, type }, index) => {
    const at = index * MAP_ENTRY_BYTES;
    bytes
      .u32(at, MAP_ENTRY_BYTES - 4)
      .u64(at + 4, start)
      .u64(at + 12, length)
      .u32(at + 20, type);
  });
  return bytes.bytes;
}
