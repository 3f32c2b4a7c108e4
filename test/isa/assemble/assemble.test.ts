/** The test assembler: decoding what it makes gives the operands back, and it refuses what cannot be encoded. */
import assert from 'node:assert/strict';
import type { MemoryOperand, OperandValue } from '../../../src/isa/decoded';
import { createDecoder } from '../../../src/isa/decode';
import type { Encoding } from '../../../src/isa/assemble/assemble';
import { assemble } from '../../../src/isa/assemble/assemble';
import { randomInstance, seededRandom, variants } from '../../../src/isa/assemble/enumerate';
import { op } from '../../../src/isa/form';
import { INSTRUCTIONS } from '../../../src/isa/records/index';

const register = (number: number): OperandValue => ({ kind: 'register', number });
const at = (memory: Partial<MemoryOperand>): OperandValue => ({
  kind: 'memory',
  memory: { segment: 3, base: -1, index: -1, scale: 0, displacement: 0n, ...memory },
});
const code64: Encoding = { bits: 64, size: 32, addressSize: 64 };
const MOV = op('8b', 'Gv,Ev');
const MOVB = op('8a', 'Gb,Eb');

const CASES: readonly (readonly [
  string,
  ReturnType<typeof op>,
  readonly OperandValue[],
  Encoding,
  string | undefined,
])[] = [
  ['registers', MOV, [register(0), register(3)], code64, '8bc3'],
  ['REX.W, R and B', MOV, [register(8), register(9)], { ...code64, size: 64 }, '4d8bc1'],
  ['66H', MOV, [register(0), register(3)], { ...code64, size: 16 }, '668bc3'],
  ['RBP base', MOV, [register(0), at({ segment: 2, base: 5 })], code64, '8b4500'],
  ['R13 base', MOV, [register(0), at({ base: 13 })], code64, '418b4500'],
  ['RSP base', MOV, [register(0), at({ segment: 2, base: 4 })], code64, '8b0424'],
  ['absolute', MOV, [register(0), at({ displacement: 16n })], code64, '8b042510000000'],
  ['RIP-relative', MOV, [register(0), at({ base: 64, displacement: -1n })], code64, '8b05ffffffff'],
  ['FS', MOV, [register(0), at({ segment: 4, base: 0 })], code64, '648b00'],
  ['ES in 64-bit mode', MOV, [register(0), at({ segment: 0, base: 0 })], code64, undefined],
  ['BP+DI', MOV, [register(0), at({ segment: 2, base: 5, index: 7 })], { bits: 16, size: 16, addressSize: 16 }, '8b03'],
  ['no 16-bit AX base', MOV, [register(0), at({ base: 0 })], { bits: 16, size: 16, addressSize: 16 }, undefined],
  ['displacement too large', MOV, [register(0), at({ base: 0, displacement: 1n << 31n })], code64, undefined],
  ['SIL', MOVB, [register(6), register(0)], { ...code64, size: 8 }, '408af0'],
  ['DH', MOVB, [register(18), register(0)], { ...code64, size: 8 }, '8af0'],
  ['AH with REX', MOVB, [register(16), register(8)], { ...code64, size: 8 }, undefined],
  ['64 bits in 32-bit code', MOV, [register(0), register(3)], { bits: 32, size: 64, addressSize: 32 }, undefined],
  ['PUSH of 32 bits', op('50+r', 'Zv', { default64: true }), [register(0)], code64, undefined],
  ['mode', op('06', 'ES', { mode: 'legacy' }), [register(0)], code64, undefined],
];

/** Displacements are compared at the address size, beyond which they wrap. */
function comparable(operands: readonly OperandValue[], addressSize: number): unknown {
  return operands.map((value) =>
    value.kind === 'memory'
      ? { ...value.memory, displacement: BigInt.asUintN(addressSize, value.memory.displacement) }
      : value,
  );
}

describe('test assembler', () => {
  for (const [name, form, operands, encoding, expected] of CASES)
    it(name, () => {
      const bytes = assemble(form, operands, encoding);
      assert.equal(bytes && Buffer.from(bytes).toString('hex'), expected);
    });

  it('is undone by the decoder, for every form, size, mode and operand kind', () => {
    const decoder = createDecoder(INSTRUCTIONS);
    const random = seededRandom(11);
    let same = 0;
    for (const variant of variants(INSTRUCTIONS))
      for (let n = 0; n < 8; n++) {
        const { operands, encoding } = randomInstance(random, variant);
        const bytes = assemble(variant.form, operands, encoding);
        if (!bytes) continue;
        const decoded = decoder.decode(bytes, 0, bytes.length, variant.bits);
        assert.ok(!('failure' in decoded), `${variant.form.text}: ${Buffer.from(bytes).toString('hex')}`);
        if (decoded.form !== variant.form) continue; // XCHG rAX, rAX is NOP
        const { addressSize, size, lock } = encoding;
        assert.deepEqual(
          [decoded.length, decoded.size, decoded.addressSize, decoded.lock, comparable(decoded.operands, addressSize)],
          [bytes.length, size, addressSize, lock, comparable(operands, addressSize)],
          `${variant.form.text}: ${Buffer.from(bytes).toString('hex')}`,
        );
        same++;
      }
    assert.ok(same > 8000, `${same} compared`);
  });
});
