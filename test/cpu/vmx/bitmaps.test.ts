/** I/O, MSR and exception bitmaps, CR0/CR4 masks, MSR areas (SDM Vol. 3C 25.6). */
import assert from 'node:assert/strict';
import { BITMAP_SIZE, exceptionExits, ioBitmapsExit, ioDecision, msrBitmapsExit } from '../../../src/cpu/vmx/bitmaps';
import * as cr from '../../../src/cpu/vmx/control-registers';
import { PRIMARY } from '../../../src/cpu/vmx/controls';
import { checkMsrLoad, checkMsrStore } from '../../../src/cpu/vmx/msr-areas';

function page(...bits: [offset: number, bit: number][]): Uint8Array {
  const bytes = new Uint8Array(BITMAP_SIZE);
  for (const [offset, bit] of bits) bytes[offset + (bit >> 3)]! |= 1 << (bit & 7);
  return bytes;
}

describe('I/O bitmaps', () => {
  const a = page([0, 0x60], [0, 0x7fff]);
  const b = page([0, 0], [0, 0x7ffe]);
  const cases: readonly [port: number, size: number, exits: boolean][] = [
    [0x60, 1, true],
    [0x5f, 1, false],
    [0x5f, 2, true],
    [0x5d, 4, true],
    [0x5c, 4, false],
    [0x61, 4, false],
    [0x7fff, 1, true],
    [0x8000, 1, true],
    [0x8001, 1, false],
    [0x7ffe, 1, false],
    [0xfffe, 1, true],
    [0xffff, 1, false],
    [0xffff, 2, true],
  ];
  for (const [port, size, exits] of cases) {
    it(`${size} at 0x${port.toString(16)}`, () => assert.equal(ioBitmapsExit(a, b, port, size), exits));
  }

  it('override unconditional I/O exiting', () => {
    assert.equal(ioDecision(PRIMARY.UNCONDITIONAL_IO_EXITING), 'exit');
    assert.equal(ioDecision(PRIMARY.UNCONDITIONAL_IO_EXITING + PRIMARY.USE_IO_BITMAPS), 'look');
    assert.equal(ioDecision(0), 'pass');
  });
});

describe('MSR bitmaps', () => {
  const only = (offset: number, bit: number): Uint8Array => page([offset, bit]);
  const cases: readonly [bitmap: Uint8Array, msr: number, isWrite: boolean, exits: boolean][] = [
    [only(0, 0x1b), 0x1b, false, true],
    [only(0, 0x1b), 0x1b, true, false],
    [only(0x800, 0x1b), 0x1b, true, true],
    [only(0x800, 0x1b), 0x1b, false, false],
    [only(0x400, 0x80), 0xc000_0080, false, true],
    [only(0x400, 0x80), 0xc000_0080, true, false],
    [only(0xc00, 0x80), 0xc000_0080, true, true],
    [only(0xc00, 0x80), 0x80, true, false],
    [only(0, 0x1fff), 0x1fff, false, true],
    [page(), 0x2000, false, true],
    [page(), 0xbfff_ffff, true, true],
    [only(0xc00, 0x1fff), 0xc000_1fff, true, true],
    [page(), 0xc000_1fff, true, false],
    [page(), 0xc000_2000, false, true],
  ];
  for (const [bitmap, msr, isWrite, exits] of cases) {
    it(`${isWrite ? 'WRMSR' : 'RDMSR'} 0x${msr.toString(16)}`, () =>
      assert.equal(msrBitmapsExit(bitmap, msr, isWrite), exits));
  }
});

describe('The exception bitmap', () => {
  const cases: readonly [bitmap: number, mask: number, match: number, vector: number, error: number, exits: boolean][] =
    [
      [1 << 6, 0, 0, 6, 0, true],
      [1 << 6, 0, 0, 7, 0, false],
      [0x8000_0000, 0, 0, 31, 0, true],
      [1 << 14, 0, 0, 14, 2, true],
      [1 << 14, 2, 2, 14, 2, true],
      [1 << 14, 2, 2, 14, 0, false],
      [0, 2, 2, 14, 2, false],
      [0, 2, 2, 14, 0, true],
      [0, 0, 0xffff_ffff, 14, 7, true],
      [1 << 14, 0, 0xffff_ffff, 14, 7, false],
      [0, 0x8000_0000, 0x8000_0000, 14, 0x8000_0000, false],
    ];
  for (const [bitmap, mask, match, vector, error, exits] of cases) {
    it(`vector ${vector}, error ${error}, mask ${mask}, match ${match}, bitmap ${bitmap}`, () => {
      assert.equal(exceptionExits({ bitmap, mask, match }, vector, error), exits);
    });
  }
});

describe('CR0 and CR4 masks', () => {
  const host = { mask: 0x8000_0020n, shadow: 0x8000_0000n };

  it('read shadow in the host bits, register in the rest', () =>
    assert.equal(cr.guestReads(0x33n, host), 0x8000_0013n));
  it('a write keeps the host bits', () => assert.equal(cr.guestWrites(0x8000_0021n, 0x8n, host), 0x8000_0028n));

  const writes: readonly [value: bigint, exits: boolean][] = [
    [0x8000_0000n, false],
    [0x8000_001fn, false],
    [0x8000_0020n, true],
    [0n, true],
  ];
  for (const [value, exits] of writes) {
    it(`MOV to CR of ${value.toString(16)}`, () => assert.equal(cr.movToCrExits(value, host), exits));
  }

  it('a mask bit above 31 counts', () =>
    assert.equal(cr.movToCrExits(1n << 40n, { mask: 1n << 40n, shadow: 0n }), true));

  const clts: readonly [mask: bigint, shadow: bigint, exits: boolean][] = [
    [8n, 8n, true],
    [8n, 0n, false],
    [0n, 8n, false],
  ];
  for (const [mask, shadow, exits] of clts) {
    it(`CLTS mask ${mask} shadow ${shadow}`, () => assert.equal(cr.cltsExits({ mask, shadow }), exits));
  }

  const lmsw: readonly [source: number, mask: bigint, shadow: bigint, exits: boolean][] = [
    [1, 1n, 0n, true],
    [1, 1n, 1n, false],
    [0, 1n, 1n, false],
    [1, 0n, 0n, false],
    [0, 8n, 8n, true],
    [8, 8n, 8n, false],
    [2, 2n, 0n, true],
    [4, 4n, 0n, true],
    [0x10, 0x10n, 0n, false],
  ];
  for (const [source, mask, shadow, exits] of lmsw) {
    it(`LMSW ${source} mask ${mask} shadow ${shadow}`, () =>
      assert.equal(cr.lmswExits(source, { mask, shadow }), exits));
  }

  it('LMSW sets PE but cannot clear it', () => {
    assert.equal(cr.lmswValue(0x8000_0031n, 0xfff0), 0x8000_0031n);
    assert.equal(cr.lmswValue(0x3en, 0xfff1), 0x31n);
  });

  it('MOV to CR3 spares the CR3-target values', () => {
    assert.equal(cr.movToCr3Exits(0x1000n, [0x2000n, 0x1000n]), false);
    assert.equal(cr.movToCr3Exits(0x1001n, [0x2000n, 0x1000n]), true);
    assert.equal(cr.movToCr3Exits(0n, []), true);
  });
});

describe('MSR areas', () => {
  const loads: readonly [index: number, reserved: number, isX2apic: boolean, failure: string | undefined][] = [
    [0x174, 0, true, undefined],
    [0x174, 1, false, 'reserved-bits'],
    [0xc000_0100, 0, false, 'fs-gs-base'],
    [0xc000_0101, 0, false, 'fs-gs-base'],
    [0xc000_0102, 0, false, undefined],
    [0x808, 0, true, 'x2apic'],
    [0x808, 0, false, undefined],
    [0x908, 0, true, undefined],
    [0x9b, 0, false, 'smm-only'],
    [0x79, 0, false, 'microcode-update'],
  ];
  for (const [index, reserved, isX2apic, failure] of loads) {
    it(`load of 0x${index.toString(16)}: ${failure ?? 'allowed'}`, () =>
      assert.equal(checkMsrLoad(index, reserved, isX2apic), failure));
  }

  it('stores', () => {
    assert.equal(checkMsrStore(0xc000_0100, 0, true), undefined);
    assert.equal(checkMsrStore(0x808, 0, true), 'x2apic');
    assert.equal(checkMsrStore(0x9e, 0, false), 'smm-only');
    assert.equal(checkMsrStore(0x10, 1, false), 'reserved-bits');
  });
});
