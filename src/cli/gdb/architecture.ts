/**
 * Which registers gdb is to see when its user does not say. gdb that has loaded a 32-bit program accepts the registers
 * of a 32-bit processor alone ("Architecture rejected target-supplied description"), and reads stacks and instructions
 * as 32-bit ones then: what such a guest wants. Every other guest gets the whole processor.
 * Sources: System V gABI 4.1, "ELF header" (e_ident); Linux Documentation/arch/x86/boot.rst, xloadflags.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Architecture } from '../../gdb/register-layout';

const ELF_MAGIC = '\x7fELF';
const ELF_CLASS = 4;
const ELFCLASS32 = 1;
const HDRS = 0x202;
const LINUX_FLAGS = 0x236;
const XLF_KERNEL_64 = 1;
const HEAD_BYTES = LINUX_FLAGS + 2;

/** By the first bytes of a kernel: `i386` for a 32-bit ELF and for a bzImage without a 64-bit entry. */
export function architectureFor(head: Uint8Array): Architecture {
  const text = Buffer.from(head).toString('latin1');
  if (text.startsWith(ELF_MAGIC)) return head[ELF_CLASS] === ELFCLASS32 ? 'i386' : 'x86-64';
  const isShortLinux = text.startsWith('HdrS', HDRS) && ((head[LINUX_FLAGS] ?? 0) & XLF_KERNEL_64) === 0;
  return isShortLinux ? 'i386' : 'x86-64';
}

/** By the kernel's file, which is known to be readable. */
export function architectureOfKernel(path: string): Architecture {
  const file = openSync(path, 'r');
  try {
    const head = new Uint8Array(HEAD_BYTES);
    return architectureFor(head.subarray(0, readSync(file, head)));
  } finally {
    closeSync(file);
  }
}
