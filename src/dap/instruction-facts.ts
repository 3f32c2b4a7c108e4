/** What an instruction can do, by its mnemonic: derived from its record, so that nothing is said twice. */
import type { Instruction } from '../isa/define';
import { type Effects, effectsOf } from '../isa/effects';
import { type Form, isSized, operandSizes } from '../isa/form';
import { memoryChoices } from '../isa/operands';
import { FLAG } from '../isa/semantics';
import type { InstructionFacts } from '../protocol/instruction';

/** SDM Vol. 1 appendix B: the names of the conditions, in any of their spellings. */
const CONDITION = '(?:N?(?:O|B|C|E|Z|BE|A|S|P|L|LE|G)|AE|GE|NAE|NGE|P[EO])';
/** AT&T's suffix for the operand size. */
const SUFFIX = /[bwlq]$/i;
const DIRECTION = 0x400;
const FLAGS = [...Object.entries(FLAG), ['DF', DIRECTION]] as const;

/** The records of a mnemonic; one with a size suffix is looked for without it if it is none as it stands. */
export function factsOf(records: readonly Instruction[], mnemonic: string): readonly InstructionFacts[] {
  const exact = matching(records, mnemonic);
  const found = exact.length > 0 || !SUFFIX.test(mnemonic) ? exact : matching(records, mnemonic.slice(0, -1));
  return found.map(facts);
}

function matching(records: readonly Instruction[], mnemonic: string): readonly Instruction[] {
  return records.filter(({ name }) => {
    const source = name.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replace('{cc}', CONDITION);
    return new RegExp(`^${source}$`, 'i').test(mnemonic);
  });
}

function facts(record: Instruction): InstructionFacts {
  const { name, feature, privilege, lock = false, forms, exit } = record;
  const all = forms.flatMap((form) => effects(record, form));
  const flags = (of: 'flagsRead' | 'flagsWritten'): readonly string[] => {
    const mask = all.reduce((sum, one) => sum | one[of], 0);
    return FLAGS.flatMap(([flag, bit]) => ((mask & bit) !== 0 ? [flag] : []));
  };
  return {
    name,
    ...(feature !== undefined && { feature }),
    privileged: privilege === 0,
    lock,
    flagsRead: flags('flagsRead'),
    flagsWritten: flags('flagsWritten'),
    readsMemory: all.some(({ readsMemory }) => readsMemory),
    writesMemory: all.some(({ writesMemory }) => writesMemory),
    mayFault: all.some(({ mayFault }) => mayFault),
    exits: [...new Set([...(exit === undefined ? [] : [exit]), ...all.flatMap(({ exits }) => [...exits])])],
  };
}

/** At each operand size, with a register and with memory where the form takes either. */
function effects(record: Instruction, form: Form): readonly Effects[] {
  return operandSizes(form)
    .filter((size) => !(size === 64 && isSized(form) && form.mode === 'legacy'))
    .flatMap((size) => memoryChoices(form).map((memory) => effectsOf(record, form, size, memory)));
}
