/**
 * Which handlers are in the interpreter's switch. Chosen by what a Linux kernel and its user programs execute most; the
 * whole stays near 300, since V8 compiles the switch as one function. Handlers for a comparison together with the jump
 * behind it cost a boot more than they saved, 2 to 3 % with 14 of them and 5 % with many; regions have both as one.
 */
import type { Instruction } from '../isa/define';
import type { Form } from '../isa/form';

const WIDE = [32, 64];
const WITH_BYTES = [8, 32, 64];

/** Operand sizes that are hot, by mnemonic. */
const HOT_SIZES: Readonly<Record<string, readonly number[]>> = {
  ADD: WIDE, SUB: WIDE, AND: WIDE, OR: WIDE, XOR: WIDE, CMP: WITH_BYTES, TEST: WITH_BYTES,
  INC: [32], DEC: [32], MOV: WITH_BYTES, LEA: WIDE, MOVZX: [32], MOVSX: [32, 64], MOVSXD: [64],
  PUSH: [64], POP: [64], 'J{cc}': [64], JMP: [64], CALL: [64], RET: [64],
  'SAL/SHL': WIDE, SHL: WIDE, SHR: WIDE, SAR: WIDE, ROL: [32], ROR: [32], NOP: WIDE, ADC: [64], MUL: [64], IMUL: [64],
}; // prettier-ignore

/** Forms of hot instructions that compilers hardly emit. */
const COLD_FORMS = ['a0', 'a1', 'a2', 'a3', 'c2', '82', 'f6 /1', 'f7 /1', 'ff /6'];

export function isHot(instruction: Instruction, form: Form, size: number, memory: boolean): boolean {
  const sizes = HOT_SIZES[instruction.name];
  if (!sizes?.includes(size) || form.mode === 'legacy') return false;
  if (memory && ['SHL', 'SAL/SHL', 'SHR', 'SAR', 'ROL', 'ROR', 'ADC', 'MUL', 'IMUL'].includes(instruction.name))
    return false;
  return !COLD_FORMS.some((text) => form.text.startsWith(text));
}
