// What a terminal shows of a guest's serial line.
import assert from 'node:assert/strict';
import { GuestOutput } from '../../src/extension/serial/guest-output';

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** What the chunks come out as, and what is kept of them. */
function check(chunks: readonly (string | Uint8Array)[], expected: string): void {
  const output = new GuestOutput();
  const shown = chunks.map((chunk) => output.take(typeof chunk === 'string' ? bytes(chunk) : chunk)).join('');
  assert.equal(shown, expected);
  assert.equal(output.kept, expected);
}

describe('the output of a guest', () => {
  it('gets a return before each line feed of a guest that sends none', () => check(['a\nb\n'], 'a\r\nb\r\n'));
  it('stays as it is from the first CR LF on', () => check(['a\r\nb\x1b[1;1Hc\nd'], 'a\r\nb\x1b[1;1Hc\nd'));
  it('sees a CR LF that comes in two pieces', () => check(['a\r', '\nb', '\nc'], 'a\r\nb\nc'));
  it('does not take a return alone for one', () => check(['10%\r20%\nx'], '10%\r20%\r\nx'));
  it('joins a character that comes in two pieces', () => {
    const euro = bytes('€');
    check([euro.subarray(0, 1), euro.subarray(1), '\n'], '€\r\n');
  });
  it('shows what is no UTF-8 as such', () => check([new Uint8Array([0x41, 0xff, 0x42])], 'A\ufffdB'));

  it('keeps the newest of more than 1 Mi characters', () => {
    const output = new GuestOutput();
    for (let line = 0; line < 20; line++) output.take(bytes(String.fromCharCode(0x61 + line).repeat(100_000)));
    assert.ok(output.kept.length <= 2 ** 20 && output.kept.length >= 2 ** 19, String(output.kept.length));
    assert.ok(output.kept.endsWith('t'.repeat(100_000)));
  });
});
