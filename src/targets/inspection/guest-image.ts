/**
 * The guest's part of the processor's state that VM entries load and VM exits save, as fields of the VMCS wherever it is
 * at the moment: in the processor while the guest runs, in the VMCS between a VM exit and the next entry. Edits are
 * proposed as fields, held against the checks on the guest-state area, and then put where the state is.
 *
 * Source: SDM Vol. 3C 25.4 (guest-state area), 27.3.1 (the checks).
 */
import { STATE } from '../../cpu/layout';
import { EFER, setSegment } from '../../cpu/mode';
import { MSR } from '../../cpu/msr-numbers';
import type { Segment } from '../../cpu/state';
import { ENTRY, PRIMARY, SECONDARY } from '../../cpu/vmx/controls';
import { ENTRY_RULES } from '../../cpu/vmx/entry-checks/entry-checks';
import { BLOCKING } from '../../cpu/vmx/entry-checks/guest-state-rules';
import type { EntryContext, EntryRule, RuleKind } from '../../cpu/vmx/entry-checks/rule';
import type { VmcsView } from '../../cpu/vmx/vmcs';
import { F, GUEST_SEGMENTS } from '../../cpu/vmx/vmcs-layout';
import type { VmcsField } from '../../cpu/vmx/vmcs-layout';
import type { Machine } from '../../machine/machine';

/** Fields with new values, unsigned. */
export type FieldChanges = ReadonlyMap<VmcsField, bigint>;

/** A field of the guest-state area that the processor holds while the guest runs. */
interface Slot {
  readonly field: VmcsField;
  readonly get: (machine: Machine) => bigint;
  readonly set: (machine: Machine, value: bigint) => void;
}

function quad(field: VmcsField, offset: number): Slot {
  return {
    field,
    get: ({ state }) => state.quad(offset),
    set: ({ state }, value) => state.setQuad(offset, value),
  };
}

function word(field: VmcsField, offset: number): Slot {
  return {
    field,
    get: ({ state }) => BigInt(state.word(offset)),
    set: ({ state }, value) => state.setWord(offset, Number(value)),
  };
}

function msr(field: VmcsField, index: number): Slot {
  return {
    field,
    get: ({ processor }) => processor.storedMsr(index),
    set: ({ processor }, value) => processor.setStoredMsr(index, value),
  };
}

const RSP = 4;
const NUMBER_PARTS = [
  ['selector', 'selector'],
  ['limit', 'limit'],
  ['accessRights', 'rights'],
] as const;

const segmentSlots = GUEST_SEGMENTS.flatMap((fields, number): Slot[] => {
  const put = ({ state }: Machine, part: Partial<Segment>): void =>
    setSegment(state, number, { ...state.segment(number), ...part });
  return [
    { field: fields.base, get: ({ state }) => state.segmentBase(number), set: (m, base) => put(m, { base }) },
    ...NUMBER_PARTS.map(([field, part]): Slot => ({
      field: fields[field],
      get: ({ state }) => BigInt(state.segment(number)[part]),
      set: (machine, value) => put(machine, { [part]: Number(value) }),
    })),
  ];
});

const SLOTS: readonly Slot[] = [
  quad(F.GUEST_CR0, STATE.cr0),
  quad(F.GUEST_CR3, STATE.cr3),
  quad(F.GUEST_CR4, STATE.cr4),
  quad(F.GUEST_EFER, STATE.efer),
  quad(F.GUEST_DR7, STATE.dr7),
  quad(F.GUEST_RIP, STATE.rip),
  quad(F.GUEST_RSP, STATE.general + RSP * 8),
  {
    field: F.GUEST_RFLAGS,
    get: ({ state }) => BigInt(state.rflags),
    set: ({ state }, value) => void (state.rflags = Number(value)),
  },
  ...segmentSlots,
  quad(F.GUEST_GDTR_BASE, STATE.gdtr),
  word(F.GUEST_GDTR_LIMIT, STATE.gdtr + 8),
  quad(F.GUEST_IDTR_BASE, STATE.idtr),
  word(F.GUEST_IDTR_LIMIT, STATE.idtr + 8),
  quad(F.GUEST_PDPTE0, STATE.pdpte),
  quad(F.GUEST_PDPTE1, STATE.pdpte + 8),
  quad(F.GUEST_PDPTE2, STATE.pdpte + 16),
  quad(F.GUEST_PDPTE3, STATE.pdpte + 24),
  msr(F.GUEST_SYSENTER_CS, MSR.SYSENTER_CS),
  msr(F.GUEST_SYSENTER_ESP, MSR.SYSENTER_ESP),
  msr(F.GUEST_SYSENTER_EIP, MSR.SYSENTER_EIP),
  msr(F.GUEST_DEBUGCTL, MSR.DEBUGCTL),
  msr(F.GUEST_PAT, MSR.PAT),
];

/** The PDPTE fields in order. */
export const PDPTES = [F.GUEST_PDPTE0, F.GUEST_PDPTE1, F.GUEST_PDPTE2, F.GUEST_PDPTE3] as const;

/** True between a VM exit and the next VM entry of our hypervisor: the guest's state is in the VMCS. */
export function isBetweenExitAndEntry({ hypervisor, vmx }: Machine): boolean {
  return hypervisor !== undefined && !vmx.isNonRoot;
}

/** What a machine without our hypervisor counts as: an unrestricted guest that brings all its state. */
const BARE_CONTROLS: FieldChanges = new Map([
  [F.PRIMARY_CONTROLS, BigInt(PRIMARY.ACTIVATE_SECONDARY_CONTROLS)],
  [F.SECONDARY_CONTROLS, BigInt(SECONDARY.ENABLE_EPT | SECONDARY.UNRESTRICTED_GUEST)],
  [F.ENTRY_CONTROLS, BigInt(ENTRY.LOAD_DEBUG_CONTROLS | ENTRY.LOAD_PAT | ENTRY.LOAD_EFER)],
  [F.VMCS_LINK_POINTER, 0xffff_ffff_ffff_ffffn],
]);

/** The guest, with changes or without. */
export class GuestImage implements VmcsView {
  private constructor(
    private readonly machine: Machine,
    private readonly values: FieldChanges,
  ) {}

  /** The guest as it is now. Changes nothing. */
  static of(machine: Machine): GuestImage {
    const { vmx, hypervisor, processor } = machine;
    return machine.asGuest(() => {
      const { sti, movSs, nmi } = processor.interruptibility;
      const blocking = (sti ? BLOCKING.STI : 0) | (movSs ? BLOCKING.MOV_SS : 0) | (nmi ? BLOCKING.NMI : 0);
      const controls = hypervisor || vmx.isNonRoot ? [] : BARE_CONTROLS;
      const values = new Map<VmcsField, bigint>([
        ...controls,
        [F.GUEST_INTERRUPTIBILITY_STATE, BigInt(blocking)],
        [F.GUEST_PENDING_DEBUG_EXCEPTIONS, BigInt(processor.pendingDebug)],
        [F.GUEST_ACTIVITY_STATE, processor.activity === 'hlt' ? 1n : 0n],
        [F.ENTRY_INTERRUPTION_INFORMATION, injected(machine)],
        ...SLOTS.map(({ field, get }): [VmcsField, bigint] => [field, get(machine)]),
      ]);
      return new GuestImage(machine, values);
    });
  }

  /** The same guest with `changes`. */
  with(changes: FieldChanges): GuestImage {
    return new GuestImage(this.machine, new Map([...this.values, ...changes]));
  }

  /** The whole field. */
  get(field: VmcsField): bigint {
    const value = this.values.get(field) ?? this.machine.vmx.current?.get(field) ?? 0n;
    if (field !== F.ENTRY_CONTROLS) return value;
    const ia32e = BigInt(ENTRY.IA32E_MODE_GUEST);
    return this.get(F.GUEST_EFER) & BigInt(EFER.LMA) ? value | ia32e : value & ~ia32e;
  }

  low(field: VmcsField): number {
    return Number(BigInt.asUintN(32, this.get(field)));
  }

  high(field: VmcsField): number {
    return field.wide ? Number(this.get(field) >> 32n) : 0;
  }

  /** The first check of these kinds that VM entry would fail with this guest and would have passed with `before`. */
  brokenSince(before: GuestImage, kinds: readonly RuleKind[] = ['guest']): EntryRule | undefined {
    const context = this.context();
    return ENTRY_RULES.find(
      (rule) => kinds.includes(rule.kind) && !rule.test(this, context) && rule.test(before, context),
    );
  }

  /** Makes this the guest's state; `before` is what it is now. */
  commit(before: GuestImage): void {
    const { machine } = this;
    const { processor, vmx } = machine;
    const changed = SLOTS.filter(({ field }) => this.get(field) !== before.get(field));
    if (changed.length === 0) return;
    if (isBetweenExitAndEntry(machine)) {
      for (const { field } of [...changed, { field: F.ENTRY_CONTROLS }])
        vmx.current!.write(field.encoding, this.get(field));
      return;
    }
    for (const { field, set } of changed) set(machine, this.get(field));
    processor.stateReplaced(true);
  }

  private context(): EntryContext {
    const { vmx, memory, hypervisor } = this.machine;
    const { capabilities } = vmx;
    const isVirtual = hypervisor !== undefined || vmx.isNonRoot;
    return {
      capabilities: isVirtual ? capabilities : { ...capabilities, cr0MustBe1: 0, cr4MustBe1: 0 },
      longMode: (this.get(F.HOST_EFER) & BigInt(EFER.LMA)) !== 0n,
      currentVmcs: vmx.currentPointer,
      readPhysical32: (physical) => (memory.contains(physical, 4) ? memory.read32(physical) : 0xffff_ffff),
    };
  }
}

/** What the next VM entry will inject, as far as it is decided. */
function injected({ hypervisor, vmx }: Machine): bigint {
  const event = hypervisor?.waiting.event;
  if (event) return BigInt(event.information);
  return hypervisor && !vmx.isNonRoot ? vmx.current!.get(F.ENTRY_INTERRUPTION_INFORMATION) : 0n;
}
