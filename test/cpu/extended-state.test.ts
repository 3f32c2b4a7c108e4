/**
 * FXSAVE, FXRSTOR, XSAVE, XSAVEOPT, XRSTOR.
 * Source: SDM Vol. 1 10.5, 13.6 to 13.9.
 */
import { deepEqual, equal } from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { CR0, CR4 } from '../../src/cpu/mode';
import { Rig } from './rig';

const bit = (number: number): bigint => BigInt(number);

describe('extended state', () => {
  const IMAGE = 0x9000;
  function ready(): Rig {
    const rig = new Rig('long0');
    const { state } = rig;
    state.setQuad(STATE.cr4, state.quad(STATE.cr4) | bit(CR4.OSXSAVE));
    state.setQuad(STATE.cr0, state.quad(STATE.cr0) & ~bit(CR0.TS + CR0.EM));
    state.setQuad(STATE.xcr0, 3n);
    state.setWord(STATE.fpuControl, 0x27f);
    state.setWord(STATE.fpuStatus, 0x3800); // TOP = 7
    state.setWord(STATE.fpuTag, 0x80);
    state.setQuad(STATE.fpu + 7 * 16, 0x8000000000000000n);
    state.setWord(STATE.fpu + 7 * 16 + 8, 0x3fff);
    for (let i = 0; i < 16; i++) state.setQuad(STATE.vector + i * 64, BigInt(i + 1));
    return rig;
  }

  it('FXSAVE and FXRSTOR carry everything over', () => {
    const rig = ready();
    equal(
      rig.call((slow) => slow.fxsave(3, BigInt(IMAGE), 1)),
      'Done',
    );
    const { memory } = rig;
    deepEqual(
      [
        memory.read16(0x9000n),
        memory.read16(0x9002n),
        memory.read8(0x9004n),
        memory.read64(0x9020n),
        memory.read16(0x9028n),
      ],
      [0x27f, 0x3800, 0x80, 0x8000000000000000n, 0x3fff],
    );
    equal(memory.read32(0x901cn), 0xffff);
    const saved = rig.processor.registers();
    const other = ready();
    other.state.setWord(STATE.fpuStatus, 0);
    other.state.u8.fill(0xaa, STATE.vector, STATE.vector + 16 * 64);
    other.memory.bytes.set(memory.bytes);
    equal(
      other.call((slow) => slow.fxrstor(3, BigInt(IMAGE), 1)),
      'Done',
    );
    deepEqual(other.processor.registers(), saved);
  });

  it('FXSAVE faults: alignment, CR0.TS, CR0.EM; FXRSTOR: MXCSR', () => {
    const rig = ready();
    equal(
      rig.call((slow) => slow.fxsave(3, BigInt(IMAGE + 8), 0)),
      '13:0',
    );
    rig.memory.write32(BigInt(IMAGE + 24), 0x10000);
    equal(
      rig.call((slow) => slow.fxrstor(3, BigInt(IMAGE), 0)),
      '13:0',
    );
    rig.state.setQuad(STATE.cr0, rig.state.quad(STATE.cr0) | bit(CR0.TS));
    equal(
      rig.call((slow) => slow.fxsave(3, BigInt(IMAGE), 0)),
      '7',
    );
  });

  it('XSAVE: XSTATE_BV says what is in use; XRSTOR gives the initial state of what is not', () => {
    const rig = ready();
    rig.memory.write64(BigInt(IMAGE + 512), 0xff00n);
    rig.slow.xsave(3, BigInt(IMAGE), -1n, 1);
    equal(rig.memory.read64(BigInt(IMAGE + 512)), 0xff03n);
    rig.memory.write64(BigInt(IMAGE + 512), 1n);
    equal(
      rig.call((slow) => slow.xrstor(3, BigInt(IMAGE), -1n, 1)),
      'Done',
    );
    equal(rig.state.quad(STATE.vector + 64), 0n);
    equal(rig.state.word(STATE.fpuControl), 0x27f);
    rig.slow.xsave(3, BigInt(IMAGE), -1n, 3);
    equal(rig.memory.read64(BigInt(IMAGE + 512)), 1n);
    equal(rig.memory.read64(BigInt(IMAGE + 160)), 1n); // XSAVEOPT left the initial XMM registers alone
  });

  const HEADERS: readonly (readonly [string, number, bigint])[] = [
    ['a component that XCR0 does not enable', 512, 4n],
    ['compaction', 520, 1n << 63n],
    ['reserved bytes', 528, 1n],
  ];
  for (const [name, offset, value] of HEADERS) {
    it(`XRSTOR refuses ${name}`, () => {
      const rig = ready();
      rig.memory.write64(BigInt(IMAGE + offset), value);
      equal(
        rig.call((slow) => slow.xrstor(3, BigInt(IMAGE), -1n, 0)),
        '13:0',
      );
    });
  }

  it('XSAVE faults: alignment, CR4.OSXSAVE', () => {
    const rig = ready();
    equal(
      rig.call((slow) => slow.xsave(3, BigInt(IMAGE + 32), -1n, 0)),
      '13:0',
    );
    rig.state.setQuad(STATE.cr4, bit(CR4.PAE));
    equal(
      rig.call((slow) => slow.xsave(3, BigInt(IMAGE), -1n, 0)),
      '6',
    );
  });
});
