/** Debug registers. Source: SDM Vol. 3B 17.2. Bits of DR6 and DR7 that are fixed keep their values, as with MOV. */
import { DR6_BITS, DR6_RESET, DR7_BITS, DR7_RESET } from '../../../cpu/debug-registers';
import { STATE } from '../../../cpu/layout';
import { F } from '../../../cpu/vmx/vmcs-layout';
import type { Machine } from '../../../machine/machine';
import { editGuest } from '../edit-guest';
import { refusedValue } from '../errors';
import type { RegisterCell } from './cell';
import { DR6_FIELDS, DR7_FIELDS } from './fields';

function requireLowHalf(name: string, value: bigint): void {
  if (value >> 32n) throw refusedValue(name, value, 'bits 63:32 are reserved (SDM Vol. 3B 17.2.6)');
}

/** The group Debug. */
export const debugCells: readonly RegisterCell[] = [
  ...[0, 1, 2, 3].map((number): RegisterCell => ({
    name: `DR${number}`,
    bits: 64,
    read: ({ state }) => state.quad(STATE.debug + number * 8),
    write: ({ state }: Machine, value) => state.setQuad(STATE.debug + number * 8, value),
  })),
  {
    name: 'DR6',
    bits: 64,
    fields: DR6_FIELDS,
    read: ({ state }) => state.quad(STATE.dr6),
    write: ({ state }, value) => {
      requireLowHalf('DR6', value);
      state.setQuad(STATE.dr6, (value & DR6_BITS) | DR6_RESET);
    },
  },
  {
    name: 'DR7',
    bits: 64,
    fields: DR7_FIELDS,
    read: ({ state }) => state.quad(STATE.dr7),
    write: (machine, value) => {
      requireLowHalf('DR7', value);
      editGuest(machine, 'DR7', value, new Map([[F.GUEST_DR7, (value & DR7_BITS) | DR7_RESET]]));
    },
  },
];
