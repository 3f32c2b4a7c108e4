/** General registers, RIP and RFLAGS. Source: SDM Vol. 1 3.4. */
import { F } from '../../../cpu/vmx/vmcs-layout';
import type { Machine } from '../../../machine/machine';
import { editField, editRip } from '../edit-guest';
import type { RegisterCell } from './cell';
import { RFLAGS_FIELDS } from './fields';

const RSP = 4;
const NAMES = [
  ...['RAX', 'RCX', 'RDX', 'RBX', 'RSP', 'RBP', 'RSI', 'RDI'],
  ...['R8', 'R9', 'R10', 'R11', 'R12', 'R13', 'R14', 'R15'],
];

/** The group General. */
export const generalCells: readonly RegisterCell[] = [
  ...NAMES.map((name, number): RegisterCell => ({
    name,
    bits: 64,
    read: ({ state }) => state.general(number),
    // VM exits leave all of them in the processor but RSP.
    write:
      number === RSP
        ? editField(F.GUEST_RSP, name)
        : ({ state }: Machine, value: bigint): void => state.setGeneral(number, value),
  })),
  { name: 'RIP', bits: 64, names: ['rip', 'pc'], read: ({ state }) => state.rip, write: editRip },
];

/** The group Flags. */
export const flagCells: readonly RegisterCell[] = [
  {
    name: 'RFLAGS',
    bits: 64,
    fields: RFLAGS_FIELDS,
    read: ({ state }) => BigInt(state.rflags),
    write: editField(F.GUEST_RFLAGS, 'RFLAGS'),
  },
];
