/** Operators against JavaScript's typed arrays and BigInt, and the parsers against random texts. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { UserError } from '../../../src/common/errors';
import { evaluate } from '../../../src/symbols/expression/evaluate';
import { parseHitCondition } from '../../../src/symbols/expression/hit-condition';
import { parseLogTemplate, renderLog } from '../../../src/symbols/expression/log-template';
import { completeExpression } from '../../../src/symbols/expression/complete';
import { parseExpression, parseTyped } from '../../../src/symbols/expression/parse';
import { GuestMemory, NAMES as TYPED_NAMES } from '../types/guest';
import { aggregate, ULONG } from '../types/sample';
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

/** Bytes from `at` on, zeros where there are none. */
const padded = (bytes: Uint8Array, at: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => bytes[at + index] ?? 0);

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
  it('random texts over types give values or UserErrors', () => {
    const scope = new GuestMemory().scope();
    const words =
      'init_task . -> first pid at x grid nice [ ] [1] ( ) * & @ 2 + - == , "init" (struct task *) (task_t *) (enum state) ' +
      'sizeof offsetof( container_of( tasks struct task list( hlist( xarray( this_cpu( per_cpu( per_cpu_count $current ' +
      'SLEEPING mode names i gone spot halves packed banner pi (char *) (int (*)(void)) (int[2]) ? : ! in';
    const typedSoup = fc
      .array(fc.constantFrom(...words.split(' ')), { maxLength: 14 })
      .chain((parts) => fc.constantFrom('', ' ').map((between) => parts.join(between)));
    fc.assert(
      fc.property(typedSoup, (text) => {
        try {
          const { value, place } = parseTyped(text, TYPED_NAMES);
          if (value) evaluate(value, scope);
          if (place?.kind === 'memory') evaluate(place.address, scope);
          void evaluate(parseExpression(text, TYPED_NAMES), scope);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
        }
      }),
      { numRuns: 5000, seed: SEED },
    );
  });

  it('bit-fields of any place, width and sign are what BigInt cuts out', () => {
    const field = fc.record({
      bytes: fc.uint8Array({ minLength: 24, maxLength: 24 }),
      offset: fc.nat(100),
      size: fc.integer({ min: 1, max: 64 }),
      signed: fc.boolean(),
      inMemory: fc.boolean(),
    });
    fc.assert(
      fc.property(field, ({ bytes, offset, size, signed, inMemory }) => {
        const type = aggregate('struct', 's', 24, [['f', { ...ULONG, isSigned: signed }, [offset, size]]]);
        const place = inMemory
          ? ({
              kind: 'memory',
              address: { kind: 'constant', value: 0x10n, type: { bits: 64, signed: false } },
            } as const)
          : ({ kind: 'bytes', bytes } as const);
        const names = {
          ...NAMES,
          local: (name: string) => (name === 'v' ? ({ name, kind: 'local', type, place } as const) : undefined),
        };
        const scope = {
          ...SCOPE,
          read: (_: string, at: bigint, length: number) => padded(bytes, Number(at) - 0x10, length),
        };
        const whole = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
        const cut = whole >> BigInt(offset);
        const expected = signed ? BigInt.asIntN(size, cut) : BigInt.asUintN(size, cut);
        assert.equal(evaluate(parseExpression('v.f', names), scope).value, expected);
      }),
      { numRuns: 3000, seed: SEED },
    );
  });

  it('pointer arithmetic counts elements as DataView does', () => {
    const scope = new GuestMemory().scope();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 7 }), (from, to) => {
        const number = (text: string): bigint => evaluate(parseExpression(text, TYPED_NAMES), scope).value;
        assert.equal(number(`*(&table_of_int[${from}] + ${to} - ${from})`), BigInt(10 * to));
        assert.equal(number(`&table_of_int[${to}] - &table_of_int[${from}]`), BigInt(to - from));
        assert.equal(
          number(`(u64)(&init_task + ${to}) - (u64)(&init_task + ${from})`),
          BigInt.asUintN(64, BigInt(160 * (to - from))),
        );
      }),
      { numRuns: 50, seed: SEED },
    );
  });

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
