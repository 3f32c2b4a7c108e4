// The status bar's words.
import assert from 'node:assert/strict';
import { countText, modeText } from '../../../src/extension/workbench/guest-mode';

describe('the status bar', () => {
  const modes: readonly [number, string][] = [
    [0b00000_00, 'real mode'],
    [0b0000011, 'virtual-8086'],
    [0b0001101, '64-bit, ring 0'],
    [0b1101101, '64-bit, ring 3'],
    [0b0010001, 'protected 32-bit, ring 0'],
    [0b0000001, 'protected 16-bit, ring 0'],
    [0b1110101, 'compatibility 32-bit, ring 3'],
  ];
  for (const [parts, text] of modes) it(text, () => assert.equal(modeText(parts), text));

  const counts: readonly [number, string][] = [
    [0, '0'],
    [999, '999'],
    [1000, '1 k'],
    [1_780_000_000, '1.78 G'],
    [3.2e15, '3200 T'],
  ];
  for (const [count, text] of counts) it(`${count} is ${text}`, () => assert.equal(countText(count), text));
});
