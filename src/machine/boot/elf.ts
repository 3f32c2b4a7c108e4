/**
 * A plain ELF, without a PVH note or a Multiboot header: a convenience of ours for small guests, no published protocol.
 * An ELF64 is entered in 64-bit mode with the first 4 GiB mapped to themselves, an ELF32 in protected mode with flat
 * segments, both at the physical address of e_entry, with RSP at the top of a 64 KiB stack, interrupts off and every
 * other general register 0. There is no boot information: the memory map can be had from ACPI or fw_cfg.
 */
import { longMode, placeStack, protectedMode } from './entry-states';
import { loadSegments, parseElf, physicalEntry } from './elf-image';
import type { ImageReader } from './image-reader';
import type { InitialState } from './initial-state';
import type { MemoryPlan } from './memory-plan';
import { refuseHandOff, type BootOptions } from './options';
import { LOW_RAM_END } from '../layout';

const STACK_BYTES = 0x10000;

/** Loads the segments and builds the state for the ELF's class. */
export function loadElf(image: ImageReader, options: BootOptions, plan: MemoryPlan): InitialState {
  refuseHandOff('elf', options);
  const elf = parseElf(image);
  loadSegments(image, elf, plan);
  const registers = { rsp: BigInt(placeStack(plan, STACK_BYTES, LOW_RAM_END)) };
  const enter = elf.bits === 64 ? longMode : protectedMode;
  return enter(plan, physicalEntry(elf), registers);
}
