/**
 * POPF, INVPCID, MWAIT, HLT.
 * Source: SDM Vol. 2, the instructions; Vol. 3A 6.8.
 */
import { deepEqual, equal } from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { CR4 } from '../../src/cpu/mode';
import { PLACE, Rig } from './rig';
import type { RigMode } from './rig';

const bit = (number: number): bigint => BigInt(number);

describe('flags', () => {
  /** Mode, RFLAGS before, image, operand size, RFLAGS after or a fault. */
  const POPS: readonly (readonly [string, RigMode, number, bigint, number, number | string])[] = [
    ['CPL 0: all but VM, VIF, VIP', 'protected0', 2, 0xffffffffn, 32, 0x247fd7],
    ['CPL 0, 16 bits leave the upper half', 'protected0', 0x40002, 0n, 16, 0x40002],
    ['CPL 3, IOPL 0: neither IF nor IOPL', 'protected3', 0x202, 0x3000n, 32, 0x202],
    ['CPL 3, IOPL 3: IF', 'protected3', 0x3202, 0n, 32, 0x3002],
    ['virtual-8086 mode, IOPL 0', 'virtual', 0x20202, 0n, 16, '13:0'],
    ['virtual-8086 mode, IOPL 3', 'virtual', 0x23202, 0n, 16, 0x23002],
    ['RF is cleared', 'protected0', 0x10202, 0x10202n, 32, 0x202],
  ];
  for (const [name, mode, before, image, size, after] of POPS) {
    it(`POPF: ${name}`, () => {
      const rig = new Rig(mode);
      rig.state.rflags = before;
      rig.processor.stateReplaced(false);
      const outcome = rig.call((slow) => slow.popFlags(image, size));
      if (typeof after === 'string') equal(outcome, after);
      else equal(rig.state.rflags, after);
    });
  }
});

describe('INVPCID, MWAIT, HLT', () => {
  /** CR4.PCIDE, type, descriptor's PCID, address, outcome. */
  const PCIDS: readonly (readonly [string, boolean, bigint, bigint, bigint, string])[] = [
    ['all contexts', false, 2n, 5n, 0n, 'Done'],
    ['unknown type', true, 4n, 0n, 0n, '13:0'],
    ['PCID without PCIDE', false, 1n, 5n, 0n, '13:0'],
    ['PCID', true, 1n, 5n, 0n, 'Done'],
    ['reserved bits', true, 3n, 0x1000n, 0n, '13:0'],
    ['address not canonical', true, 0n, 0n, 1n << 60n, '13:0'],
  ];
  for (const [name, hasPcid, type, pcid, address, outcome] of PCIDS) {
    it(`INVPCID: ${name}`, () => {
      const rig = new Rig('long0');
      rig.state.setQuad(STATE.cr4, bit(CR4.PAE + (hasPcid ? CR4.PCIDE : 0)));
      rig.memory.write64(0x9000n, pcid);
      rig.memory.write64(0x9008n, address);
      equal(
        rig.call((slow) => slow.invalidatePcid(type, 3, 0x9000n)),
        outcome,
      );
    });
  }

  it('MWAIT waits only after MONITOR', () => {
    const rig = new Rig('long0');
    equal(
      rig.call((slow) => slow.mwait(0, 2)),
      '13:0',
    );
    rig.slow.mwait(0, 1);
    equal(rig.processor.activity, 'active');
    rig.slow.monitor(BigInt(PLACE.stack), 3);
    rig.slow.mwait(0, 1);
    deepEqual([rig.processor.activity, rig.processor.wakesOnMasked], ['mwait', true]);
  });

  it('HLT halts behind itself', () => {
    const rig = new Rig('long0');
    equal(
      rig.call((slow) => slow.halt()),
      'DoneCheck',
    );
    equal(rig.processor.activity, 'hlt');
  });
});
