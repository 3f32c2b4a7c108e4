/**
 * PVH direct boot: a 32-bit entry named by an ELF note, EBX pointing to hvm_start_info.
 *
 * Source: Xen docs/misc/pvh.pandoc (state at entry), xen/include/public/arch-x86/hvm/start_info.h (version 1),
 * xen/include/public/elfnote.h (PHYS32_ENTRY).
 * NOT IMPLEMENTED: PHYS32_RELOC (images are loaded where they are linked), Xen's hypercalls.
 */
import { e820 } from '../layout';
import { CMDLINE_LIMIT, encodeCmdline } from './cmdline';
import { loadSegments, parseElf, requireInside, type ElfImage } from './elf-image';
import { protectedMode } from './entry-states';
import { formatMismatch, malformedImage } from './errors';
import type { Handover } from './handover';
import type { ImageReader } from './image-reader';
import type { InitialState } from './initial-state';
import { PAGE, type MemoryPlan } from './memory-plan';
import { FORMAT_NAMES, modulesOf, type BootOptions } from './options';
import { Structure } from './structure';

const XEN_ELFNOTE_PHYS32_ENTRY = 18;
const START_MAGIC = 0x336ec578;
const START_INFO_BYTES = 56;
const MODULE_BYTES = 32;
const MEMORY_MAP_BYTES = 24;

/** The 32-bit entry's physical address, or undefined when the ELF has no such note. */
export function pvhEntry(elf: ElfImage): number | undefined {
  const note = elf.notes.find(({ name, type }) => name === 'Xen' && type === XEN_ELFNOTE_PHYS32_ENTRY);
  if (!note) return undefined;
  const { description } = note;
  if (description.length !== 4 && description.length !== 8) throw malformedImage('its PVH note has an impossible size');
  return description.reduceRight((value, byte) => value * 256 + byte, 0);
}

/** Loads an ELF by its PVH note. */
export function loadPvh(image: ImageReader, options: BootOptions, plan: MemoryPlan, handover: Handover): InitialState {
  const elf = parseElf(image);
  const entry = pvhEntry(elf);
  if (entry === undefined) throw formatMismatch(FORMAT_NAMES.pvh);
  loadSegments(image, elf, plan);
  requireInside(elf, entry);

  const modules = placeModules(options, plan);
  const map = buildMemoryMap(handover);
  const info = new Structure(START_INFO_BYTES)
    .u32(0, START_MAGIC)
    .u32(4, 1)
    .u32(12, modules.length / MODULE_BYTES)
    .u64(16, modules.length ? plan.writeLow(modules, 8, 'module list') : 0)
    .u64(24, plan.writeLow(encodeCmdline(options.cmdline ?? '', CMDLINE_LIMIT), 16, 'command line'))
    .u64(32, handover.rsdp)
    .u64(40, plan.writeLow(map, 8, 'memory map'))
    .u32(48, map.length / MEMORY_MAP_BYTES);
  return protectedMode(plan, entry, { rbx: BigInt(plan.writeLow(info.bytes, 8, 'start info')) });
}

/** hvm_modlist_entry for every module; the modules go to the top of RAM, out of the way of the kernel's own growth. */
function placeModules(options: BootOptions, plan: MemoryPlan): Uint8Array {
  const modules = modulesOf(options);
  const list = new Structure(modules.length * MODULE_BYTES);
  modules.forEach(({ bytes, cmdline }, index) => {
    const start = plan.placeHigh(bytes.length, PAGE, 'module', Infinity);
    plan.fill(start, bytes);
    const text = plan.writeLow(encodeCmdline(cmdline, CMDLINE_LIMIT), 1, 'module command line');
    const at = index * MODULE_BYTES;
    list
      .u64(at, start)
      .u64(at + 8, bytes.length)
      .u64(at + 16, text);
  });
  return list.bytes;
}

function buildMemoryMap(handover: Handover): Uint8Array {
  const map = e820(handover.ramBytes);
  const bytes = new Structure(map.length * MEMORY_MAP_BYTES);
  map.forEach(({ start, length, type }, index) => {
    const at = index * MEMORY_MAP_BYTES;
    bytes
      .u64(at, start)
      .u64(at + 8, length)
      .u32(at + 16, type);
  });
  return bytes.bytes;
}
