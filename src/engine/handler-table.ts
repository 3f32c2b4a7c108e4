/**
 * Numbers the interpreter's handlers: one per form, operand size, register or memory, condition and repeat prefix. The
 * hottest also exist in a 64-bit flavour inside the interpreter's switch; the others are functions of their own, called
 * through a table. A switch of all of them would exhaust V8's compiler, one of about 300 compiles in 30 ms.
 */
import type { Decoded } from '../isa/decoded';
import type { Instruction } from '../isa/define';
import { operandSizes } from '../isa/form';
import type { Form } from '../isa/form';
import { memoryChoices, operandsOf } from '../isa/operands';
import type { Bits, Operand } from '../isa/semantics';
import { isHot } from './hot';

/** Handlers without an instruction: they come first in the switch. */
export const PSEUDO = {
  /** End of a block, or of what is still valid of it: look up the next one. */
  end: 0,
  /** A breakpoint may lie here. */
  breakpoint: 1,
  /** The next instruction crosses into a page whose translation must still be the one it was decoded through. */
  crossing: 2,
  /** An undefined encoding: #UD. */
  undefined: 3,
  /** More than 15 bytes, or past the code segment's limit: #GP(0). */
  general: 4,
} as const;
const PSEUDO_COUNT = 5;

/** Repeat prefix as a handler knows it. */
export type Repeat = 0 | 0xf3 | 0xf2;

/** What one handler stands for. */
export interface HandlerKey {
  readonly instruction: Instruction;
  readonly form: Form;
  readonly size: Bits;
  readonly operands: readonly Operand[];
  readonly repeat: Repeat;
}

interface FormHandlers {
  readonly first: number;
  readonly sizes: readonly number[];
  readonly conditions: number;
  readonly repeats: readonly Repeat[];
}

export class HandlerTable {
  /** Functions of the table, in order. */
  readonly table: HandlerKey[] = [];
  /** Cases of the switch behind the pseudo handlers, in order. */
  readonly hot: HandlerKey[] = [];
  private readonly forms = new Map<Form, FormHandlers>();
  private readonly hotNumber = new Map<number, number>();

  constructor(instructions: readonly Instruction[]) {
    for (const instruction of instructions) for (const form of instruction.forms) this.addForm(instruction, form);
  }

  /** Number of switch cases, pseudo handlers included; table handlers are numbered from here. */
  get switchSize(): number {
    return PSEUDO_COUNT + this.hot.length;
  }

  /** The handler of a decoded instruction; `mode64` when code is 64-bit. */
  handlerOf(decoded: Decoded, mode64: boolean): number {
    const { first, sizes, conditions, repeats } = this.forms.get(decoded.form)!;
    const first0 = decoded.operands[0];
    const condition = conditions > 1 && first0?.kind === 'condition' ? first0.code : 0;
    const wanted: Repeat = repeats.length === 2 && decoded.repeat !== 0 ? 0xf3 : decoded.repeat;
    const repeat = Math.max(0, repeats.indexOf(wanted));
    const shape = sizes.indexOf(decoded.size) * 2 + (decoded.memory ? 1 : 0);
    const index = first + (shape * conditions + condition) * repeats.length + repeat;
    const hot = mode64 && decoded.addressSize === 64 ? this.hotNumber.get(index) : undefined;
    return hot ?? this.switchSize + index;
  }

  /** What handler `number` stands for; undefined for pseudo handlers. */
  keyOf(number: number): HandlerKey | undefined {
    if (number >= this.switchSize) return this.table[number - this.switchSize];
    return number < PSEUDO_COUNT ? undefined : this.hot[number - PSEUDO_COUNT];
  }

  private addForm(instruction: Instruction, form: Form): void {
    const sizes = operandSizes(form);
    const choices = memoryChoices(form);
    const conditions = form.condition ? 16 : 1;
    const repeats: Repeat[] = !instruction.repeat ? [0] : instruction.repeat === 'count' ? [0, 0xf3] : [0, 0xf3, 0xf2];
    this.forms.set(form, { first: this.table.length, sizes, conditions, repeats });
    for (const size of sizes) {
      // Where ModRM leaves no choice both places hold the one key, so that it becomes one function.
      const keys = new Map(
        choices.map((memory) => [memory, this.keysOf(instruction, form, size as Bits, memory, repeats)]),
      );
      for (const memory of [false, true]) {
        for (const key of keys.get(memory) ?? keys.get(choices[0]!)!) {
          if (keys.has(memory) && key.repeat === 0 && isHot(instruction, form, size, memory)) {
            this.hotNumber.set(this.table.length, PSEUDO_COUNT + this.hot.length);
            this.hot.push(key);
          }
          this.table.push(key);
        }
      }
    }
  }

  /** One key per condition and repeat prefix, in that order. */
  private keysOf(
    instruction: Instruction,
    form: Form,
    size: Bits,
    memory: boolean,
    repeats: readonly Repeat[],
  ): readonly HandlerKey[] {
    const operands = operandsOf(form, size, memory);
    const conditions = Array.from({ length: form.condition ? 16 : 1 }, (_, code) =>
      operands.map((operand) => (operand.kind === 'condition' ? { ...operand, fixed: code } : operand)),
    );
    return conditions.flatMap((chosen) =>
      repeats.map((repeat) => ({ instruction, form, size, operands: chosen, repeat })),
    );
  }
}
