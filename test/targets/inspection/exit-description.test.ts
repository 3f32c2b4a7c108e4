// Exits on the wire: which fields each reason has, and reasons by name.
import assert from 'node:assert/strict';
import { EXIT_REASON } from '../../../src/cpu/vmx/exit-reasons';
import { describeExit, exitReasonNumbers } from '../../../src/targets/inspection/exit-description';
import { ExitAction, type ExitEntry } from '../../../src/vmm/exit-log';

const ENTRY: ExitEntry = {
  number: 41,
  reason: EXIT_REASON.CPUID,
  qualification: 0n,
  rip: 0xffffffff81000000n,
  instructionLength: 2,
  guestLinear: 0x1000n,
  guestPhysical: 0x2000n,
  interruption: 0,
  instructions: 7,
  ticks: 9,
  action: ExitAction.Emulated,
};

describe('exit description', () => {
  it('has every field', () => {
    assert.deepEqual(describeExit(ENTRY), {
      number: '41',
      reason: 10,
      name: 'CPUID',
      qualification: '0x0',
      qualificationFields: {},
      qualificationText: '',
      rip: '0xffffffff81000000',
      instructionLength: 2,
      instructions: '7',
      ticks: '9',
      action: 'carried out the instruction',
    });
  });

  const addresses: readonly [string, number, bigint, boolean, boolean][] = [
    ['EPT violation of a linear access', EXIT_REASON.EPT_VIOLATION, 0x82n, true, true],
    ['EPT violation without a linear address', EXIT_REASON.EPT_VIOLATION, 0x02n, false, true],
    ['EPT misconfiguration', EXIT_REASON.EPT_MISCONFIGURATION, 0n, false, true],
    ['OUT', EXIT_REASON.IO_INSTRUCTION, 0x3f80000n, false, false],
    ['OUTS', EXIT_REASON.IO_INSTRUCTION, 0x3f80010n, true, false],
    ['LMSW from memory', EXIT_REASON.CONTROL_REGISTER_ACCESS, 0x70n, true, false],
    ['LMSW from a register', EXIT_REASON.CONTROL_REGISTER_ACCESS, 0x30n, false, false],
    ['MOV to CR0', EXIT_REASON.CONTROL_REGISTER_ACCESS, 0x0n, false, false],
  ];
  for (const [name, reason, qualification, linear, physical] of addresses) {
    it(`${name}: linear ${linear}, guest-physical ${physical}`, () => {
      const { guestLinear, guestPhysical } = describeExit({ ...ENTRY, reason, qualification });
      assert.deepEqual([guestLinear, guestPhysical], [linear ? '0x1000' : undefined, physical ? '0x2000' : undefined]);
    });
  }

  it('a failed VM entry says so', () => {
    assert.match(describeExit({ ...ENTRY, reason: 0x8000_0021 }).name, /^VM-entry failure/);
  });

  const names: readonly [string, number | undefined][] = [
    ['CPUID', 10],
    ['cpuid', 10],
    ['10', 10],
    ['EPT violation', 48],
    ['EPT_VIOLATION', 48],
    ['I/O instruction', 30],
    ['VMX-preemption timer expired', 52],
    ['69', undefined],
    ['', undefined],
    ['coffee', undefined],
  ];
  for (const [name, number] of names) {
    it(`the reason "${name}"`, () => {
      if (number === undefined) assert.throws(() => exitReasonNumbers([name]), /There is no exit reason/);
      else assert.deepEqual([...exitReasonNumbers([name])], [number]);
    });
  }
});
