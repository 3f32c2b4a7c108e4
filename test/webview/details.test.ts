// The page of an item: its charts and what they say.
import assert from 'node:assert/strict';
import type { Sample } from '../../src/protocol/details';
import { amountText, linePath, pointsOf } from '../../webview/details/chart';

const SAMPLES: readonly Sample[] = [
  { at: 1000, metrics: [{ name: 'Memory', value: 10, unit: 'bytes' }] },
  { at: 2000, metrics: [] },
  {
    at: 3000,
    metrics: [
      { name: 'Memory', value: 20, unit: 'bytes' },
      { name: 'Processor', value: 1, unit: 'cores' },
    ],
  },
];

describe('charts', () => {
  it('have a point for each sample that knows the value', () => {
    assert.deepEqual(pointsOf('Memory', SAMPLES), [
      { at: 1000, value: 10 },
      { at: 3000, value: 20 },
    ]);
  });

  it('go from the left to now at the right, the highest value at the top', () => {
    const path = linePath(pointsOf('Memory', SAMPLES), 3000, 20);
    const [[x0, y0], [x1, y1]] = [...path.matchAll(/([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]) as [
      [number, number],
      [number, number],
    ];
    assert.ok(x0 < x1 && y1 < y0, path);
    assert.equal(x1, 240);
    assert.ok(!linePath([{ at: 0, value: 0 }], 0, 0).includes('NaN'));
  });

  const amounts = [
    [1536, 'bytes', '1.5 KiB'],
    [2 ** 20, 'bytes/s', '1 MiB/s'],
    [0.254, 'cores', '0.25 cores'],
    [1234567, 'operations/s', '1.23 M/s'],
    [12, 'count', '12'],
  ] as const;
  for (const [value, unit, text] of amounts) it(text, () => assert.equal(amountText(value, unit), text));
});
