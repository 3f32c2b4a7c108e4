/**
 * Boot: puts the ACPI tables, the image and what it is handed over into zeroed memory, and says in which state the
 * processor begins. A pure function of its arguments, so that a machine can be booted again from the same bytes.
 */
import { requireRamSize } from '../layout';
import { installAcpi } from '../acpi/install';
import { detectFormat } from './detect';
import { loadElf } from './elf';
import { formatMismatch } from './errors';
import { isElf } from './elf-image';
import { loadFlat } from './flat';
import type { GuestMemory } from './guest-memory';
import type { Handover } from './handover';
import { ImageReader } from './image-reader';
import type { InitialState } from './initial-state';
import { loadLinux } from './linux';
import { isLinux } from './linux-header';
import { MemoryPlan } from './memory-plan';
import { loadMultiboot } from './multiboot';
import { loadMultiboot2 } from './multiboot2';
import { FORMAT_NAMES, type BootFormat, type BootOptions } from './options';
import { loadPvh } from './pvh';

type Loader = (image: ImageReader, options: BootOptions, plan: MemoryPlan, handover: Handover) => InitialState;

const LOADERS: Readonly<Record<BootFormat, Loader>> = {
  linux: (image, ...rest) => {
    if (!isLinux(image)) throw formatMismatch(FORMAT_NAMES.linux);
    return loadLinux(image, ...rest);
  },
  pvh: (image, ...rest) => loadPvh(requireElf(image, 'pvh'), ...rest),
  multiboot2: loadMultiboot2,
  multiboot: loadMultiboot,
  elf: (image, options, plan) => loadElf(requireElf(image, 'elf'), options, plan),
  flat: loadFlat,
};

/**
 * Loads `image` into `memory`, which must be all zero, and gives the state of the first instruction. Throws UserErrors
 * (codes `boot/...` and `memory/...`) for everything that a file or an option can have wrong; memory may have been
 * written to by then, inside its bounds.
 */
export function load(image: Uint8Array, options: BootOptions, memory: GuestMemory): InitialState {
  requireRamSize(memory.size);
  const reader = new ImageReader(image);
  const format = detectFormat(reader, options);
  const handover: Handover = { ramBytes: memory.size, ...installAcpi(memory) };
  return LOADERS[format](reader, options, new MemoryPlan(memory), handover);
}

function requireElf(image: ImageReader, format: BootFormat): ImageReader {
  if (!isElf(image)) throw formatMismatch(FORMAT_NAMES[format]);
  return image;
}
