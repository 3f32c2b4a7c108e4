/**
 * Mnemonics: a record's name with the condition, operand size or address size that the encoding gives it.
 * Source: SDM Vol. 2, instruction pages; AT&T names: GNU as manual, 9.16.3 (i386-Mnemonics).
 */
import type { Decoded } from '../decoded';
import { operandBits } from '../form';

const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];

/** Names by operand size 16, 32 and 64 of records whose name says nothing of the size. */
const BY_SIZE: Readonly<Record<string, readonly [string, string, string]>> = {
  CBW: ['cbw', 'cwde', 'cdqe'],
  CWD: ['cwd', 'cdq', 'cqo'],
  PUSHF: ['pushf', 'pushfd', 'pushfq'],
  POPF: ['popf', 'popfd', 'popfq'],
  PUSHA: ['pusha', 'pushad', 'pushad'],
  POPA: ['popa', 'popad', 'popad'],
  IRET: ['iret', 'iretd', 'iretq'],
  SYSRET: ['sysret', 'sysret', 'sysretq'],
  SYSEXIT: ['sysexit', 'sysexit', 'sysexitq'],
};

/** String instructions: the operand size is a letter behind the name. */
const STRINGS = ['MOVS', 'CMPS', 'STOS', 'LODS', 'SCAS', 'INS', 'OUTS'];
const STRING_SUFFIX: Readonly<Record<number, string>> = { 8: 'b', 16: 'w', 32: 'd', 64: 'q' };

/** AT&T's own names for some of Intel's. */
const ATT: Readonly<Record<string, string>> = {
  cbw: 'cbtw',
  cwde: 'cwtl',
  cdqe: 'cltq',
  cwd: 'cwtd',
  cdq: 'cltd',
  cqo: 'cqto',
  iretd: 'iret',
  iret: 'iretw',
  pushf: 'pushfw',
  popf: 'popfw',
  pushfd: 'pushf',
  popfd: 'popf',
  pusha: 'pushaw',
  popa: 'popaw',
  pushad: 'pusha',
  popad: 'popa',
  retf: 'lret',
  movsd: 'movsl',
  cmpsd: 'cmpsl',
  stosd: 'stosl',
  lodsd: 'lodsl',
  scasd: 'scasl',
  insd: 'insl',
  outsd: 'outsl',
};

function isString({ instruction }: Decoded): boolean {
  return STRINGS.includes(instruction.name);
}

/** The mnemonic in Intel's spelling, lower case. */
export function intelMnemonic(decoded: Decoded): string {
  const { instruction, form, operands, size, addressSize } = decoded;
  const { name } = instruction;
  const sized = BY_SIZE[name];
  if (sized) return sized[size === 64 ? 2 : size === 32 ? 1 : 0];
  if (isString(decoded)) {
    // Ports are at most 32 bits wide.
    const width = size === 64 && (name === 'INS' || name === 'OUTS') ? 32 : size;
    return name.toLowerCase() + STRING_SUFFIX[form.byte ? 8 : width]!;
  }
  if (name.includes('{cc}')) {
    const condition = operands.find(({ kind }) => kind === 'condition');
    const code = condition?.kind === 'condition' ? condition.code : 0;
    return name.replace('{cc}', CONDITIONS[code]!).toLowerCase();
  }
  if (name === 'JrCXZ') return { 16: 'jcxz', 32: 'jecxz', 64: 'jrcxz' }[addressSize];
  return name.toLowerCase();
}

/** AT&T's size letters; x87 has its own, and another set for its integers. */
const SUFFIX: Readonly<Record<number, string>> = { 8: 'b', 16: 'w', 32: 'l', 64: 'q' };
const X87_SUFFIX: Readonly<Record<number, string>> = { 32: 's', 64: 'l', 80: 't' };
const X87_INTEGER_SUFFIX: Readonly<Record<number, string>> = { 16: 's', 32: 'l', 64: 'll' };

/** Instructions whose memory operand has but one size, so that no letter is written. */
const ONE_SIZE =
  /^(SET|PREFETCH|CLFLUSH|CMPXCHG(8|16)B|INVLPG|[SL]MSW|[SL]LDT|LTR|STR|VERR|VERW|FN?(LD|ST)[CS]W|LDMXCSR|STMXCSR|VM|IN[PV]|MOVNTI|ARPL)/;
/** Letters of operands that are no general registers or memory of the operand size. */
const VECTOR_LETTERS = ['P', 'Q', 'N', 'V', 'W', 'U'];
/** Letters whose register tells the operand size. */
const TELLING_LETTERS = ['E', 'G', 'R', 'Z', 'S', 'segment'];

function x87Suffix(intel: string, bits: number): string {
  return (intel.startsWith('fi') ? X87_INTEGER_SUFFIX : X87_SUFFIX)[bits] ?? '';
}

/** MOVZX and MOVSX name both widths; undefined where AT&T has no such name. */
function widening(decoded: Decoded): string | undefined {
  const { form, instruction, size } = decoded;
  if (!['MOVZX', 'MOVSX', 'MOVSXD'].includes(instruction.name)) return undefined;
  const [to, from] = form.operands.map((spec) => operandBits(spec, size));
  return to === from ? undefined : `mov${instruction.name[3]!.toLowerCase()}${SUFFIX[from!]}${SUFFIX[to!]}`;
}

/** The mnemonic in AT&T's spelling, lower case, with a size letter where the operands do not tell the size. */
export function attMnemonic(decoded: Decoded): string {
  const { form, operands, size, addressSize, instruction, memory } = decoded;
  const intel = intelMnemonic(decoded);
  const own = widening(decoded);
  if (own) return own;
  const specs = form.operands;
  if (specs.some(({ type }) => type === 'p') && specs.length === 1) return `l${intel}`;
  if (ATT[intel] !== undefined && (specs.length === 0 || isString(decoded) || intel === 'retf')) return ATT[intel];
  if (
    specs.some(
      ({ letter, type }) => (letter === 'I' && type === 'v' && size === 64) || (letter === 'O' && addressSize === 64),
    )
  )
    return 'movabs';
  const at = memory ? operands.findIndex(({ kind }) => kind === 'memory') : -1;
  const bits = at >= 0 ? operandBits(specs[at]!, size) : 0;
  if (instruction.name === 'CRC32') return intel + SUFFIX[bits || operandBits(specs[1]!, size)]!;
  if (ONE_SIZE.test(instruction.name)) return intel;
  if (instruction.feature === 'FPU') return intel + x87Suffix(intel, bits);
  if (/^CVTSI2S[SD]$/.test(instruction.name)) return intel + (SUFFIX[bits] ?? '');
  if (specs.length === 1 && specs[0]!.letter === 'I' && form.default64) return intel + SUFFIX[size]!;
  const told = specs.some(
    ({ letter }, index) =>
      VECTOR_LETTERS.includes(letter) || (operands[index]!.kind === 'register' && TELLING_LETTERS.includes(letter)),
  );
  return told ? intel : intel + (SUFFIX[bits] ?? '');
}
