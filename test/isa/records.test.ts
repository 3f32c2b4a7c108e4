/** The records as a whole: encodings that do not collide, meanings that run and emit valid code, derived effects. */
import assert from 'node:assert/strict';
import { opcodeTable } from '../../src/isa/decode/opcode-table';
import type { Candidate } from '../../src/isa/decode/opcode-table';
import { effectsOf } from '../../src/isa/effects';
import type { Effects } from '../../src/isa/effects';
import { isSized, operandSizes } from '../../src/isa/form';
import type { Form } from '../../src/isa/form';
import { memoryChoices } from '../../src/isa/operands';
import { INSTRUCTIONS } from '../../src/isa/records/index';
import { FLAG } from '../../src/isa/semantics';
import type { Bits } from '../../src/isa/semantics';
import { ModuleBuilder } from '../../src/wasm/module';

const table = opcodeTable(INSTRUCTIONS);

const label = ({ instruction, form }: Pick<Candidate, 'instruction' | 'form'>): string =>
  `${instruction.name} ${form.text} ${form.operands.map(({ code }) => code).join(',')}`;

/** Why one form may stand before another under the same bytes: it says more of them. */
function saysMore(a: Form, b: Form): boolean {
  const detail = (form: Form): number => (form.modrm !== undefined ? 2 : form.extension !== undefined ? 1 : 0);
  const prefixed = (form: Form): number => (typeof form.prefix === 'number' ? 2 : form.prefix === 'none' ? 1 : 0);
  return detail(a) > detail(b) || prefixed(a) > prefixed(b) || (!a.plusRegister && b.plusRegister);
}

const takes = (candidate: Candidate, modrm: number): boolean =>
  candidate.modrm < 0
    ? ((candidate.modrms >> (((modrm >> 3) & 7) | (modrm >= 0xc0 ? 8 : 0))) & 1) !== 0
    : candidate.modrm === modrm;

const allModrm = Array.from({ length: 256 }, (_, byte) => byte);

describe('instruction records: encodings', () => {
  it('keeps forms apart, or gives the bytes to the one that says more', () => {
    for (const slot of table) {
      for (const [at, later] of (slot?.candidates ?? []).entries())
        for (const earlier of slot!.candidates.slice(0, at)) {
          if ((earlier.contexts & later.contexts) === 0) continue;
          if (slot!.hasModrm && !allModrm.some((byte) => takes(earlier, byte) && takes(later, byte))) continue;
          assert(saysMore(earlier.form, later.form), `${label(earlier)} collides with ${label(later)}`);
        }
    }
  });

  it('reaches every form', () => {
    const reached = new Set<Form>();
    for (const slot of table) {
      if (!slot) continue;
      for (let context = 0; context < 30; context++)
        for (let byte = 0; byte < (slot.hasModrm ? 256 : 1); byte++) {
          const found = slot.candidates.find(
            (candidate) => (candidate.contexts >> context) & 1 && (!slot.hasModrm || takes(candidate, byte)),
          );
          if (found) reached.add(found.form);
        }
    }
    for (const instruction of INSTRUCTIONS)
      for (const form of instruction.forms) assert(reached.has(form), label({ instruction, form }));
  });
});

describe('instruction records: meanings', () => {
  for (const instruction of INSTRUCTIONS) {
    it(`${instruction.name} ${instruction.forms[0]!.text}`, () => {
      for (const form of instruction.forms)
        for (const size of operandSizes(form))
          for (const memory of memoryChoices(form)) {
            if (size === 64 && isSized(form) && form.mode === 'legacy') continue;
            const module = new ModuleBuilder();
            module.function({ params: [] }, (code) => effectsOf(instruction, form, size, memory, code));
            const place = `${label({ instruction, form })} size ${size} ${memory ? 'memory' : 'register'}`;
            assert(WebAssembly.validate(module.finish()), place);
          }
    });
  }
});

/** What the effects of one form come to, as text. */
function summary(effects: Effects): string {
  const flagNames = (mask: number): string =>
    Object.entries({ ...FLAG, DF: 0x400, IF: 0x200 })
      .filter(([, bit]) => mask & bit)
      .map(([name]) => name)
      .join(' ');
  const sorted = (names: ReadonlySet<string>): string => [...names].sort().join(' ');
  return [
    `reads ${sorted(effects.registersRead)}`,
    `writes ${sorted(effects.registersWritten)}`,
    `flags ${flagNames(effects.flagsRead)}`,
    `sets ${flagNames(effects.flagsWritten)}`,
    effects.readsMemory && 'loads',
    effects.writesMemory && 'stores',
    effects.mayFault && 'faults',
    effects.exits.size > 0 && `exits ${sorted(effects.exits)}`,
    effects.slowFunctions.size > 0 && `calls ${sorted(effects.slowFunctions)}`,
    effects.endsBlock && 'ends',
  ]
    .filter((part) => typeof part === 'string' && !/^\w+ $/.test(part))
    .join('; ');
}

const SIX = 'CF PF AF ZF SF OF';

/** Mnemonic, opcode text, operand size, memory, effects. */
const EFFECTS: readonly [string, string, Bits, boolean, string][] = [
  ['ADD', '01', 32, false, `reads #0 #1; writes #0; sets ${SIX}`],
  ['ADD', '01', 32, true, `reads #0 #1; sets ${SIX}; loads; stores; faults`],
  ['ADC', '80 /2', 8, false, `reads #0; writes #0; flags CF; sets ${SIX}`],
  ['INC', 'ff /0', 64, false, 'reads #0; writes #0; sets PF AF ZF SF OF'],
  ['ROL', 'd3 /0', 32, false, 'reads #0 #1; writes #0; sets CF OF'],
  ['RCR', 'd1 /3', 16, false, 'reads #0; writes #0; flags CF; sets CF OF'],
  ['MUL', 'f7 /4', 64, false, `reads #0 RAX; writes RAX RDX; sets ${SIX}`],
  ['DIV', 'f7 /6', 64, false, 'reads #0 RAX RDX; writes RAX RDX; faults'],
  ['BT', '0f a3', 32, true, 'reads #0 #1; sets CF; loads; faults'],
  ['CMPXCHG8B', '0f c7 /1', 64, true, 'reads #0 RAX RBX RCX RDX; writes RAX RDX; sets ZF; loads; stores; faults'],
  ['MOVS', 'a5', 32, false, 'reads RCX RDI RSI; writes RCX RDI RSI; flags DF; loads; stores; faults'],
  ['SCAS', 'ae', 8, false, `reads RAX RCX RDI; writes RCX RDI; flags ZF DF; sets ${SIX}; loads; faults`],
  ['PUSH', '50+r', 64, false, 'reads #0 RSP; writes RSP; stores; faults'],
  ['LEAVE', 'c9', 64, false, 'reads RBP; writes RBP RSP; loads; faults'],
  ['RET', 'c3', 64, false, 'reads RSP; writes RSP; loads; faults; ends'],
  ['CPUID', '0f a2', 32, false, 'reads RAX RCX; writes RAX RBX RCX RDX; faults; exits CPUID; calls cpuid'],
  ['RDTSC', '0f 31', 32, false, 'reads cpl cr4; writes RAX RDX; faults; exits RDTSC'],
  ['CLI', 'fa', 32, false, 'reads cpl eflags; sets IF; faults'],
  ['NOP', '0f 1f', 32, true, ''],
  [
    'INS',
    '6c',
    8,
    false,
    'reads RCX RDI RDX; writes RCX RDI; flags DF; stores; faults; exits IO; calls ioPermission portIn; ends',
  ],
  [
    'VMREAD',
    'np 0f 78',
    64,
    true,
    `reads #1 cpl; sets ${SIX}; stores; faults; exits VMX; calls vmread vmxOperation; ends`,
  ],
];

describe('instruction records: effects', () => {
  for (const [name, text, size, memory, expected] of EFFECTS)
    it(`${name} ${text} ${size} ${memory ? 'memory' : 'register'}`, () => {
      const found = INSTRUCTIONS.filter((instruction) => instruction.name === name).flatMap((instruction) =>
        instruction.forms.filter((form) => form.text === text).map((form) => ({ instruction, form })),
      );
      const { instruction, form } = found.find((each) => operandSizes(each.form).includes(size))!;
      assert.equal(summary(effectsOf(instruction, form, size, memory)), expected);
    });
});
