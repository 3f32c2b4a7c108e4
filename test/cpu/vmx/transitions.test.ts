/** VM entries and exits: what they load and save (SDM Vol. 3C chapters 27 and 28). */
import assert from 'node:assert/strict';
import { MODE, STATE } from '../../../src/cpu/layout';
import { MSR } from '../../../src/cpu/msr-numbers';
import { ENTRY, EXIT, PIN, PRIMARY, SECONDARY } from '../../../src/cpu/vmx/controls';
import type { FieldKey } from '../../../src/cpu/vmx/fields';
import { EXIT_REASON } from '../../../src/cpu/vmx/exit-reasons';
import { F } from '../../../src/cpu/vmx/vmcs-layout';
import type { Vmcs } from '../../../src/cpu/vmx/vmcs';
import { bases } from './base-vmcs';
import type { Base } from './base-vmcs';
import { makeBench, VMCS_REGION, VMXON_REGION } from './bench-processor';
import type { Bench } from './bench-processor';

type Values = Partial<Record<FieldKey, number | bigint>>;
interface Running extends Bench {
  readonly vmcs: Vmcs;
}

/** A bench in VMX root operation whose current VMCS has the fields of `base` and `changes`. */
function prepare(base: Base, changes: Values = {}): Running {
  const bench = makeBench();
  bench.unit.instructions.vmxon(BigInt(VMXON_REGION));
  bench.unit.instructions.vmclear(BigInt(VMCS_REGION));
  bench.unit.instructions.vmptrld(BigInt(VMCS_REGION));
  const vmcs = bench.unit.current!;
  // Bitmaps, virtual-APIC page and EPT lie in the bench's memory; the link pointer points nowhere.
  bench.memory.write8(0x5080, 0x50);
  for (const [key, value] of Object.entries({ ...bases[base], ...NO_AREAS, ...changes }))
    vmcs.set(F[key as FieldKey], BigInt(value));
  return { ...bench, vmcs };
}

function enter(base: Base, changes: Values = {}): Running {
  const running = prepare(base, changes);
  const result = running.unit.enter(true);
  assert.equal(result, 'entered', running.unit.lastFailure?.rule);
  return running;
}

/** The base VMCSs count entries in their MSR areas, which hold nothing here. */
const NO_AREAS: Values = { EXIT_MSR_STORE_COUNT: 0, EXIT_MSR_LOAD_COUNT: 0, ENTRY_MSR_LOAD_COUNT: 0 };

const GUEST_FIELDS = Object.keys(F).filter(
  (key) => key.startsWith('GUEST_') && F[key as FieldKey].group === 'guest-state',
) as FieldKey[];

describe('VMX transitions', () => {
  for (const base of Object.keys(bases) as Base[]) {
    it(`saves at an exit what an entry loaded (${base} guest)`, () => {
      const sysenter = { GUEST_SYSENTER_CS: 0x10, GUEST_SYSENTER_ESP: 0x1234n, GUEST_SYSENTER_EIP: 0x5678n };
      const { unit, vmcs } = enter(base, sysenter);
      const before = new Map(GUEST_FIELDS.map((key) => [key, vmcs.get(F[key])]));
      unit.tripleFaultExits();
      unit.carryOutExit();
      for (const [key, value] of before) {
        if (vmcs.has(F[key])) assert.equal(vmcs.get(F[key]), value, key);
      }
      assert.equal(vmcs.low(F.EXIT_REASON), EXIT_REASON.TRIPLE_FAULT);
    });
  }

  it('loads the guest into the processor and the host back', () => {
    const { unit, state, processor } = enter('long', { GUEST_RSP: 0x7000, GUEST_FS_BASE: 0xffff_8000_0000_1000n });
    assert.equal(unit.modeBits, MODE.nonRoot);
    assert.equal(state.rip, 0xffff_ffff_8100_0000n);
    assert.equal(state.general(4), 0x7000n);
    assert.equal(state.segmentBase(4), 0xffff_8000_0000_1000n);
    assert.equal(state.word(STATE.eptRoot), 0x6000);
    assert.equal(state.word(STATE.eptDirty), 1);
    assert.notEqual(state.word(STATE.intercepts), 0);
    state.rip = 0xffff_ffff_8100_0123n;
    processor.msrs.set(MSR.SYSENTER_EIP, 0xabcdn);
    unit.tripleFaultExits();
    unit.carryOutExit();
    assert.equal(unit.modeBits, MODE.root);
    assert.equal(unit.current!.get(F.GUEST_RIP), 0xffff_ffff_8100_0123n);
    assert.equal(unit.current!.get(F.GUEST_SYSENTER_EIP), 0xabcdn);
    assert.equal(state.rip, bases.long.HOST_RIP);
    assert.equal(state.rflags, 2);
    assert.equal(state.word(STATE.cr3), 0x8000);
    assert.equal(state.word(STATE.eptRoot), 0);
    assert.equal(state.word(STATE.intercepts), 0);
    assert.equal(processor.storedMsr(MSR.SYSENTER_EIP), 0n);
    assert.equal(state.segmentRights(1), 0xa09b);
    assert.equal(state.segmentRights(6) & 0x10000, 0x10000, 'LDTR is unusable');
    assert.equal(state.word(STATE.gdtr + 8), 0xffff);
  });

  it('notes that the guest left IA-32e mode, and checks the control again', () => {
    const { unit, state, vmcs } = enter('long', {
      SECONDARY_CONTROLS: Number(bases.long.SECONDARY_CONTROLS) + SECONDARY.UNRESTRICTED_GUEST,
      EXIT_CONTROLS: Number(bases.long.EXIT_CONTROLS) + EXIT.SAVE_EFER,
    });
    state.setWord(STATE.cr0, 0x0005_0033 & ~1);
    state.setWord(STATE.efer, 0x901);
    unit.tripleFaultExits();
    unit.carryOutExit();
    assert.equal(vmcs.low(F.ENTRY_CONTROLS) & ENTRY.IA32E_MODE_GUEST, 0);
    assert.equal(vmcs.low(F.GUEST_EFER), 0x901);
  });

  it('keeps CD, NW and ET of CR0 as they are', () => {
    const { state } = enter('long', { GUEST_CR0: 0xe005_0033 });
    assert.equal(state.word(STATE.cr0), 0x8005_0033);
  });

  it('reports a guest state that breaks a rule as a failed entry', () => {
    const { unit, vmcs, state } = prepare('long', { GUEST_RFLAGS: 0 });
    assert.equal(unit.enter(true), 'exit');
    assert.equal(vmcs.low(F.EXIT_REASON), 0x8000_0021);
    assert.equal(unit.lastFailure?.rule, 'guest-rflags.reserved-bits');
    assert.equal(vmcs.launched, false);
    assert.equal(state.rip, bases.long.HOST_RIP);
  });

  it('loads MSRs at entry and fails with the number of the bad entry', () => {
    const fields = { ENTRY_MSR_LOAD_COUNT: 2, ENTRY_MSR_LOAD_ADDRESS: 0x7200 };
    const good = prepare('long', fields);
    good.processor.msrs.set(0xc000_0081, 0n);
    good.memory.write32(0x7200, 0xc000_0081);
    good.memory.write64(0x7208, 0x1122n);
    good.memory.write32(0x7210, 0xc000_0100); // IA32_FS_BASE is not allowed here
    assert.equal(good.unit.enter(true), 'exit');
    assert.equal(good.vmcs.low(F.EXIT_REASON), 0x8000_0022);
    assert.equal(good.vmcs.low(F.EXIT_QUALIFICATION), 2);
    assert.equal(good.processor.msrs.get(0xc000_0081), 0x1122n);
  });

  it('injects an event and clears its valid bit at the exit', () => {
    const { unit, processor, vmcs } = enter('long', {
      ENTRY_INTERRUPTION_INFORMATION: 0x8000_0b0e,
      ENTRY_EXCEPTION_ERROR_CODE: 0x6,
    });
    assert.deepEqual(processor.delivered, [{ kind: 'exception', vector: 14, errorCode: 6, instructionLength: 0 }]);
    unit.tripleFaultExits();
    unit.carryOutExit();
    assert.equal(vmcs.low(F.ENTRY_INTERRUPTION_INFORMATION), 0xb0e);
  });

  it('describes an EPT violation during delivery with IDT-vectoring information', () => {
    const { unit, processor, state, vmcs } = enter('long');
    state.setWord(STATE.exitReason, EXIT_REASON.EPT_VIOLATION);
    state.setQuad(STATE.exitQualification, 0x182n);
    state.setQuad(STATE.exitLinear, 0xffff_8000_1234_5678n);
    state.setQuad(STATE.exitPhysical, 0xfee0_0300n);
    processor.vectoring = { kind: 'exception', vector: 14, errorCode: 2, instructionLength: 0 };
    unit.carryOutExit();
    assert.equal(vmcs.low(F.EXIT_REASON), EXIT_REASON.EPT_VIOLATION);
    assert.equal(vmcs.get(F.EXIT_QUALIFICATION), 0x182n);
    assert.equal(vmcs.get(F.GUEST_LINEAR_ADDRESS), 0xffff_8000_1234_5678n);
    assert.equal(vmcs.get(F.GUEST_PHYSICAL_ADDRESS), 0xfee0_0300n);
    assert.equal(vmcs.low(F.IDT_VECTORING_INFORMATION), 0x8000_0b0e);
    assert.equal(vmcs.low(F.IDT_VECTORING_ERROR_CODE), 2);
    assert.equal(vmcs.low(F.GUEST_RFLAGS) & 0x10000, 0x10000, 'a fault-like event pushes RF');
    assert.equal(processor.vectoring, undefined);
  });
});

describe('VMX boundaries', () => {
  it('runs the VMX-preemption timer by ticks', () => {
    const { unit, processor, vmcs } = enter('long', {
      PREEMPTION_TIMER_VALUE: 50,
      EXIT_CONTROLS: Number(bases.long.EXIT_CONTROLS) + EXIT.SAVE_PREEMPTION_TIMER,
    });
    assert.equal(unit.deadline, 1050);
    processor.now = 1049;
    assert.equal(unit.boundaryExits('nmi'), false);
    processor.now = 1050;
    assert.equal(unit.boundaryExits('nmi'), true);
    unit.carryOutExit();
    assert.equal(vmcs.low(F.EXIT_REASON), EXIT_REASON.PREEMPTION_TIMER_EXPIRED);
    assert.equal(vmcs.low(F.PREEMPTION_TIMER_VALUE), 0);
    assert.equal(unit.deadline, Infinity);
  });

  const withPrimary = (mask: number): Values => ({ PRIMARY_CONTROLS: Number(bases.long.PRIMARY_CONTROLS) + mask });
  interface WindowCase {
    readonly title: string;
    readonly control: number;
    readonly stage: 'nmi' | 'interrupt';
    readonly fields: Values;
    readonly reason: number | undefined;
  }
  const windows: readonly WindowCase[] = [
    { title: 'interrupt window, IF 1', control: PRIMARY.INTERRUPT_WINDOW_EXITING, stage: 'interrupt', fields: {}, reason: 7 },
    { title: 'interrupt window, IF 0', control: PRIMARY.INTERRUPT_WINDOW_EXITING, stage: 'interrupt', fields: { GUEST_RFLAGS: 2 }, reason: undefined },
    { title: 'interrupt window, STI', control: PRIMARY.INTERRUPT_WINDOW_EXITING, stage: 'interrupt', fields: { GUEST_INTERRUPTIBILITY_STATE: 1 }, reason: undefined },
    { title: 'interrupt window, MOV SS', control: PRIMARY.INTERRUPT_WINDOW_EXITING, stage: 'interrupt', fields: { GUEST_INTERRUPTIBILITY_STATE: 2 }, reason: undefined },
    { title: 'no interrupt window', control: 0, stage: 'interrupt', fields: {}, reason: undefined },
    { title: 'NMI window', control: PRIMARY.NMI_WINDOW_EXITING, stage: 'nmi', fields: { GUEST_RFLAGS: 2, PREEMPTION_TIMER_VALUE: 9 }, reason: 8 },
    { title: 'NMI window, blocked', control: PRIMARY.NMI_WINDOW_EXITING, stage: 'nmi', fields: { GUEST_INTERRUPTIBILITY_STATE: 8, PREEMPTION_TIMER_VALUE: 9 }, reason: undefined },
  ]; // prettier-ignore
  for (const { title, control, stage, fields, reason } of windows) {
    it(title, () => {
      const { unit, vmcs } = enter('long', { ...withPrimary(control), ...fields });
      assert.equal(unit.boundaryExits(stage), reason !== undefined);
      if (reason === undefined) return;
      unit.carryOutExit();
      assert.equal(vmcs.low(F.EXIT_REASON), reason);
    });
  }

  it('lets one instruction run before a monitor trap', () => {
    const { unit, processor, vmcs } = enter('long', withPrimary(PRIMARY.MONITOR_TRAP_FLAG));
    assert.equal(unit.boundaryExits('trap'), false);
    assert.equal(unit.boundaryExits('trap'), false, 'no instruction has completed');
    processor.now++;
    assert.equal(unit.boundaryExits('trap'), true);
    unit.carryOutExit();
    assert.equal(vmcs.low(F.EXIT_REASON), EXIT_REASON.MONITOR_TRAP_FLAG);
  });

  it('takes a monitor trap right behind an injected event', () => {
    const { unit } = enter('long', {
      ...withPrimary(PRIMARY.MONITOR_TRAP_FLAG),
      ENTRY_INTERRUPTION_INFORMATION: 0x8000_0030,
    });
    assert.equal(unit.boundaryExits('trap'), true);
  });

  it('acknowledges an external interrupt only if the exit controls say so', () => {
    for (const [control, information] of [
      [0, 0],
      [EXIT.ACKNOWLEDGE_INTERRUPT_ON_EXIT, 0x8000_0044],
    ] as const) {
      const { unit, vmcs } = enter('long', { EXIT_CONTROLS: Number(bases.long.EXIT_CONTROLS) + control });
      let acknowledged = 0;
      assert.equal(
        unit.externalInterruptExits(() => (acknowledged++, 0x44)),
        true,
      );
      unit.carryOutExit();
      assert.equal(vmcs.low(F.EXIT_REASON), EXIT_REASON.EXTERNAL_INTERRUPT);
      assert.equal(vmcs.low(F.EXIT_INTERRUPTION_INFORMATION), information);
      assert.equal(acknowledged, control === 0 ? 0 : 1);
    }
    const pin = Number(bases.long.PIN_BASED_CONTROLS) & ~PIN.EXTERNAL_INTERRUPT_EXITING;
    assert.equal(
      enter('long', { PIN_BASED_CONTROLS: pin }).unit.externalInterruptExits(() => 0),
      false,
    );
  });

  it('exits for exceptions of the bitmap, with address or debug status', () => {
    const { unit, vmcs, state } = enter('long', { EXCEPTION_BITMAP: (1 << 14) | (1 << 1) });
    assert.equal(unit.eventExits({ kind: 'exception', vector: 13, errorCode: 0, instructionLength: 0 }), false);
    const fault = { kind: 'exception', vector: 14, errorCode: 3, address: 0xdead_0000n, instructionLength: 0 } as const;
    assert.equal(unit.eventExits(fault), true);
    unit.carryOutExit();
    assert.equal(vmcs.low(F.EXIT_INTERRUPTION_INFORMATION), 0x8000_0b0e);
    assert.equal(vmcs.low(F.EXIT_INTERRUPTION_ERROR_CODE), 3);
    assert.equal(vmcs.get(F.EXIT_QUALIFICATION), 0xdead_0000n);
    assert.equal(state.quad(STATE.cr2), 0n, 'CR2 is not written');
  });

  it('exits for task switches with selector and source', () => {
    const { unit, vmcs } = enter('long');
    assert.equal(unit.taskSwitchExits({ selector: 0x28, source: 'JMP' }), true);
    unit.carryOutExit();
    assert.equal(vmcs.low(F.EXIT_REASON), EXIT_REASON.TASK_SWITCH);
    assert.equal(vmcs.low(F.EXIT_QUALIFICATION), 0x8000_0028);
    assert.equal(vmcs.low(F.EXIT_INSTRUCTION_LENGTH), 3);
  });

  it('goes through the TPR shadow and exits below the threshold', () => {
    const { unit, vmcs, memory } = enter('long');
    assert.equal(unit.taskPriority(), 5);
    assert.equal(unit.setTaskPriority(4), true);
    assert.equal(memory.read8(0x5080), 0x40);
    assert.equal(unit.boundaryExits('interrupt'), true);
    unit.carryOutExit();
    assert.equal(vmcs.low(F.EXIT_REASON), EXIT_REASON.TPR_BELOW_THRESHOLD);
  });
});
