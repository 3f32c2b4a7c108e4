/**
 * VM-entry checks on guest control registers, debug registers, MSRs, descriptor-table registers, RIP and RFLAGS.
 * Source: SDM Vol. 3C 27.3.1.1, 27.3.1.3 and 27.3.1.4.
 *
 * NOT IMPLEMENTED: the checks on IA32_PERF_GLOBAL_CTRL, IA32_BNDCFGS, IA32_RTIT_CTL, CET state, PKRS and UINV, whose
 * controls the processor lacks.
 */
import { CR0, CR4, EFER, EFLAGS, RIGHTS } from '../../mode';
import { ENTRY } from '../controls';
import { F } from '../vmcs-layout';
import {
  has,
  injects,
  isCanonical,
  isIa32e,
  isUnrestricted,
  isValidPat,
  onlyBits,
  rulesOf,
  SECONDARY_FIELDS,
  withinPhysicalWidth,
} from './rule';
import type { EntryRule } from './rule';
import type { VmcsView } from '../vmcs';

const entryHas = (v: VmcsView, mask: number): boolean => has(v, F.ENTRY_CONTROLS, mask);
const registers = rulesOf('guest', '27.3.1.1');

/** The checks of 27.3.1.1. */
export const guestRegisterRules: readonly EntryRule[] = [
  registers('guest-cr0.fixed-bits', [F.GUEST_CR0, ...SECONDARY_FIELDS], (v, { capabilities }) => {
    const { cr0MustBe1, cr0MayBe1 } = capabilities;
    const required = isUnrestricted(v) ? (cr0MustBe1 & ~(CR0.PE | CR0.PG)) >>> 0 : cr0MustBe1;
    return onlyBits(v, F.GUEST_CR0, cr0MayBe1) && (v.low(F.GUEST_CR0) & required) >>> 0 === required;
  }),
  registers('guest-cr0.pg-needs-pe', [F.GUEST_CR0], (v) => !has(v, F.GUEST_CR0, CR0.PG) || has(v, F.GUEST_CR0, CR0.PE)),
  registers('guest-cr4.fixed-bits', [F.GUEST_CR4], (v, { capabilities: { cr4MustBe1, cr4MayBe1 } }) => {
    return onlyBits(v, F.GUEST_CR4, cr4MayBe1) && (v.low(F.GUEST_CR4) & cr4MustBe1) >>> 0 === cr4MustBe1;
  }),
  registers(
    'guest-debugctl.reserved-bits',
    [F.GUEST_DEBUGCTL, F.ENTRY_CONTROLS],
    (v, { capabilities }) =>
      !entryHas(v, ENTRY.LOAD_DEBUG_CONTROLS) || onlyBits(v, F.GUEST_DEBUGCTL, capabilities.debugctlBits),
  ),
  registers(
    'guest-cr0.ia32e-needs-pg',
    [F.GUEST_CR0, F.ENTRY_CONTROLS],
    (v) => !isIa32e(v) || has(v, F.GUEST_CR0, CR0.PG),
  ),
  registers(
    'guest-cr4.ia32e-needs-pae',
    [F.GUEST_CR4, F.ENTRY_CONTROLS],
    (v) => !isIa32e(v) || has(v, F.GUEST_CR4, CR4.PAE),
  ),
  registers(
    'guest-cr4.pcide-needs-ia32e',
    [F.GUEST_CR4, F.ENTRY_CONTROLS],
    (v) => isIa32e(v) || !has(v, F.GUEST_CR4, CR4.PCIDE),
  ),
  registers('guest-cr3.width', [F.GUEST_CR3], (v, c) => withinPhysicalWidth(v, F.GUEST_CR3, c)),
  registers(
    'guest-dr7.upper-half',
    [F.GUEST_DR7, F.ENTRY_CONTROLS],
    (v) => !entryHas(v, ENTRY.LOAD_DEBUG_CONTROLS) || v.high(F.GUEST_DR7) === 0,
  ),
  registers('guest-sysenter-esp.canonical', [F.GUEST_SYSENTER_ESP], (v) => isCanonical(v, F.GUEST_SYSENTER_ESP)),
  registers('guest-sysenter-eip.canonical', [F.GUEST_SYSENTER_EIP], (v) => isCanonical(v, F.GUEST_SYSENTER_EIP)),
  registers(
    'guest-pat.memory-types',
    [F.GUEST_PAT, F.ENTRY_CONTROLS],
    (v) => !entryHas(v, ENTRY.LOAD_PAT) || isValidPat(v, F.GUEST_PAT),
  ),
  registers(
    'guest-efer.reserved-bits',
    [F.GUEST_EFER, F.ENTRY_CONTROLS],
    (v, { capabilities }) => !entryHas(v, ENTRY.LOAD_EFER) || onlyBits(v, F.GUEST_EFER, capabilities.eferBits),
  ),
  registers(
    'guest-efer.lma-equals-ia32e',
    [F.GUEST_EFER, F.ENTRY_CONTROLS],
    (v) => !entryHas(v, ENTRY.LOAD_EFER) || has(v, F.GUEST_EFER, EFER.LMA) === isIa32e(v),
  ),
  registers('guest-efer.lma-equals-lme', [F.GUEST_EFER, F.ENTRY_CONTROLS, F.GUEST_CR0], (v) => {
    if (!entryHas(v, ENTRY.LOAD_EFER) || !has(v, F.GUEST_CR0, CR0.PG)) return true;
    return has(v, F.GUEST_EFER, EFER.LMA) === has(v, F.GUEST_EFER, EFER.LME);
  }),
];

const tables = rulesOf('guest', '27.3.1.3');

/** The checks of 27.3.1.3. */
export const guestDescriptorTableRules: readonly EntryRule[] = (['GDTR', 'IDTR'] as const).flatMap((register) => {
  const base = F[`GUEST_${register}_BASE`];
  const limit = F[`GUEST_${register}_LIMIT`];
  return [
    tables(`guest-${register.toLowerCase()}-base.canonical`, [base], (v) => isCanonical(v, base)),
    tables(`guest-${register.toLowerCase()}-limit.upper-half`, [limit], (v) => v.low(limit) < 2 ** 16),
  ];
});

const flow = rulesOf('guest', '27.3.1.4');
const RIP_FIELDS = [F.GUEST_RIP, F.ENTRY_CONTROLS, F.GUEST_CS_ACCESS_RIGHTS];
const is64BitCode = (v: VmcsView): boolean => isIa32e(v) && has(v, F.GUEST_CS_ACCESS_RIGHTS, RIGHTS.long);
const RESERVED_FLAGS = 0xffc0_8028;
const FIXED_FLAG = 0x2;

/** The checks of 27.3.1.4. Bit 47 of RIP may differ from bit 48: the guest then faults on its first fetch. */
export const guestFlowRules: readonly EntryRule[] = [
  flow('guest-rip.upper-half', RIP_FIELDS, (v) => is64BitCode(v) || v.high(F.GUEST_RIP) === 0),
  flow('guest-rip.bits-63-48', RIP_FIELDS, (v) => {
    const top = v.high(F.GUEST_RIP) >> 16;
    return !is64BitCode(v) || top === 0 || top === -1;
  }),
  flow(
    'guest-rflags.reserved-bits',
    [F.GUEST_RFLAGS],
    (v) =>
      v.high(F.GUEST_RFLAGS) === 0 && !has(v, F.GUEST_RFLAGS, RESERVED_FLAGS) && has(v, F.GUEST_RFLAGS, FIXED_FLAG),
  ),
  flow(
    'guest-rflags.vm',
    [F.GUEST_RFLAGS, F.ENTRY_CONTROLS, F.GUEST_CR0],
    (v) => !has(v, F.GUEST_RFLAGS, EFLAGS.VM) || (!isIa32e(v) && has(v, F.GUEST_CR0, CR0.PE)),
  ),
  flow(
    'guest-rflags.if-for-injection',
    [F.GUEST_RFLAGS, F.ENTRY_INTERRUPTION_INFORMATION],
    (v) => !injects(v, 'EXTERNAL_INTERRUPT') || has(v, F.GUEST_RFLAGS, EFLAGS.IF),
  ),
];
