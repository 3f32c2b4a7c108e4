// What is said of instructions in hovers: by mnemonic, in both syntaxes.
import assert from 'node:assert/strict';
import { factsOf } from '../../src/dap/instruction-facts';
import { INSTRUCTIONS } from '../../src/isa/records';
import type { InstructionFacts } from '../../src/protocol/instruction';

const CASES: readonly (readonly [mnemonic: string, facts: Partial<InstructionFacts>])[] = [
  ['add', { name: 'ADD', flagsRead: [], flagsWritten: ['CF', 'PF', 'AF', 'ZF', 'SF', 'OF'], lock: true }],
  ['adcl', { name: 'ADC', flagsRead: ['CF'], writesMemory: true }],
  ['JNE', { name: 'J{cc}', flagsRead: ['CF', 'PF', 'ZF', 'SF', 'OF'], flagsWritten: [] }],
  ['mov', { name: 'MOV', flagsWritten: [], readsMemory: true, writesMemory: true, mayFault: true }],
  ['cpuid', { name: 'CPUID', exits: ['CPUID'], privileged: false }],
  ['hlt', { name: 'HLT', exits: ['HLT'], privileged: true }],
  ['wrmsr', { name: 'WRMSR', exits: ['WRMSR'], privileged: true }],
  ['popcnt', { name: 'POPCNT', feature: 'POPCNT' }],
];

describe('facts of instructions', () => {
  for (const [mnemonic, expected] of CASES)
    it(mnemonic, () => {
      const found = factsOf(INSTRUCTIONS, mnemonic).find(({ name }) => name === expected.name);
      assert.ok(found, 'there is none');
      for (const [name, value] of Object.entries(expected))
        assert.deepEqual(found[name as keyof InstructionFacts], value, name);
    });

  it('are there for every record, and for nothing else', () => {
    for (const { name } of INSTRUCTIONS)
      assert.notEqual(factsOf(INSTRUCTIONS, name.replace('{cc}', 'NE')).length, 0, name);
    for (const word of ['', 'label', '.*', 'add|mov', '{cc}', 'J'])
      assert.deepEqual(factsOf(INSTRUCTIONS, word), [], word);
  });
});
