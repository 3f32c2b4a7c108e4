/** The decoder against iced-x86: length, mnemonic, operands, memory parts, and what is undefined. */
import assert from 'node:assert/strict';
import type { CodeBits } from '../../../src/isa/decoded';
import { createDecoder } from '../../../src/isa/decode';
import { intelMnemonic } from '../../../src/isa/disassemble/mnemonic';
import { seededRandom } from '../../../src/isa/assemble/enumerate';
import { INSTRUCTIONS } from '../../../src/isa/records/index';
import type { Case } from './cases';
import { assembledCases, formName, layOut, noiseCases, soupCases } from './cases';
import { LEGAL_WITH_PREFIXES } from './differences';
import type { Oracle } from './oracle';
import { SLOT, difference, eachSlot, ipOf, reasonForUndefined } from './oracle';

/** `VMXRAY_SOAK=n` multiplies the number of instructions (10 gives more than 2 million). */
const SOAK = Number(process.env['VMXRAY_SOAK'] ?? 1);
const PER_FORM = 100 * SOAK;
const decoder = createDecoder(INSTRUCTIONS);

/** What is wrong with our answer for the slot at `start`, or undefined; `agreed` hears of forms on which both agree. */
function judge(bytes: Uint8Array, start: number, bits: CodeBits, oracle: Oracle, agreed: (form: string) => void) {
  const decoded = decoder.decode(bytes, start, start + SLOT, bits);
  if ('failure' in decoded)
    return oracle.valid && !reasonForUndefined(oracle, bits)
      ? `${decoded.failure}, expected ${oracle.mnemonic}`
      : undefined;
  if (!oracle.valid)
    return LEGAL_WITH_PREFIXES[decoded.instruction.name] ? undefined : `${intelMnemonic(decoded)}, expected undefined`;
  const found = difference(decoded, oracle, ipOf(start, bits));
  if (!found) agreed(formName(decoded.instruction, decoded.form));
  return found;
}

function check(cases: readonly Case[], bits: CodeBits, seed: number): Map<string, number> {
  const bytes = layOut(cases, seededRandom(seed));
  const counts = new Map<string, number>();
  const wrong: string[] = [];
  eachSlot(bytes, bits, (start, oracle) => {
    const found = judge(bytes, start, bits, oracle, (form) => counts.set(form, (counts.get(form) ?? 0) + 1));
    if (!found || wrong.length >= 20) return;
    const text = Buffer.from(bytes.subarray(start, start + SLOT)).toString('hex');
    wrong.push(`${text} (${cases[start / SLOT]!.source}): ${found}`);
  });
  assert.deepEqual(wrong, []);
  return counts;
}

describe('decoder against iced-x86', function () {
  this.timeout(60_000 * SOAK);
  for (const bits of [16, 32, 64] as const) {
    it(`agrees on every form, at least ${PER_FORM} times, in ${bits}-bit code`, () => {
      const cases = assembledCases(INSTRUCTIONS, bits, PER_FORM, seededRandom(bits));
      const counts = check(cases, bits, 1);
      const scarce = new Set(cases.map(({ source }) => source).filter((form) => (counts.get(form) ?? 0) < PER_FORM));
      assert.deepEqual([...scarce], []);
    });

    it(`agrees on every opcode behind random prefixes in ${bits}-bit code`, () => {
      check(soupCases(INSTRUCTIONS, bits, 50 * SOAK, seededRandom(bits + 1)), bits, 2);
    });

    it(`agrees on random bytes in ${bits}-bit code`, () => {
      check(noiseCases(20_000 * SOAK, seededRandom(bits + 2)), bits, 3);
    });
  }
});
