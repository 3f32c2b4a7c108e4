/** For every VM-entry rule, changes to a valid VMCS that break this rule. */
import { ENTRY, EXIT, PIN, PRIMARY, SECONDARY } from '../../../src/cpu/vmx/controls';
import type { Capabilities } from '../../../src/cpu/vmx/capabilities';
import { EPT_CAPABILITY } from '../../../src/cpu/vmx/capabilities';
import type { EntryContext } from '../../../src/cpu/vmx/entry-checks/rule';
import type { FieldKey } from '../../../src/cpu/vmx/fields';
import { bases, capabilities, context, CURRENT_VMCS, flipped, OTHER_VMCS, PDPT, VIRTUAL_APIC } from './base-vmcs';
import type { Base } from './base-vmcs';

export interface EntryCase {
  readonly rule: string;
  readonly base: Base;
  readonly changes: Partial<Record<FieldKey, number | bigint>>;
  readonly context?: EntryContext;
  /** Rules that cannot but break along with this one. */
  readonly also?: readonly string[];
  /** The field to blame, where it is not the changed one. */
  readonly field?: FieldKey;
}

type Extra = Omit<Partial<EntryCase>, 'rule' | 'base' | 'changes'>;

const of = (rule: string, base: Base, changes: EntryCase['changes'], extra: Extra = {}): EntryCase => ({
  rule,
  base,
  changes,
  ...extra,
});
/** One field with some bits inverted. */
const flip = (rule: string, base: Base, key: FieldKey, mask: number | bigint, extra?: Extra): EntryCase =>
  of(rule, base, { [key]: flipped(base, key, mask) }, extra);
const withCapabilities = (changes: Partial<Capabilities>): EntryContext =>
  context({}, { capabilities: { ...capabilities, ...changes } });

const HIGH_BIT = 1n << 40n;
const NON_CANONICAL = 0x0000_8000_0000_0000n;
const VALID = 0x8000_0000;
const TO_32_BIT_HOST = { EXIT_CONTROLS: flipped('pae', 'EXIT_CONTROLS', EXIT.HOST_ADDRESS_SPACE_SIZE), HOST_EFER: 1 };
const HOST_32 = { ...TO_32_BIT_HOST, HOST_RIP: 0x1000 };
const OUTSIDE = { context: context({}, { longMode: false }) };

const msrArea = (name: string, prefix: string): EntryCase[] => {
  const address = `${prefix}_ADDRESS` as FieldKey;
  return [
    flip(`${name}.alignment`, 'long', address, 8),
    flip(`${name}.width`, 'long', address, HIGH_BIT),
    of(`${name}.last-byte`, 'long', { [address]: HIGH_BIT - 16n }),
  ];
};

const controlCases: readonly EntryCase[] = [
  flip('pin-based-controls.reserved-bits', 'long', 'PIN_BASED_CONTROLS', 2),
  flip('pin-based-controls.reserved-bits', 'long', 'PIN_BASED_CONTROLS', PIN.PROCESS_POSTED_INTERRUPTS),
  flip('primary-controls.reserved-bits', 'long', 'PRIMARY_CONTROLS', 2),
  flip('primary-controls.reserved-bits', 'long', 'PRIMARY_CONTROLS', PRIMARY.ACTIVATE_TERTIARY_CONTROLS),
  flip('secondary-controls.reserved-bits', 'long', 'SECONDARY_CONTROLS', SECONDARY.ENABLE_PML),
  of('cr3-target-count', 'long', { CR3_TARGET_COUNT: 5 }),
  flip('io-bitmap-a.alignment', 'long', 'IO_BITMAP_A', 0x800),
  flip('io-bitmap-a.width', 'long', 'IO_BITMAP_A', HIGH_BIT),
  flip('io-bitmap-b.alignment', 'long', 'IO_BITMAP_B', 1),
  flip('io-bitmap-b.width', 'long', 'IO_BITMAP_B', HIGH_BIT),
  flip('msr-bitmaps.alignment', 'long', 'MSR_BITMAPS', 4),
  flip('msr-bitmaps.width', 'long', 'MSR_BITMAPS', HIGH_BIT),
  flip('virtual-apic-address.alignment', 'long', 'VIRTUAL_APIC_ADDRESS', 0x100),
  flip('virtual-apic-address.width', 'long', 'VIRTUAL_APIC_ADDRESS', HIGH_BIT),
  of('tpr-threshold.reserved-bits', 'long', { TPR_THRESHOLD: 0x10 }),
  of('tpr-threshold.above-vtpr', 'long', { TPR_THRESHOLD: 6 }),
  of(
    'tpr-threshold.above-vtpr',
    'long',
    {},
    { context: context({ [VIRTUAL_APIC + 0x80]: 0x4f }), field: 'TPR_THRESHOLD' },
  ),
  flip('virtual-nmis.needs-nmi-exiting', 'long', 'PIN_BASED_CONTROLS', PIN.NMI_EXITING),
  of(
    'nmi-window-exiting.needs-virtual-nmis',
    'long',
    {
      PIN_BASED_CONTROLS: flipped('long', 'PIN_BASED_CONTROLS', PIN.VIRTUAL_NMIS),
      PRIMARY_CONTROLS: flipped('long', 'PRIMARY_CONTROLS', PRIMARY.NMI_WINDOW_EXITING),
    },
    { field: 'PRIMARY_CONTROLS' },
  ),
  of('vpid.zero', 'long', { VPID: 0 }),
  flip('eptp.memory-type', 'long', 'EPT_POINTER', 2),
  flip('eptp.page-walk-length', 'long', 'EPT_POINTER', 0x38),
  of(
    'eptp.accessed-dirty',
    'long',
    {},
    {
      context: withCapabilities({ eptCapabilities: capabilities.eptCapabilities - EPT_CAPABILITY.ACCESSED_AND_DIRTY }),
      field: 'EPT_POINTER',
    },
  ),
  flip('eptp.reserved-bits', 'long', 'EPT_POINTER', 0x80),
  flip('eptp.reserved-bits', 'long', 'EPT_POINTER', 0x800),
  flip('eptp.width', 'long', 'EPT_POINTER', HIGH_BIT),
  flip('unrestricted-guest.needs-ept', 'real', 'SECONDARY_CONTROLS', SECONDARY.ENABLE_EPT),
  flip('exit-controls.reserved-bits', 'long', 'EXIT_CONTROLS', 1),
  flip('exit-controls.reserved-bits', 'long', 'EXIT_CONTROLS', EXIT.LOAD_PERF_GLOBAL_CTRL),
  of(
    'save-preemption-timer.needs-timer',
    'long',
    {
      PIN_BASED_CONTROLS: flipped('long', 'PIN_BASED_CONTROLS', PIN.ACTIVATE_PREEMPTION_TIMER),
      EXIT_CONTROLS: flipped('long', 'EXIT_CONTROLS', EXIT.SAVE_PREEMPTION_TIMER),
    },
    { field: 'EXIT_CONTROLS' },
  ),
  ...msrArea('exit-msr-store-address', 'EXIT_MSR_STORE'),
  ...msrArea('exit-msr-load-address', 'EXIT_MSR_LOAD'),
  flip('entry-controls.reserved-bits', 'long', 'ENTRY_CONTROLS', 1),
  flip('entry-controls.reserved-bits', 'long', 'ENTRY_CONTROLS', ENTRY.ENTRY_TO_SMM),
  flip('entry-controls.reserved-bits', 'long', 'ENTRY_CONTROLS', ENTRY.DEACTIVATE_DUAL_MONITOR),
  of('entry-interruption.type', 'long', { ENTRY_INTERRUPTION_INFORMATION: VALID + 0x120 }),
  of('entry-interruption.nmi-vector', 'long', { ENTRY_INTERRUPTION_INFORMATION: VALID + 0x203 }),
  of('entry-interruption.exception-vector', 'long', { ENTRY_INTERRUPTION_INFORMATION: VALID + 0x320 }),
  of('entry-interruption.other-event-vector', 'long', { ENTRY_INTERRUPTION_INFORMATION: VALID + 0x701 }),
  ...[8, 10, 11, 12, 13, 14, 17].map((vector) =>
    of('entry-interruption.deliver-error-code', 'long', { ENTRY_INTERRUPTION_INFORMATION: VALID + 0x300 + vector }),
  ),
  of('entry-interruption.deliver-error-code', 'long', { ENTRY_INTERRUPTION_INFORMATION: VALID + 0xb06 }),
  of('entry-interruption.deliver-error-code', 'long', { ENTRY_INTERRUPTION_INFORMATION: VALID + 0x80d }),
  of('entry-interruption.deliver-error-code', 'real', { ENTRY_INTERRUPTION_INFORMATION: VALID + 0xb0d }),
  of('entry-interruption.reserved-bits', 'long', { ENTRY_INTERRUPTION_INFORMATION: VALID + 0x1020 }),
  of('entry-interruption.reserved-bits', 'long', { ENTRY_INTERRUPTION_INFORMATION: VALID + 0x4000_0020 }),
  of(
    'entry-exception-error-code.reserved-bits',
    'long',
    { ENTRY_INTERRUPTION_INFORMATION: VALID + 0xb0e, ENTRY_EXCEPTION_ERROR_CODE: 0x1_0000 },
    { field: 'ENTRY_EXCEPTION_ERROR_CODE' },
  ),
  ...[0x480, 0x501, 0x603].map((event) =>
    of(
      'entry-instruction-length.range',
      'long',
      { ENTRY_INTERRUPTION_INFORMATION: VALID + event, ENTRY_INSTRUCTION_LENGTH: 16 },
      { field: 'ENTRY_INSTRUCTION_LENGTH' },
    ),
  ),
  of(
    'entry-instruction-length.range',
    'long',
    { ENTRY_INTERRUPTION_INFORMATION: VALID + 0x603 },
    {
      context: withCapabilities({ zeroLengthInjection: false }),
      field: 'ENTRY_INSTRUCTION_LENGTH',
    },
  ),
  ...msrArea('entry-msr-load-address', 'ENTRY_MSR_LOAD'),
];

const hostCases: readonly EntryCase[] = [
  ...[1, 0x20, 0x8000_0000, HIGH_BIT].map((bit) => flip('host-cr0.fixed-bits', 'long', 'HOST_CR0', bit)),
  ...[0x2000, 0x800, HIGH_BIT].map((bit) => flip('host-cr4.fixed-bits', 'long', 'HOST_CR4', bit)),
  flip('host-cr3.width', 'long', 'HOST_CR3', HIGH_BIT),
  of('host-sysenter-esp.canonical', 'long', { HOST_SYSENTER_ESP: NON_CANONICAL }),
  of('host-sysenter-eip.canonical', 'long', { HOST_SYSENTER_EIP: NON_CANONICAL }),
  of('host-pat.memory-types', 'long', { HOST_PAT: 2 }),
  of('host-pat.memory-types', 'long', { HOST_PAT: 0x0800_0000_0000_0000n }),
  flip('host-efer.reserved-bits', 'long', 'HOST_EFER', 2),
  flip('host-efer.address-space-size', 'long', 'HOST_EFER', 0x400),
  flip('host-efer.address-space-size', 'long', 'HOST_EFER', 0x100),
  ...(['CS', 'SS', 'DS', 'ES', 'FS', 'GS', 'TR'] as const).flatMap((s) =>
    [1, 4].map((bit) => flip(`host-${s.toLowerCase()}-selector.rpl-ti`, 'long', `HOST_${s}_SELECTOR`, bit)),
  ),
  of('host-cs-selector.null', 'long', { HOST_CS_SELECTOR: 0 }),
  of('host-tr-selector.null', 'long', { HOST_TR_SELECTOR: 0 }),
  of(
    'host-ss-selector.null',
    'pae',
    { ...HOST_32, HOST_SS_SELECTOR: 0 },
    {
      context: context({}, { longMode: false }),
      field: 'HOST_SS_SELECTOR',
    },
  ),
  ...(['FS', 'GS', 'GDTR', 'IDTR', 'TR'] as const).map((s) =>
    of(`host-${s.toLowerCase()}-base.canonical`, 'long', { [`HOST_${s}_BASE`]: NON_CANONICAL }),
  ),
  of('ia32e-guest.needs-long-mode', 'long', HOST_32, {
    ...OUTSIDE,
    also: ['ia32e-guest.needs-64-bit-host'],
    field: 'ENTRY_CONTROLS',
  }),
  of('host-address-space-size.needs-long-mode', 'pae', {}, { ...OUTSIDE, field: 'EXIT_CONTROLS' }),
  of('host-address-space-size.in-long-mode', 'pae', HOST_32, { field: 'EXIT_CONTROLS' }),
  of('ia32e-guest.needs-64-bit-host', 'long', HOST_32, {
    also: ['host-address-space-size.in-long-mode'],
    field: 'ENTRY_CONTROLS',
  }),
  of('host-cr4.pcide', 'pae', { ...HOST_32, HOST_CR4: 0x2_2020 }, { ...OUTSIDE, field: 'HOST_CR4' }),
  of('host-rip.upper-half', 'pae', { ...HOST_32, HOST_RIP: HIGH_BIT }, { ...OUTSIDE, field: 'HOST_RIP' }),
  flip('host-cr4.pae', 'long', 'HOST_CR4', 0x20),
  of('host-rip.canonical', 'long', { HOST_RIP: NON_CANONICAL }),
];

const registerCases: readonly EntryCase[] = [
  flip('guest-cr0.fixed-bits', 'long', 'GUEST_CR0', 0x20),
  flip('guest-cr0.fixed-bits', 'long', 'GUEST_CR0', HIGH_BIT),
  flip('guest-cr0.fixed-bits', 'v86', 'GUEST_CR0', 0x8000_0000),
  flip('guest-cr0.fixed-bits', 'real', 'GUEST_CR0', 0x20),
  flip('guest-cr0.pg-needs-pe', 'real', 'GUEST_CR0', 0x8000_0000),
  flip('guest-cr4.fixed-bits', 'long', 'GUEST_CR4', 0x2000),
  flip('guest-cr4.fixed-bits', 'real', 'GUEST_CR4', 0x2000),
  flip('guest-cr4.fixed-bits', 'long', 'GUEST_CR4', 0x800),
  of('guest-debugctl.reserved-bits', 'long', { GUEST_DEBUGCTL: 1 }),
  of(
    'guest-cr0.ia32e-needs-pg',
    'long',
    {
      GUEST_CR0: flipped('long', 'GUEST_CR0', 0x8000_0000),
      SECONDARY_CONTROLS: flipped('long', 'SECONDARY_CONTROLS', SECONDARY.UNRESTRICTED_GUEST),
    },
    { field: 'GUEST_CR0' },
  ),
  flip('guest-cr4.ia32e-needs-pae', 'long', 'GUEST_CR4', 0x20),
  flip('guest-cr4.pcide-needs-ia32e', 'pae', 'GUEST_CR4', 0x2_0000),
  flip('guest-cr3.width', 'long', 'GUEST_CR3', HIGH_BIT),
  flip('guest-dr7.upper-half', 'long', 'GUEST_DR7', 1n << 32n),
  of('guest-sysenter-esp.canonical', 'long', { GUEST_SYSENTER_ESP: NON_CANONICAL }),
  of('guest-sysenter-eip.canonical', 'long', { GUEST_SYSENTER_EIP: NON_CANONICAL }),
  of('guest-pat.memory-types', 'long', { GUEST_PAT: 0x0300 }),
  flip('guest-efer.reserved-bits', 'long', 'GUEST_EFER', 2),
  of('guest-efer.lma-equals-ia32e', 'long', { GUEST_EFER: 0x801 }),
  of('guest-efer.lma-equals-ia32e', 'pae', { GUEST_EFER: 0x500 }),
  flip('guest-efer.lma-equals-lme', 'long', 'GUEST_EFER', 0x100),
  of('guest-gdtr-base.canonical', 'long', { GUEST_GDTR_BASE: NON_CANONICAL }),
  of('guest-gdtr-limit.upper-half', 'long', { GUEST_GDTR_LIMIT: 0x1_0000 }),
  of('guest-idtr-base.canonical', 'long', { GUEST_IDTR_BASE: NON_CANONICAL }),
  of('guest-idtr-limit.upper-half', 'long', { GUEST_IDTR_LIMIT: 0x1_0000 }),
  of('guest-rip.upper-half', 'pae', { GUEST_RIP: HIGH_BIT }),
  of('guest-rip.upper-half', 'long', { GUEST_CS_ACCESS_RIGHTS: 0xc09b }, { field: 'GUEST_RIP' }),
  of('guest-rip.bits-63-48', 'long', { GUEST_RIP: 0x0001_0000_0000_0000n }),
  ...[8, 0x20, 0x8000, 0x40_0000, 1n << 32n, 2].map((bit) =>
    flip('guest-rflags.reserved-bits', 'long', 'GUEST_RFLAGS', bit),
  ),
  of(
    'guest-rflags.vm',
    'v86',
    { GUEST_CR0: 0x30, SECONDARY_CONTROLS: bases.real.SECONDARY_CONTROLS },
    {
      field: 'GUEST_RFLAGS',
    },
  ),
  of(
    'guest-rflags.if-for-injection',
    'long',
    { ENTRY_INTERRUPTION_INFORMATION: VALID + 0x20, GUEST_RFLAGS: 2 },
    { field: 'GUEST_RFLAGS' },
  ),
];

const SEGMENTS = ['CS', 'SS', 'DS', 'ES', 'FS', 'GS'] as const;
const DATA = ['DS', 'ES', 'FS', 'GS'] as const;
const rights = (s: string): FieldKey => `GUEST_${s}_ACCESS_RIGHTS` as FieldKey;
const low = (s: string): string => `guest-${s.toLowerCase()}`;

const bitCases = (s: string, base: Base): EntryCase[] => [
  flip(`${low(s)}-access-rights.s`, base, rights(s), 0x10),
  flip(`${low(s)}-access-rights.p`, base, rights(s), 0x80),
  flip(`${low(s)}-access-rights.reserved-11-8`, base, rights(s), 0x100),
  flip(`${low(s)}-access-rights.reserved-31-17`, base, rights(s), 0x2_0000),
  of(
    `${low(s)}-access-rights.granularity-low`,
    base,
    {
      [`GUEST_${s}_LIMIT`]: 0xffff_f000,
      [rights(s)]: flipped(base, rights(s), 0) | 0x8000n,
    },
    { field: rights(s) },
  ),
  of(
    `${low(s)}-access-rights.granularity-high`,
    base,
    {
      [`GUEST_${s}_LIMIT`]: 0x10_0fff,
      [rights(s)]: flipped(base, rights(s), 0) & ~0x8000n,
    },
    { field: rights(s) },
  ),
];

const segmentCases: readonly EntryCase[] = [
  flip('guest-tr-selector.ti', 'long', 'GUEST_TR_SELECTOR', 4),
  flip('guest-ldtr-selector.ti', 'long', 'GUEST_LDTR_SELECTOR', 4),
  of('guest-ss-selector.rpl', 'long', { GUEST_CS_SELECTOR: 0x9 }, { field: 'GUEST_SS_SELECTOR' }),
  ...SEGMENTS.map((s) => flip(`${low(s)}-base.virtual-8086`, 'v86', `GUEST_${s}_BASE`, 0x10)),
  ...(['TR', 'FS', 'GS', 'LDTR'] as const).map((s) =>
    of(`${low(s)}-base.canonical`, 'long', { [`GUEST_${s}_BASE`]: NON_CANONICAL }),
  ),
  of('guest-cs-base.upper-half', 'long', { GUEST_CS_BASE: HIGH_BIT }),
  ...(['SS', 'DS', 'ES'] as const).map((s) =>
    of(`${low(s)}-base.upper-half`, 'long', { [`GUEST_${s}_BASE`]: HIGH_BIT }),
  ),
  ...SEGMENTS.flatMap((s) => [
    of(`${low(s)}-limit.virtual-8086`, 'v86', { [`GUEST_${s}_LIMIT`]: 0xfffe }),
    of(`${low(s)}-access-rights.virtual-8086`, 'v86', { [rights(s)]: 0x93 }),
  ]),
  ...[0xa093, 0xa09a].map((value) => of('guest-cs-access-rights.type', 'long', { GUEST_CS_ACCESS_RIGHTS: value })),
  of('guest-cs-access-rights.type', 'real', { GUEST_CS_ACCESS_RIGHTS: 0x97 }),
  ...[0xc091, 0xc09b, 0xc092].map((value) =>
    of('guest-ss-access-rights.type', 'long', { GUEST_SS_ACCESS_RIGHTS: value }),
  ),
  ...DATA.flatMap((s) => [
    flip(`${low(s)}-access-rights.accessed`, 'long', rights(s), 1),
    of(`${low(s)}-access-rights.readable`, 'long', { [rights(s)]: 0xc099 }),
  ]),
  of('guest-cs-access-rights.dpl-data', 'real', { GUEST_CS_ACCESS_RIGHTS: 0xf3 }),
  of('guest-cs-access-rights.dpl-non-conforming', 'long', { GUEST_CS_ACCESS_RIGHTS: 0xa0bb }),
  of('guest-cs-access-rights.dpl-conforming', 'long', { GUEST_CS_ACCESS_RIGHTS: 0xa0bf }),
  of(
    'guest-ss-access-rights.dpl-equals-rpl',
    'long',
    { GUEST_SS_ACCESS_RIGHTS: 0xc0b3, GUEST_CS_ACCESS_RIGHTS: 0xa0bb },
    { field: 'GUEST_SS_ACCESS_RIGHTS' },
  ),
  of('guest-ss-access-rights.dpl-zero', 'real', { GUEST_SS_ACCESS_RIGHTS: 0xb3 }),
  of(
    'guest-ss-access-rights.dpl-zero',
    'real',
    { GUEST_SS_ACCESS_RIGHTS: 0xb3, GUEST_CS_ACCESS_RIGHTS: 0xbb },
    { field: 'GUEST_SS_ACCESS_RIGHTS' },
  ),
  ...DATA.map((s) =>
    of(`${low(s)}-access-rights.dpl`, 'long', { [`GUEST_${s}_SELECTOR`]: 0x13 }, { field: rights(s) }),
  ),
  ...SEGMENTS.flatMap((s) => bitCases(s, 'pae')),
  ...SEGMENTS.flatMap((s) => bitCases(s, 'real')),
  of('guest-cs-access-rights.l-and-db', 'long', { GUEST_CS_ACCESS_RIGHTS: 0xe09b }),
  of('guest-tr-access-rights.type', 'long', { GUEST_TR_ACCESS_RIGHTS: 0x83 }),
  of('guest-tr-access-rights.type', 'pae', { GUEST_TR_ACCESS_RIGHTS: 0x89 }),
  ...bitCases('TR', 'long'),
  of('guest-tr-access-rights.unusable', 'long', { GUEST_TR_ACCESS_RIGHTS: 0x1_008b }),
  of('guest-ldtr-access-rights.type', 'long', { GUEST_LDTR_ACCESS_RIGHTS: 0x83 }),
  ...bitCases('LDTR', 'long'),
];

const inject = (event: number): Partial<Record<FieldKey, number>> => ({
  ENTRY_INTERRUPTION_INFORMATION: VALID + event,
});
const ALL_STATES = { context: withCapabilities({ activityStates: [0, 1, 2, 3] }) };

const stateCases: readonly EntryCase[] = [
  of('guest-activity-state.value', 'long', { GUEST_ACTIVITY_STATE: 2 }),
  of('guest-activity-state.value', 'long', { GUEST_ACTIVITY_STATE: 4 }, ALL_STATES),
  of(
    'guest-activity-state.hlt-needs-dpl-0',
    'long',
    {
      GUEST_ACTIVITY_STATE: 1,
      GUEST_SS_ACCESS_RIGHTS: 0xc0f3,
      GUEST_SS_SELECTOR: 0x13,
      GUEST_CS_SELECTOR: 0xb,
      GUEST_CS_ACCESS_RIGHTS: 0xa0fb,
    },
    { field: 'GUEST_ACTIVITY_STATE' },
  ),
  of(
    'guest-activity-state.blocking-needs-active',
    'long',
    { GUEST_ACTIVITY_STATE: 1, GUEST_INTERRUPTIBILITY_STATE: 1 },
    { field: 'GUEST_ACTIVITY_STATE' },
  ),
  ...[
    { state: 1, event: 0x300, states: {} },
    { state: 1, event: 0x480, states: {} },
    { state: 1, event: 0x306, states: {} },
    { state: 2, event: 0x020, states: ALL_STATES },
    { state: 2, event: 0x301, states: ALL_STATES },
    { state: 3, event: 0x202, states: ALL_STATES },
  ].map(({ state, event, states }) =>
    of(
      'guest-activity-state.injection',
      'long',
      { GUEST_ACTIVITY_STATE: state, ...inject(event) },
      { field: 'GUEST_ACTIVITY_STATE', ...states },
    ),
  ),
  of('guest-interruptibility.reserved-bits', 'long', { GUEST_INTERRUPTIBILITY_STATE: 0x20 }),
  of('guest-interruptibility.sti-and-mov-ss', 'long', { GUEST_INTERRUPTIBILITY_STATE: 3 }),
  of(
    'guest-interruptibility.sti-needs-if',
    'long',
    { GUEST_INTERRUPTIBILITY_STATE: 1, GUEST_RFLAGS: 2 },
    { field: 'GUEST_INTERRUPTIBILITY_STATE' },
  ),
  ...[1, 2].map((state) =>
    of(
      'guest-interruptibility.external-interrupt',
      'long',
      { GUEST_INTERRUPTIBILITY_STATE: state, ...inject(0x20) },
      { field: 'GUEST_INTERRUPTIBILITY_STATE' },
    ),
  ),
  of(
    'guest-interruptibility.nmi-mov-ss',
    'long',
    { GUEST_INTERRUPTIBILITY_STATE: 2, ...inject(0x202) },
    { field: 'GUEST_INTERRUPTIBILITY_STATE' },
  ),
  of('guest-interruptibility.smi', 'long', { GUEST_INTERRUPTIBILITY_STATE: 4 }),
  of(
    'guest-interruptibility.nmi-sti',
    'long',
    { GUEST_INTERRUPTIBILITY_STATE: 1, ...inject(0x202) },
    { field: 'GUEST_INTERRUPTIBILITY_STATE' },
  ),
  of(
    'guest-interruptibility.virtual-nmi',
    'long',
    { GUEST_INTERRUPTIBILITY_STATE: 8, ...inject(0x202) },
    { field: 'GUEST_INTERRUPTIBILITY_STATE' },
  ),
  of('guest-interruptibility.enclave', 'long', { GUEST_INTERRUPTIBILITY_STATE: 0x10 }),
  ...[0x10, 0x800, 0x2000, 0x8000, 0x2_0000, 1n << 32n].map((bit) =>
    of('guest-pending-debug.reserved-bits', 'long', { GUEST_PENDING_DEBUG_EXCEPTIONS: bit }),
  ),
  of(
    'guest-pending-debug.bs-missing',
    'long',
    { GUEST_INTERRUPTIBILITY_STATE: 2, GUEST_RFLAGS: 0x302 },
    { field: 'GUEST_PENDING_DEBUG_EXCEPTIONS' },
  ),
  of(
    'guest-pending-debug.bs-missing',
    'long',
    { GUEST_ACTIVITY_STATE: 1, GUEST_RFLAGS: 0x302 },
    { field: 'GUEST_PENDING_DEBUG_EXCEPTIONS' },
  ),
  of(
    'guest-pending-debug.bs-without-tf',
    'long',
    { GUEST_INTERRUPTIBILITY_STATE: 1, GUEST_PENDING_DEBUG_EXCEPTIONS: 0x4000 },
    { field: 'GUEST_PENDING_DEBUG_EXCEPTIONS' },
  ),
  of(
    'guest-pending-debug.bs-without-tf',
    'long',
    {
      GUEST_INTERRUPTIBILITY_STATE: 1,
      GUEST_PENDING_DEBUG_EXCEPTIONS: 0x4000,
      GUEST_RFLAGS: 0x302,
      GUEST_DEBUGCTL: 2,
    },
    { field: 'GUEST_PENDING_DEBUG_EXCEPTIONS' },
  ),
  of('guest-pending-debug.rtm', 'long', { GUEST_PENDING_DEBUG_EXCEPTIONS: 0x1_0000 }),
  of('vmcs-link-pointer.alignment', 'long', { VMCS_LINK_POINTER: OTHER_VMCS + 4 }),
  of('vmcs-link-pointer.width', 'long', { VMCS_LINK_POINTER: HIGH_BIT }),
  of('vmcs-link-pointer.revision', 'long', { VMCS_LINK_POINTER: 0xc000 }),
  of(
    'vmcs-link-pointer.revision',
    'long',
    { VMCS_LINK_POINTER: OTHER_VMCS },
    {
      context: context({ [OTHER_VMCS]: capabilities.revisionIdentifier + VALID }),
    },
  ),
  of(
    'vmcs-link-pointer.current',
    'long',
    { VMCS_LINK_POINTER: CURRENT_VMCS },
    {
      context: context({ [CURRENT_VMCS]: capabilities.revisionIdentifier }),
    },
  ),
  ...[0, 1, 3].map((i) => flip(`guest-pdpte${i}.reserved-bits`, 'pae', `GUEST_PDPTE${i}` as FieldKey, 2)),
  of('guest-pdpte2.reserved-bits', 'pae', { GUEST_PDPTE2: 0x101 }),
  of('guest-pdpte3.reserved-bits', 'pae', { GUEST_PDPTE3: HIGH_BIT + 1n }),
  ...[{ [PDPT + 16]: 3 }, { [PDPT + 24]: 1, [PDPT + 28]: 0x100 }].map((words) =>
    of(
      'guest-cr3.pdptes-in-memory',
      'pae',
      { SECONDARY_CONTROLS: flipped('pae', 'SECONDARY_CONTROLS', SECONDARY.ENABLE_EPT) },
      { context: context(words), field: 'GUEST_CR3' },
    ),
  ),
];

/** At least one case per rule. */
export const entryCases: readonly EntryCase[] = [
  ...controlCases,
  ...hostCases,
  ...registerCases,
  ...segmentCases,
  ...stateCases,
];
