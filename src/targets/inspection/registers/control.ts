/**
 * Control registers as the guest reads them, IA32_EFER, XCR0 and PAE paging's PDPTE registers. Source: SDM Vol. 3A 2.2.1,
 * 2.5, 2.6, 4.4.1, 11.8.6 (CR8).
 */
import { XCR0_BITS } from '../../../cpu/control-registers';
import { PAGING, STATE } from '../../../cpu/layout';
import { F } from '../../../cpu/vmx/vmcs-layout';
import type { Machine } from '../../../machine/machine';
import { boardEdited, editCr0, editCr4, editEfer, editField, seenByGuest } from '../edit-guest';
import { refusedValue } from '../errors';
import { PDPTES } from '../guest-image';
import type { RegisterCell } from './cell';
import * as fields from './fields';

const PAE_PAGING = 2;

function writeCr8(machine: Machine, value: bigint): void {
  if (value >> 4n) throw refusedValue('CR8', value, 'bits 63:4 are reserved (SDM Vol. 3A 11.8.6)');
  const priority = Number(value);
  if (machine.vmx.setTaskPriority(priority)) return;
  machine.board.lapic.taskPriority = priority << 4;
  boardEdited(machine);
}

function writeXcr0({ state }: Machine, value: bigint): void {
  if (!(value & 1n)) throw refusedValue('XCR0', value, 'bit 0 is always 1 (SDM Vol. 3A 2.6)');
  if (value & ~XCR0_BITS)
    throw refusedValue('XCR0', value, 'the processor has x87 and SSE state alone (CPUID leaf 0DH)');
  state.setQuad(STATE.xcr0, value);
}

/** IA32_EFER, which is an MSR too. */
export const eferCell: RegisterCell = {
  name: 'IA32_EFER',
  bits: 64,
  fields: fields.EFER_FIELDS,
  names: ['ia32_efer', 'efer'],
  read: ({ state }) => state.quad(STATE.efer),
  write: editEfer,
};

/** The group Control. */
export const controlCells: readonly RegisterCell[] = [
  {
    name: 'CR0',
    bits: 64,
    fields: fields.CR0_FIELDS,
    read: (machine) => seenByGuest(machine, 0, machine.state.quad(STATE.cr0)),
    write: editCr0,
  },
  {
    name: 'CR2',
    bits: 64,
    read: ({ state }) => state.quad(STATE.cr2),
    write: ({ state }, value) => state.setQuad(STATE.cr2, value),
  },
  {
    name: 'CR3',
    bits: 64,
    fields: fields.CR3_FIELDS,
    read: ({ state }) => state.quad(STATE.cr3),
    write: editField(F.GUEST_CR3, 'CR3'),
  },
  {
    name: 'CR4',
    bits: 64,
    fields: fields.CR4_FIELDS,
    read: (machine) => seenByGuest(machine, 4, machine.state.quad(STATE.cr4)),
    write: editCr4,
  },
  {
    name: 'CR8',
    bits: 64,
    fields: fields.CR8_FIELDS,
    read: ({ vmx, board }) => BigInt(vmx.taskPriority() ?? board.lapic.taskPriority >> 4),
    write: writeCr8,
  },
  { ...eferCell, name: 'EFER' },
  {
    name: 'XCR0',
    bits: 64,
    fields: fields.XCR0_FIELDS,
    read: ({ state }) => state.quad(STATE.xcr0),
    write: writeXcr0,
  },
  ...PDPTES.map((field, index): RegisterCell => ({
    name: `PDPTE${index}`,
    bits: 64,
    fields: fields.PDPTE_FIELDS,
    read: ({ state }) =>
      (state.word(STATE.paging) & PAGING.modeMask) === PAE_PAGING ? state.quad(STATE.pdpte + index * 8) : undefined,
    write: editField(field, `PDPTE${index}`),
  })),
];
