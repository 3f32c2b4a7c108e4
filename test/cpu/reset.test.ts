/**
 * RESET, INIT, saving and restoring.
 * Source: SDM Vol. 3A table 9-1.
 */
import { deepEqual, equal } from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { MSR } from '../../src/cpu/msr-numbers';
import { Rig } from './rig';

describe('reset and snapshots', () => {
  it('RESET gives the state of table 9-1', () => {
    const rig = new Rig('long3');
    rig.processor.reset();
    const values = Object.fromEntries(rig.processor.registers().map(({ name, value }) => [name, value]));
    const expected: Readonly<Record<string, bigint>> = {
      RIP: 0xfff0n,
      RFLAGS: 2n,
      CR0: 0x60000010n,
      'CS.selector': 0xf000n,
      'CS.base': 0xffff0000n,
      'CS.limit': 0xffffn,
      'SS.rights': 0x93n,
      'IDTR.limit': 0xffffn,
      DR6: 0xffff0ff0n,
      DR7: 0x400n,
      MXCSR: 0x1f80n,
      FCW: 0x40n,
      IA32_EFER: 0n,
      IA32_PAT: 0x0007040600070406n,
    };
    for (const [name, value] of Object.entries(expected)) equal(values[name], value, name);
    equal(values.RDX! >> 8n, 0xf06n);
    equal(rig.codeWidth, 16);
  });

  it('INIT keeps CR0.CD, XCR0 and the MSRs', () => {
    const rig = new Rig('protected0');
    rig.slow.xsetbv(0, 3n);
    rig.processor.writeMsr(MSR.STAR, 5n);
    rig.processor.init();
    equal(rig.state.quad(STATE.cr0), 0x60000010n);
    equal(rig.state.quad(STATE.xcr0), 3n);
    equal(rig.processor.readMsr(MSR.STAR), 5n);
  });

  it('a restored processor has the same registers, and saves the same', () => {
    const rig = new Rig('long3');
    rig.state.setGeneral(9, 0x123456789abcdef0n);
    rig.state.rflags = 0x8d7;
    rig.processor.writeMsr(MSR.STAR, 7n);
    rig.processor.interruptibility.nmi = true;
    rig.processor.activity = 'hlt';
    const saved = rig.processor.save();
    const other = new Rig('real');
    other.processor.restore(saved);
    deepEqual(other.processor.registers(), rig.processor.registers());
    deepEqual(other.processor.save(), saved);
    equal(other.codeWidth, 64);
  });
});
