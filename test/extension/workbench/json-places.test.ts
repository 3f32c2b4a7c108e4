// Where the parts of a JSON text are.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { placeOf } from '../../../src/extension/workbench/own/json-places';

const TEXT = `{ "a": 1, "b": ["x", { "c\\"d": "}" }],\n "e": {}, "f": [] }`;

describe('places in JSON', () => {
  const cases: readonly [readonly (string | number)[], string][] = [
    [[], TEXT],
    [['a'], '1'],
    [['b', 0], '"x"'],
    [['b', 1, 'c"d'], '"}"'],
    [['b', 1], '{ "c\\"d": "}" }'],
    [['e'], '{}'],
    [['f'], '[]'],
    [['missing'], TEXT],
  ];
  for (const [path, expected] of cases)
    it(JSON.stringify(path), () => {
      const { start, end } = placeOf(TEXT, path);
      assert.equal(TEXT.slice(start, end), expected);
    });

  it('end on any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[],:"\\a1 ') }), (text) => {
        const { start, end } = placeOf(text, ['a', 0]);
        assert.ok(start >= 0 && end <= text.length);
      }),
    );
  });
});
