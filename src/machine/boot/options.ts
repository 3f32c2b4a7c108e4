/** What a user can say about a boot, beside the image itself. */
import { notTaken } from './errors';

/** The ways in which an image can be entered; `detect` chooses one when the user does not. */
export type BootFormat = 'linux' | 'pvh' | 'multiboot2' | 'multiboot' | 'elf' | 'flat';

/** The formats in words, for error sentences. */
export const FORMAT_NAMES: Readonly<Record<BootFormat, string>> = {
  linux: 'a Linux bzImage',
  pvh: 'a PVH kernel',
  multiboot2: 'a Multiboot 2 kernel',
  multiboot: 'a Multiboot kernel',
  elf: 'a plain ELF',
  flat: 'a flat binary',
};

/** A file that the loader puts into memory for a Multiboot or PVH kernel. */
export interface BootModule {
  readonly bytes: Uint8Array;
  /** The module's own string. */
  readonly cmdline: string;
}

/** Where a flat binary goes and in which mode its first byte runs. */
export interface FlatPlacement {
  /** Guest-physical address of the first byte, which is also the entry. */
  readonly address: number;
  readonly mode: 'real16' | 'protected32' | 'long64';
}

/** Everything that the loaders take. What a format cannot take is refused, never ignored. */
export interface BootOptions {
  /** Overrides detection. */
  readonly format?: BootFormat;
  /** Linux: the initial RAM disk. PVH and Multiboot: the first module. */
  readonly initrd?: Uint8Array;
  /** Further modules, in order. */
  readonly modules?: readonly BootModule[];
  /** The command line, without the kernel's own name. */
  readonly cmdline?: string;
  /** Linux: the boot protocol to use; 64 bits if the kernel offers them when left out. */
  readonly linuxEntry?: 32 | 64;
  /** Flat binaries only, and demanded for them. */
  readonly flat?: FlatPlacement;
}

/** The initrd, if any, followed by the modules. */
export function modulesOf(options: BootOptions): readonly BootModule[] {
  const initrd = options.initrd ? [{ bytes: options.initrd, cmdline: '' }] : [];
  return [...initrd, ...(options.modules ?? [])];
}

/** Refuses what an image entered without any boot information cannot take. */
export function refuseHandOff(format: BootFormat, options: BootOptions): void {
  const subject = capitalized(FORMAT_NAMES[format]);
  if (options.initrd) throw notTaken(subject, 'initrd');
  if (options.modules?.length) throw notTaken(subject, 'modules');
  if (options.cmdline) throw notTaken(subject, 'command line');
}

/** `text` with its first letter in upper case. */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
