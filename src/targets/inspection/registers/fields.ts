/**
 * The fields of the registers that a debugger shows. Sources: SDM Vol. 1 3.4.3 (RFLAGS), 8.1.3 to 8.1.5 (x87), 10.2.3
 * (MXCSR), Vol. 3A 2.2.1 (IA32_EFER), 2.5 (control registers), 2.6 (XCR0), Vol. 3B 17.2 (debug registers), Vol. 3C
 * 25.4.1 (access rights).
 */
import { CR0, CR4, EFER, EFLAGS } from '../../../cpu/mode';
import type { RegisterField } from '../../target';

/** A field of one bit. */
export function bit(at: number, name: string, meaning?: string): RegisterField {
  return meaning === undefined ? { name, high: at, low: at } : { name, high: at, low: at, meaning };
}

/** Bits `high`..`low`; `values` names the field's values from 0 on, empty names are left out. */
export function range(
  high: number,
  low: number,
  name: string,
  meaning?: string,
  values?: readonly string[],
): RegisterField {
  const named =
    values && Object.fromEntries(values.map((text, value) => [value, text]).filter(([, text]) => text !== ''));
  return { name, high, low, ...(meaning !== undefined && { meaning }), ...(named && { values: named }) };
}

/** Fields by their masks; `meanings` by name. */
function fieldsOf(
  masks: Readonly<Record<string, number>>,
  meanings: Readonly<Record<string, string>>,
): RegisterField[] {
  return Object.entries(masks).map(([name, mask]) =>
    range(31 - Math.clz32(mask), 31 - Math.clz32(mask & -mask), name, meanings[name]),
  );
}

/** Fields of RFLAGS. */
export const RFLAGS_FIELDS: readonly RegisterField[] = fieldsOf(EFLAGS, {
  CF: 'carry',
  PF: 'parity',
  AF: 'auxiliary carry',
  ZF: 'zero',
  SF: 'sign',
  TF: 'trap',
  IF: 'interrupt enable',
  DF: 'direction',
  OF: 'overflow',
  IOPL: 'I/O privilege level',
  NT: 'nested task',
  RF: 'resume',
  VM: 'virtual-8086 mode',
  AC: 'alignment check, access control',
  VIF: 'virtual interrupt',
  VIP: 'virtual interrupt pending',
  ID: 'identification',
});

/** Fields of CR0. */
export const CR0_FIELDS: readonly RegisterField[] = fieldsOf(CR0, {
  PE: 'protection enable',
  MP: 'monitor coprocessor',
  EM: 'emulation',
  TS: 'task switched',
  ET: 'extension type',
  NE: 'numeric error',
  WP: 'write protect',
  AM: 'alignment mask',
  NW: 'not write-through',
  CD: 'cache disable',
  PG: 'paging',
});

/** Fields of CR3. */
export const CR3_FIELDS: readonly RegisterField[] = [
  bit(3, 'PWT', 'page-level write-through; bit of the PCID if CR4.PCIDE = 1'),
  bit(4, 'PCD', 'page-level cache disable; bit of the PCID if CR4.PCIDE = 1'),
  range(51, 12, 'base', 'page number of the first paging structure'),
];

/** Fields of CR4. */
export const CR4_FIELDS: readonly RegisterField[] = fieldsOf(CR4, {
  VME: 'virtual-8086 mode extensions',
  PVI: 'protected-mode virtual interrupts',
  TSD: 'time stamp disable',
  DE: 'debugging extensions',
  PSE: 'page size extensions',
  PAE: 'physical address extension',
  MCE: 'machine-check enable',
  PGE: 'page global enable',
  PCE: 'performance-monitoring counter enable',
  OSFXSR: 'FXSAVE and FXRSTOR',
  OSXMMEXCPT: 'unmasked SIMD floating-point exceptions',
  UMIP: 'user-mode instruction prevention',
  VMXE: 'VMX enable',
  SMXE: 'SMX enable',
  FSGSBASE: 'RDFSBASE and its kin',
  PCIDE: 'PCID enable',
  OSXSAVE: 'XSAVE and extended states',
  SMEP: 'supervisor-mode execution prevention',
  SMAP: 'supervisor-mode access prevention',
});

/** Fields of CR8. */
export const CR8_FIELDS: readonly RegisterField[] = [range(3, 0, 'TPL', 'task-priority level')];

/** Fields of IA32_EFER. */
export const EFER_FIELDS: readonly RegisterField[] = fieldsOf(EFER, {
  SCE: 'SYSCALL enable',
  LME: 'IA-32e mode enable',
  LMA: 'IA-32e mode active',
  NXE: 'execute disable enable',
});

/** Fields of XCR0. */
export const XCR0_FIELDS: readonly RegisterField[] = [bit(0, 'x87'), bit(1, 'SSE')];

/** Fields of a page-directory-pointer register of PAE paging. */
export const PDPTE_FIELDS: readonly RegisterField[] = [
  bit(0, 'P', 'present'),
  bit(3, 'PWT'),
  bit(4, 'PCD'),
  range(51, 12, 'base', 'page number of the page directory'),
];

/** Fields of DR6. */
export const DR6_FIELDS: readonly RegisterField[] = [
  ...[0, 1, 2, 3].map((n) => bit(n, `B${n}`, `breakpoint ${n} was met`)),
  bit(13, 'BD', 'debug-register access detected'),
  bit(14, 'BS', 'single step'),
  bit(15, 'BT', 'task switch'),
];

const CONDITIONS = ['execution', 'data writes', 'I/O', 'data reads and writes'];
const LENGTHS = ['1 byte', '2 bytes', '8 bytes', '4 bytes'];

/** Fields of DR7. */
export const DR7_FIELDS: readonly RegisterField[] = [
  ...[0, 1, 2, 3].flatMap((n) => [
    bit(n * 2, `L${n}`, `local enable of breakpoint ${n}`),
    bit(n * 2 + 1, `G${n}`, `global enable of breakpoint ${n}`),
  ]),
  bit(8, 'LE', 'local exact'),
  bit(9, 'GE', 'global exact'),
  bit(13, 'GD', 'general detect enable'),
  ...[0, 1, 2, 3].flatMap((n) => [
    range(17 + n * 4, 16 + n * 4, `R/W${n}`, 'condition', CONDITIONS),
    range(19 + n * 4, 18 + n * 4, `LEN${n}`, 'length', LENGTHS),
  ]),
];

const EXCEPTIONS = ['invalid operation', 'denormal operand', 'zero divide', 'overflow', 'underflow', 'precision'];
const exceptions = (first: number, letter: string, suffix: string): RegisterField[] =>
  EXCEPTIONS.map((meaning, i) => bit(first + i, `${'IDZOUP'[i]}${letter}`, `${meaning}${suffix}`));
const ROUNDING = ['nearest', 'down', 'up', 'toward zero'];

/** Fields of the x87 control word. */
export const FCW_FIELDS: readonly RegisterField[] = [
  ...exceptions(0, 'M', ' masked'),
  range(9, 8, 'PC', 'precision control', ['single', '', 'double', 'double extended']),
  range(11, 10, 'RC', 'rounding control', ROUNDING),
  bit(12, 'X', 'infinity control'),
];

/** Fields of the x87 status word. */
export const FSW_FIELDS: readonly RegisterField[] = [
  ...exceptions(0, 'E', ''),
  bit(6, 'SF', 'stack fault'),
  bit(7, 'ES', 'error summary'),
  bit(8, 'C0'),
  bit(9, 'C1'),
  bit(10, 'C2'),
  range(13, 11, 'TOP', 'top of stack'),
  bit(14, 'C3'),
  bit(15, 'B', 'busy'),
];

/** Fields of the x87 tag word. */
export const FTW_FIELDS: readonly RegisterField[] = [0, 1, 2, 3, 4, 5, 6, 7].map((n) =>
  range(n * 2 + 1, n * 2, `TAG${n}`, `R${n}`, ['valid', 'zero', 'special', 'empty']),
);

/** Fields of an x87 data register. */
export const ST_FIELDS: readonly RegisterField[] = [
  range(63, 0, 'significand'),
  range(78, 64, 'exponent', 'biased by 16383'),
  bit(79, 'sign'),
];

/** Fields of MXCSR. */
export const MXCSR_FIELDS: readonly RegisterField[] = [
  ...exceptions(0, 'E', ''),
  bit(6, 'DAZ', 'denormals are zeros'),
  ...exceptions(7, 'M', ' masked'),
  range(14, 13, 'RC', 'rounding control', ROUNDING),
  bit(15, 'FTZ', 'flush to zero'),
];

/** Fields of a segment selector. */
export const SELECTOR_FIELDS: readonly RegisterField[] = [
  range(1, 0, 'RPL', 'requested privilege level'),
  range(2, 2, 'TI', 'table indicator', ['GDT', 'LDT']),
  range(15, 3, 'index'),
];

/** Fields of access rights in the format of the VMCS. */
export const ACCESS_RIGHTS_FIELDS: readonly RegisterField[] = [
  range(3, 0, 'type'),
  range(4, 4, 'S', 'descriptor type', ['system', 'code or data']),
  range(6, 5, 'DPL', 'descriptor privilege level'),
  bit(7, 'P', 'present'),
  bit(12, 'AVL', 'available for use by system software'),
  bit(13, 'L', '64-bit code'),
  bit(14, 'D/B', 'default operation size'),
  bit(15, 'G', 'granularity'),
  bit(16, 'unusable'),
];
