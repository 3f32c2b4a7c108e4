/** VM-entry checks: each rule broken alone gives that rule's name (SDM Vol. 3C 27.2, 27.3). */
import assert from 'node:assert/strict';
import { checkEntry, checkEverything, ENTRY_RULES } from '../../../src/cpu/vmx/entry-checks/entry-checks';
import type { EntryRule } from '../../../src/cpu/vmx/entry-checks/rule';
import type { FieldKey } from '../../../src/cpu/vmx/fields';
import type { Vmcs, VmcsView } from '../../../src/cpu/vmx/vmcs';
import { F } from '../../../src/cpu/vmx/vmcs-layout';
import type { VmcsField } from '../../../src/cpu/vmx/vmcs-layout';
import { bases, context, flipped, makeVmcs, OTHER_VMCS, PDPT, VIRTUAL_APIC } from './base-vmcs';
import type { Base } from './base-vmcs';
import { entryCases } from './entry-cases';
import type { EntryCase } from './entry-cases';

function recording(vmcs: VmcsView, read: Set<VmcsField>): VmcsView {
  return {
    low: (field) => (read.add(field), vmcs.low(field)),
    high: (field) => (read.add(field), vmcs.high(field)),
  };
}

function checkCase({ rule, base, changes, context: special, also = [], field }: EntryCase): void {
  const vmcs = makeVmcs(base, changes);
  const conditions = special ?? context();
  const broken = ENTRY_RULES.filter((candidate) => !candidate.test(vmcs, conditions)).map(
    (candidate) => candidate.rule,
  );
  assert.deepEqual([...broken].sort(), [rule, ...also].sort());
  const failure = checkEntry(vmcs, conditions);
  assert.equal(failure?.rule, broken[0]);
  if (also.length > 0) return;
  assert.equal(failure?.field.key, field ?? Object.keys(changes)[0]);
  const { kind, section } = ENTRY_RULES.find((candidate) => candidate.rule === rule)!;
  assert.deepEqual({ kind: failure?.kind, section: failure?.section }, { kind, section });
  assert.ok(section.startsWith({ control: '27.2.1', host: '27.2.', guest: '27.3.1' }[kind]));
}

/** Entries that look unusual but are allowed. */
const allowed: readonly { title: string; base: Base; changes: EntryCase['changes']; words?: Record<number, number> }[] =
  [
    {
      title: 'secondary controls are not looked at when inactive',
      base: 'long',
      changes: { PRIMARY_CONTROLS: 0x0400_6172, SECONDARY_CONTROLS: 0xffff_ffff },
    },
    {
      title: 'bitmaps that are not used',
      base: 'long',
      changes: {
        PRIMARY_CONTROLS: 0x0400_6172,
        IO_BITMAP_A: 1,
        MSR_BITMAPS: 1,
        VIRTUAL_APIC_ADDRESS: 1,
        TPR_THRESHOLD: 99,
      },
    },
    {
      title: 'an MSR area without entries',
      base: 'long',
      changes: { EXIT_MSR_LOAD_COUNT: 0, EXIT_MSR_LOAD_ADDRESS: 1 },
    },
    { title: 'four CR3 targets', base: 'long', changes: { CR3_TARGET_COUNT: 4 } },
    { title: 'an uncacheable EPT', base: 'long', changes: { EPT_POINTER: 0x6018 } },
    {
      title: '#GP without an error code in real mode',
      base: 'real',
      changes: { ENTRY_INTERRUPTION_INFORMATION: 0x8000_030d },
    },
    {
      title: '#GP with an error code',
      base: 'long',
      changes: { ENTRY_INTERRUPTION_INFORMATION: 0x8000_0b0d, ENTRY_EXCEPTION_ERROR_CODE: 0xffff },
    },
    {
      title: 'an interruption field that is not valid',
      base: 'long',
      changes: { ENTRY_INTERRUPTION_INFORMATION: 0x7fff_ffff },
    },
    { title: 'INT n of length 0', base: 'long', changes: { ENTRY_INTERRUPTION_INFORMATION: 0x8000_0480 } },
    { title: 'a pending MTF exit', base: 'long', changes: { ENTRY_INTERRUPTION_INFORMATION: 0x8000_0700 } },
    {
      title: 'conforming code with a lower DPL',
      base: 'long',
      changes: {
        GUEST_CS_SELECTOR: 0xb,
        GUEST_SS_SELECTOR: 0x13,
        GUEST_SS_ACCESS_RIGHTS: 0xc0f3,
        GUEST_CS_ACCESS_RIGHTS: 0xa09f,
      },
    },
    {
      title: 'unusable data segments',
      base: 'long',
      changes: { GUEST_DS_ACCESS_RIGHTS: 0x1_0f00, GUEST_SS_ACCESS_RIGHTS: 0x1_0000, GUEST_DS_BASE: 1n << 63n },
    },
    {
      title: 'an unusable LDTR',
      base: 'long',
      changes: { GUEST_LDTR_ACCESS_RIGHTS: 0x1_0f0f, GUEST_LDTR_SELECTOR: 4, GUEST_LDTR_BASE: 1n << 63n },
    },
    { title: 'a 16-bit TSS outside IA-32e mode', base: 'pae', changes: { GUEST_TR_ACCESS_RIGHTS: 0x83 } },
    { title: 'RIP with bit 47 unlike bit 48', base: 'long', changes: { GUEST_RIP: 0x0000_8000_0000_0000n } },
    { title: 'real mode with LME set', base: 'real', changes: { GUEST_EFER: 0x100 } },
    {
      title: 'HLT with an external interrupt',
      base: 'long',
      changes: { GUEST_ACTIVITY_STATE: 1, ENTRY_INTERRUPTION_INFORMATION: 0x8000_0030 },
    },
    {
      title: 'HLT with #DB',
      base: 'long',
      changes: { GUEST_ACTIVITY_STATE: 1, ENTRY_INTERRUPTION_INFORMATION: 0x8000_0301 },
    },
    {
      title: 'BS pending with TF and MOV-SS blocking',
      base: 'long',
      changes: { GUEST_INTERRUPTIBILITY_STATE: 2, GUEST_RFLAGS: 0x302, GUEST_PENDING_DEBUG_EXCEPTIONS: 0x4000 },
    },
    { title: 'a VMCS link pointer to another VMCS', base: 'long', changes: { VMCS_LINK_POINTER: OTHER_VMCS } },
    { title: 'PDPTEs of no use in IA-32e mode', base: 'long', changes: { GUEST_PDPTE0: 7 } },
    {
      title: 'PAE without EPT: the VMCS PDPTEs do not count',
      base: 'pae',
      changes: { SECONDARY_CONTROLS: 0, GUEST_PDPTE0: 7 },
      words: { [PDPT]: 1 },
    },
  ];

describe('VM-entry checks', () => {
  for (const base of Object.keys(bases) as Base[]) {
    it(`passes a valid ${base} VMCS`, () => assert.equal(checkEntry(makeVmcs(base), context()), undefined));
  }

  for (const { title, base, changes, words } of allowed) {
    it(`allows ${title}`, () => assert.equal(checkEverything(makeVmcs(base, changes), context(words)), undefined));
  }

  entryCases.forEach((entryCase, i) => it(`${entryCase.rule} (case ${i})`, () => checkCase(entryCase)));

  it('has a case for every rule, and names no rule twice', () => {
    const names = ENTRY_RULES.map(({ rule }) => rule);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual([...new Set(entryCases.map(({ rule }) => rule))].sort(), [...names].sort());
  });

  it('declares every field that a rule reads', () => {
    const undeclared = new Set<string>();
    const verify = (rule: EntryRule, vmcs: Vmcs, conditions: EntryCase['context']): void => {
      const read = new Set<VmcsField>();
      rule.test(recording(vmcs, read), conditions ?? context());
      for (const field of read) if (!rule.fields.includes(field)) undeclared.add(`${rule.rule}: ${field.key}`);
    };
    const variants: EntryCase[] = [...entryCases, ...allowed.map((row) => ({ ...row, rule: '' }))];
    for (const { base, changes, context: special } of variants) {
      const vmcs = makeVmcs(base, changes);
      for (const rule of ENTRY_RULES) verify(rule, vmcs, special);
    }
    assert.deepEqual([...undeclared], []);
  });

  it('gives the qualifications of the SDM', () => {
    const byRule = new Map(ENTRY_RULES.map((rule) => [rule.rule, rule.qualification]));
    const qualified = [...byRule].filter(([, qualification]) => qualification !== 0);
    for (const [rule, qualification] of qualified) {
      const expected = rule.startsWith('vmcs-link-pointer') ? 4 : rule === 'guest-interruptibility.nmi-sti' ? 3 : 2;
      assert.equal(qualification, expected, rule);
    }
    assert.equal(qualified.length, 4 + 1 + 5);
  });

  describe('after a passing check', () => {
    const passed = (base: Base): Vmcs => {
      const vmcs = makeVmcs(base);
      assert.equal(checkEntry(vmcs, context()), undefined);
      return vmcs;
    };

    it('finds every broken field that VMWRITE wrote, and goes on finding it', () => {
      for (const { rule, base, changes, context: special, also } of entryCases) {
        if (special || also) continue;
        const vmcs = passed(base);
        for (const [key, value] of Object.entries(changes)) {
          assert.equal(vmcs.write(F[key as FieldKey].encoding, BigInt(value)), 'done');
        }
        assert.equal(checkEntry(vmcs, context())?.rule, rule);
        assert.equal(checkEntry(vmcs, context())?.rule, rule);
      }
    });

    it('tests only the rules of written fields', () => {
      const vmcs = passed('long');
      vmcs.set(F.GUEST_RFLAGS, 0n);
      vmcs.write(F.GUEST_RIP.encoding, 0x1000n);
      assert.equal(checkEntry(vmcs, context()), undefined);
      vmcs.markAllWritten();
      assert.equal(checkEntry(vmcs, context())?.rule, 'guest-rflags.reserved-bits');
    });

    it('falls back to all rules after many writes', () => {
      const vmcs = passed('long');
      vmcs.set(F.GUEST_RFLAGS, 0n);
      for (let i = 0; i < 65; i++) vmcs.writeField(F.GUEST_RIP, 0x1000);
      assert.equal(checkEntry(vmcs, context())?.rule, 'guest-rflags.reserved-bits');
    });

    it('sees memory and mode change without a VMWRITE', () => {
      const words = { [VIRTUAL_APIC + 0x80]: 0 };
      assert.equal(checkEntry(passed('long'), context(words))?.rule, 'tpr-threshold.above-vtpr');
      assert.equal(
        checkEntry(passed('pae'), context({}, { longMode: false }))?.rule,
        'host-address-space-size.needs-long-mode',
      );
    });

    it('undoes nothing: a repaired field passes again', () => {
      const vmcs = passed('long');
      const { encoding } = F.GUEST_CR4;
      vmcs.write(encoding, flipped('long', 'GUEST_CR4', 0x20));
      assert.equal(checkEntry(vmcs, context())?.rule, 'guest-cr4.ia32e-needs-pae');
      vmcs.write(encoding, flipped('long', 'GUEST_CR4', 0));
      assert.equal(checkEntry(vmcs, context()), undefined);
    });
  });
});
