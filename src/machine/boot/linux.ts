/**
 * Linux bzImage by the 32-bit and the 64-bit boot protocol: the protected-mode part at 1 MiB, boot_params with E820,
 * command line, initrd and the RSDP's address, then the entry at +0 (32-bit) or +0x200 (64-bit).
 *
 * Source: Linux Documentation/arch/x86/boot.rst ("32-bit BOOT PROTOCOL", "64-bit BOOT PROTOCOL") and zero-page.rst.
 * NOT IMPLEMENTED: the 16-bit entry, setup_data, EFI hand-over, kernels above 4 GiB.
 */
import { e820, HIGH_RAM_START } from '../layout';
import { encodeCmdline } from './cmdline';
import { longMode, protectedMode } from './entry-states';
import { malformedImage, notTaken, unsupportedImage } from './errors';
import type { Handover } from './handover';
import type { ImageReader } from './image-reader';
import type { InitialState } from './initial-state';
import { parseLinuxHeader, SETUP_HEADER, type LinuxHeader } from './linux-header';
import { PAGE, type MemoryPlan } from './memory-plan';
import type { BootOptions } from './options';
import { Structure } from './structure';

const ENTRY64_OFFSET = 0x200;
/** "An undefined boot loader" of boot.rst's list. */
const TYPE_OF_LOADER = 0xff;
/** The initrd needs no more than this, but Linux frees it by pages. */
const INITRD_ALIGNMENT = PAGE;
const LOAD_ADDRESS = HIGH_RAM_START;

/** Loads a bzImage. UserErrors as the header, the sizes and the options deserve. */
export function loadLinux(
  image: ImageReader,
  options: BootOptions,
  plan: MemoryPlan,
  handover: Handover,
): InitialState {
  if (options.modules?.length) throw notTaken('A Linux bzImage', 'modules');
  const header = parseLinuxHeader(image);
  const use64 = chooseEntry(header, options);
  plan.claim(LOAD_ADDRESS, header.payload.length, KERNEL);
  plan.fill(LOAD_ADDRESS, header.payload);
  claimRunningKernel(header, plan);

  const cmdline = encodeCmdline(options.cmdline ?? '', header.cmdlineSize || 255);
  const parameters = buildBootParams(header, handover)
    .u32(0x228, plan.writeLow(cmdline, 16, 'command line'))
    .u8(0x210, TYPE_OF_LOADER)
    .u32(0x214, LOAD_ADDRESS);
  if (options.initrd?.length) {
    const { initrd } = options;
    const start = plan.placeHigh(initrd.length, INITRD_ALIGNMENT, 'initrd', header.initrdAddressMax + 1);
    plan.fill(start, initrd);
    parameters.u32(0x218, start).u32(0x21c, initrd.length);
  }
  const rsi = BigInt(plan.writeLow(parameters.bytes, PAGE, 'boot_params'));
  return use64 ? longMode(plan, LOAD_ADDRESS + ENTRY64_OFFSET, { rsi }) : protectedMode(plan, LOAD_ADDRESS, { rsi });
}

const KERNEL = 'kernel';

function chooseEntry(header: LinuxHeader, options: BootOptions): boolean {
  if (options.linuxEntry === 32) return false;
  if (options.linuxEntry === 64 && !header.entry64)
    throw unsupportedImage('has no 64-bit entry point', 'boot it by the 32-bit protocol');
  if (header.entry64 && header.payload.length <= ENTRY64_OFFSET)
    throw malformedImage('its 64-bit entry point lies behind its end');
  return header.entry64;
}

/** Keeps the initrd out of where the kernel unpacks itself, and refuses a machine that is too small for it. */
function claimRunningKernel({ payload, run }: LinuxHeader, plan: MemoryPlan): void {
  if (!run) return;
  const start = Math.max(run.start, LOAD_ADDRESS);
  const taken = Math.max(start, LOAD_ADDRESS + payload.length);
  plan.claim(taken, Math.max(start + run.length - taken, 0), 'unpacked kernel');
}

/** The zero page with everything but the addresses that placing the parts yields. */
function buildBootParams(header: LinuxHeader, handover: Handover): Structure {
  const map = e820(handover.ramBytes);
  const page = new Structure(PAGE)
    .copy(SETUP_HEADER, header.bytes)
    .u64(0x070, handover.rsdp)
    .u8(0x1e8, map.length)
    .u64(0x250, 0);
  map.forEach(({ start, length, type }, index) => {
    const at = 0x2d0 + index * 20;
    page
      .u64(at, start)
      .u64(at + 8, length)
      .u32(at + 16, type);
  });
  return page;
}
