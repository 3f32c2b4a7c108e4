/**
 * MSRs and CPUID.
 * Source: SDM Vol. 4; Vol. 2A, CPUID.
 */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { CR4 } from '../../src/cpu/mode';
import { MSR } from '../../src/cpu/msr-numbers';
import { Rig } from './rig';

const bit = (number: number): bigint => BigInt(number);

/** MSR, value, whether WRMSR takes it, and what RDMSR then gives (`undefined`: #GP). */
const MSRS: readonly (readonly [number, bigint, boolean, bigint | undefined])[] = [
  [MSR.LSTAR, 1n << 60n, false, 0n],
  [MSR.LSTAR, 0xffff800000000000n, true, 0xffff800000000000n],
  [MSR.FMASK, 1n << 32n, false, 0n],
  [MSR.EFER, 2n, false, 0x501n],
  [MSR.EFER, 0xd01n, true, 0xd01n],
  [MSR.PAT, 0x0007040600070402n, false, 0x0007040600070406n],
  [MSR.PAT, 0x0007010600070406n, true, 0x0007010600070406n],
  [MSR.MTRRCAP, 0n, false, 0x508n],
  [MSR.MTRR_DEF_TYPE, 0xc06n, true, 0xc06n],
  [MSR.MTRR_DEF_TYPE, 0xc02n, false, 0n],
  [MSR.MTRR_DEF_TYPE, 0xd06n, false, 0n],
  [MSR.MTRR_PHYSBASE0 + 1, (1n << 39n) | 0x800n, false, 0n],
  [MSR.MTRR_FIX4K_C0000, 0x0505050505050505n, true, 0x0505050505050505n],
  [MSR.MISC_ENABLE, 0x41800n, true, 0x41800n],
  [MSR.MISC_ENABLE, 0n, false, 0x41801n],
  [MSR.FEATURE_CONTROL, 0n, false, 5n],
  [MSR.BIOS_SIGN_ID, 0n, true, 1n << 32n],
  [MSR.PRED_CMD, 1n, true, undefined],
  [MSR.SPEC_CTRL, 4n, false, 0n],
  [MSR.TSC_AUX, 1n << 32n, false, 0n],
  [MSR.GS_BASE, 0x1234n, true, 0x1234n],
  [MSR.MC0_CTL + 1, 1n, false, 0n],
  [MSR.DEBUGCTL, 1n, false, 0n],
  [0x12345678, 0n, false, undefined],
  [MSR.VMX_BASIC, 0n, false, undefined],
];

describe('MSRs', () => {
  for (const [index, value, taken, after] of MSRS) {
    it(`${index.toString(16)} <- ${value.toString(16)}`, () => {
      const rig = new Rig('long0');
      equal(
        rig.call((slow) => slow.wrmsr(index | 0, BigInt.asIntN(64, value))),
        taken ? 'Done' : '13:0',
      );
      const read = rig.call((slow) => slow.rdmsr(index | 0));
      equal(read, after === undefined ? '13:0' : 'Done');
      if (after !== undefined) equal(rig.state.quad(STATE.result), after);
    });
  }

  it('the time-stamp counter counts ticks from RESET; TSC_ADJUST and writes move it', () => {
    const rig = new Rig('long0');
    rig.now += 50;
    equal(rig.processor.timeStampCounter(), 50n);
    rig.processor.writeMsr(MSR.TIME_STAMP_COUNTER, 1000n);
    equal(rig.processor.readMsr(MSR.TSC_ADJUST), 950n);
    rig.slow.wrmsr(MSR.TSC_ADJUST, 0n);
    // What RDTSC reads.
    equal(BigInt.asUintN(64, BigInt(rig.now) + rig.state.quad(STATE.tscOffset)), 50n);
    equal(rig.tscOffset, BigInt.asUintN(64, -1000n));
  });

  it('RDTSCP finds TSC_AUX in the state behind its WRMSR', () => {
    const rig = new Rig('long0');
    rig.slow.wrmsr(MSR.TSC_AUX | 0, 0x12345678n);
    equal(rig.state.word(STATE.tscAux), 0x12345678);
  });
});

describe('CPUID', () => {
  const read = (rig: Rig, leaf: number, subleaf = 0): number[] => {
    rig.slow.cpuid(leaf | 0, subleaf);
    return [STATE.result, STATE.result + 4, STATE.result2, STATE.result2 + 4].map((offset) => rig.state.word(offset));
  };
  const ascii = (words: readonly number[]): string =>
    words.map((word) => String.fromCharCode(...[0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff))).join('');

  it('vendor, hypervisor and brand', () => {
    const rig = new Rig('long0');
    const [max, b, c, d] = read(rig, 0);
    equal(ascii([b!, d!, c!]), 'GenuineIntel');
    ok(max! >= 0x16);
    equal(ascii(read(rig, 0x40000000).slice(1)), 'KVMKVMKVM\0\0\0');
    deepEqual(read(rig, 0x40000001), [0, 0, 0, 0]);
    ok(ascii([2, 3, 4].flatMap((part) => read(rig, 0x80000000 + part))).startsWith('VMXray'));
  });

  it('beyond the highest leaf comes the highest basic leaf', () => {
    const rig = new Rig('long0');
    deepEqual(read(rig, 0x17), read(rig, 0x16));
    deepEqual(read(rig, 0x80000009), read(rig, 0x16));
  });

  it('OSXSAVE follows CR4, APIC follows IA32_APIC_BASE, SYSCALL shows in 64-bit mode', () => {
    const rig = new Rig('long0');
    equal((read(rig, 1)[2]! >>> 27) & 1, 0);
    rig.slow.writeControl(4, bit(CR4.PAE + CR4.OSXSAVE));
    equal((read(rig, 1)[2]! >>> 27) & 1, 1);
    equal((read(rig, 1)[3]! >>> 9) & 1, 1);
    rig.apicBase = 0xfee00100n;
    equal((read(rig, 1)[3]! >>> 9) & 1, 0);
    equal((read(rig, 0x80000001)[3]! >>> 11) & 1, 1);
    equal((read(new Rig('protected0'), 0x80000001)[3]! >>> 11) & 1, 0);
  });

  it('leaf 4 ends, and its caches have whole sizes', () => {
    const rig = new Rig('long0');
    const sizes: number[] = [];
    for (let index = 0; (read(rig, 4, index)[0]! & 31) !== 0; index++) {
      const [, b, c] = read(rig, 4, index);
      sizes.push(((b! >>> 22) + 1) * ((b! & 0xfff) + 1) * (c! + 1));
    }
    deepEqual(sizes, [0x8000, 0x8000, 0x40000, 0x800000]);
  });

  it('leaf 0BH: one thread, one core; leaf 0DH: 576 bytes; leaf 15H: 1 GHz', () => {
    const rig = new Rig('long0');
    deepEqual(
      [0, 1, 2].map((level) => read(rig, 0xb, level).slice(1, 3)),
      [
        [1, 0x100],
        [1, 0x201],
        [0, 2],
      ],
    );
    deepEqual(read(rig, 0xd), [3, 576, 576, 0]);
    const [denominator, numerator, hertz] = read(rig, 0x15);
    equal((hertz! * numerator!) / denominator!, 1e9);
    equal(read(rig, 0x80000008)[0], 39 | (48 << 8));
  });
});
