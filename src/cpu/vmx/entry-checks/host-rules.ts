/**
 * VM-entry checks on the host-state area. Source: SDM Vol. 3C 27.2.2 to 27.2.4.
 *
 * NOT IMPLEMENTED: the checks on IA32_PERF_GLOBAL_CTRL, CET state and PKRS, whose controls the processor lacks.
 */
import { CR4, EFER } from '../../mode';
import { EXIT } from '../controls';
import { F } from '../vmcs-layout';
import { has, isCanonical, isIa32e, isValidPat, onlyBits, rulesOf, withinPhysicalWidth } from './rule';
import type { EntryRule } from './rule';
import type { VmcsView } from '../vmcs';

const LME_LMA = EFER.LME | EFER.LMA;

const exitHas = (v: VmcsView, mask: number): boolean => has(v, F.EXIT_CONTROLS, mask);
const is64Bit = (v: VmcsView): boolean => exitHas(v, EXIT.HOST_ADDRESS_SPACE_SIZE);

const registers = rulesOf('host', '27.2.2');

const registerRules: readonly EntryRule[] = [
  registers('host-cr0.fixed-bits', [F.HOST_CR0], (v, { capabilities: { cr0MustBe1, cr0MayBe1 } }) => {
    return onlyBits(v, F.HOST_CR0, cr0MayBe1) && (v.low(F.HOST_CR0) & cr0MustBe1) >>> 0 === cr0MustBe1;
  }),
  registers('host-cr4.fixed-bits', [F.HOST_CR4], (v, { capabilities: { cr4MustBe1, cr4MayBe1 } }) => {
    return onlyBits(v, F.HOST_CR4, cr4MayBe1) && (v.low(F.HOST_CR4) & cr4MustBe1) >>> 0 === cr4MustBe1;
  }),
  registers('host-cr3.width', [F.HOST_CR3], (v, c) => withinPhysicalWidth(v, F.HOST_CR3, c)),
  registers('host-sysenter-esp.canonical', [F.HOST_SYSENTER_ESP], (v) => isCanonical(v, F.HOST_SYSENTER_ESP)),
  registers('host-sysenter-eip.canonical', [F.HOST_SYSENTER_EIP], (v) => isCanonical(v, F.HOST_SYSENTER_EIP)),
  registers(
    'host-pat.memory-types',
    [F.HOST_PAT, F.EXIT_CONTROLS],
    (v) => !exitHas(v, EXIT.LOAD_PAT) || isValidPat(v, F.HOST_PAT),
  ),
  registers(
    'host-efer.reserved-bits',
    [F.HOST_EFER, F.EXIT_CONTROLS],
    (v, { capabilities }) => !exitHas(v, EXIT.LOAD_EFER) || onlyBits(v, F.HOST_EFER, capabilities.eferBits),
  ),
  registers('host-efer.address-space-size', [F.HOST_EFER, F.EXIT_CONTROLS], (v) => {
    return !exitHas(v, EXIT.LOAD_EFER) || (v.low(F.HOST_EFER) & LME_LMA) === (is64Bit(v) ? LME_LMA : 0);
  }),
];

const segments = rulesOf('host', '27.2.3');
const SELECTORS = ['CS', 'SS', 'DS', 'ES', 'FS', 'GS', 'TR'] as const;
const BASES = ['FS', 'GS', 'GDTR', 'IDTR', 'TR'] as const;

const segmentRules: readonly EntryRule[] = [
  ...SELECTORS.map((register) => {
    const field = F[`HOST_${register}_SELECTOR`];
    return segments(`host-${register.toLowerCase()}-selector.rpl-ti`, [field], (v) => !has(v, field, 7));
  }),
  ...(['CS', 'TR'] as const).map((register) => {
    const field = F[`HOST_${register}_SELECTOR`];
    return segments(`host-${register.toLowerCase()}-selector.null`, [field], (v) => v.low(field) !== 0);
  }),
  segments(
    'host-ss-selector.null',
    [F.HOST_SS_SELECTOR, F.EXIT_CONTROLS],
    (v) => is64Bit(v) || v.low(F.HOST_SS_SELECTOR) !== 0,
  ),
  ...BASES.map((register) => {
    const field = F[`HOST_${register}_BASE`];
    return segments(`host-${register.toLowerCase()}-base.canonical`, [field], (v) => isCanonical(v, field));
  }),
];

const size = rulesOf('host', '27.2.4');

const addressSpaceRules: readonly EntryRule[] = [
  size('ia32e-guest.needs-long-mode', [F.ENTRY_CONTROLS], (v, { longMode }) => longMode || !isIa32e(v), {
    volatile: isIa32e,
  }),
  size('host-address-space-size.needs-long-mode', [F.EXIT_CONTROLS], (v, { longMode }) => longMode || !is64Bit(v), {
    volatile: is64Bit,
  }),
  size('host-address-space-size.in-long-mode', [F.EXIT_CONTROLS], (v, { longMode }) => !longMode || is64Bit(v), {
    volatile: (v) => !is64Bit(v),
  }),
  size('ia32e-guest.needs-64-bit-host', [F.ENTRY_CONTROLS, F.EXIT_CONTROLS], (v) => is64Bit(v) || !isIa32e(v)),
  size('host-cr4.pcide', [F.HOST_CR4, F.EXIT_CONTROLS], (v) => is64Bit(v) || !has(v, F.HOST_CR4, CR4.PCIDE)),
  size('host-rip.upper-half', [F.HOST_RIP, F.EXIT_CONTROLS], (v) => is64Bit(v) || v.high(F.HOST_RIP) === 0),
  size('host-cr4.pae', [F.HOST_CR4, F.EXIT_CONTROLS], (v) => !is64Bit(v) || has(v, F.HOST_CR4, CR4.PAE)),
  size('host-rip.canonical', [F.HOST_RIP, F.EXIT_CONTROLS], (v) => !is64Bit(v) || isCanonical(v, F.HOST_RIP)),
];

/** The checks on the host-state area in the SDM's order. */
export const hostRules: readonly EntryRule[] = [...registerRules, ...segmentRules, ...addressSpaceRules];
