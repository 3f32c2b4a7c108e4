/** Operators against JavaScript's typed arrays and BigInt, and the parsers against random texts. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { UserError } from '../../../src/common/errors';
import { evaluate } from '../../../src/symbols/expression/evaluate';
import { parseHitCondition } from '../../../src/symbols/expression/hit-condition';
import { parseLogTemplate, renderLog } from '../../../src/symbols/expression/log-template';
import { completeExpression } from '../../../src/symbols/expression/complete';
import { parseExpression } from '../../../src/symbols/expression/parse';
import { NAMES, SCOPE } from './names';

const SEED = 1;

/** Reads the low bits of a 64-bit pattern as the host's own typed arrays do. */
const TYPES: Readonly<Record<string, (bits: BigUint64Array) => bigint>> = {
  u8: (bits) => BigInt(new Uint8Array(bits.buffer)[0]!),
  s8: (bits) => BigInt(new Int8Array(bits.buffer)[0]!),
  u16: (bits) => BigInt(new Uint16Array(bits.buffer)[0]!),
  s16: (bits) => BigInt(new Int16Array(bits.buffer)[0]!),
  u32: (bits) => BigInt(new Uint32Array(bits.buffer)[0]!),
  s32: (bits) => BigInt(new Int32Array(bits.buffer)[0]!),
  u64: (bits) => bits[0]!,
  s64: (bits) => new BigInt64Array(bits.buffer)[0]!,
};

const OPERATORS: Readonly<Record<string, (x: bigint, y: bigint) => bigint | boolean>> = {
  '*': (x, y) => x * y,
  '/': (x, y) => x / y,
  '%': (x, y) => x % y,
  '+': (x, y) => x + y,
  '-': (x, y) => x - y,
  '<<': (x, y) => x * 2n ** y,
  '>>': (x, y) => (x - (((x % 2n ** y) + 2n ** y) % 2n ** y)) / 2n ** y,
  '<': (x, y) => x < y,
  '<=': (x, y) => x <= y,
  '>': (x, y) => x > y,
  '>=': (x, y) => x >= y,
  '==': (x, y) => x === y,
  '!=': (x, y) => x !== y,
  '&': (x, y) => x & y,
  '^': (x, y) => x ^ y,
  '|': (x, y) => x | y,
  '&&': (x, y) => x !== 0n && y !== 0n,
  '||': (x, y) => x !== 0n || y !== 0n,
};

const pattern = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.constantFrom(0n, 1n, 2n ** 63n, 2n ** 64n - 1n, 63n, 64n));
const typed = fc.record({ type: fc.constantFrom(...Object.keys(TYPES)), bits: pattern });

/** Whether the operation is unsigned, and which of the two a result type is. */
function reference(operator: string, left: bigint, right: bigint, unsigned: boolean, leftUnsigned: boolean): bigint {
  const isShift = operator === '<<' || operator === '>>';
  const asType = (value: bigint, u: boolean): bigint => TYPES[u ? 'u64' : 's64']!(BigUint64Array.of(value));
  const x = isShift ? left : asType(left, unsigned);
  const y = isShift ? right : asType(right, unsigned);
  const result = OPERATORS[operator]!(x, y);
  if (typeof result === 'boolean') return result ? 1n : 0n;
  return asType(result, isShift ? leftUnsigned : unsigned);
}

describe('properties of expressions', () => {
  it('operators give what typed arrays and BigInt give', () => {
    fc.assert(
      fc.property(typed, typed, fc.constantFrom(...Object.keys(OPERATORS)), (a, b, operator) => {
        const left = TYPES[a.type]!(BigUint64Array.of(a.bits));
        const right = TYPES[b.type]!(BigUint64Array.of(b.bits));
        const isShift = operator === '<<' || operator === '>>';
        const text = `(${a.type})0x${a.bits.toString(16)} ${operator} (${b.type})0x${b.bits.toString(16)}`;
        const compute = (): bigint => evaluate(parseExpression(text, NAMES), SCOPE).value;
        if ((isShift && (right < 0n || right > 63n)) || ('/%'.includes(operator) && right === 0n)) {
          assert.throws(compute, UserError, text);
          return;
        }
        const unsigned = a.type === 'u64' || b.type === 'u64';
        assert.equal(compute(), reference(operator, left, right, unsigned, a.type === 'u64'), text);
      }),
      { numRuns: 5000, seed: SEED },
    );
  });

  it('precedence and associativity are those of JavaScript, which took them from C', () => {
    const signs = ['*', '+', '-', '<<', '>>', '&', '^', '|'];
    const chain = fc.tuple(
      fc.integer({ min: 0, max: 9 }),
      fc.array(fc.tuple(fc.constantFrom(...signs), fc.integer({ min: 0, max: 9 })), { maxLength: 6 }),
    );
    fc.assert(
      fc.property(chain, ([first, rest]) => {
        const text = `${first}${rest.map(([sign, number]) => ` ${sign} ${number}`).join('')}`;
        const expected: unknown = new Function(`return BigInt.asIntN(64, ${text.replace(/\d/g, '$&n')})`)();
        const compute = (): bigint => evaluate(parseExpression(text, NAMES), SCOPE).value;
        // JavaScript shifts by negative counts; we refuse them, and counts beyond 63.
        try {
          assert.equal(compute(), expected, text);
        } catch (error) {
          if (!(error instanceof UserError) || !/shift/.test(error.message)) throw error;
        }
      }),
      { numRuns: 2000, seed: SEED },
    );
  });

  const WORDS =
    '( ) [ ] { } {{ }} * & + - ~ ! ? : , << >> && || == in $ $rax rax main jiffies vector gla sizeof u8 (u8*) (u32**) ' +
    "unsigned long const void physical( guestPhysical( 0x 0b1 017 1'0 'a' ' \\ \" . x :x :s @ é 99999999999999999999";
  const soup = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc.array(fc.constantFrom(...WORDS.split(' ')), { maxLength: 30 }).map((words) => words.join(' ')),
    fc.array(fc.constantFrom(...WORDS.split(' ')), { maxLength: 30 }).map((words) => words.join('')),
  );
  const completionNames = { symbols: (): string[] => ['main'], registers: ['rax'], variables: ['vector'] };
  const onlyUserErrors = (run: (text: string) => void): void =>
    fc.assert(
      fc.property(soup, (text) => {
        try {
          run(text);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
        }
      }),
      { numRuns: 5000, seed: SEED },
    );

  it('random texts give values or UserErrors', () =>
    onlyUserErrors((text) => void evaluate(parseExpression(text, NAMES), SCOPE)));
  it('random log messages render or are UserErrors', () =>
    onlyUserErrors((text) => void renderLog(parseLogTemplate(text, NAMES), SCOPE)));
  it('random hit conditions parse or are UserErrors', () => onlyUserErrors((text) => void parseHitCondition(text)));
  it('completions stay inside the text', () => {
    fc.assert(
      fc.property(soup, fc.nat(70), (text, caret) => {
        for (const { start, length } of completeExpression(text, caret, completionNames)) {
          assert.ok(start >= 0 && length >= 0 && start + length === Math.min(caret, text.length));
        }
      }),
      { numRuns: 2000, seed: SEED },
    );
  });
});
