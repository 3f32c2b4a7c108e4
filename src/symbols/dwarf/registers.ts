/**
 * DWARF's numbers for the registers of x86. Sources: System V ABI for x86-64, figure 3.36; System V ABI for the Intel386,
 * table 2.14. NOT IMPLEMENTED: Darwin's exchange of ESP and EBP in `.eh_frame` of 32-bit code.
 */

const numbered = (prefix: string, count: number, first = 0): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${first + index}`);
const at = (first: number, names: readonly string[]): [number, string][] =>
  names.map((name, index) => [first + index, name]);

const NAMES_64 = new Map([
  ...at(0, ['rax', 'rdx', 'rcx', 'rbx', 'rsi', 'rdi', 'rbp', 'rsp', ...numbered('r', 8, 8), 'rip']),
  ...at(17, numbered('xmm', 16)),
  ...at(33, numbered('st', 8)),
  ...at(41, numbered('mm', 8)),
  ...at(49, ['rflags', 'es', 'cs', 'ss', 'ds', 'fs', 'gs']),
  ...at(58, ['fs_base', 'gs_base']),
  ...at(62, ['tr', 'ldtr', 'mxcsr', 'fcw', 'fsw']),
  ...at(67, numbered('xmm', 16, 16)),
]);
const NAMES_32 = new Map([
  ...at(0, ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi', 'eip', 'eflags']),
  ...at(11, numbered('st', 8)),
  ...at(21, numbered('xmm', 8)),
  ...at(29, numbered('mm', 8)),
  ...at(39, ['mxcsr', 'es', 'cs', 'ss', 'ds', 'fs', 'gs']),
]);

/** The lower-case name of a register; undefined for a number that is none's. */
export function registerName(number: number, bits: 32 | 64): string | undefined {
  return (bits === 64 ? NAMES_64 : NAMES_32).get(number);
}

/** What unwinding has to know of a register set. */
export interface FrameRegisterNames {
  readonly stack: string;
  readonly frame: string;
  readonly instruction: string;
  /** Those that a function gives back as it got them; without the stack pointer. */
  readonly preserved: readonly string[];
}

/** The ABI's part in unwinding: for 64 and for 32 bits. */
export const FRAME_REGISTERS: Readonly<Record<32 | 64, FrameRegisterNames>> = {
  64: { stack: 'rsp', frame: 'rbp', instruction: 'rip', preserved: ['rbx', 'rbp', 'r12', 'r13', 'r14', 'r15'] },
  32: { stack: 'esp', frame: 'ebp', instruction: 'eip', preserved: ['ebx', 'ebp', 'esi', 'edi'] },
};
