/** The VMCS: field encodings, access to halves, what a write marks (SDM Vol. 3C 25.11, appendix B). */
import assert from 'node:assert/strict';
import { supportsField } from '../../../src/cpu/vmx/capabilities';
import type { FieldKey } from '../../../src/cpu/vmx/fields';
import type { VmwriteResult } from '../../../src/cpu/vmx/vmcs';
import { F, GUEST_SEGMENTS, VMCS_FIELDS, VMCS_REGION_SIZE } from '../../../src/cpu/vmx/vmcs-layout';
import { capabilities, emptyVmcs } from './base-vmcs';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const BITS = { 16: 16, 32: 32, 64: 64, natural: 64 } as const;

describe('VMCS fields', () => {
  const encodings: readonly [FieldKey, number, number | 'natural', string][] = [
    ['VPID', 0x0000, 16, 'control'],
    ['GUEST_TR_SELECTOR', 0x080e, 16, 'guest-state'],
    ['HOST_TR_SELECTOR', 0x0c0c, 16, 'host-state'],
    ['EPT_POINTER', 0x201a, 64, 'control'],
    ['TSC_MULTIPLIER', 0x2032, 64, 'control'],
    ['GUEST_PHYSICAL_ADDRESS', 0x2400, 64, 'exit-information'],
    ['GUEST_PDPTE3', 0x2810, 64, 'guest-state'],
    ['HOST_PERF_GLOBAL_CTRL', 0x2c04, 64, 'host-state'],
    ['PLE_WINDOW', 0x4022, 32, 'control'],
    ['EXIT_INSTRUCTION_INFORMATION', 0x440e, 32, 'exit-information'],
    ['GUEST_TR_ACCESS_RIGHTS', 0x4822, 32, 'guest-state'],
    ['PREEMPTION_TIMER_VALUE', 0x482e, 32, 'guest-state'],
    ['HOST_SYSENTER_CS', 0x4c00, 32, 'host-state'],
    ['CR3_TARGET_VALUE_3', 0x600e, 'natural', 'control'],
    ['GUEST_LINEAR_ADDRESS', 0x640a, 'natural', 'exit-information'],
    ['GUEST_SYSENTER_EIP', 0x6826, 'natural', 'guest-state'],
    ['HOST_RIP', 0x6c16, 'natural', 'host-state'],
  ];
  for (const [key, encoding, width, group] of encodings) {
    it(`${key} is ${encoding.toString(16)}`, () => {
      assert.deepEqual([F[key].encoding, F[key].width, F[key].group], [encoding, width, group]);
    });
  }

  it('have encodings of their own and do not overlap in the region', () => {
    assert.equal(new Set(VMCS_FIELDS.map(({ encoding }) => encoding)).size, VMCS_FIELDS.length);
    const owner = new Map<number, string>([0, 4, 8].map((offset) => [offset, 'header']));
    for (const { key, offset, wide } of VMCS_FIELDS) {
      for (const word of wide ? [offset, offset + 4] : [offset]) {
        assert.ok(
          !owner.has(word) && word % 4 === 0 && word < VMCS_REGION_SIZE,
          `${key} at ${word}: ${owner.get(word)}`,
        );
        owner.set(word, key);
      }
    }
  });

  it('exist as the controls say', () => {
    const absent = VMCS_FIELDS.filter((field) => !supportsField(capabilities, field)).map(({ key }) => key);
    const present: FieldKey[] = ['EPT_POINTER', 'VPID', 'GUEST_PAT', 'TPR_THRESHOLD', 'PREEMPTION_TIMER_VALUE'];
    for (const key of present) assert.ok(!absent.includes(key), key);
    const missing: FieldKey[] = [
      'PML_ADDRESS',
      'PLE_GAP',
      'TSC_MULTIPLIER',
      'GUEST_BNDCFGS',
      'HOST_PERF_GLOBAL_CTRL',
      'GUEST_SSP',
    ];
    for (const key of missing) assert.ok(absent.includes(key), key);
  });
});

describe('VMREAD and VMWRITE', () => {
  it('keep every field apart and cut values to its width', () => {
    const vmcs = emptyVmcs();
    const expected = new Map<number, bigint>();
    for (const field of VMCS_FIELDS) {
      const isSupported = supportsField(capabilities, field);
      const result: VmwriteResult = !isSupported
        ? 'unsupported'
        : field.group === 'exit-information'
          ? 'read-only'
          : 'done';
      const value = ALL_ONES - BigInt(field.encoding);
      assert.equal(vmcs.write(field.encoding, value), result, field.key);
      if (isSupported) expected.set(field.encoding, result === 'done' ? BigInt.asUintN(BITS[field.width], value) : 0n);
    }
    for (const field of VMCS_FIELDS) assert.equal(vmcs.read(field.encoding), expected.get(field.encoding), field.key);
  });

  const cases: readonly { title: string; encoding: number; value: bigint; result: VmwriteResult; low: bigint }[] = [
    {
      title: 'high access',
      encoding: 0x2011,
      value: 0xaaaa_0000_1234_5678n,
      result: 'done',
      low: 0x1234_5678_0000_0001n,
    },
    {
      title: 'full access',
      encoding: 0x2010,
      value: 0x1122_3344_5566_7788n,
      result: 'done',
      low: 0x1122_3344_5566_7788n,
    },
    { title: 'odd encoding of a 32-bit field', encoding: 0x4001, value: 1n, result: 'unsupported', low: 1n },
    { title: 'odd encoding of a natural-width field', encoding: 0x681f, value: 1n, result: 'unsupported', low: 1n },
    { title: 'reserved bit 12', encoding: 0x3010, value: 1n, result: 'unsupported', low: 1n },
    { title: 'bits above 31', encoding: 0x1_0000_2010, value: 1n, result: 'unsupported', low: 1n },
    { title: 'high access to a read-only field', encoding: 0x2401, value: 1n, result: 'read-only', low: 1n },
  ];
  for (const { title, encoding, value, result, low } of cases) {
    it(title, () => {
      const vmcs = emptyVmcs();
      vmcs.set(F.TSC_OFFSET, 1n);
      assert.equal(vmcs.write(encoding, value), result);
      assert.equal(vmcs.read(0x2010), low);
      assert.equal(vmcs.read(0x2011), low >> 32n);
    });
  }

  it('reads nothing through an unsupported encoding', () => {
    for (const encoding of [0x4001, 0x200e, 0x7fff, 0xffff_ffff, 0x2401 + 2]) {
      assert.equal(emptyVmcs().read(encoding), undefined);
    }
  });
});

describe('The VMCS region', () => {
  it('has the header of the SDM and touches nothing outside', () => {
    const vmcs = emptyVmcs();
    const bytes = new DataView(vmcs.words.buffer);
    bytes.setUint32(4096, 0x8000_1234, true);
    assert.equal(vmcs.revisionIdentifier, 0x1234);
    assert.equal(vmcs.isShadow, true);
    vmcs.abortIndicator = 4;
    assert.equal(bytes.getUint32(4100, true), 4);
    assert.equal(vmcs.launched, false);
    vmcs.launched = true;
    assert.equal(vmcs.launched, true);
    for (const field of VMCS_FIELDS) vmcs.set(field, ALL_ONES);
    assert.equal(vmcs.revisionIdentifier, 0x1234);
    assert.ok(new Uint8Array(vmcs.words.buffer, 0, 4096).every((byte) => byte === 0));
  });

  it('keeps segments as records of base, limit, access rights and selector', () => {
    const vmcs = emptyVmcs();
    const bytes = new DataView(vmcs.words.buffer, 4096);
    GUEST_SEGMENTS.forEach(({ selector, base, limit, accessRights }, i) => {
      const at = 0x600 + 32 * i;
      bytes.setBigUint64(at, 0x1111_2222_3333_4444n, true);
      bytes.setUint32(at + 8, 0xffff_ff00 + i, true);
      bytes.setUint32(at + 12, 0x1_c093, true);
      bytes.setUint32(at + 16, 0xdead_0010 + i, true);
      assert.equal(vmcs.read(base.encoding), 0x1111_2222_3333_4444n);
      assert.equal(vmcs.read(limit.encoding), BigInt(0xffff_ff00 + i));
      assert.equal(vmcs.read(accessRights.encoding), 0x1_c093n);
      assert.equal(vmcs.read(selector.encoding), BigInt(0x10 + i));
    });
  });

  it('gives numbers without BigInt', () => {
    const vmcs = emptyVmcs();
    vmcs.set(F.EPT_POINTER, 0x12_8765_4321n);
    assert.equal(vmcs.number(F.EPT_POINTER), 0x12_8765_4321);
    assert.deepEqual([vmcs.low(F.EPT_POINTER), vmcs.high(F.EPT_POINTER)], [0x8765_4321, 0x12]);
    vmcs.store(F.GUEST_CS_SELECTOR, 0x1_2345, 7);
    assert.deepEqual([vmcs.low(F.GUEST_CS_SELECTOR), vmcs.high(F.GUEST_CS_SELECTOR)], [0x2345, 0]);
  });
});
