/** A target at rest as values are read from it, with the registers that the processor has. */
import type { Target } from '../../targets/target';
import { assign } from '../console/assign';
import { partlyWritten } from '../console/errors';
import type { ValueReader } from './reader';
import { referenceTo } from './row';

/** What was written; nothing is named for a register. */
export type Announce = (memory?: { readonly reference: string; readonly count: number }) => void;

/** DWARF's names for what is called otherwise here. */
const SEGMENT_BASE = /^([fg]s)_base$/;

/** A register by the name that it has here. */
export const ownName = (name: string): string => name.replace(SEGMENT_BASE, '$1.base');

/** Reads and writes through a thread of the target. */
export const targetReader = (target: Target, thread: number, announce: Announce): ValueReader => ({
  evaluate: (expression) => target.evaluate(thread, expression),
  read: (space, address, length) => target.readMemory(thread, space, address, length),
  write: async (space, address, bytes) => {
    const written = await target.writeMemory(thread, space, address, bytes);
    if (written < bytes.length) throw partlyWritten(written, bytes.length);
    announce({ reference: referenceTo({ space, address }), count: bytes.length });
  },
  writeRegister: async (name, value) => {
    const held = await assign(target, thread, { kind: 'register', name: ownName(name) }, value);
    announce();
    return held;
  },
});
