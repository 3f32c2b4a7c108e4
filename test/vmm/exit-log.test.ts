/** The exit log: its ring, its totals. */
import assert from 'node:assert/strict';
import { F } from '../../src/cpu/vmx/vmcs-layout';
import { ExitAction, ExitLog } from '../../src/vmm/exit-log';
import { emptyVmcs } from '../cpu/vmx/base-vmcs';

describe('exit log', () => {
  const vmcs = emptyVmcs();
  const exit = (log: ExitLog, reason: number, instructions: number): void => {
    vmcs.store(F.EXIT_REASON, reason);
    vmcs.set(F.EXIT_QUALIFICATION, 0x1122_3344_5566_7788n + BigInt(instructions));
    vmcs.set(F.GUEST_RIP, 0xffff_ffff_8100_0000n);
    vmcs.store(F.EXIT_INSTRUCTION_LENGTH, 2);
    vmcs.set(F.GUEST_PHYSICAL_ADDRESS, 0xfee0_0300n);
    vmcs.set(F.GUEST_LINEAR_ADDRESS, 0xffff_ffff_ff5f_c300n);
    log.record(vmcs, instructions, instructions + 5);
  };

  it('keeps the last exits and counts all', () => {
    const log = new ExitLog(4);
    for (let i = 0; i < 10; i++) exit(log, i % 2 ? 10 : 48, i);
    log.setAction(ExitAction.Emulated);
    assert.equal(log.count, 10);
    assert.equal(log.first, 6);
    assert.equal(log.entry(5), undefined);
    assert.equal(log.entry(10), undefined);
    assert.deepEqual(log.last, {
      number: 9,
      reason: 10,
      instructionLength: 2,
      interruption: 0,
      qualification: 0x1122_3344_5566_7788n + 9n,
      rip: 0xffff_ffff_8100_0000n,
      guestLinear: 0xffff_ffff_ff5f_c300n,
      guestPhysical: 0xfee0_0300n,
      instructions: 9,
      ticks: 14,
      action: ExitAction.Emulated,
    });
    assert.equal(log.entry(8)?.action, ExitAction.Resumed);
    assert.deepEqual(log.totalsByName(), { CPUID: 5, 'EPT violation': 5 });
  });

  it('counts on after a restore, without the exits before it', () => {
    const log = new ExitLog(4);
    for (let i = 0; i < 3; i++) exit(log, 10, i);
    const restored = new ExitLog(4);
    restored.restore(log.save());
    exit(restored, 10, 3);
    assert.equal(restored.count, 4);
    assert.equal(restored.first, 3);
    assert.equal(restored.totalOf(10), 4);
    assert.equal(restored.last?.number, 3);
  });

  it('keeps bit 31 of failed VM entries and counts them under their basic reason', () => {
    const log = new ExitLog(2);
    exit(log, 0x8000_0021, 0);
    assert.equal(log.last?.reason, 0x8000_0021);
    assert.equal(log.totalOf(33), 1);
  });
});
