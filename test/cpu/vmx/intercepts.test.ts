/** Which instructions exit under which controls, and with what fields (SDM Vol. 3C 26.1, 28.2). */
import assert from 'node:assert/strict';
import type { ExitCheck } from '../../../src/isa/exits';
import { exitBit } from '../../../src/isa/exits';
import { createDecoder } from '../../../src/isa/decode';
import { INSTRUCTIONS } from '../../../src/isa/records/index';
import { STATE } from '../../../src/cpu/layout';
import { GuestFault } from '../../../src/cpu/signals';
import { PRIMARY, SECONDARY } from '../../../src/cpu/vmx/controls';
import type { FieldKey } from '../../../src/cpu/vmx/fields';
import { EXIT_REASON as R } from '../../../src/cpu/vmx/exit-reasons';
import { F } from '../../../src/cpu/vmx/vmcs-layout';
import type { Vmcs } from '../../../src/cpu/vmx/vmcs';
import { bases } from './base-vmcs';
import { makeBench, VMCS_REGION, VMXON_REGION } from './bench-processor';
import type { Bench } from './bench-processor';

const decoder = createDecoder(INSTRUCTIONS);

/** A 64-bit guest whose primary and secondary controls, beyond those that must be 1, are exactly these. */
function guest(primary: number, secondary = 0, fields: Partial<Record<FieldKey, number | bigint>> = {}): Bench {
  const bench = makeBench();
  bench.unit.instructions.vmxon(BigInt(VMXON_REGION));
  bench.unit.instructions.vmptrld(BigInt(VMCS_REGION));
  const values = {
    ...bases.long,
    EXIT_MSR_STORE_COUNT: 0,
    EXIT_MSR_LOAD_COUNT: 0,
    ENTRY_MSR_LOAD_COUNT: 0,
    PRIMARY_CONTROLS: 0x0400_6172 + PRIMARY.ACTIVATE_SECONDARY_CONTROLS + primary,
    SECONDARY_CONTROLS: secondary,
    ...fields,
  };
  for (const [key, value] of Object.entries(values)) bench.unit.current!.set(F[key as FieldKey], BigInt(value));
  assert.equal(bench.unit.enter(true), 'entered', bench.unit.lastFailure?.rule);
  bench.state.rip = 0x1000n;
  [0x11, 0x174, 0x3f8, 0x33, 0x7000, 0x55, 0x6000, 0x5000].forEach((value, i) =>
    bench.state.setGeneral(i, BigInt(value)),
  );
  return bench;
}

interface Case {
  readonly title: string;
  readonly check: ExitCheck;
  readonly bytes: readonly number[];
  readonly primary?: number;
  readonly secondary?: number;
  readonly fields?: Partial<Record<FieldKey, number | bigint>>;
  readonly reason: number | 'none' | '#UD';
  readonly qualification?: bigint;
  readonly information?: number;
  readonly linear?: bigint;
}

const noBase = 1 << 27;
const noIndex = 1 << 22;
const address64 = 2 << 7;
const DS = 3 << 15;

const cases: readonly Case[] = [
  { title: 'CPUID', check: 'CPUID', bytes: [0x0f, 0xa2], reason: R.CPUID },
  { title: 'HLT', check: 'HLT', bytes: [0xf4], primary: PRIMARY.HLT_EXITING, reason: R.HLT },
  { title: 'HLT without its control', check: 'HLT', bytes: [0xf4], reason: 'none' },
  { title: 'INVLPG [rbx+8]', check: 'INVLPG', bytes: [0x0f, 0x01, 0x7b, 0x08], primary: PRIMARY.INVLPG_EXITING, reason: R.INVLPG, qualification: 0x3bn },
  { title: 'OUT DX, AL', check: 'IO', bytes: [0xee], primary: PRIMARY.UNCONDITIONAL_IO_EXITING, reason: R.IO_INSTRUCTION, qualification: 0x03f8_0000n },
  { title: 'IN EAX, 0x80', check: 'IO', bytes: [0xe5, 0x80], primary: PRIMARY.UNCONDITIONAL_IO_EXITING, reason: R.IO_INSTRUCTION, qualification: 0x0080_004bn },
  { title: 'REP OUTSB', check: 'IO', bytes: [0xf3, 0x6e], primary: PRIMARY.UNCONDITIONAL_IO_EXITING, reason: R.IO_INSTRUCTION, qualification: 0x03f8_0030n, linear: 0x6000n, information: address64 | DS },
  { title: 'INSW', check: 'IO', bytes: [0x66, 0x6d], primary: PRIMARY.UNCONDITIONAL_IO_EXITING, reason: R.IO_INSTRUCTION, qualification: 0x03f8_0019n, linear: 0x5000n, information: address64 },
  { title: 'OUT under a clear bitmap', check: 'IO', bytes: [0xee], primary: PRIMARY.USE_IO_BITMAPS, reason: 'none' },
  { title: 'RDMSR without bitmaps', check: 'RDMSR', bytes: [0x0f, 0x32], reason: R.RDMSR },
  { title: 'RDMSR under a clear bitmap', check: 'RDMSR', bytes: [0x0f, 0x32], primary: PRIMARY.USE_MSR_BITMAPS, reason: 'none' },
  { title: 'WRMSR under a clear bitmap', check: 'WRMSR', bytes: [0x0f, 0x30], primary: PRIMARY.USE_MSR_BITMAPS, reason: 'none' },
  { title: 'MOV CR0, RAX that changes a bit of the host', check: 'CR_ACCESS', bytes: [0x0f, 0x22, 0xc0], fields: { CR0_GUEST_HOST_MASK: 0x20 , CR0_READ_SHADOW: 0x20 }, reason: R.CONTROL_REGISTER_ACCESS, qualification: 0n },
  { title: 'MOV CR0, RAX that agrees with the shadow', check: 'CR_ACCESS', bytes: [0x0f, 0x22, 0xc0], fields: { CR0_GUEST_HOST_MASK: 0x20 }, reason: 'none' },
  { title: 'MOV CR3, RBX', check: 'CR_ACCESS', bytes: [0x0f, 0x22, 0xdb], primary: PRIMARY.CR3_LOAD_EXITING, reason: R.CONTROL_REGISTER_ACCESS, qualification: 0x303n },
  { title: 'MOV CR3, RBX, a target value', check: 'CR_ACCESS', bytes: [0x0f, 0x22, 0xdb], primary: PRIMARY.CR3_LOAD_EXITING, fields: { CR3_TARGET_COUNT: 1, CR3_TARGET_VALUE_0: 0x33 }, reason: 'none' },
  { title: 'MOV RCX, CR3', check: 'CR_ACCESS', bytes: [0x0f, 0x20, 0xd9], primary: PRIMARY.CR3_STORE_EXITING, reason: R.CONTROL_REGISTER_ACCESS, qualification: 0x113n },
  { title: 'MOV CR8, RAX', check: 'CR_ACCESS', bytes: [0x44, 0x0f, 0x22, 0xc0], primary: PRIMARY.CR8_LOAD_EXITING, reason: R.CONTROL_REGISTER_ACCESS, qualification: 0x8n },
  { title: 'CLTS', check: 'CR_ACCESS', bytes: [0x0f, 0x06], fields: { CR0_GUEST_HOST_MASK: 8, CR0_READ_SHADOW: 8 }, reason: R.CONTROL_REGISTER_ACCESS, qualification: 0x20n },
  { title: 'LMSW AX', check: 'CR_ACCESS', bytes: [0x0f, 0x01, 0xf0], fields: { CR0_GUEST_HOST_MASK: 8, CR0_READ_SHADOW: 8 }, reason: R.CONTROL_REGISTER_ACCESS, qualification: 0x11_0030n },
  { title: 'MOV RDX, DR6', check: 'DR_ACCESS', bytes: [0x0f, 0x21, 0xf2], primary: PRIMARY.MOV_DR_EXITING, reason: R.MOV_DR, qualification: 0x216n },
  { title: 'MONITOR', check: 'MONITOR', bytes: [0x0f, 0x01, 0xc8], primary: PRIMARY.MONITOR_EXITING, reason: R.MONITOR },
  { title: 'MWAIT', check: 'MWAIT', bytes: [0x0f, 0x01, 0xc9], primary: PRIMARY.MWAIT_EXITING, reason: R.MWAIT, qualification: 0n },
  { title: 'LGDT [rip+0x10]', check: 'DESCRIPTOR_TABLE', bytes: [0x0f, 0x01, 0x15, 0x10, 0, 0, 0], secondary: SECONDARY.DESCRIPTOR_TABLE_EXITING, reason: R.GDTR_IDTR_ACCESS, qualification: 0x1017n, information: address64 + DS + noIndex + noBase + (2 << 28) },
  { title: 'LTR AX', check: 'DESCRIPTOR_TABLE', bytes: [0x0f, 0x00, 0xd8], secondary: SECONDARY.DESCRIPTOR_TABLE_EXITING, reason: R.LDTR_TR_ACCESS, information: (1 << 10) + 0x3000_0000 },
  { title: 'RDTSCP that is switched off', check: 'RDTSCP', bytes: [0x0f, 0x01, 0xf9], reason: '#UD' },
  { title: 'RDTSCP', check: 'RDTSCP', bytes: [0x0f, 0x01, 0xf9], primary: PRIMARY.RDTSC_EXITING, secondary: SECONDARY.ENABLE_RDTSCP, reason: R.RDTSCP },
  { title: 'RDTSCP without RDTSC exiting', check: 'RDTSCP', bytes: [0x0f, 0x01, 0xf9], secondary: SECONDARY.ENABLE_RDTSCP, reason: 'none' },
  { title: 'INVPCID RAX, [rbx] that is switched off', check: 'INVPCID', bytes: [0x66, 0x0f, 0x38, 0x82, 0x03], reason: '#UD' },
  { title: 'INVPCID RAX, [rbx]', check: 'INVPCID', bytes: [0x66, 0x0f, 0x38, 0x82, 0x03], primary: PRIMARY.INVLPG_EXITING, secondary: SECONDARY.ENABLE_INVPCID, reason: R.INVPCID, qualification: 0n, information: address64 + DS + noIndex + (3 << 23) },
  { title: 'RDRAND ECX', check: 'RDRAND', bytes: [0x0f, 0xc7, 0xf1], secondary: SECONDARY.RDRAND_EXITING, reason: R.RDRAND, information: (1 << 3) | (1 << 11) },
  { title: 'RDSEED RCX', check: 'RDSEED', bytes: [0x48, 0x0f, 0xc7, 0xf9], secondary: SECONDARY.RDSEED_EXITING, reason: R.RDSEED, information: (1 << 3) | (2 << 11) },
  { title: 'WBINVD', check: 'WBINVD', bytes: [0x0f, 0x09], secondary: SECONDARY.WBINVD_EXITING, reason: R.WBINVD },
  { title: 'VMREAD RBX, RAX', check: 'VMX', bytes: [0x0f, 0x78, 0xc3], reason: R.VMREAD, information: (3 << 3) | (1 << 10) },
  { title: 'VMWRITE RDX, [rbx+4]', check: 'VMX', bytes: [0x0f, 0x79, 0x53, 0x04], reason: R.VMWRITE, qualification: 4n, information: 0x2000_0000 + address64 + DS + noIndex + (3 << 23) },
  { title: 'VMPTRLD [rax+rcx*4]', check: 'VMX', bytes: [0x0f, 0xc7, 0x34, 0x88], reason: R.VMPTRLD, qualification: 0n, information: 2 + address64 + DS + (1 << 18) },
  { title: 'VMCALL', check: 'VMX', bytes: [0x0f, 0x01, 0xc1], reason: R.VMCALL },
  { title: 'PAUSE', check: 'PAUSE', bytes: [0xf3, 0x90], primary: PRIMARY.PAUSE_EXITING, reason: R.PAUSE },
  { title: 'XSETBV', check: 'XSETBV', bytes: [0x0f, 0x01, 0xd1], reason: R.XSETBV },
]; // prettier-ignore

function information(vmcs: Vmcs): object {
  return {
    reason: vmcs.low(F.EXIT_REASON),
    qualification: vmcs.get(F.EXIT_QUALIFICATION),
    information: vmcs.low(F.EXIT_INSTRUCTION_INFORMATION),
    linear: vmcs.get(F.GUEST_LINEAR_ADDRESS),
    length: vmcs.low(F.EXIT_INSTRUCTION_LENGTH),
  };
}

describe('VMX intercepts', () => {
  for (const c of cases) {
    it(c.title, () => {
      const { unit, state } = guest(c.primary ?? 0, c.secondary, c.fields);
      const decoded = decoder.decode(Uint8Array.from(c.bytes), 0, c.bytes.length, 64);
      assert.ok(!('failure' in decoded), 'the bytes are an instruction');
      const stands = (state.word(STATE.intercepts) & exitBit(c.check)) !== 0;
      if (c.reason === '#UD') {
        assert.throws(
          () => unit.intercept(c.check, decoded),
          (signal) => signal instanceof GuestFault && signal.vector === 6,
        );
        return assert.ok(stands);
      }
      assert.equal(unit.intercept(c.check, decoded), c.reason !== 'none');
      if (c.reason === 'none') return;
      assert.ok(stands, 'its bit stands in the intercept word');
      unit.carryOutExit();
      assert.deepEqual(information(unit.current!), {
        reason: c.reason,
        qualification: c.qualification ?? 0n,
        information: (c.information ?? 0) >>> 0,
        linear: c.linear ?? (c.check === 'MONITOR' ? 0x11n : 0n),
        length: c.bytes.length,
      });
      assert.equal(unit.current!.get(F.GUEST_RIP), 0x1000n);
    });
  }

  it('reads bitmaps in machine memory anew each time', () => {
    const { unit, memory } = guest(PRIMARY.USE_IO_BITMAPS);
    const decoded = decoder.decode(Uint8Array.of(0xee), 0, 1, 64);
    assert.ok(!('failure' in decoded));
    assert.equal(unit.intercept('IO', decoded), false);
    memory.write8(0x2000 + (0x3f8 >> 3), 1);
    assert.equal(unit.intercept('IO', decoded), true);
  });
});
