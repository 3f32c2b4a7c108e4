/**
 * Model-specific registers: those that the guest can read at the moment. Source: SDM Vol. 4 chapter 2.
 *
 * Edits take the way of WRMSR, but for registers whose writing is a command and not a value (EOI, ESR, ICR, self IPI):
 * those are read-only here.
 */
import { MSR } from '../../../cpu/msr-numbers';
import { MSR_TABLE } from '../../../cpu/msr-table';
import { GuestFault } from '../../../cpu/signals';
import { F } from '../../../cpu/vmx/vmcs-layout';
import type { VmcsField } from '../../../cpu/vmx/vmcs-layout';
import type { Machine } from '../../../machine/machine';
import { boardEdited, editField } from '../edit-guest';
import { refusedValue } from '../errors';
import type { RegisterCell } from './cell';
import { eferCell } from './control';
import { MSR_FIELDS } from './msr-fields';

/** MSRs that VM entries load from the guest-state area. */
const SWITCHED: ReadonlyMap<number, VmcsField> = new Map([
  [MSR.SYSENTER_CS, F.GUEST_SYSENTER_CS],
  [MSR.SYSENTER_ESP, F.GUEST_SYSENTER_ESP],
  [MSR.SYSENTER_EIP, F.GUEST_SYSENTER_EIP],
  [MSR.DEBUGCTL, F.GUEST_DEBUGCTL],
  [MSR.PAT, F.GUEST_PAT],
  [MSR.FS_BASE, F.GUEST_FS_BASE],
  [MSR.GS_BASE, F.GUEST_GS_BASE],
]);

const SYSENTER_CS_BITS = 32n;

/** ESR, ICR, EOI and self IPI of the x2APIC. */
const COMMANDS: ReadonlySet<number> = new Set([0x28, 0x30, 0x0b, 0x3f].map((register) => MSR.X2APIC_FIRST + register));

/** The board's devices and the clock look at these. */
const reachesBoard = (index: number): boolean =>
  [MSR.APIC_BASE, MSR.TSC_DEADLINE, MSR.TIME_STAMP_COUNTER, MSR.TSC_ADJUST].some((msr) => msr === index) ||
  (index >= MSR.X2APIC_FIRST && index <= MSR.X2APIC_LAST);

/** VMX does not exist for the guest of our hypervisor. */
const isHidden = ({ hypervisor }: Machine, index: number): boolean =>
  hypervisor !== undefined && (index === MSR.FEATURE_CONTROL || (index >= MSR.VMX_BASIC && index <= MSR.VMX_LAST));

function read(machine: Machine, index: number): bigint | undefined {
  if (isHidden(machine, index)) return undefined;
  try {
    return machine.processor.readMsr(index);
  } catch (signal) {
    if (signal instanceof GuestFault) return undefined;
    throw signal;
  }
}

function write(machine: Machine, index: number, name: string, value: bigint): void {
  try {
    machine.processor.writeMsr(index, value);
  } catch (signal) {
    if (signal instanceof GuestFault) throw refusedValue(name, value, 'WRMSR of this value raises #GP(0) (SDM Vol. 4)');
    throw signal;
  }
  if (reachesBoard(index)) boardEdited(machine);
}

function writer(index: number, name: string): RegisterCell['write'] {
  const field = SWITCHED.get(index);
  if (!field) return (machine, value) => write(machine, index, name, value);
  const edit = editField(field, name);
  return (machine, value) => {
    if (index === MSR.SYSENTER_CS && value >> SYSENTER_CS_BITS)
      throw refusedValue(name, value, 'bits 63:32 are not kept (SDM Vol. 3A 5.8.7)');
    edit(machine, value);
  };
}

const names = (name: string): string[] => {
  const lower = name.toLowerCase();
  return lower.startsWith('ia32_') ? [lower, lower.slice('ia32_'.length)] : [lower];
};

/** The SDM reserves some of the x2APIC's numbers: they have no name and never a value. */
const rows = [...MSR_TABLE].filter(([, { name }]) => name.startsWith('IA32_')).sort(([a], [b]) => a - b);

/** The group MSRs, by number. */
export const msrCells: readonly RegisterCell[] = rows.map(([index, { name, write: isWritable }]): RegisterCell => {
  if (index === MSR.EFER) return eferCell;
  const isCommand = COMMANDS.has(index);
  return {
    name,
    bits: 64,
    names: names(name),
    read: (machine) => read(machine, index),
    fields: MSR_FIELDS.get(index),
    ...(isWritable && !isCommand && { write: writer(index, name) }),
    readOnly: isCommand ? 'a write there is a command to the local APIC' : 'WRMSR of it raises #GP(0)',
  };
});
