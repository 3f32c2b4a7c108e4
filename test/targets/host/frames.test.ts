// Frames come out as they went in, however the stream is cut.
import assert from 'node:assert/strict';
import { cloneFrame, FrameReader, jsonFrame, readClone, readJson } from '../../../src/targets/host/frames';

const LIMIT = 1000;
const values = [undefined, 1n << 70n, { a: [Uint8Array.of(1, 2)], b: undefined }, 'x'.repeat(300), new Uint8Array(0)];

describe('frames', () => {
  for (const size of [1, 3, 4, 5, 64, 10_000]) {
    it(`in chunks of ${size}`, () => {
      const stream = Buffer.concat(values.map((value) => cloneFrame(value)));
      const reader = new FrameReader(LIMIT);
      const read: unknown[] = [];
      for (let from = 0; from < stream.length; from += size) {
        reader.push(stream.subarray(from, from + size));
        for (let bytes = reader.next(); bytes; bytes = reader.next()) read.push(readClone(bytes));
      }
      assert.deepEqual(read, values);
    });
  }

  it('as JSON', () => {
    const reader = new FrameReader(LIMIT);
    reader.push(jsonFrame({ name: 'ü' }));
    assert.deepEqual(readJson(reader.next()!), { name: 'ü' });
    assert.equal(reader.next(), undefined);
  });

  it('an empty one is a frame', () => {
    const reader = new FrameReader(LIMIT);
    reader.push(Buffer.alloc(4));
    assert.equal(reader.next()?.length, 0);
  });

  it('refuses one beyond the limit before it has come', () => {
    const reader = new FrameReader(LIMIT);
    reader.push(Buffer.from([0xe9, 3, 0, 0]));
    assert.throws(() => reader.next(), RangeError);
  });
});
