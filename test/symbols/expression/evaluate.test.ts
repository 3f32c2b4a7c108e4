/** Values of expressions, and what is said of wrong ones. */
import assert from 'node:assert/strict';
import { evaluate, placeOf } from '../../../src/symbols/expression/evaluate';
import { formatValue } from '../../../src/symbols/expression/format';
import { parseExpression } from '../../../src/symbols/expression/parse';
import { typeName } from '../../../src/symbols/expression/types';
import { NAMES, outcome, SCOPE } from './names';

function check(text: string, expected: string): void {
  const shown = outcome(() => {
    const { value, type } = evaluate(parseExpression(text, NAMES), SCOPE);
    return `${typeName(type)} ${'to' in type ? `${type.space} 0x${value.toString(16)}` : value}`;
  });
  assert.equal(shown, expected, text);
}

const VALUES: readonly (readonly [string, string])[] = [
  // Literals
  ['26', 's64 26'],
  ['0x1a', 's64 26'],
  ['0XFFFF_ffff', 's64 4294967295'],
  ['0b1101_0000', 's64 208'],
  ["1'000'000", 's64 1000000'],
  ['017', 's64 15'],
  ['0', 's64 0'],
  ['10u', 'u64 10'],
  ['0xful', 'u64 15'],
  ['7LL', 's64 7'],
  ['0x8000000000000000', 'u64 9223372036854775808'],
  ["'A'", 's64 65'],
  ["'\\n'", 's64 10'],
  ["'\\''", 's64 39'],
  ["'\\xff'", 's64 -1'],
  // Precedence, C's
  ['1 + 2 * 3', 's64 7'],
  ['(1 + 2) * 3', 's64 9'],
  ['10 - 3 - 2', 's64 5'],
  ['100 / 10 / 5', 's64 2'],
  ['1 << 2 + 1', 's64 8'],
  ['1 | 6 & 4 ^ 1', 's64 5'],
  ['4 & 4 == 4', 's64 0'],
  ['1 < 2 == 1', 's64 1'],
  ['0 && 1 || 1', 's64 1'],
  ['0 ? 1 : 0 ? 2 : 3', 's64 3'],
  ['1 ? 0 ? 4 : 5 : 6', 's64 5'],
  ['-~!0', 's64 2'],
  ['- -5', 's64 5'],
  ['1 + vector in (13, 15) == 1', 's64 1'],
  ['vector in (13, 15)', 's64 0'],
  // Conversions
  ['-7 / 2', 's64 -3'],
  ['-7 % 2', 's64 -1'],
  ['7 % -2', 's64 1'],
  ['1 << 40', 's64 1099511627776'],
  ['1 << 63', 's64 -9223372036854775808'],
  ['-8 >> 1', 's64 -4'],
  ['-8 >> 1u', 's64 -4'],
  ['(u64)-8 >> 1', 'u64 9223372036854775804'],
  ['0x7fffffffffffffff + 1', 's64 -9223372036854775808'],
  ['-9223372036854775807 - 1 == 1 << 63', 's64 1'],
  ['(-9223372036854775807 - 1) / -1', 's64 -9223372036854775808'],
  ['-1 < 0u', 's64 0'],
  ['-1 < 0', 's64 1'],
  ['(u32)-1 > -1', 's64 1'],
  ['(u8)0x1ff', 'u8 255'],
  ['(s8)0x1ff', 's8 -1'],
  ['(char)200', 's8 -56'],
  ['(unsigned char)200', 'u8 200'],
  ['(long unsigned int)-1', 'u64 18446744073709551615'],
  ['(short)0x18000', 's16 -32768'],
  ['(unsigned)-1', 'u32 4294967295'],
  ['(uint16_t)-1 + 1', 's64 65536'],
  ['(__u32)~0', 'u32 4294967295'],
  ['~(u8)0', 's64 -1'],
  ['sizeof(u32) + sizeof(char *)', 'u64 12'],
  ['sizeof table + sizeof(flag)', 'u64 65'],
  ['(u8)-1 ? (u8)5 : 6', 'u8 5'],
  // Registers, variables, constants
  ['$rax', 'u64 18446744073709551614'],
  ['$RAX == -2', 's64 1'],
  ['rax', 'u64 18446744073709551614'],
  ['EAX', 'u32 4294967294'],
  ['$eax + 2', 's64 4294967296'],
  ['$rax + 2', 'u64 0'],
  ['$al', 'u8 254'],
  ['$cs.base + $cs', 'u64 16'],
  ['$rbx', 'u64 3'],
  ['rbx', 'u64* linear 0x1010'],
  ['$xmm0', 'u128 1267650600228229401496703205376'],
  ['(u64)$xmm0', 'u64 0'],
  ['!$xmm0', 's64 0'],
  ['reason == EPT_VIOLATION && gpa == 0xfee00000', 's64 1'],
  ['0 && gla', 's64 0'],
  ['1 || *0', 's64 1'],
  ['1 ? 2 : *0', 's64 2'],
  // Symbols and memory
  ['main', 'u64* linear 0xffffffff81000000'],
  ['&main', 'u64* linear 0xffffffff81000000'],
  ['main + 0x10 == $rip', 's64 1'],
  ['0x10 + main', 'u64 18446744071578845200'],
  ['stub + 1', 'u64 8193'],
  ['$rip - main', 'u64 16'],
  ['flag', 'u8 8'],
  ['&flag', 'u8* linear 0x1008'],
  ['*&flag', 'u8 8'],
  ['jiffies', 'u64 506097522914230528'],
  ['*0x1000', 'u64 506097522914230528'],
  ['*(u8*)0x1001', 'u8 1'],
  ['*(u16*)0x1001', 'u16 513'],
  ['*(const volatile u32 *)0x1004 == 0x07060504', 's64 1'],
  ['((u8*)table)[5]', 'u8 21'],
  ['(&count.0)[1]', 'u32 656811300'],
  ['&(&count.0)[1]', 'u32* linear 0x1024'],
  ['(u32*)table + 3', 'u32* linear 0x101c'],
  ['3 + (u32*)table', 'u32* linear 0x101c'],
  ['(u32*)0 - 1', 'u32* linear 0xfffffffffffffffc'],
  ['(u32*)0x1010 - (u32*)0x1000', 's64 4'],
  ['(u32*)0x1000 - (u32*)0x1010', 's64 -4'],
  ['(void*)0x1000 + 1', 'u8* linear 0x1001'],
  ['(u8**)0x1000 + 1', 'u8** linear 0x1008'],
  ['*(u8**)0x1000', 'u8* linear 0x706050403020100'],
  ['&*(u8*)5', 'u8* linear 0x5'],
  ['physical(0x1000)', 'u64* physical 0x1000'],
  ['*(u8*)physical(0x1000)', 'u8 2'],
  ['*(u8*)guestPhysical(0x1000)', 'u8 1'],
  ['*(u32*)(physical(0x1000) + 1)', 'u32 218893066'],
  ['*(u8*)linear(physical(0x1000))', 'u8 0'],
  ['(u8*)(u64)physical(0x1000)', 'u8* linear 0x1000'],
  ['*&*(u8*)physical(0x1000)', 'u8 2'],
  ['main & ~0xfff', 'u64 18446744071578845184'],
  ['!main', 's64 0'],
  ['main > 0', 's64 1'],
  ['(s8)*(u8*)0x107f', 's8 127'],
];

const COMPLAINTS: readonly (readonly [string, string])[] = [
  ['', 'A value is missing before the end (column 1).'],
  ['1 +', 'A value is missing before the end (column 4).'],
  ['(1', 'The ( in column 1 needs a `)` before the end (column 3).'],
  ['1 2', 'An operator is missing before the number 2 (column 3).'],
  ['1 ? 2', 'A choice with ? needs a `:` before the end (column 6).'],
  ['1)', 'An operator is missing before `)` (column 2).'],
  ['$rax = 1', 'An expression does not assign: compare with == (column 6).'],
  ['foo', 'There is no symbol, register or variable `foo` (column 1).'],
  ['1 + jiffie', 'There is no symbol, register or variable `jiffie` (column 5): did you mean `jiffies`?'],
  ['$foo', 'There is no register `$foo` (column 1).'],
  ['$jiffies', 'There is no register `$jiffies` (column 1).'],
  ['main(1)', '`main` cannot be called: expressions run no guest code (column 1).'],
  ['sizeof(main)', '`sizeof` takes a type, such as u32, or what has one (column 7).'],
  ['u32', 'The type `u32` stands in parentheses before a value (column 1).'],
  ['(long char)1', "`long char` is not a type: write u8 to u64, s8 to s64 or C's names (column 2)."],
  ['(void)1', "`void` is not a type: write u8 to u64, s8 to s64 or C's names (column 2)."],
  ['0x', '`0x` is not a number: write 26, 0x1a, 0b11010 or 032 (column 1).'],
  ['08', '`08` is not a number: write 26, 0x1a, 0b11010 or 032 (column 1).'],
  ['12ab', '`12ab` is not a decimal number: hexadecimal ones begin with 0x (column 1).'],
  ['0x1_', '`0x1_` is not a number: write 26, 0x1a, 0b11010 or 032 (column 1).'],
  ['0x10000000000000000', '`0x10000000000000000` does not fit in 64 bits (column 1).'],
  ["'ab'", "A character stands between two ' and is one of ASCII, such as 'a' or '\\n' (column 1)."],
  ["'é'", "`'é'` is not a character of ASCII (column 1)."],
  ['"a"', 'A string stands right behind == or !=, as in task->comm == "init" (column 1).'],
  ['"a', 'A string has no " at its end (column 1).'],
  ['"é"', '`"é"` is not a string of ASCII (column 1).'],
  ['1 @ 2', 'Only what lies in memory can be the first element of an array with @ (column 1).'],
  ['&1', 'Only what lies in memory has an address for & (column 1).'],
  ['&$rax', 'Only what lies in memory has an address for & (column 1).'],
  ['vector in 13', '`in` needs a `(` before the number 13 (column 11).'],
  ['('.repeat(101) + '1', 'The expression is nested too deeply (column 101).'],
  ['1'.repeat(4097), 'An expression has at most 4096 characters (column 4097).'],
  [`1${'+1'.repeat(500)}`, 'An expression has fewer than 1000 words and signs (column 1001).'],
  ['1 / 0', 'This divides by zero.'],
  ['1 % (vector - 14)', 'This divides by zero.'],
  ['1 << 64', 'A shift goes by 0 to 63 bits, not by 64.'],
  ['1 >> -1', 'A shift goes by 0 to 63 bits, not by -1.'],
  ['*0', 'The 8 bytes at 0x0 cannot be read: nothing is mapped there.'],
  ['*(u8*)physical(0x1080)', 'The byte at physical 0x1080 cannot be read: nothing is mapped there.'],
  ['*(u32*)0x107e', 'The 4 bytes at 0x107e cannot be read: nothing is mapped there.'],
  ['gla == 1', '`gla` has no value at this event.'],
  ['$xmm0 + 1', 'A value of 128 bits takes no part in arithmetic: cast it to u64.'],
  ['*$xmm0', 'A value of 128 bits is no address: cast it to u64.'],
  ['(u8*)1 + (u8*)2', 'Two pointers cannot be added.'],
  ['1 - (u8*)2', 'A pointer cannot be subtracted from an integer.'],
  ['(u8*)1 - physical(2)', 'The distance between a linear u8* and a physical u64* means nothing: cast both to u64.'],
];

describe('expressions', () => {
  for (const [text, expected] of VALUES) it(text, () => check(text, expected));
  for (const [text, expected] of COMPLAINTS) it(`refuses ${text.slice(0, 40)}`, () => check(text, expected));

  it('a value read from memory says where it lies', () => {
    const { place } = evaluate(parseExpression('((u8*)physical(0x1000))[3]', NAMES), SCOPE);
    assert.deepEqual(place, { space: 'physical', address: 0x1003n });
  });

  it('the longest chain of operators is computed, and crosses to another process', () => {
    const chain = parseExpression(`1${'+1'.repeat(498)}`, NAMES);
    assert.equal(evaluate(structuredClone(chain), SCOPE).value, 499n);
  });
});

describe('places', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['$rax', 'rax'],
    ['rax', 'rax'],
    ['*&jiffies', 'linear 0x1000 u64'],
    ['*(u16*)physical($rbx)', 'physical 0x3 u16'],
    ['table[1]', 'linear 0x1018 u64'],
    ['jiffies', 'linear 0x1000 u64'],
    ['5', 'Only a register or a place in memory, such as $rax or *(u32*)0x1000, can be written.'],
    ['$rax + 1', 'Only a register or a place in memory, such as $rax or *(u32*)0x1000, can be written.'],
    ['vector', 'Only a register or a place in memory, such as $rax or *(u32*)0x1000, can be written.'],
  ];
  for (const [text, expected] of cases) {
    it(text, () => {
      const shown = outcome(() => {
        const place = placeOf(parseExpression(text, NAMES), SCOPE);
        if (place.kind === 'register') return place.name;
        return `${place.space} 0x${place.address.toString(16)} ${typeName(place.type)}`;
      });
      assert.equal(shown, expected);
    });
  }
});

describe('values as text', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['5', '5', '0x5'],
    ['26', '26 (0x1a)', '0x1a'],
    ['-2', '-2 (0xfffffffffffffffe)', '0xfffffffffffffffe'],
    ['(s16)-2', '-2 (0xfffe)', '0xfffe'],
    ['(u8)65', "65 (0x41) 'A'", '0x41'],
    ['(u8)10', '10 (0xa)', '0xa'],
    ['(char)-1', '-1 (0xff)', '0xff'],
    ['main', '0xffffffff81000000', '0xffffffff81000000'],
    ['$rip', '0xffffffff81000010', '0xffffffff81000010'],
    ['gpa', '4276092928 (0xfee00000)', '0xfee00000'],
    ['$xmm0', '0x10000000000000000000000000', '0x10000000000000000000000000'],
  ];
  for (const [text, decimal, hex] of cases) {
    it(text, () => {
      const value = evaluate(parseExpression(text, NAMES), SCOPE);
      assert.equal(formatValue(value), decimal);
      assert.equal(formatValue(value, { hex: true }), hex);
    });
  }
});
