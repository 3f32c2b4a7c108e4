// kallsyms of every age of Linux, at any place in memory, and nothing where there is none.
import assert from 'node:assert/strict';
import { findKallsyms, type Kallsyms } from '../../../src/symbols/kernel/kallsyms';
import { readKallsyms } from '../../../src/symbols/kernel/kallsyms-memory';
import { type Age, kallsymsImage, type TestSymbol, testSymbols } from './kallsyms-image';

const BASE = { 64: 0xffff_ffff_8200_0000n, 32: 0xc170_0000n } as const;

const AGES: Readonly<Record<string, Age>> = {
  '2.6, 64 bits': { bits: 64, number: 8, addresses: 'absolute' },
  '2.6, 32 bits': { bits: 32, number: 4, addresses: 'absolute' },
  '4.6, 64 bits': { bits: 64, number: 8, addresses: 'absolutePerCpu' },
  '4.6, 32 bits': { bits: 32, number: 4, addresses: 'relative' },
  '4.20': { bits: 64, number: 4, addresses: 'absolutePerCpu' },
  '6.2': { bits: 64, number: 4, addresses: 'absolutePerCpu', sequences: true },
  '6.2, 32 bits': { bits: 32, number: 4, addresses: 'relative', sequences: true },
  '6.5': { bits: 64, number: 4, addresses: 'absolutePerCpu', sequences: true, addressesLast: true },
  '6.5, 32 bits': { bits: 32, number: 4, addresses: 'relative', sequences: true, addressesLast: true },
  '6.15': { bits: 64, number: 4, addresses: 'relative', sequences: true, addressesLast: true },
  'without a base': { bits: 64, number: 4, addresses: 'placeRelative', sequences: true, addressesLast: true },
};

function symbolsFor({ bits, addresses }: Age, count: number): TestSymbol[] {
  const symbols = testSymbols(count, BASE[bits] - 0x100_0000n);
  // Without KALLSYMS_ABSOLUTE_PERCPU nothing lies far from the rest.
  return addresses === 'relative' || addresses === 'placeRelative' ? symbols.slice(10) : symbols;
}

function check(found: Kallsyms | undefined, age: Age, symbols: readonly TestSymbol[]): void {
  assert.ok(found);
  assert.equal(found.bits, age.bits);
  assert.deepEqual(
    found.names.map((name, index) => ({ type: found.types[index], name, address: found.addresses[index] })),
    symbols,
  );
  assert.equal(found.absolute, symbols.filter(({ address }) => address < 0x10_0000n).length);
}

describe('symbols: kallsyms', () => {
  for (const [name, age] of Object.entries(AGES)) {
    for (const count of [1025, 1280, 2001]) {
      it(`Linux ${name}: ${count} symbols`, () => {
        const symbols = symbolsFor(age, count);
        check(findKallsyms({ bytes: kallsymsImage(age, symbols, BASE[age.bits]), base: BASE[age.bits] }), age, symbols);
      });
    }
  }

  it('is found in memory across pieces and ranges', async () => {
    const age = AGES['6.2']!;
    const symbols = symbolsFor(age, 3000);
    const image = kallsymsImage(age, symbols, BASE[64]);
    for (const place of [0x1000, 0xf_8000, 0xf_c000]) {
      const memory = new Uint8Array(0x20_0000);
      memory.set(image, place);
      const read = (linear: bigint, length: number): Promise<Uint8Array> => {
        const from = Number(linear - BASE[64]);
        return Promise.resolve(memory.slice(from, from + length));
      };
      const middle = BASE[64] + BigInt(place + 0x2000);
      const ranges = [
        { start: BASE[64], end: middle },
        { start: middle, end: BASE[64] + BigInt(memory.length) },
      ];
      check(await readKallsyms(read, ranges), age, symbols);
    }
  });

  it('is not made up', async () => {
    const age = AGES['6.2']!;
    const image = kallsymsImage(age, symbolsFor(age, 2000), BASE[64]);
    const nowhere = new Uint8Array(0x1_0000);
    nowhere.set(image.subarray(0, 0x8000));
    assert.equal(findKallsyms({ bytes: nowhere, base: BASE[64] }), undefined);
    const unordered = kallsymsImage(age, symbolsFor(age, 2000).reverse(), BASE[64]);
    assert.equal(findKallsyms({ bytes: unordered, base: BASE[64] }), undefined);
    const none = (): Promise<Uint8Array> => Promise.resolve(new Uint8Array(0));
    assert.equal(await readKallsyms(none, [{ start: 0n, end: 1n << 40n }]), undefined);
  });
});
