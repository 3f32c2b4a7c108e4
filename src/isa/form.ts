/**
 * Encodings: one `Form` per line of an instruction's opcode table, written as the SDM writes it.
 *
 *   op('01', 'Ev,Gv')            ADD r/m, r at operand sizes 16, 32, 64
 *   op('80 /0', 'Eb,Ib')         opcode extension in ModRM.reg
 *   op('50+r', 'Zv')             register in the opcode's low three bits
 *   op('70+cc', 'cc,Jb')         condition in the opcode's low four bits
 *   op('f3 0f 10', 'Vss,Wss')    mandatory prefix
 *   op('0f 01 c1', '')           a fixed ModRM byte
 *
 * Operand codes are those of SDM Vol. 2D, appendix A.2: an addressing letter and a type. Letters here: A far pointer,
 * C control register (ModRM.reg), D debug register, E general r/m, G general reg, I immediate, J relative, M memory
 * only, N MMX in r/m (register only), O moffs, P MMX reg, Q MMX r/m, R general register in r/m (register only),
 * S segment register (ModRM.reg), U XMM in r/m (register only), V XMM reg, W XMM r/m, X DS:rSI, Y ES:rDI, Z register
 * in the opcode. Besides: `cc`, `1`, `ST0`, `STi` (ModRM.rm), and fixed registers by name (`AL`, `rAX`, `CL`, `DX`,
 * `eAX`; `rXX` follows the operand size, `eXX` is at most 32 bits).
 * Types: b 8, w 16, d 32, q 64, t 80, dq 128, v 16/32/64 by operand size, z 16/32, y 32/64, p far pointer (16:v),
 * s pseudo-descriptor, a bound pair, ps pd 128, ss 32, sd 64, pi 64; bare M: no access of its own (LEA, FXSAVE).
 * An `I` operand is sign-extended to the operand size except `Iw` and the immediates of `uimm` forms.
 */
import { assert } from '../common/assert';

/** Opcode map: 0 one-byte, 1 0F, 2 0F 38, 3 0F 3A. */
export type OpcodeMap = 0 | 1 | 2 | 3;
export type OperandSize = 16 | 32 | 64;

/** What kind of thing an operand of the form is, before ModRM decides between register and memory. */
export interface OperandSpec {
  /** The code as written (`Ev`). */
  readonly code: string;
  /** Addressing letter, or `fixed`, `cc`, `one`, `st0`, `sti`. */
  readonly letter: string;
  /** Type letters (`v`, `b`, `dq`, ...); empty when the form gives no size. */
  readonly type: string;
  /** Fixed register number for `fixed` operands. */
  readonly register?: number;
}

export interface FormOptions {
  /** `legacy`: #UD in 64-bit mode (SDM's i64); `long`: 64-bit mode only (o64). */
  readonly mode?: 'legacy' | 'long';
  /** Default operand size in 64-bit mode is 64 and 32 is not encodable (SDM's d64). */
  readonly default64?: boolean;
  /** Operand size in 64-bit mode is always 64, 66H ignored (SDM's f64). */
  readonly force64?: boolean;
  /** Without a `v`-like operand: generate the form for operand sizes 16, 32, 64 all the same (PUSHF, IRET, MOVS). */
  readonly sized?: boolean;
  /** Only ModRM.mod = 3 (`reg`) or mod != 3 (`mem`). */
  readonly rm?: 'reg' | 'mem';
  /** Only with REX.W (`1`) or only without (`0`). */
  readonly w?: 0 | 1;
  /** 66H is no operand-size prefix for this form but makes it undefined; see `prefix`. */
  readonly noPrefix66?: boolean;
  /** Immediate bytes are zero-extended. */
  readonly uimm?: boolean;
  /** The operand size is 8 whatever the prefixes say and there is no operand to tell it (`MOVSB`). */
  readonly byte?: boolean;
}

export interface Form extends FormOptions {
  /** The text it was written from, for listings. */
  readonly text: string;
  readonly map: OpcodeMap;
  /** Opcode byte (low bits zero when `plusRegister` or `condition`). */
  readonly opcode: number;
  readonly plusRegister: boolean;
  readonly condition: boolean;
  /** Mandatory prefix, or undefined when 66/F2/F3 do not choose the instruction; `'none'` when they must be absent. */
  readonly prefix?: 'none' | 0x66 | 0xf2 | 0xf3;
  /** ModRM.reg opcode extension. */
  readonly extension?: number;
  /** Whole ModRM byte fixed. */
  readonly modrm?: number;
  readonly hasModrm: boolean;
  readonly operands: readonly OperandSpec[];
}

const FIXED: Readonly<Record<string, number>> = { AX: 0, CX: 1, DX: 2, BX: 3, SP: 4, BP: 5, SI: 6, DI: 7 };
const SEGMENTS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'];
const MODRM_LETTERS = 'CDEGMNPQRSUVW';

function operandSpec(code: string): OperandSpec {
  const spec = (letter: string, type: string, register?: number): OperandSpec => ({ code, letter, type, register });
  if (code === 'cc') return spec('cc', '');
  if (code === '1') return spec('one', 'b');
  if (code === 'ST0') return spec('st0', 't');
  if (code === 'STi') return spec('sti', 't');
  if (code === 'XMM0') return spec('xmm0', 'dq');
  if (SEGMENTS.includes(code)) return spec('segment', 'w', SEGMENTS.indexOf(code));
  const byteRegister = ['AL', 'CL'].indexOf(code);
  if (byteRegister >= 0) return spec('fixed', 'b', byteRegister);
  const wide = /^([re]?)([ABCDS][XPI])$/.exec(code);
  if (wide) return spec('fixed', wide[1] === 'r' ? 'v' : wide[1] === 'e' ? 'z' : 'w', FIXED[wide[2]!]!);
  const match = /^([A-Z])([a-z]*)$/.exec(code);
  assert(match, `operand code ${code}`);
  return spec(match[1]!, match[2]!);
}

/** Parses one encoding; see the file header for the notation. All forms have all fields, so that V8 reads them fast. */
export function op(encoding: string, operandText = '', options: FormOptions = {}): Form {
  const { mode, default64, force64, sized, rm, w, noPrefix66, uimm, byte } = options;
  const words: string[] = encoding.split(' ');
  let prefix: Form['prefix'];
  if (words[0] === 'np') prefix = 'none';
  else if (['66', 'f2', 'f3'].includes(words[0]!) && words.length > 1) prefix = parseInt(words[0]!, 16) as 0x66;
  if (prefix !== undefined) words.shift();
  let map: OpcodeMap = 0;
  if (words[0] === '0f' && words.length > 1) {
    words.shift();
    const escape = words.length > 1 ? ['38', '3a'].indexOf(words[0]!) : -1;
    map = (escape + 2) as OpcodeMap;
    if (escape >= 0) words.shift();
  }
  const opcodeText = words.shift()!;
  const extension = words[0]?.startsWith('/') ? Number(words.shift()!.slice(1)) : undefined;
  const modrm = words.length > 0 ? parseInt(words.shift()!, 16) : undefined;
  assert(words.length === 0, `encoding ${encoding}`);
  const operands = operandText === '' ? [] : operandText.split(',').map(operandSpec);
  const usesModrm = operands.some((operand) => MODRM_LETTERS.includes(operand.letter) || operand.letter === 'sti');
  return {
    text: encoding,
    mode,
    default64,
    force64,
    sized,
    rm,
    w,
    noPrefix66,
    uimm,
    byte,
    map,
    opcode: parseInt(opcodeText, 16),
    plusRegister: opcodeText.endsWith('+r'),
    condition: opcodeText.endsWith('+cc'),
    prefix,
    extension,
    modrm,
    hasModrm: usesModrm || extension !== undefined || modrm !== undefined,
    operands,
  };
}

/** The eight encodings that the arithmetic group shares: `base` is its first opcode, `/n` its extension in 80-83. */
export function alu(base: number): Form[] {
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  const extension = base >> 3;
  return [
    op(hex(base), 'Eb,Gb'),
    op(hex(base + 1), 'Ev,Gv'),
    op(hex(base + 2), 'Gb,Eb'),
    op(hex(base + 3), 'Gv,Ev'),
    op(hex(base + 4), 'AL,Ib'),
    op(hex(base + 5), 'rAX,Iz'),
    op(`80 /${extension}`, 'Eb,Ib'),
    op(`81 /${extension}`, 'Ev,Iz'),
    op(`82 /${extension}`, 'Eb,Ib', { mode: 'legacy' }),
    op(`83 /${extension}`, 'Ev,Ib'),
  ];
}

/** True when the form exists at operand sizes 16, 32 and 64. */
export function isSized(form: Form): boolean {
  return (
    !form.byte && (form.sized === true || form.operands.some((operand) => ['v', 'z', 'y', 'p'].includes(operand.type)))
  );
}

/** Width in bits of an operand at operand size `size`; 0 where the form gives none. */
export function operandBits(spec: OperandSpec, size: number): number {
  switch (spec.type) {
    case 'b':
      return 8;
    case 'w':
      return 16;
    case 'd':
    case 'ss':
      return 32;
    case 'q':
    case 'sd':
    case 'pi':
      return 64;
    case 't':
      return 80;
    case 'dq':
    case 'ps':
    case 'pd':
      return 128;
    case 'v':
    case 'p':
      return size;
    case 'z':
      return size === 16 ? 16 : 32;
    case 'y':
      return size === 64 ? 64 : 32;
    default:
      return 0;
  }
}

const GENERAL_LETTERS = ['E', 'G', 'M', 'O', 'R', 'X', 'Y', 'Z', 'fixed'];
const OPERAND_TYPE_BITS: Readonly<Record<string, OperandSize | 8>> = { b: 8, w: 16, d: 32, q: 64 };

/**
 * Operand size in bits of a form that prefixes do not size (`isSized` false): 8 for byte forms, else the width of its
 * first general operand, else of its immediate, else 32.
 */
export function unsizedBits(form: Form): OperandSize | 8 {
  const general = form.operands.filter(({ letter }) => GENERAL_LETTERS.includes(letter));
  const immediates = form.operands.filter(({ letter }) => letter === 'I' || letter === 'J');
  if (form.byte || general.some(({ type }) => type === 'b')) return 8;
  for (const { type } of [...general, ...(form.operands.length === immediates.length ? immediates : [])]) {
    const bits = OPERAND_TYPE_BITS[type];
    if (bits) return bits;
  }
  return 32;
}

/** The operand sizes in bits at which the form exists in any mode. */
export function operandSizes(form: Form): readonly (OperandSize | 8)[] {
  return isSized(form) ? [16, 32, 64] : [unsizedBits(form)];
}
