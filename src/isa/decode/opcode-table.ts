/**
 * Opcode tables, made once from the records: for every opcode byte of every map the forms that it may mean, each with
 * bit masks of where it applies, in the order in which they are asked.
 * Source: SDM Vol. 2A, 2.1-2.2 (prefixes, REX), Vol. 2D, appendix A (opcode maps, extensions).
 */
import { assert } from '../../common/assert';
import type { Feature, Instruction } from '../define';
import type { Form } from '../form';
import { isSized, operandSizes } from '../form';
import type { Bits } from '../semantics';

/** Which of 66H, F2H and F3H are present: F2H and F3H (the last one) choose before 66H does. */
export const PREFIX_CLASS = { none: 0, p66: 1, f3: 2, f2: 3, f3With66: 4, f2With66: 5 } as const;

/** Number of bits in a context mask per prefix class: outside 64-bit mode, then 64-bit mode by REX.W and REX.B. */
const MODES = 5;
const LEGACY_MODES = 0b00001;
const LONG_MODES = 0b11110;
const WIDE_MODES = 0b10100;
const REX_B_MODES = 0b11000;

/** The bit of a context mask for one instruction's prefixes; `rex` is the REX byte or 0. */
export function contextBit(prefixClass: number, long: boolean, rex: number): number {
  const mode = long ? 1 + ((rex >> 3) & 1) + ((rex & 1) << 1) : 0;
  return 1 << (prefixClass * MODES + mode);
}

/** One form under one opcode byte. */
export interface Candidate {
  readonly instruction: Instruction;
  readonly form: Form;
  /** Where the form applies: see `contextBit`. */
  readonly contexts: number;
  /** Which ModRM bytes it takes: bit `reg`, plus 8 when mod = 3. */
  readonly modrms: number;
  /** The whole ModRM byte, or -1. */
  readonly modrm: number;
  /** Operand size in bits when prefixes do not choose it, or 0. */
  readonly fixedSize: Bits | 0;
  /** Has control or debug registers: ModRM.mod is ignored and means registers. */
  readonly ignoresMod: boolean;
  /** 66H, F2H or F3H belong to the opcode. */
  readonly mandatory: boolean;
}

/** Everything that one opcode byte of one map may mean. */
export interface OpcodeSlot {
  readonly hasModrm: boolean;
  readonly candidates: readonly Candidate[];
}

function prefixClasses(form: Form): number[] {
  const { none, p66, f3, f2, f3With66, f2With66 } = PREFIX_CLASS;
  const sizing = isSized(form) && form.operands.every(({ type }) => type !== 'y');
  switch (form.prefix) {
    case 0x66:
      return [p66];
    case 0xf3:
      return form.noPrefix66 ? [f3] : [f3, f3With66];
    case 0xf2:
      return form.noPrefix66 ? [f2] : [f2, f2With66];
    case 'none':
      return sizing && !form.noPrefix66 ? [none, p66] : [none];
    default:
      return form.noPrefix66 ? [none, f3, f2] : [none, p66, f3, f2, f3With66, f2With66];
  }
}

function contextMask(form: Form, yieldsToRexB: boolean): number {
  let modes = LEGACY_MODES | LONG_MODES;
  if (form.mode === 'legacy') modes &= LEGACY_MODES;
  if (form.mode === 'long') modes &= LONG_MODES;
  if (form.w === 0) modes &= ~WIDE_MODES;
  if (form.w === 1) modes &= WIDE_MODES;
  if (yieldsToRexB) modes &= ~REX_B_MODES;
  return prefixClasses(form).reduce((mask, prefixClass) => mask | (modes << (prefixClass * MODES)), 0);
}

const CONTROL_LETTERS = ['C', 'D'];
const MEMORY_LETTERS = ['M'];
const REGISTER_LETTERS = ['N', 'R', 'U', 'sti'];

function modrmMask(form: Form): number {
  const has = (letters: readonly string[]): boolean => form.operands.some(({ letter }) => letters.includes(letter));
  let mask = 0xffff;
  if (form.extension !== undefined) mask &= 0x101 << form.extension;
  if (!has(CONTROL_LETTERS)) {
    if (form.rm === 'mem' || has(MEMORY_LETTERS)) mask &= 0x00ff;
    if (form.rm === 'reg' || has(REGISTER_LETTERS)) mask &= 0xff00;
  }
  // Segment registers 6 and 7 do not exist and CS is no destination (SDM Vol. 2B, MOV): #UD.
  if (has(['S'])) mask &= form.operands[0]!.letter === 'S' ? 0x3d3d : 0x3f3f;
  return mask;
}

/** Exact ModRM bytes first, then extensions; mandatory prefixes first; an exact opcode before one with a register. */
function rank({ form }: Candidate): number {
  const byModrm = form.modrm !== undefined ? 0 : form.extension !== undefined ? 1 : 2;
  const byPrefix = typeof form.prefix === 'number' ? 0 : form.prefix === 'none' ? 1 : 2;
  return byModrm * 8 + byPrefix * 2 + (form.plusRegister ? 1 : 0);
}

function opcodesOf(form: Form): number[] {
  const count = form.condition ? 16 : form.plusRegister ? 8 : 1;
  return Array.from({ length: count }, (_, n) => (form.map << 8) | (form.opcode + n));
}

/**
 * Builds the tables: index is map * 256 + opcode byte. Records whose feature is not in `supported` are left out, which
 * leaves their encodings undefined, or to whatever they meant before the feature existed.
 */
export function opcodeTable(
  instructions: readonly Instruction[],
  supported?: ReadonlySet<Feature>,
): readonly (OpcodeSlot | undefined)[] {
  const table: (OpcodeSlot | undefined)[] = new Array<undefined>(4 * 256).fill(undefined);
  const forms = instructions
    .filter(({ feature }) => !supported || feature === undefined || supported.has(feature))
    .flatMap((instruction) => instruction.forms.map((form) => ({ instruction, form })));
  const takenByRegister = new Set(forms.flatMap(({ form }) => (form.plusRegister ? opcodesOf(form) : [])));
  for (const { instruction, form } of forms) {
    for (const opcode of opcodesOf(form)) {
      const slot = table[opcode] ?? { hasModrm: form.hasModrm, candidates: [] };
      assert(slot.hasModrm === form.hasModrm, `${instruction.name} ${form.text}: ModRM or none`);
      // 90H is NOP, but with REX.B it is XCHG R8, rAX (SDM Vol. 2B, NOP).
      const yieldsToRexB = !form.plusRegister && takenByRegister.has(opcode);
      const candidate: Candidate = {
        instruction,
        form,
        contexts: contextMask(form, yieldsToRexB),
        modrms: modrmMask(form),
        modrm: form.modrm ?? -1,
        fixedSize: isSized(form) ? 0 : operandSizes(form)[0]!,
        ignoresMod: form.operands.some(({ letter }) => CONTROL_LETTERS.includes(letter)),
        mandatory: typeof form.prefix === 'number',
      };
      const candidates = [...slot.candidates, candidate].sort((a, b) => rank(a) - rank(b));
      table[opcode] = { hasModrm: slot.hasModrm, candidates };
    }
  }
  return table;
}
