/** What a form's operands are once ModRM has chosen between register and memory (SDM Vol. 2D, A.2). */
import type { Form, OperandSpec } from './form';
import { operandBits } from './form';
import type { Operand } from './semantics';

const FILES: Readonly<Record<string, NonNullable<Operand['file']>>> = {
  ...{ E: 'general', G: 'general', R: 'general', Z: 'general', fixed: 'general' },
  ...{ S: 'segment', segment: 'segment', C: 'control', D: 'debug' },
  ...{ P: 'mmx', Q: 'mmx', N: 'mmx', V: 'xmm', W: 'xmm', U: 'xmm', xmm0: 'xmm', st0: 'x87', sti: 'x87' },
};

const KINDS: Readonly<Record<string, Operand['kind']>> = {
  ...{ M: 'memory', O: 'memory', X: 'memory', Y: 'memory' },
  ...{ I: 'immediate', J: 'relative', A: 'far', cc: 'condition', one: 'one' },
};

const EITHER = 'EQW';

function operandOf(spec: OperandSpec, index: number, size: number, memory: boolean, seen: string[]): Operand {
  const { letter } = spec;
  const kind = KINDS[letter] ?? (memory && EITHER.includes(letter) ? 'memory' : 'register');
  const fixed = spec.register ?? (letter === 'st0' || letter === 'xmm0' ? 0 : undefined);
  const file = kind === 'register' ? FILES[letter] : undefined;
  const slot = seen.filter((one) => one === kind).length;
  if (fixed === undefined) seen.push(kind);
  return { spec, kind, file, bits: operandBits(spec, size), index, slot, fixed };
}

/** The operands of `form` at operand size `size` (bits); `memory` says that ModRM chose memory. */
export function operandsOf(form: Form, size: number, memory: boolean): Operand[] {
  const seen: string[] = [];
  return form.operands.map((spec, index) => operandOf(spec, index, size, memory, seen));
}

/** The values of `memory` with which the form exists. */
export function memoryChoices(form: Form): readonly boolean[] {
  const letters = form.operands.map(({ letter }) => letter);
  if (form.rm === 'mem' || letters.some((letter) => KINDS[letter] === 'memory')) return [true];
  return form.rm !== 'reg' && letters.some((letter) => EITHER.includes(letter)) ? [false, true] : [false];
}
