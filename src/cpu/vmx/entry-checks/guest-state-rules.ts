/**
 * VM-entry checks on guest non-register state and page-directory-pointer-table entries. Source: SDM Vol. 3C 27.3.1.5
 * and 27.3.1.6.
 *
 * Where the SDM leaves a choice, injecting an NMI while there is blocking by STI fails. NOT IMPLEMENTED: SMM, SGX and
 * RTM, so the bits that speak of them must be 0.
 */
import { CR0, CR4, EFLAGS, RIGHTS } from '../../mode';
import { PIN, SECONDARY } from '../controls';
import { ENTRY_FAILURE } from '../exit-qualification';
import { INTERRUPTION_TYPE } from '../interruption-information';
import type { VmcsView } from '../vmcs';
import { F } from '../vmcs-layout';
import type { VmcsField } from '../vmcs-layout';
import {
  has,
  hasSecondary,
  injectedType,
  injects,
  isIa32e,
  rulesOf,
  SECONDARY_FIELDS,
  withinPhysicalWidth,
} from './rule';
import type { EntryContext, EntryRule } from './rule';

/** Values of the activity-state field. */
export const ACTIVITY = { ACTIVE: 0, HLT: 1, SHUTDOWN: 2, WAIT_FOR_SIPI: 3 } as const;
/** Bits of the interruptibility-state field (SDM Table 25-3). */
export const BLOCKING = { STI: 1, MOV_SS: 2, SMI: 4, NMI: 8, ENCLAVE: 16 } as const;
/** Bits of the pending debug exceptions (SDM Table 25-4). */
export const PENDING_DEBUG = { ENABLED_BREAKPOINT: 0x1000, BS: 0x4000, RTM: 0x1_0000 } as const;

const INFORMATION = F.ENTRY_INTERRUPTION_INFORMATION;
const STATE = F.GUEST_INTERRUPTIBILITY_STATE;
const isBlocked = (v: VmcsView, mask: number): boolean => has(v, STATE, mask);
const activity = (v: VmcsView): number => v.low(F.GUEST_ACTIVITY_STATE);

const make = rulesOf('guest', '27.3.1.5');

/** Which events may be injected into an inactive state. */
function mayInject(v: VmcsView): boolean {
  const type = injectedType(v);
  const vector = v.low(INFORMATION) & 0xff;
  const isException = (...vectors: number[]): boolean =>
    type === INTERRUPTION_TYPE.HARDWARE_EXCEPTION && vectors.includes(vector);
  switch (activity(v)) {
    case ACTIVITY.HLT:
      return (
        type === INTERRUPTION_TYPE.EXTERNAL_INTERRUPT ||
        type === INTERRUPTION_TYPE.NMI ||
        type === INTERRUPTION_TYPE.OTHER_EVENT ||
        isException(1, 18)
      );
    case ACTIVITY.SHUTDOWN:
      return type === INTERRUPTION_TYPE.NMI || isException(18);
    case ACTIVITY.WAIT_FOR_SIPI:
      return false;
    default:
      return true;
  }
}

const activityRules: readonly EntryRule[] = [
  make('guest-activity-state.value', [F.GUEST_ACTIVITY_STATE], (v, { capabilities }) =>
    capabilities.activityStates.includes(activity(v)),
  ),
  make('guest-activity-state.hlt-needs-dpl-0', [F.GUEST_ACTIVITY_STATE, F.GUEST_SS_ACCESS_RIGHTS], (v) => {
    return activity(v) !== ACTIVITY.HLT || !has(v, F.GUEST_SS_ACCESS_RIGHTS, 3 << RIGHTS.dplShift);
  }),
  make(
    'guest-activity-state.blocking-needs-active',
    [F.GUEST_ACTIVITY_STATE, STATE],
    (v) => activity(v) === ACTIVITY.ACTIVE || !isBlocked(v, BLOCKING.STI | BLOCKING.MOV_SS),
  ),
  make(
    'guest-activity-state.injection',
    [F.GUEST_ACTIVITY_STATE, INFORMATION],
    (v) => injectedType(v) < 0 || mayInject(v),
  ),
];

const interruptibilityRules: readonly EntryRule[] = [
  make('guest-interruptibility.reserved-bits', [STATE], (v) => v.low(STATE) < 32),
  make(
    'guest-interruptibility.sti-and-mov-ss',
    [STATE],
    (v) => !isBlocked(v, BLOCKING.STI) || !isBlocked(v, BLOCKING.MOV_SS),
  ),
  make(
    'guest-interruptibility.sti-needs-if',
    [STATE, F.GUEST_RFLAGS],
    (v) => !isBlocked(v, BLOCKING.STI) || has(v, F.GUEST_RFLAGS, EFLAGS.IF),
  ),
  make(
    'guest-interruptibility.external-interrupt',
    [STATE, INFORMATION],
    (v) => !injects(v, 'EXTERNAL_INTERRUPT') || !isBlocked(v, BLOCKING.STI | BLOCKING.MOV_SS),
  ),
  make(
    'guest-interruptibility.nmi-mov-ss',
    [STATE, INFORMATION],
    (v) => !injects(v, 'NMI') || !isBlocked(v, BLOCKING.MOV_SS),
  ),
  make('guest-interruptibility.smi', [STATE], (v) => !isBlocked(v, BLOCKING.SMI)),
  make(
    'guest-interruptibility.nmi-sti',
    [STATE, INFORMATION],
    (v) => !injects(v, 'NMI') || !isBlocked(v, BLOCKING.STI),
    { qualification: ENTRY_FAILURE.NMI_WITH_STI_BLOCKING },
  ),
  make('guest-interruptibility.virtual-nmi', [STATE, INFORMATION, F.PIN_BASED_CONTROLS], (v) => {
    const isVirtual = has(v, F.PIN_BASED_CONTROLS, PIN.VIRTUAL_NMIS);
    return !isVirtual || !injects(v, 'NMI') || !isBlocked(v, BLOCKING.NMI);
  }),
  make('guest-interruptibility.enclave', [STATE], (v) => !isBlocked(v, BLOCKING.ENCLAVE)),
];

const DEBUGCTL_BTF = 2;
const PENDING = F.GUEST_PENDING_DEBUG_EXCEPTIONS;
const BS_FIELDS = [PENDING, STATE, F.GUEST_ACTIVITY_STATE, F.GUEST_RFLAGS, F.GUEST_DEBUGCTL];
const checksBs = (v: VmcsView): boolean => isBlocked(v, BLOCKING.STI | BLOCKING.MOV_SS) || activity(v) === ACTIVITY.HLT;
const isSingleStepping = (v: VmcsView): boolean =>
  has(v, F.GUEST_RFLAGS, EFLAGS.TF) && !has(v, F.GUEST_DEBUGCTL, DEBUGCTL_BTF);

const pendingDebugRules: readonly EntryRule[] = [
  make('guest-pending-debug.reserved-bits', [PENDING], (v) => v.high(PENDING) === 0 && !has(v, PENDING, 0xfffe_aff0)),
  make(
    'guest-pending-debug.bs-missing',
    BS_FIELDS,
    (v) => !checksBs(v) || !isSingleStepping(v) || has(v, PENDING, PENDING_DEBUG.BS),
  ),
  make(
    'guest-pending-debug.bs-without-tf',
    BS_FIELDS,
    (v) => !checksBs(v) || isSingleStepping(v) || !has(v, PENDING, PENDING_DEBUG.BS),
  ),
  make('guest-pending-debug.rtm', [PENDING], (v) => !has(v, PENDING, PENDING_DEBUG.RTM)),
];

const LINK = F.VMCS_LINK_POINTER;
const hasLink = (v: VmcsView): boolean => v.low(LINK) !== 0xffff_ffff || v.high(LINK) !== 0xffff_ffff;
const linkAddress = (v: VmcsView): number => v.high(LINK) * 2 ** 32 + v.low(LINK);
const LINK_FAILURE = { qualification: ENTRY_FAILURE.LINK_POINTER };

function pointsAtVmcs(v: VmcsView, context: EntryContext): boolean {
  if (has(v, LINK, 0xfff) || !withinPhysicalWidth(v, LINK, context)) return true; // the two rules above speak
  return context.readPhysical32(linkAddress(v)) === context.capabilities.revisionIdentifier;
}

const linkPointerRules: readonly EntryRule[] = [
  make('vmcs-link-pointer.alignment', [LINK], (v) => !hasLink(v) || !has(v, LINK, 0xfff), LINK_FAILURE),
  make('vmcs-link-pointer.width', [LINK], (v, c) => !hasLink(v) || withinPhysicalWidth(v, LINK, c), LINK_FAILURE),
  make('vmcs-link-pointer.revision', [LINK], (v, c) => !hasLink(v) || pointsAtVmcs(v, c), {
    ...LINK_FAILURE,
    volatile: hasLink,
  }),
  make(
    'vmcs-link-pointer.current',
    [LINK],
    (v, { currentVmcs }) => !hasLink(v) || linkAddress(v) !== currentVmcs,
    LINK_FAILURE,
  ),
];

const paging = rulesOf('guest', '27.3.1.6');
const PDPTES = [F.GUEST_PDPTE0, F.GUEST_PDPTE1, F.GUEST_PDPTE2, F.GUEST_PDPTE3] as const;
const PAE_FIELDS = [F.GUEST_CR0, F.GUEST_CR4, F.ENTRY_CONTROLS, ...SECONDARY_FIELDS];
const PDPTE_FAILURE = { qualification: ENTRY_FAILURE.PDPTE };

const usesPae = (v: VmcsView): boolean => has(v, F.GUEST_CR0, CR0.PG) && has(v, F.GUEST_CR4, CR4.PAE) && !isIa32e(v);
const usesEpt = (v: VmcsView): boolean => hasSecondary(v, SECONDARY.ENABLE_EPT);

function isValidPdpte(low: number, high: number, { capabilities }: EntryContext): boolean {
  const isPresent = (low & 1) !== 0;
  return !isPresent || ((low & 0x1e6) === 0 && high < 2 ** (capabilities.physicalAddressWidth - 32));
}

function isValidPdpteInMemory(v: VmcsView, index: number, context: EntryContext): boolean {
  const table = (v.low(F.GUEST_CR3) & 0xffff_ffe0) >>> 0;
  const low = context.readPhysical32(table + index * 8);
  return isValidPdpte(low, context.readPhysical32(table + index * 8 + 4), context);
}

/** With EPT the PDPTEs come from the VMCS, else from memory at CR3. */
const pdpteRules: readonly EntryRule[] = [
  ...PDPTES.map((field: VmcsField, i) =>
    paging(
      `guest-pdpte${i}.reserved-bits`,
      [field, ...PAE_FIELDS],
      (v, c) => !usesPae(v) || !usesEpt(v) || isValidPdpte(v.low(field), v.high(field), c),
      PDPTE_FAILURE,
    ),
  ),
  paging(
    'guest-cr3.pdptes-in-memory',
    [F.GUEST_CR3, ...PAE_FIELDS],
    (v, c) => !usesPae(v) || usesEpt(v) || [0, 1, 2, 3].every((index) => isValidPdpteInMemory(v, index, c)),
    // The guest itself may have turned PAE paging on since the fields were written.
    { ...PDPTE_FAILURE, volatile: (v) => !usesEpt(v) },
  ),
];

/** The checks of 27.3.1.5 and 27.3.1.6. */
export const guestStateRules: readonly EntryRule[] = [
  ...activityRules,
  ...interruptibilityRules,
  ...pendingDebugRules,
  ...linkPointerRules,
  ...pdpteRules,
];
