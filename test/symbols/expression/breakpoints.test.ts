/** Hit conditions and messages of log points. */
import assert from 'node:assert/strict';
import { meetsHitCondition, parseHitCondition } from '../../../src/symbols/expression/hit-condition';
import { parseLogTemplate, renderLog } from '../../../src/symbols/expression/log-template';
import { NAMES, outcome, SCOPE, scopeWithText } from './names';

describe('hit conditions', () => {
  /** Which of the first six hits count. */
  const cases: readonly (readonly [string, string])[] = [
    ['3', '3'],
    [' == 3 ', '3'],
    ['>3', '456'],
    ['>= 3', '3456'],
    ['> 0', '123456'],
    ['< 3', '12'],
    ['<= 3', '123'],
    ['% 2', '246'],
    ['%1', '123456'],
  ];
  for (const [text, expected] of cases) {
    it(text, () => {
      const condition = parseHitCondition(text);
      assert.equal([1, 2, 3, 4, 5, 6].filter((hits) => meetsHitCondition(condition, hits)).join(''), expected);
    });
  }
  for (const text of ['', 'x', '0', '% 0', '< 1', '<= 0', '-1', '1.5', '0x10', '3 times', '= 3', '9999999999999999']) {
    it(`refuses "${text}"`, () =>
      assert.throws(() => parseHitCondition(text), {
        code: 'expression/hits',
        message: `\`${text}\` is not a hit condition: write a count such as 5 (only the fifth time), >= 3, or % 10 (every tenth time).`,
      }));
  }
});

describe('log messages', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['', ''],
    ['plain: text', 'plain: text'],
    ['vector {vector}, gpa {gpa:x}', 'vector 14 (0xe), gpa 0xfee00000'],
    ['{vector:d} { vector + 1 : d }', '14 15'],
    ['{{{vector:d}}}', '{14}'],
    ['{{}}', '{}'],
    ["{'}'}", '125 (0x7d)'],
    ['{0 ? 1 : x}', '0x1018'],
    ['{0 ? 1 : x : x}', '0x1018'],
    ['{$eax:d}', '4294967294'],
    ['{*0} {gla}', '<The 8 bytes at 0x0 cannot be read: nothing is mapped there> <`gla` has no value at this event>'],
    ['{0x2000:s}', '<The byte at 0x2000 cannot be read: nothing is mapped there>'],
    ['{', 'A { has no } behind it: write {{ for a brace (column 1).'],
    ['a }', 'A } has no { before it: write }} for a brace (column 3).'],
    ['{}', 'A value is missing before the end (column 1).'],
    ['{foo:x}', 'There is no symbol, register or variable `foo` (column 1).'],
    ['x'.repeat(4097), 'A log message has at most 4096 characters (column 4097).'],
  ];
  for (const [text, expected] of cases) {
    it(text.slice(0, 40), () =>
      assert.equal(
        outcome(() => renderLog(parseLogTemplate(text, NAMES), SCOPE)),
        expected,
      ),
    );
  }

  const strings: readonly (readonly [string, string, string])[] = [
    ['up to its NUL', 'hello\0rest', 'hello'],
    ['what does not print is escaped', 'a\x1b[0m\n\xff\0', 'a\\x1b[0m\\x0a\\xff'],
    ['cut after 256 bytes', 'y'.repeat(300), `${'y'.repeat(256)}…`],
  ];
  for (const [what, bytes, expected] of strings) {
    it(`a string: ${what}`, () =>
      assert.equal(renderLog(parseLogTemplate('{0x1000:s}', NAMES), scopeWithText(bytes)), expected));
  }
});
