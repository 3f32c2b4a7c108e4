/** VMX instructions: faults, VMfail and its error numbers (SDM Vol. 3C chapter 31). */
import assert from 'node:assert/strict';
import { STATE, MODE } from '../../../src/cpu/layout';
import { MSR } from '../../../src/cpu/msr-numbers';
import { GuestFault } from '../../../src/cpu/signals';
import { VM_INSTRUCTION_ERROR as ERROR } from '../../../src/cpu/vmx/instruction-errors';
import { F } from '../../../src/cpu/vmx/vmcs-layout';
import { Outcome } from '../../../src/isa/slow';
import { makeBench, SECOND_VMCS, VMCS_REGION, VMXON_REGION } from './bench-processor';
import type { Bench } from './bench-processor';

const SUCCEED = 0;
const FAIL_INVALID = 1;
const FAIL_VALID = 0x40;

function inRoot(): Bench {
  const bench = makeBench();
  bench.unit.instructions.vmxon(BigInt(VMXON_REGION));
  return bench;
}

function withVmcs(): Bench {
  const bench = inRoot();
  bench.unit.instructions.vmclear(BigInt(VMCS_REGION));
  bench.unit.instructions.vmptrld(BigInt(VMCS_REGION));
  return bench;
}

interface Case {
  readonly title: string;
  readonly start: () => Bench;
  readonly act: (bench: Bench) => unknown;
  readonly flags: number;
  /** VM-instruction error of VMfailValid. */
  readonly error?: number;
}

const cases: readonly Case[] = [
  { title: 'VMXON', start: makeBench, act: ({ unit }) => unit.instructions.vmxon(BigInt(VMXON_REGION)), flags: SUCCEED },
  { title: 'VMXON, unaligned', start: makeBench, act: ({ unit }) => unit.instructions.vmxon(0x3001n), flags: FAIL_INVALID },
  { title: 'VMXON, beyond MAXPHYADDR', start: makeBench, act: ({ unit }) => unit.instructions.vmxon(1n << 40n), flags: FAIL_INVALID },
  { title: 'VMXON, wrong revision', start: makeBench, act: ({ unit }) => unit.instructions.vmxon(0x9000n), flags: FAIL_INVALID },
  { title: 'VMXON in root operation', start: withVmcs, act: ({ unit }) => unit.instructions.vmxon(BigInt(VMXON_REGION)), flags: FAIL_VALID, error: ERROR.VMXON_IN_ROOT },
  { title: 'VMXON in root operation without a VMCS', start: inRoot, act: ({ unit }) => unit.instructions.vmxon(BigInt(VMXON_REGION)), flags: FAIL_INVALID },
  { title: 'VMCLEAR, unaligned', start: withVmcs, act: ({ unit }) => unit.instructions.vmclear(0x10n), flags: FAIL_VALID, error: ERROR.VMCLEAR_INVALID_ADDRESS },
  { title: 'VMCLEAR of the VMXON pointer', start: withVmcs, act: ({ unit }) => unit.instructions.vmclear(BigInt(VMXON_REGION)), flags: FAIL_VALID, error: ERROR.VMCLEAR_VMXON_POINTER },
  { title: 'VMPTRLD, beyond MAXPHYADDR', start: withVmcs, act: ({ unit }) => unit.instructions.vmptrld(1n << 40n), flags: FAIL_VALID, error: ERROR.VMPTRLD_INVALID_ADDRESS },
  { title: 'VMPTRLD of the VMXON pointer', start: withVmcs, act: ({ unit }) => unit.instructions.vmptrld(BigInt(VMXON_REGION)), flags: FAIL_VALID, error: ERROR.VMPTRLD_VMXON_POINTER },
  { title: 'VMPTRLD, wrong revision', start: withVmcs, act: ({ unit }) => unit.instructions.vmptrld(0x9000n), flags: FAIL_VALID, error: ERROR.VMPTRLD_INCORRECT_REVISION },
  { title: 'VMPTRLD where no memory is', start: withVmcs, act: ({ unit }) => unit.instructions.vmptrld(1n << 38n), flags: FAIL_VALID, error: ERROR.VMPTRLD_INCORRECT_REVISION },
  { title: 'VMREAD without a VMCS', start: inRoot, act: ({ unit }) => unit.instructions.vmread(0x6800n), flags: FAIL_INVALID },
  { title: 'VMREAD of no field', start: withVmcs, act: ({ unit }) => unit.instructions.vmread(0x1n << 40n), flags: FAIL_VALID, error: ERROR.UNSUPPORTED_COMPONENT },
  { title: 'VMWRITE of no field', start: withVmcs, act: ({ unit }) => unit.instructions.vmwrite(0x6fffn, 1n), flags: FAIL_VALID, error: ERROR.UNSUPPORTED_COMPONENT },
  { title: 'VMWRITE of a read-only field', start: withVmcs, act: ({ unit }) => unit.instructions.vmwrite(0x4402n, 1n), flags: FAIL_VALID, error: ERROR.VMWRITE_READ_ONLY },
  { title: 'VMWRITE', start: withVmcs, act: ({ unit }) => unit.instructions.vmwrite(0x6800n, 1n), flags: SUCCEED },
  { title: 'VMLAUNCH without a VMCS', start: inRoot, act: ({ unit }) => unit.instructions.vmlaunch(), flags: FAIL_INVALID },
  { title: 'VMLAUNCH behind MOV SS', start: withVmcs, act: ({ unit, processor }) => ((processor.interruptibility.movSs = true), unit.instructions.vmlaunch()), flags: FAIL_VALID, error: ERROR.ENTRY_BLOCKED_BY_MOV_SS },
  { title: 'VMLAUNCH of a launched VMCS', start: withVmcs, act: ({ unit }) => ((unit.current!.launched = true), unit.instructions.vmlaunch()), flags: FAIL_VALID, error: ERROR.VMLAUNCH_NON_CLEAR },
  { title: 'VMRESUME of a clear VMCS', start: withVmcs, act: ({ unit }) => unit.instructions.vmresume(), flags: FAIL_VALID, error: ERROR.VMRESUME_NON_LAUNCHED },
  { title: 'VMLAUNCH with empty controls', start: withVmcs, act: ({ unit }) => unit.instructions.vmlaunch(), flags: FAIL_VALID, error: ERROR.ENTRY_INVALID_CONTROL_FIELDS },
  { title: 'VMCALL in root operation', start: withVmcs, act: ({ unit }) => unit.instructions.vmcall(), flags: FAIL_VALID, error: ERROR.VMCALL_IN_ROOT },
  { title: 'INVEPT, all contexts', start: withVmcs, act: ({ unit }) => unit.instructions.invept(2n, 3, 0n), flags: SUCCEED },
  { title: 'INVEPT of type 0', start: withVmcs, act: ({ unit }) => unit.instructions.invept(0n, 3, 0n), flags: FAIL_VALID, error: ERROR.INVALID_INVEPT_INVVPID_OPERAND },
  { title: 'INVEPT of an EPTP that no entry would take', start: withVmcs, act: ({ unit }) => unit.instructions.invept(1n, 3, 0n), flags: FAIL_VALID, error: ERROR.INVALID_INVEPT_INVVPID_OPERAND },
  { title: 'INVVPID of VPID 0', start: withVmcs, act: ({ unit }) => unit.instructions.invvpid(1n, 3, 0n), flags: FAIL_VALID, error: ERROR.INVALID_INVEPT_INVVPID_OPERAND },
  { title: 'INVVPID, all contexts', start: withVmcs, act: ({ unit }) => unit.instructions.invvpid(2n, 3, 0n), flags: SUCCEED },
  { title: 'INVVPID of type 4', start: withVmcs, act: ({ unit }) => unit.instructions.invvpid(4n, 3, 0n), flags: FAIL_VALID, error: ERROR.INVALID_INVEPT_INVVPID_OPERAND },
]; // prettier-ignore

const raises =
  (vector: number) =>
  (signal: unknown): boolean =>
    signal instanceof GuestFault && signal.vector === vector;

describe('VMX instructions', () => {
  for (const { title, start, act, flags, error } of cases) {
    it(title, () => {
      const bench = start();
      bench.state.setQuad(STATE.result2, 0xffn);
      act(bench);
      assert.equal(bench.state.word(STATE.result2), flags);
      if (error !== undefined) assert.equal(bench.unit.current!.low(F.VM_INSTRUCTION_ERROR), error);
    });
  }

  it('VMXON needs IA32_FEATURE_CONTROL and legal control registers', () => {
    for (const spoil of [
      ({ processor }: Bench) => processor.msrs.set(MSR.FEATURE_CONTROL, 4n),
      ({ processor }: Bench) => processor.msrs.set(MSR.FEATURE_CONTROL, 1n),
      ({ state }: Bench) => state.setWord(STATE.cr0, 0x8005_0013),
    ]) {
      const bench = makeBench();
      spoil(bench);
      assert.throws(() => bench.unit.instructions.vmxon(BigInt(VMXON_REGION)), raises(13));
      assert.equal(bench.unit.modeBits, 0);
    }
  });

  it('VMCLEAR makes the current VMCS not current', () => {
    const { unit, state } = withVmcs();
    unit.instructions.vmptrst();
    assert.equal(state.quad(STATE.result), BigInt(VMCS_REGION));
    unit.current!.launched = true;
    unit.instructions.vmclear(BigInt(VMCS_REGION));
    assert.equal(unit.current, undefined);
    unit.instructions.vmptrst();
    assert.equal(state.quad(STATE.result), 0xffff_ffff_ffff_ffffn);
    unit.instructions.vmptrld(BigInt(VMCS_REGION));
    assert.equal(unit.current!.launched, false);
  });

  it('VMPTRLD switches between VMCSs, which keep their fields', () => {
    const { unit, state } = withVmcs();
    unit.instructions.vmwrite(0x681en, 0x1234_5678_9abcn);
    unit.instructions.vmptrld(BigInt(SECOND_VMCS));
    unit.instructions.vmread(0x681en);
    assert.equal(state.quad(STATE.result), 0n);
    unit.instructions.vmptrld(BigInt(VMCS_REGION));
    unit.instructions.vmread(0x681en);
    assert.equal(state.quad(STATE.result), 0x1234_5678_9abcn);
  });

  it('VMXOFF leaves VMX operation', () => {
    const { unit } = withVmcs();
    assert.equal(unit.modeBits, MODE.root);
    unit.instructions.vmxoff();
    assert.equal(unit.modeBits, 0);
    assert.equal(unit.current, undefined);
  });

  it('are undefined outside VMX operation and in illegal modes', () => {
    const outside = makeBench();
    assert.equal(outside.unit.instructions.vmxOperation(0), Outcome.Done);
    assert.throws(() => outside.unit.instructions.vmxOperation(1), raises(6));
    outside.state.setWord(STATE.cr4, 0x20);
    assert.throws(() => outside.unit.instructions.vmxOperation(0), raises(6));
    const compatibility = inRoot();
    compatibility.state.setWord(STATE.mode, compatibility.state.word(STATE.mode) - 1);
    assert.throws(() => compatibility.unit.instructions.vmxOperation(2), raises(6));
    assert.equal(compatibility.unit.instructions.vmxOperation(1), Outcome.Done);
    assert.throws(() => inRoot().unit.instructions.vmfunc(), raises(6));
  });

  it('VMX operation fixes bits of CR0 and CR4', () => {
    const { unit } = inRoot();
    assert.equal(unit.controlRegisterAllowed(0, 0x8005_0033n), true);
    for (const bit of [0n, 5n, 31n]) assert.equal(unit.controlRegisterAllowed(0, 0x8005_0033n ^ (1n << bit)), false);
    assert.equal(unit.controlRegisterAllowed(4, 0x20n), false);
    assert.equal(makeBench().unit.controlRegisterAllowed(4, 0x20n), true);
  });
});
