/** XMM registers and MXCSR. Source: SDM Vol. 1 10.2. */
import { MXCSR_MASK } from '../../../cpu/extended-state-layout';
import { STATE } from '../../../cpu/layout';
import { refusedValue } from '../errors';
import type { RegisterCell } from './cell';
import { MXCSR_FIELDS } from './fields';

const SLOT_BYTES = 64;

/** The group SSE. */
export const sseCells: readonly RegisterCell[] = [
  ...Array.from({ length: 16 }, (_, number): RegisterCell => {
    const at = STATE.vector + number * SLOT_BYTES;
    return {
      name: `XMM${number}`,
      bits: 128,
      read: ({ state }) => (state.quad(at + 8) << 64n) | state.quad(at),
      write: ({ state }, value) => {
        state.setQuad(at, BigInt.asUintN(64, value));
        state.setQuad(at + 8, value >> 64n);
      },
    };
  }),
  {
    name: 'MXCSR',
    bits: 32,
    fields: MXCSR_FIELDS,
    read: ({ state }) => BigInt(state.word(STATE.mxcsr)),
    write: ({ state }, value) => {
      if (value & ~BigInt(MXCSR_MASK))
        throw refusedValue('MXCSR', value, 'bits 31:16 are reserved (SDM Vol. 1 10.2.3)');
      state.setWord(STATE.mxcsr, Number(value));
    },
  },
];
