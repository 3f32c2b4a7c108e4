/**
 * Which registers a debugger sees, in which order and width. gdb takes the description when it connects and keeps it,
 * while the processor goes from 16 and 32 to 64 bits: so a layout belongs to the connection and not to the mode. In
 * `x86-64` every register has its full width in every mode, and nothing is ever hidden. `i386` and `i8086` show the low
 * halves, for who debugs a 32-bit or a real-mode guest and wants its instructions and stacks read as what they are.
 * Source: "Debugging with GDB", G.5.5 (i386 features); the system registers are called as QEMU calls them.
 */

/** The architectures that a debugger can be told. */
export const ARCHITECTURES = ['x86-64', 'i386', 'i8086'] as const;

/** One of them. */
export type Architecture = (typeof ARCHITECTURES)[number];

/** One register on the wire. */
export interface WireRegister {
  readonly name: string;
  /** Width on the wire, little-endian. */
  readonly bits: number;
  /** A type of gdb's, or one that the description defines. */
  readonly type: string;
  /** Where `info registers` lists it; gdb decides by the type if left out. */
  readonly shownIn?: 'float' | 'vector' | 'system' | undefined;
  /** The group and name of the target's register that it is, or of which it is the low bits. */
  readonly group: string;
  readonly source: string;
}

/** Registers that gdb looks for together. */
export interface Feature {
  readonly name: string;
  readonly registers: readonly WireRegister[];
}

/** What a debugger sees. */
export interface RegisterLayout {
  readonly architecture: Architecture;
  readonly features: readonly Feature[];
  /** All of them, by number. */
  readonly registers: readonly WireRegister[];
}

type Row = readonly [name: string, bits: number, type: string, group: string, source: string];

const rows = (table: readonly Row[], shownIn?: WireRegister['shownIn']): WireRegister[] =>
  table.map(([name, bits, type, group, source]) => ({ name, bits, type, shownIn, group, source }));

const count = <T>(length: number, make: (index: number) => T): T[] => Array.from({ length }, (_, index) => make(index));

const LONG_ORDER = ['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp', ...count(8, (index) => `r${index + 8}`)];
const SHORT_ORDER = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
const SELECTORS = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'];

const isPointer = (name: string): boolean => /^.[sb]p$/.test(name);

function core(isLong: boolean): WireRegister[] {
  const bits = isLong ? 64 : 32;
  const general = (isLong ? LONG_ORDER : SHORT_ORDER).map((name): Row => {
    const source = name.replace(/^e/, 'r').toUpperCase();
    return [name, bits, isPointer(name) ? 'data_ptr' : `int${bits}`, 'General', source];
  });
  return [
    ...rows([
      ...general,
      [isLong ? 'rip' : 'eip', bits, 'code_ptr', 'General', 'RIP'],
      ['eflags', 32, 'x86_eflags', 'Flags', 'RFLAGS'],
      ...SELECTORS.map((name): Row => [name, 32, 'int32', 'Segments', name.toUpperCase()]),
      ...count(8, (index): Row => [`st${index}`, 80, 'i387_ext', 'x87', `ST(${index})`]),
    ]),
    ...rows(
      [
        ['fctrl', 32, 'int', 'x87', 'FCW'],
        ['fstat', 32, 'int', 'x87', 'FSW'],
        ['ftag', 32, 'int', 'x87', 'FTW'],
        ['fiseg', 32, 'int', 'x87', 'FCS'],
        ['fioff', 32, 'int', 'x87', 'FIP'],
        ['foseg', 32, 'int', 'x87', 'FDS'],
        ['fooff', 32, 'int', 'x87', 'FDP'],
        ['fop', 32, 'int', 'x87', 'FOP'],
      ],
      'float',
    ),
  ];
}

function sse(isLong: boolean): WireRegister[] {
  const vectors = count(isLong ? 16 : 8, (index): Row => [`xmm${index}`, 128, 'vec128', 'SSE', `XMM${index}`]);
  return [...rows(vectors), ...rows([['mxcsr', 32, 'x86_mxcsr', 'SSE', 'MXCSR']], 'vector')];
}

function segmentBases(bits: number): WireRegister[] {
  return rows([
    ['fs_base', bits, `int${bits}`, 'Segments', 'FS base'],
    ['gs_base', bits, `int${bits}`, 'Segments', 'GS base'],
  ]);
}

function system(bits: number): WireRegister[] {
  const int = `int${bits}`;
  const tables = ['gdtr', 'idtr'].flatMap((name): Row[] => [
    [`${name}_base`, bits, int, 'Segments', `${name.toUpperCase()} base`],
    [`${name}_limit`, 32, 'int32', 'Segments', `${name.toUpperCase()} limit`],
  ]);
  const taskSegments = ['ldtr', 'tr'].flatMap((name): Row[] => [
    [name, 32, 'int32', 'Segments', name.toUpperCase()],
    [`${name}_base`, bits, int, 'Segments', `${name.toUpperCase()} base`],
  ]);
  return [
    ...rows([
      ['k_gs_base', bits, int, 'MSRs', 'IA32_KERNEL_GS_BASE'],
      ['cr0', bits, 'x86_cr0', 'Control', 'CR0'],
      ['cr2', bits, int, 'Control', 'CR2'],
      ['cr3', bits, int, 'Control', 'CR3'],
      ['cr4', bits, 'x86_cr4', 'Control', 'CR4'],
      ['cr8', bits, int, 'Control', 'CR8'],
      ['efer', bits, 'x86_efer', 'Control', 'EFER'],
    ]),
    ...rows(
      [
        ['xcr0', bits, int, 'Control', 'XCR0'],
        ...['cs', 'ss', 'ds', 'es'].map((name): Row => [
          `${name}_base`,
          bits,
          int,
          'Segments',
          `${name.toUpperCase()} base`,
        ]),
        ...tables,
        ...taskSegments,
        ...[0, 1, 2, 3, 6, 7].map((number): Row => [`dr${number}`, bits, int, 'Debug', `DR${number}`]),
      ],
      'system',
    ),
  ];
}

/** What a debugger sees that is told this architecture. */
export function layoutOf(architecture: Architecture): RegisterLayout {
  const isLong = architecture === 'x86-64';
  const bits = isLong ? 64 : 32;
  const bases = segmentBases(bits);
  const features: readonly Feature[] = [
    { name: 'org.gnu.gdb.i386.core', registers: core(isLong) },
    { name: 'org.gnu.gdb.i386.sse', registers: sse(isLong) },
    // gdb knows this feature for 64-bit processors alone.
    ...(isLong ? [{ name: 'org.gnu.gdb.i386.segments', registers: bases }] : []),
    { name: 'org.vmxray.i386.system', registers: [...(isLong ? [] : bases), ...system(bits)] },
  ];
  return { architecture, features, registers: features.flatMap(({ registers }) => registers) };
}
