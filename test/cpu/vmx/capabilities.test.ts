/** The capability MSRs and the tables that follow from them (SDM Vol. 3D, appendix A). */
import assert from 'node:assert/strict';
import { capabilityMsr, supportedControls, supportsControl } from '../../../src/cpu/vmx/capabilities';
import { controlNames, controlsOf, ENTRY, EXIT, PIN, PRIMARY, SECONDARY } from '../../../src/cpu/vmx/controls';
import type { ControlVector } from '../../../src/cpu/vmx/controls';
import { EXIT_REASON, EXIT_REASONS, exitReasonName } from '../../../src/cpu/vmx/exit-reasons';
import { capabilities } from './base-vmcs';

describe('VMX capability MSRs', () => {
  const msrs: readonly [name: string, index: number, value: bigint | undefined][] = [
    ['IA32_VMX_BASIC', 0x480, 0x00d8_1000_0056_4d58n],
    ['IA32_VMX_PINBASED_CTLS', 0x481, 0x0000_007f_0000_0016n],
    ['IA32_VMX_PROCBASED_CTLS', 0x482, 0xfff9_fffe_0401_e172n],
    ['IA32_VMX_EXIT_CTLS', 0x483, 0x007f_efff_0003_6dffn],
    ['IA32_VMX_ENTRY_CTLS', 0x484, 0x0000_d3ff_0000_11ffn],
    ['IA32_VMX_MISC', 0x485, 0x4004_0060n],
    ['IA32_VMX_CR0_FIXED0', 0x486, 0x8000_0021n],
    ['IA32_VMX_CR0_FIXED1', 0x487, 0xffff_ffffn],
    ['IA32_VMX_CR4_FIXED0', 0x488, 0x2000n],
    ['IA32_VMX_CR4_FIXED1', 0x489, 0x37_27ffn],
    ['IA32_VMX_VMCS_ENUM', 0x48a, 0x2en],
    ['IA32_VMX_PROCBASED_CTLS2', 0x48b, 0x0001_18ee_0000_0000n],
    ['IA32_VMX_EPT_VPID_CAP', 0x48c, 0x0000_0f01_0631_4141n],
    ['IA32_VMX_TRUE_PINBASED_CTLS', 0x48d, 0x0000_007f_0000_0016n],
    ['IA32_VMX_TRUE_PROCBASED_CTLS', 0x48e, 0xfff9_fffe_0400_6172n],
    ['IA32_VMX_TRUE_EXIT_CTLS', 0x48f, 0x007f_efff_0003_6dfbn],
    ['IA32_VMX_TRUE_ENTRY_CTLS', 0x490, 0x0000_d3ff_0000_11fbn],
    ['IA32_VMX_VMFUNC', 0x491, undefined],
    ['IA32_VMX_PROCBASED_CTLS3', 0x492, undefined],
    ['below', 0x47f, undefined],
  ];
  for (const [name, index, value] of msrs) {
    it(name, () => assert.equal(capabilityMsr(capabilities, index), value));
  }

  it('offer exactly the supported controls', () => {
    const msrOf: Readonly<Record<ControlVector, number>> = {
      pin: 0x48d,
      primary: 0x48e,
      secondary: 0x48b,
      exit: 0x48f,
      entry: 0x490,
    };
    for (const [vector, controls] of Object.entries(controlsOf)) {
      const mayBe1 = capabilityMsr(capabilities, msrOf[vector as ControlVector])! >> 32n;
      for (const control of controls) {
        assert.equal(
          ((mayBe1 >> BigInt(control.bit)) & 1n) === 1n,
          supportsControl(capabilities, control),
          control.name,
        );
      }
    }
    assert.equal(supportedControls(capabilities).length, 4 + 21 + 9 + 8 + 4);
  });
});

describe('Controls', () => {
  it('have the SDM masks', () => {
    assert.deepEqual(
      [
        PIN.VIRTUAL_NMIS,
        PRIMARY.ACTIVATE_SECONDARY_CONTROLS,
        SECONDARY.UNRESTRICTED_GUEST,
        EXIT.LOAD_EFER,
        ENTRY.LOAD_EFER,
      ],
      [0x20, 0x8000_0000, 0x80, 0x20_0000, 0x8000],
    );
  });

  it('have names', () => {
    assert.deepEqual(controlNames('primary', 0x8000_0081), ['bit 0', 'HLT exiting', 'Activate secondary controls']);
    assert.deepEqual(controlNames('entry', 0), []);
  });
});

describe('Exit reasons', () => {
  it('are 0 to 68, each implemented or absent for a reason', () => {
    assert.deepEqual(
      EXIT_REASONS.map(({ number }) => number),
      Array.from({ length: 69 }, (_, i) => i),
    );
    const implemented = EXIT_REASONS.filter(({ absent }) => !absent).map(({ number }) => number);
    assert.deepEqual(Object.values(EXIT_REASON), implemented);
  });

  it('agree with the capability MSRs', () => {
    for (const { name, control, absent } of EXIT_REASONS) {
      if (control) assert.ok(supportsControl(capabilities, control), name);
      if (absent && 'control' in absent) assert.ok(!supportsControl(capabilities, absent.control), name);
    }
  });

  it('have names, whatever the upper bits', () => {
    assert.equal(exitReasonName(48), 'EPT violation');
    assert.equal(exitReasonName(0x8000_0021), 'VM-entry failure due to invalid guest state');
    assert.equal(exitReasonName(999), 'Unknown (999)');
  });
});
