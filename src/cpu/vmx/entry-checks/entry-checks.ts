/**
 * All VM-entry checks on the VMCS, in the SDM's order, and the function that runs those which may have changed. Source:
 * SDM Vol. 3C 27.2 and 27.3; the checks of VMLAUNCH and VMRESUME themselves (27.1) belong to those instructions, the
 * entries of MSR areas to `msr-areas.ts`.
 */
import { assert } from '../../../common/assert';
import { VMCS_FIELDS } from '../vmcs-layout';
import type { VmcsField } from '../vmcs-layout';
import { RULE_WORDS } from '../vmcs';
import type { Vmcs, VmcsView } from '../vmcs';
import { controlRules } from './control-rules';
import { guestDescriptorTableRules, guestFlowRules, guestRegisterRules } from './guest-register-rules';
import { guestSegmentRules } from './guest-segment-rules';
import { guestStateRules } from './guest-state-rules';
import { hostRules } from './host-rules';
import type { EntryContext, EntryRule, RuleKind } from './rule';

/** Every rule, in the SDM's order. */
export const ENTRY_RULES: readonly EntryRule[] = [
  ...controlRules,
  ...hostRules,
  ...guestRegisterRules,
  ...guestSegmentRules,
  ...guestDescriptorTableRules,
  ...guestFlowRules,
  ...guestStateRules,
];

/** Why a VM entry failed. */
export interface EntryFailure {
  /** Our stable name of the rule. */
  readonly rule: string;
  /** The SDM's paragraph. */
  readonly section: string;
  /** The field to blame. */
  readonly field: VmcsField;
  /** `control`: VM-instruction error 7; `host`: error 8; `guest`: a VM exit with reason 33. */
  readonly kind: RuleKind;
  /** The exit qualification; 0 unless `kind` is `guest`. */
  readonly qualification: number;
}

assert(ENTRY_RULES.length <= RULE_WORDS * 32, 'a bit for each rule');
/** By `VmcsField.id`: the rules that read the field, undefined if none does. */
const rulesByField: readonly (Uint32Array | undefined)[] = VMCS_FIELDS.map((field) => {
  const set = new Uint32Array(RULE_WORDS);
  ENTRY_RULES.forEach(({ fields }, i) => {
    if (fields.includes(field)) set[i >> 5]! |= 1 << (i & 31);
  });
  return set.some((word) => word !== 0) ? set : undefined;
});
const selected = new Uint32Array(RULE_WORDS);

function selectRulesOf(id: number): void {
  const rules = rulesByField[id];
  if (!rules) return;
  for (let word = 0; word < RULE_WORDS; word++) selected[word]! |= rules[word]!;
}

const failureOf = ({ rule, section, fields, kind, qualification }: EntryRule): EntryFailure => ({
  rule,
  section,
  field: fields[0]!,
  kind,
  qualification,
});

/** Tests every rule and gives the first that fails, whatever was written before. */
export function checkEverything(vmcs: VmcsView, context: EntryContext): EntryFailure | undefined {
  const broken = ENTRY_RULES.find((rule) => !rule.test(vmcs, context));
  return broken && failureOf(broken);
}

/**
 * Checks the VMCS for VM entry and gives the first rule that fails, or undefined if the entry may go on. Rules on
 * fields that nobody has written since the last passing check are skipped, unless they are volatile. The context's
 * capabilities, and the address of the VMCS, must be the same from one entry of a VMCS to the next
 * (`Vmcs.markAllWritten` otherwise).
 */
export function checkEntry(vmcs: Vmcs, context: EntryContext): EntryFailure | undefined {
  const { volatileRules } = vmcs;
  for (let word = 0; word < RULE_WORDS; word++) selected[word] = volatileRules[word]!;
  if (!vmcs.forEachWritten(selectRulesOf)) selected.fill(0xffff_ffff);
  for (let word = 0; word < RULE_WORDS; word++) {
    for (let bits = selected[word]!; bits !== 0; bits &= bits - 1) {
      const bit = bits & -bits;
      const rule = ENTRY_RULES[word * 32 + 31 - Math.clz32(bit)];
      if (!rule) continue;
      if (!rule.test(vmcs, context)) return failureOf(rule);
      if (!rule.volatile) continue;
      if (rule.volatile(vmcs)) volatileRules[word]! |= bit;
      else volatileRules[word]! &= ~bit;
    }
  }
  vmcs.clearWritten();
  return undefined;
}
