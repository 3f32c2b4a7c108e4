/** Completions of expressions. */
import assert from 'node:assert/strict';
import { completeExpression } from '../../../src/symbols/expression/complete';

const SYMBOLS = ['main', 'memcpy', 'memset', 'rx_ring'];
const NAMES = {
  symbols: (prefix: string, limit: number): string[] =>
    SYMBOLS.filter((name) => name.startsWith(prefix)).slice(0, limit),
  registers: ['rax', 'rip', 'cs', 'cs.base', 'cs.limit'],
  constants: ['EPT_VIOLATION'],
  variables: ['vector', 'reason'],
};

/** `|` is the caret. */
const cases: readonly (readonly [string, string])[] = [
  ['mem|', '0+3 memcpy symbol, memset symbol'],
  ['1 + mem|x', '4+3 memcpy symbol, memset symbol'],
  ['$r|', '0+2 $rax register, $rip register'],
  ['$RI|', '0+3 $rip register'],
  ['$|', '0+1 $rax register, $rip register, $cs register'],
  ['$cs.|', '0+4 $cs.base register, $cs.limit register'],
  ['cs.b|', '0+4 cs.base register'],
  ['r|', '0+1 reason variable, rax register, rip register, rbtree function, rx_ring symbol'],
  ['reason == E|', '10+1 EPT_VIOLATION constant'],
  ['phys|', '0+4 physical function'],
  ['(ui|', '1+2 uint8_t type, uint16_t type, uint32_t type, uint64_t type, uintptr_t type'],
  ['|', '0+0 vector variable, reason variable, rax register, rip register, cs register'],
  ['0x|', ''],
  ['0xm|', ''],
  ['12|', ''],
  ['nothing|', ''],
];

describe('completion of expressions', () => {
  for (const [marked, expected] of cases) {
    it(marked, () => {
      const caret = marked.indexOf('|');
      const found = completeExpression(marked.replace('|', ''), caret, NAMES);
      const [first] = found;
      const shown = found.map(({ label, kind }) => `${label} ${kind}`).join(', ');
      assert.equal(first ? `${first.start}+${first.length} ${shown}` : '', expected);
    });
  }
});
