/**
 * The stub's registers by our groups and names. Names of gdb's features: "Debugging with GDB", G.5.5; of system registers:
 * QEMU's gdb-xml/i386-64bit.xml, and those that our own server adds to them.
 */
import { keyOf } from '../foreign-guest/register-values';

const count = (length: number): number[] => Array.from({ length }, (_, index) => index);

const rows: readonly (readonly [stub: string, group: string, name: string])[] = [
  ...['ax', 'bx', 'cx', 'dx', 'si', 'di', 'bp', 'sp', 'ip'].flatMap((part) =>
    ['r', 'e'].map((size) => [`${size}${part}`, 'General', `R${part.toUpperCase()}`] as const),
  ),
  ...count(8).map((index) => [`r${index + 8}`, 'General', `R${index + 8}`] as const),
  ['eflags', 'Flags', 'RFLAGS'],
  ['rflags', 'Flags', 'RFLAGS'],
  ...['cs', 'ss', 'ds', 'es', 'fs', 'gs', 'ldtr', 'tr'].flatMap((name) => [
    [name, 'Segments', name.toUpperCase()] as const,
    [`${name}_base`, 'Segments', `${name.toUpperCase()} base`] as const,
    [`${name}_limit`, 'Segments', `${name.toUpperCase()} limit`] as const,
  ]),
  ...['gdtr', 'idtr'].flatMap((name) => [
    [`${name}_base`, 'Segments', `${name.toUpperCase()} base`] as const,
    [`${name}_limit`, 'Segments', `${name.toUpperCase()} limit`] as const,
  ]),
  ...['cr0', 'cr2', 'cr3', 'cr4', 'cr8', 'efer', 'xcr0'].map((name) => [name, 'Control', name.toUpperCase()] as const),
  ['k_gs_base', 'MSRs', 'IA32_KERNEL_GS_BASE'],
  ...[0, 1, 2, 3, 6, 7].map((index) => [`dr${index}`, 'Debug', `DR${index}`] as const),
  ...count(8).map((index) => [`st${index}`, 'x87', `ST(${index})`] as const),
  ['fctrl', 'x87', 'FCW'],
  ['fstat', 'x87', 'FSW'],
  ['ftag', 'x87', 'FTW'],
  ['fop', 'x87', 'FOP'],
  ['fiseg', 'x87', 'FCS'],
  ['fioff', 'x87', 'FIP'],
  ['foseg', 'x87', 'FDS'],
  ['fooff', 'x87', 'FDP'],
  ...count(16).map((index) => [`xmm${index}`, 'SSE', `XMM${index}`] as const),
  ['mxcsr', 'SSE', 'MXCSR'],
];

/** The key (`GROUP.NAME`) of a register by the stub's name of it. */
export const KEYS: ReadonlyMap<string, string> = new Map(rows.map(([stub, group, name]) => [stub, keyOf(group, name)]));

/** Registers that are MSRs, too: those have the same value under both names. */
export const ALIASES: readonly (readonly [key: string, msr: string])[] = [
  [keyOf('Control', 'EFER'), keyOf('MSRs', 'IA32_EFER')],
  [keyOf('Segments', 'FS base'), keyOf('MSRs', 'IA32_FS_BASE')],
  [keyOf('Segments', 'GS base'), keyOf('MSRs', 'IA32_GS_BASE')],
];
