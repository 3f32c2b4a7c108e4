/**
 * Multiboot 2: protected mode, EAX = 0x36d76289, EBX = the boot information, a list of tags.
 *
 * Source: Multiboot2 Specification 2.0, 3.3 (state), 3.6 (boot information).
 * NOT IMPLEMENTED: relocation, ELF section headers, framebuffer, EFI, SMBIOS and network tags.
 */
import { e820, HIGH_RAM_START, LOW_RAM_END } from '../layout';
import { CMDLINE_LIMIT, encodeCmdline } from './cmdline';
import { protectedMode } from './entry-states';
import { formatMismatch } from './errors';
import type { Handover } from './handover';
import type { ImageReader } from './image-reader';
import type { InitialState } from './initial-state';
import { alignUp, type MemoryPlan } from './memory-plan';
import { loadKernel, placeModules } from './multiboot-image';
import { findMultiboot2, INFO_TAG, parseMultiboot2 } from './multiboot2-header';
import { FORMAT_NAMES, type BootOptions } from './options';
import { Structure } from './structure';

const LOADER_MAGIC = 0x36d76289n;
const TAG_HEADER = 8;
const INFO_HEADER = 8;
const MAP_ENTRY_BYTES = 24;
const RSDP_V1_BYTES = 20;

/** Loads a Multiboot 2 image. */
export function loadMultiboot2(
  image: ImageReader,
  options: BootOptions,
  plan: MemoryPlan,
  handover: Handover,
): InitialState {
  const offset = findMultiboot2(image);
  if (offset === undefined) throw formatMismatch(FORMAT_NAMES.multiboot2);
  const header = parseMultiboot2(image, offset);
  const entry = loadKernel(image, offset, header.addresses, header.entry, plan);
  const info = plan.writeLow(buildInfo(options, plan, handover), 8, 'Multiboot 2 information');
  return protectedMode(plan, entry, { rax: LOADER_MAGIC, rbx: BigInt(info) });
}

function buildInfo(options: BootOptions, plan: MemoryPlan, handover: Handover): Uint8Array {
  const modules = placeModules(options, plan).map(({ start, end, cmdline }) =>
    tag(INFO_TAG.module, 8 + cmdline.length, (body) => body.u32(8, start).u32(12, end).copy(16, cmdline)),
  );
  const tags = [
    textTag(INFO_TAG.cmdline, options.cmdline ?? ''),
    textTag(INFO_TAG.loaderName, 'VMXray'),
    ...modules,
    tag(INFO_TAG.basicMemory, 8, (body) =>
      body.u32(8, Math.floor(LOW_RAM_END / 1024)).u32(12, (handover.ramBytes - HIGH_RAM_START) / 1024),
    ),
    memoryMapTag(handover),
    bytesTag(INFO_TAG.rsdpOld, handover.rsdpBytes.subarray(0, RSDP_V1_BYTES)),
    bytesTag(INFO_TAG.rsdpNew, handover.rsdpBytes),
    tag(INFO_TAG.end, 0, (body) => body),
  ];
  const total = tags.reduce((sum, bytes) => sum + bytes.length, INFO_HEADER);
  const info = new Structure(total).u32(0, total);
  let at = INFO_HEADER;
  for (const bytes of tags) {
    info.copy(at, bytes);
    at += bytes.length;
  }
  return info.bytes;
}

/** A tag of `bodyBytes` bytes behind its header, padded to 8; offsets in `fill` count from the tag's start. */
function tag(type: number, bodyBytes: number, fill: (tag: Structure) => Structure): Uint8Array {
  const size = TAG_HEADER + bodyBytes;
  return fill(new Structure(alignUp(size, 8)).u32(0, type).u32(4, size)).bytes;
}

function bytesTag(type: number, bytes: Uint8Array): Uint8Array {
  return tag(type, bytes.length, (body) => body.copy(TAG_HEADER, bytes));
}

function textTag(type: number, text: string): Uint8Array {
  return bytesTag(type, encodeCmdline(text, CMDLINE_LIMIT));
}

function memoryMapTag(handover: Handover): Uint8Array {
  const map = e820(handover.ramBytes);
  return tag(INFO_TAG.memoryMap, 8 + map.length * MAP_ENTRY_BYTES, (body) => {
    body.u32(8, MAP_ENTRY_BYTES).u32(12, 0);
    map.forEach(({ start, length, type }, index) => {
      const at = 16 + index * MAP_ENTRY_BYTES;
      body
        .u64(at, start)
        .u64(at + 8, length)
        .u32(at + 16, type);
    });
    return body;
  });
}
