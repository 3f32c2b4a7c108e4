/** Instruction bytes for the decoder's tests: every form assembled, every form behind prefix soup, and plain noise. */
import assert from 'node:assert/strict';
import { assemble } from '../../../src/isa/assemble/assemble';
import type { Random, Variant } from '../../../src/isa/assemble/enumerate';
import { randomInstance, variants } from '../../../src/isa/assemble/enumerate';
import type { CodeBits } from '../../../src/isa/decoded';
import type { Instruction } from '../../../src/isa/define';
import type { Form } from '../../../src/isa/form';
import { SLOT } from './oracle';

export interface Case {
  readonly bytes: readonly number[];
  /** Where it came from; assembled cases name their form. */
  readonly source: string;
}

/** Name of a form in counts and messages. */
export function formName(instruction: Instruction, form: Form): string {
  return `${instruction.name} ${form.text} ${form.operands.map(({ code }) => code).join(',')}`;
}

/**
 * `perForm` encodings of each form that exists in the mode, spread over its sizes and operand kinds, and as many
 * again: some operands are another form's (XCHG rAX, rAX is NOP, and NOP's own space holds the prefetches).
 */
export function assembledCases(instructions: readonly Instruction[], bits: CodeBits, perForm: number, random: Random) {
  const byForm = new Map<Form, Variant[]>();
  for (const variant of variants(instructions))
    if (variant.bits === bits) byForm.set(variant.form, [...(byForm.get(variant.form) ?? []), variant]);
  const cases: Case[] = [];
  for (const list of byForm.values()) {
    const encodable = list.filter((variant) => Array.from({ length: 20 }, () => encode(variant, random)).some(Boolean));
    assert(encodable.length > 0, `no encoding of ${formName(list[0]!.instruction, list[0]!.form)}`);
    for (let made = 0, n = 0; made < perForm * 2; n++) {
      const variant = encodable[n % encodable.length]!;
      const bytes = encode(variant, random);
      if (!bytes) continue; // AH with REX, or a size that the form's prefix rules out
      cases.push({ bytes: [...bytes], source: formName(variant.instruction, variant.form) });
      made++;
    }
  }
  return cases;
}

function encode(variant: Variant, random: Random): Uint8Array | undefined {
  const { operands, encoding } = randomInstance(random, variant);
  return assemble(variant.form, operands, encoding);
}

const PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3];
const ESCAPES = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];

/** The form's opcode behind random prefixes and before random bytes; legal or not, and often another instruction. */
export function soupCases(instructions: readonly Instruction[], bits: CodeBits, perForm: number, random: Random) {
  const cases: Case[] = [];
  for (const instruction of instructions)
    for (const form of instruction.forms)
      for (let n = 0; n < perForm; n++) {
        const bytes = Array.from({ length: random() % 4 }, () => PREFIXES[random() % PREFIXES.length]!);
        if (typeof form.prefix === 'number') bytes.push(form.prefix);
        if (bits === 64 && random() % 2 === 0) bytes.push(0x40 | (random() % 16));
        const low = form.condition ? random() % 16 : form.plusRegister ? random() % 8 : 0;
        bytes.push(...ESCAPES[form.map]!, form.opcode + low);
        if (form.hasModrm) bytes.push(form.modrm ?? (random() & 0xc7) | ((form.extension ?? random() % 8) << 3));
        while (bytes.length < SLOT) bytes.push(random() & 0xff);
        cases.push({ bytes, source: `soup of ${formName(instruction, form)}` });
      }
  return cases;
}

/** Random bytes, half of them in the two-byte map. */
export function noiseCases(count: number, random: Random): Case[] {
  return Array.from({ length: count }, (_, n) => ({
    bytes: [...(n % 2 === 0 ? [0x0f] : []), ...Array.from({ length: SLOT - 1 }, () => random() & 0xff)],
    source: 'noise',
  }));
}

/** Lays the cases out one per slot, the rest of each slot random. */
export function layOut(cases: readonly Case[], random: Random): Uint8Array {
  const bytes = Uint8Array.from({ length: cases.length * SLOT }, () => random() & 0xff);
  cases.forEach((one, n) => bytes.set(one.bytes, n * SLOT));
  return bytes;
}
