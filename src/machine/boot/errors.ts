/** What can be wrong with an image, an initrd, a module or a command line: every sentence that the loaders say. */
import { UserError } from '../../common/errors';

/** Formats `bytes` in the largest unit that leaves it readable, rounded up. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${Math.ceil(bytes / 1024)}K`;
  return `${Math.ceil(bytes / (1024 * 1024))}M`;
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/** The image has no bytes. */
export const emptyImage = (): UserError =>
  new UserError('boot/empty', 'The kernel file is empty: name a bzImage, an ELF or a flat binary.');

/** No loader knows the image. */
export const unknownFormat = (): UserError =>
  new UserError(
    'boot/unknown-format',
    'The kernel file is not bootable: give a bzImage, an x86 ELF, a Multiboot kernel, or a flat binary with its load address and mode.',
  );

/** The image is packed as a whole; `packer` names the program that unpacks it. */
export const compressedImage = (format: string, unpack: string): UserError =>
  new UserError('boot/compressed', `The kernel file is ${format}-compressed: unpack it with \`${unpack}\` first.`);

/** A structure of the image ends beyond the file's end. */
export const truncatedImage = (what: string): UserError =>
  new UserError('boot/truncated', `The kernel file ends inside its ${what}: it is truncated, fetch or build it again.`);

/** The image says something that its format forbids; `what` is a clause without a full stop. */
export const malformedImage = (what: string): UserError =>
  new UserError('boot/malformed', `The kernel file is damaged: ${what}; build it again.`);

/** A well-formed image that this machine cannot serve; `what` and `remedy` are clauses. */
export const unsupportedImage = (what: string, remedy: string): UserError =>
  new UserError('boot/unsupported', `The kernel ${what}: ${remedy}.`);

/** Something must lie where the board has no usable RAM although it has enough of it. */
export const outsideMemory = (what: string, start: number, length: number): UserError =>
  new UserError(
    'boot/outside-memory',
    `The ${what} belongs at ${hex(start)} to ${hex(start + length)}, where the machine has no usable memory: raise the memory or link it elsewhere (usable: 0-0x9fbff and 0x100000 up).`,
  );

/** Two things want the same addresses. */
export const overlapping = (what: string, other: string, start: number): UserError =>
  new UserError(
    'boot/overlap',
    `The ${what} at ${hex(start)} overlaps the ${other}: link or load one of them elsewhere.`,
  );

/** Nothing is left to place `what` in. */
export const doesNotFit = (what: string, length: number): UserError =>
  new UserError(
    'boot/does-not-fit',
    `The ${what} (${formatSize(length)}) does not fit into the memory beside the kernel: raise the memory or make it smaller.`,
  );

/** The kernel says how much memory it needs, and the machine has less. */
export const notEnoughMemory = (needed: number): UserError =>
  new UserError('boot/memory', `The kernel needs at least ${formatSize(needed)} of memory: raise the memory.`);

/** The command line is longer than the receiver takes. */
export const cmdlineTooLong = (length: number, limit: number): UserError =>
  new UserError(
    'boot/cmdline-too-long',
    `The command line has ${length} bytes and this kernel takes at most ${limit}: shorten it.`,
  );

/** The command line cannot be handed over as a C string. */
export const cmdlineHasNul = (): UserError =>
  new UserError('boot/cmdline-nul', 'The command line contains a NUL character: remove it.');

/** The way of booting has no place for `what`. */
export const notTaken = (format: string, what: string): UserError =>
  new UserError('boot/not-taken', `${format} takes no ${what}: leave it out or boot a kernel of another format.`);

/** `format` was asked for by name and the image is something else. */
export const formatMismatch = (format: string): UserError =>
  new UserError('boot/format-mismatch', `The kernel file is not ${format}: leave the format out to have it detected.`);

/** A flat binary's address or mode makes no sense; `what` is a clause. */
export const flatBinary = (what: string): UserError => new UserError('boot/flat', `The flat binary ${what}.`);
