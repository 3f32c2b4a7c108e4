// Typed bytes wait for the guest's UART in order, and none is lost.
import assert from 'node:assert/strict';
import { SerialInput } from '../../src/targets/serial-input';

describe('serial input', () => {
  it('feeds as much as there is room for, in order', () => {
    const taken: number[] = [];
    let room = 2;
    const input = new SerialInput({ sendSerial: (byte) => room > 0 && (room--, taken.push(byte), true) });
    assert.equal(input.feed(), false);
    input.push(Uint8Array.of(1, 2, 3));
    assert.equal(input.feed(), true);
    assert.equal(input.feed(), false);
    input.push(Uint8Array.of(4));
    room = 5;
    assert.equal(input.feed(), true);
    assert.deepEqual(taken, [1, 2, 3, 4]);
  });
});
