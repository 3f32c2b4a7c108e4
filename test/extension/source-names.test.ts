// Names that inline values are looked up for.
import assert from 'node:assert/strict';
import { namesIn } from '../../src/extension/source-names';

describe('the names in a source line', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['  ret = count + ret;', ['ret', 'count']],
    ['  file->f_pos = pos.value;', ['file', 'pos']],
    ['  if (check(a, "b c", \'d\')) // e', ['a']],
    ['  x = 0x1f /* y */ + z1;', ['x', 'z1']],
    ['', []],
  ];
  for (const [line, names] of cases) {
    it(JSON.stringify(line), () => {
      assert.deepEqual(
        namesIn(line).map(({ name }) => name),
        names,
      );
    });
  }

  it('gives the column', () =>
    assert.deepEqual(namesIn('ab cd'), [
      { name: 'ab', start: 0 },
      { name: 'cd', start: 3 },
    ]));
});
