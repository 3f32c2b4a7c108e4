// ORC entries of every age of Linux, and steps over stacks made by hand.
import assert from 'node:assert/strict';
import { OrcTable, type OrcEntry } from '../../../src/symbols/kernel/orc';
import { unwindStep, type UnwindFrame } from '../../../src/symbols/kernel/unwind';
import { Bytes } from '../elf-image';

const TEXT = 0xffff_ffff_8100_0000n;
const BASE = 0xffff_ffff_82c5_0000n;

/** An entry as its three numbers: SP offset, BP offset, and the bits. */
type Row = readonly [address: bigint, sp: number, bp: number, bits: number];

function table(rows: readonly Row[]): OrcTable {
  const ips = new Bytes();
  const entries = new Bytes();
  rows.forEach(([address, sp, bp, bits], index) => {
    ips.number(BigInt.asUintN(32, address - BASE - BigInt(4 * index)), 4);
    entries
      .number(sp & 0xffff, 2)
      .number(bp & 0xffff, 2)
      .number(bits, 2);
  });
  return new OrcTable(ips.finish(), BASE, entries.finish());
}

const AGES: Readonly<Record<string, Readonly<Record<'call' | 'registers' | 'partialRegisters' | 'end', number>>>> = {
  '4.20': { call: 0, registers: 0x100, partialRegisters: 0x200, end: 0x400 },
  '6.3': { call: 0, registers: 0x500, partialRegisters: 0x600, end: 0x800 },
  '6.4': { call: 0x200, registers: 0x300, partialRegisters: 0xc00, end: 0x100 },
};
// SP is 5, BP 4, the caller's SP 1.
const SP = 5;

describe('symbols: ORC tables', () => {
  for (const [age, bits] of Object.entries(AGES)) {
    it(`Linux ${age}: kinds of entries`, () => {
      const orc = table([
        [TEXT, 8, 0, bits.call | SP],
        [TEXT + 1n, 16, -16, bits.call | SP | 0x10],
        [TEXT + 5n, 0, 0, bits.registers | SP],
        [TEXT + 9n, -8, 0, bits.partialRegisters | SP],
        [TEXT + 12n, 0, 0, bits.end],
        [TEXT + 20n, 0, 0, 0],
        [TEXT + 32n, 8, 0, bits.call | SP],
        [TEXT + 33n, 8, 0, bits.call | SP],
        [TEXT + 34n, 16, 0, bits.call | 4],
        [TEXT + 40n, 0, 0, 0],
      ]);
      const kinds = [0n, 1n, 4n, 5n, 8n, 9n, 12n, 19n, 20n, 32n, 39n, 40n, 99n].map((at) => orc.at(TEXT + at)?.type);
      const { call, registers, partialRegisters, end } = Object.fromEntries(
        Object.keys(bits).map((kind) => [kind, kind]),
      );
      const unknown = undefined;
      const wanted = [call, call, call, registers, registers, partialRegisters, end, end, unknown, call, call];
      assert.deepEqual(kinds, [...wanted, unknown, unknown]);
      assert.equal(orc.at(TEXT - 1n), undefined);
      const saved: OrcEntry = {
        type: 'call',
        spRegister: 'rsp',
        spOffset: 16,
        bpRegister: 'previousSp',
        bpOffset: -16,
      };
      assert.deepEqual(orc.at(TEXT + 3n), saved);
    });
  }

  it('unsorted, as before the kernel has sorted it: an end of a section gives way', () => {
    const orc = table([
      [TEXT + 64n, 24, 0, SP],
      [TEXT + 96n, 0, 0, 0],
      [TEXT, 8, 0, SP],
      [TEXT + 32n, 16, 0, SP],
      [TEXT + 64n, 0, 0, 0],
    ]);
    const offsets = [0n, 31n, 32n, 63n, 64n, 95n, 96n].map((at) => orc.at(TEXT + at)?.spOffset);
    assert.deepEqual(offsets, [8, 8, 16, 16, 24, 24, undefined]);
  });

  it('refuses tables that do not belong together', () => {
    assert.throws(() => new OrcTable(new Uint8Array(8), BASE, new Uint8Array(18)), { code: 'symbols.damaged' });
    assert.throws(() => new OrcTable(new Uint8Array(7), BASE, new Uint8Array(12)), { code: 'symbols.damaged' });
    assert.equal(new OrcTable(new Uint8Array(0), BASE, new Uint8Array(0)).at(TEXT), undefined);
  });
});

const STACK = 0xffff_c900_0000_1000n;

/** Memory that holds these words. */
function memory(words: Readonly<Record<number, bigint>>): (linear: bigint, length: number) => Promise<Uint8Array> {
  return (linear) => {
    const word = words[Number(linear - STACK)];
    return Promise.resolve(word === undefined ? new Uint8Array(0) : new Bytes().number(word, 8).finish());
  };
}

const frame: UnwindFrame = { ip: TEXT + 8n, sp: STACK, bp: 0x77n, isExact: true };

interface Step {
  readonly row: readonly [sp: number, bp: number, bits: number];
  readonly from?: Partial<UnwindFrame>;
  readonly words: Readonly<Record<number, bigint>>;
  readonly to: UnwindFrame | 'end' | undefined;
}

const REGISTERS = { 0x20: 0x88n, 0x80: TEXT + 0x99n, 0x88: 0x10n, 0x98: STACK + 0x400n } as const;
const shifted = (by: number): Record<number, bigint> =>
  Object.fromEntries(Object.entries(REGISTERS).map(([at, word]) => [Number(at) + by, word]));
const caller = { ip: TEXT + 0x40n, isExact: false } as const;

const STEPS: Readonly<Record<string, Step>> = {
  'a call': { row: [24, 0, SP], words: { 16: caller.ip }, to: { ...caller, sp: STACK + 24n, bp: 0x77n } },
  'a saved frame pointer': {
    row: [24, -16, SP | 0x10],
    words: { 8: 0x99n, 16: caller.ip },
    to: { ...caller, sp: STACK + 24n, bp: 0x99n },
  },
  'by the frame pointer': {
    row: [16, -16, 0x14],
    from: { bp: STACK + 32n },
    words: { 32: 0x55n, 40: caller.ip },
    to: { ...caller, sp: STACK + 48n, bp: 0x55n },
  },
  'a frame pointer saved at itself': {
    row: [16, 0, 0x44],
    from: { bp: STACK + 32n },
    words: { 32: 0x55n, 40: caller.ip },
    to: { ...caller, sp: STACK + 48n, bp: 0x55n },
  },
  'a stack pointer on the interrupt stack': {
    row: [8, 0, 9],
    words: { 0: STACK + 0x100n, 0x100: caller.ip },
    to: { ...caller, sp: STACK + 0x108n, bp: 0x77n },
  },
  'a stack pointer below the frame pointer': {
    row: [-8, 0, 8],
    from: { bp: STACK + 32n },
    words: { 24: STACK + 0x108n, 0x100: caller.ip },
    to: { ...caller, sp: STACK + 0x108n, bp: STACK + 32n },
  },
  'a register of the innermost frame': {
    row: [0, 0, 6],
    from: { registers: { r10: STACK + 64n } },
    words: { 56: caller.ip },
    to: { ...caller, sp: STACK + 64n, bp: 0x77n },
  },
  'a register that an interrupt saved': {
    row: [0, 0, 7],
    from: { pushed: { at: STACK + 0x200n, all: true } },
    words: { 0x210: STACK + 64n, 56: caller.ip },
    to: { ...caller, sp: STACK + 64n, bp: 0x77n },
  },
  'a register that nobody knows': { row: [0, 0, 3], words: { 56: caller.ip }, to: undefined },
  'an interrupt': {
    row: [0x20, 0, SP | 0x100],
    words: shifted(0x20),
    to: {
      ip: TEXT + 0x99n,
      sp: STACK + 0x400n,
      bp: 0x88n,
      isExact: true,
      pushed: { at: STACK + 0x20n, all: true },
      earlier: undefined,
      isUser: false,
    },
  },
  'a system call': {
    row: [0, 0, SP | 0x100],
    words: { ...REGISTERS, 0x80: 0x40_1000n, 0x88: 0x33n },
    to: {
      ip: 0x40_1000n,
      sp: STACK + 0x400n,
      bp: 0x88n,
      isExact: true,
      pushed: { at: STACK, all: true },
      earlier: undefined,
      isUser: true,
    },
  },
  "the processor's part alone": {
    row: [8, 0, SP | 0x200],
    words: shifted(8 - 0x80),
    to: {
      ip: TEXT + 0x99n,
      sp: STACK + 0x400n,
      bp: 0x77n,
      isExact: true,
      pushed: { at: STACK + 8n - 0x80n, all: false },
      earlier: undefined,
      isUser: false,
    },
  },
  'an interrupt inside one that has not saved all': {
    row: [8, 0, SP | 0x200],
    from: { pushed: { at: STACK + 0x200n, all: true } },
    words: { ...shifted(8 - 0x80), 0x220: 0x66n },
    to: {
      ip: TEXT + 0x99n,
      sp: STACK + 0x400n,
      bp: 0x66n,
      isExact: true,
      pushed: { at: STACK + 8n - 0x80n, all: false },
      earlier: STACK + 0x200n,
      isUser: false,
    },
  },
  'a call of nothing': {
    row: [24, 0, SP],
    from: { ip: 0n },
    words: { 0: caller.ip },
    to: { ...caller, sp: STACK + 8n, bp: 0x77n },
  },
  'the outermost function': { row: [0, 0, 0x400], words: {}, to: 'end' },
  'a user program': { row: [24, 0, SP], from: { isUser: true }, words: { 16: caller.ip }, to: 'end' },
  'code without data': { row: [0, 0, 0], words: {}, to: undefined },
  'a stack that is not there': { row: [24, 0, SP], words: {}, to: undefined },
};

describe('symbols: unwinding by ORC', () => {
  for (const [name, { row, from, words, to }] of Object.entries(STEPS)) {
    it(name, async () => {
      const others: Row[] = [1n, 2n, 3n].map((at) => [TEXT - 0x100n + at, 8, 0, SP]);
      const orc = table([...others, [TEXT, ...row], [TEXT + 0x20n, 0, 0, 0]]);
      assert.deepEqual(await unwindStep(orc, { ...frame, ...from }, memory(words)), to);
      if (from?.ip === 0n) return;
      const slide = 0x60_0000n;
      const moved = { ...frame, ...from, ip: frame.ip + slide };
      assert.deepEqual(await unwindStep(orc, moved, memory(words), slide), to);
    });
  }

  it('a function that a thunk returns to has not been called by what lies before it', async () => {
    const orc = table([
      [TEXT, 8, 0, SP],
      [TEXT + 16n, 0, 0, 0],
      [TEXT + 32n, 8, 0, SP],
      [TEXT + 33n, 8, 0, SP],
    ]);
    const to = { ip: TEXT + 32n, isExact: true, sp: STACK + 8n, bp: 0x77n };
    assert.deepEqual(await unwindStep(orc, frame, memory({ 0: TEXT + 32n })), to);
  });

  it('an address behind a call counts as inside of it', async () => {
    const orc = table([
      [TEXT, 24, 0, SP],
      [TEXT + 8n, 8, 0, SP],
      [TEXT + 9n, 8, 0, SP],
    ]);
    const words = memory({ 16: caller.ip, 0: 1n });
    assert.deepEqual(await unwindStep(orc, { ...frame, isExact: false }, words), {
      ...caller,
      sp: STACK + 24n,
      bp: 0x77n,
    });
  });
});
