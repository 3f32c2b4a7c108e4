// The memory page: what a search looks for and finds, and which bytes count as changed.
import assert from 'node:assert/strict';
import { differences } from '../../webview/memory/changes';
import { findInMemory, indexOfBytes, searchBytes } from '../../webview/memory/search';

const MIB = 2 ** 20;

describe('a search', () => {
  const texts: readonly [string, readonly number[] | undefined][] = [
    ['de ad be ef', [0xde, 0xad, 0xbe, 0xef]],
    ['0xDEAD', [0xde, 0xad]],
    ['"Hi"', [0x48, 0x69]],
    ['dea', undefined],
    ['', undefined],
    ['hello', undefined],
  ];
  for (const [text, bytes] of texts)
    it(`for ${text || 'nothing'}`, () => assert.deepEqual(searchBytes(text), bytes && Uint8Array.from(bytes)));

  const places: readonly [string, string, number][] = [
    ['aabaab', 'aab', 0],
    ['aaab', 'aab', 1],
    ['aaa', 'b', -1],
    ['a', 'aa', -1],
  ];
  const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
  for (const [all, wanted, at] of places)
    it(`finds ${wanted} in ${all} at ${at}`, () => assert.equal(indexOfBytes(bytes(all), bytes(wanted)), at));

  /** Memory with holes, as sparse pages. */
  const reader = (pages: ReadonlyMap<number, Uint8Array>) => async (address: bigint, count: number) => {
    const all: number[] = [];
    for (let at = Number(address); all.length < count; at++) {
      const page = pages.get(Math.floor(at / 4096));
      if (!page) break;
      all.push(page[at % 4096]!);
    }
    return Uint8Array.from(all);
  };
  it('passes over what cannot be read', async () => {
    const page = new Uint8Array(4096);
    page.set(bytes('needle'), 100);
    const memory = reader(
      new Map([
        [0, new Uint8Array(4096)],
        [3, page],
      ]),
    );
    assert.equal(await findInMemory(bytes('needle'), 0n, memory, () => false), BigInt(3 * 4096 + 100));
    assert.equal(await findInMemory(bytes('absent'), 0n, memory, () => false), undefined);
  });
  it('finds what lies across two parts', async () => {
    const all = new Uint8Array(2 * MIB);
    all.set(bytes('needle'), MIB - 3);
    const read = async (address: bigint, count: number) => all.subarray(Number(address), Number(address) + count);
    assert.equal(await findInMemory(bytes('needle'), 0n, read, () => false), BigInt(MIB - 3));
  });
  it('ends when it is over', async () => {
    let reads = 0;
    const read = async () => (reads++, new Uint8Array(MIB));
    assert.equal(await findInMemory(bytes('x'), 0n, read, () => reads === 2), undefined);
    assert.equal(reads, 2);
  });
});

describe('changes', () => {
  const read = (start: bigint, text: string, place = 'linear') => ({
    place,
    start,
    bytes: Uint8Array.from(Buffer.from(text)),
  });
  const cases: readonly [Parameters<typeof differences>[0], Parameters<typeof differences>[1], readonly number[]][] = [
    [undefined, read(0n, 'abc'), []],
    [read(0n, 'abc'), read(0n, 'axc'), [1]],
    [read(0n, 'abcd'), read(2n, 'xd??'), [0]],
    [read(2n, 'cd'), read(0n, 'abcx'), [3]],
    [read(0n, 'abc', 'physical'), read(0n, 'xyz'), []],
    [read(0n, 'abc'), read(1n << 60n, 'xyz'), []],
  ];
  for (const [index, [before, now, expected]] of cases.entries())
    it(`case ${index}`, () => assert.deepEqual([...differences(before, now)], expected));
});
