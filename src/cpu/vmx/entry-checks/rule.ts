/**
 * What a VM-entry check is, and the predicates that the rules share. Source: SDM Vol. 3C 27.2 and 27.3.
 */
import type { Capabilities } from '../capabilities';
import { ENTRY, PRIMARY, SECONDARY } from '../controls';
import { INTERRUPTION_TYPE, VALID_BIT } from '../interruption-information';
import type { VmcsView } from '../vmcs';
import { F } from '../vmcs-layout';
import type { VmcsField } from '../vmcs-layout';

/** Which group a failed rule belongs to: VM-instruction error 7, error 8, or exit reason 33. */
export type RuleKind = 'control' | 'host' | 'guest';

/** What the rules know besides the VMCS. */
export interface EntryContext {
  readonly capabilities: Capabilities;
  /** IA32_EFER.LMA of the logical processor at the time of VM entry. */
  readonly longMode: boolean;
  /** Physical address of the current VMCS. */
  readonly currentVmcs: number;
  /** Reads 4 bytes, little-endian, at a physical address that is a multiple of 4; 0xffffffff where no memory is. */
  readPhysical32(physical: number): number;
}

/** One check of the SDM's list. */
export interface EntryRule {
  /** Our stable name: what is checked, then how. */
  readonly rule: string;
  readonly kind: RuleKind;
  /** The paragraph, as "27.3.1.2". */
  readonly section: string;
  /** Every field that `test` may read; the first is the one to blame. */
  readonly fields: readonly VmcsField[];
  /**
   * True if `test` may also read memory or the processor, so that it must run at every entry. Decided by those of `fields`
   * that only VMWRITE changes, or whose change a VM exit marks (`Vmcs.markWritten`). Undefined for "never".
   */
  readonly volatile: ((vmcs: VmcsView) => boolean) | undefined;
  /** The exit qualification of the failure (SDM 27.8); guest rules only. */
  readonly qualification: number;
  /** True if the VMCS passes. */
  test(vmcs: VmcsView, context: EntryContext): boolean;
}

type Test = EntryRule['test'];
type Options = Partial<Pick<EntryRule, 'volatile' | 'qualification'>>;

/** Makes a rule. */
export type RuleMaker = (rule: string, fields: readonly VmcsField[], test: Test, options?: Options) => EntryRule;

/** Makes the rules of one paragraph. */
export function rulesOf(kind: RuleKind, section: string): RuleMaker {
  return (rule, fields, test, options) => ({
    rule,
    kind,
    section,
    fields,
    volatile: undefined,
    qualification: 0,
    test,
    ...options,
  });
}

/** True if bits 63:47 of an address are equal: canonical for 48 linear-address bits. */
export function isCanonical(view: VmcsView, field: VmcsField): boolean {
  const top = view.high(field) >> 15;
  return top === 0 || top === -1;
}

/** True if a field sets no bit beyond the physical-address width. */
export function withinPhysicalWidth(view: VmcsView, field: VmcsField, { capabilities }: EntryContext): boolean {
  return view.high(field) < 2 ** (capabilities.physicalAddressWidth - 32);
}

/** True if each of the 8 bytes is a memory type that IA32_PAT can hold: 0, 1, 4, 5, 6, 7 (SDM Vol. 3A 12.12.2). */
export function isValidPat(view: VmcsView, field: VmcsField): boolean {
  const isType = (word: number): boolean =>
    [0, 8, 16, 24].every((shift) => [0, 1, 4, 5, 6, 7].includes((word >>> shift) & 0xff));
  return isType(view.low(field)) && isType(view.high(field));
}

/** True if a 64-bit field has no bit outside `allowed`, a mask of bits 31:0. */
export function onlyBits(view: VmcsView, field: VmcsField, allowed: number): boolean {
  return view.high(field) === 0 && (view.low(field) & ~allowed) === 0;
}

/** True if `mask` of a 32-bit control field is 1. */
export function has(view: VmcsView, field: VmcsField, mask: number): boolean {
  return (view.low(field) & mask) !== 0;
}

/** The fields that `hasSecondary` reads. */
export const SECONDARY_FIELDS = [F.PRIMARY_CONTROLS, F.SECONDARY_CONTROLS] as const;

/** True if a secondary control is 1 and the secondary controls are active (else they all count as 0). */
export function hasSecondary(view: VmcsView, mask: number): boolean {
  return has(view, F.PRIMARY_CONTROLS, PRIMARY.ACTIVATE_SECONDARY_CONTROLS) && has(view, F.SECONDARY_CONTROLS, mask);
}

/** True if "unrestricted guest" is in force; reads `SECONDARY_FIELDS`. */
export function isUnrestricted(view: VmcsView): boolean {
  return hasSecondary(view, SECONDARY.UNRESTRICTED_GUEST);
}

/** True if "IA-32e mode guest" is 1. */
export function isIa32e(view: VmcsView): boolean {
  return has(view, F.ENTRY_CONTROLS, ENTRY.IA32E_MODE_GUEST);
}

/** The type of the event to be injected, or -1 if there is none. */
export function injectedType(view: VmcsView): number {
  const word = view.low(F.ENTRY_INTERRUPTION_INFORMATION);
  return word & VALID_BIT ? (word >>> 8) & 7 : -1;
}

/** True if VM entry is to inject an event of `type`. */
export function injects(view: VmcsView, type: keyof typeof INTERRUPTION_TYPE): boolean {
  return injectedType(view) === INTERRUPTION_TYPE[type];
}
