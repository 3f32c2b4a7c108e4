/**
 * MXCSR around one SSE instruction: settings in, flags out, #XM for what no mask covers.
 * Source: SDM Vol. 1, 10.2.3, 11.5.2, 11.5.3 (packed forms: all elements' flags; an unmasked exception found before the
 * computation leaves the later ones out), 11.5.4. Nothing is written when an exception is raised.
 */
import { VECTOR } from '../../isa/semantics';
import { FloatContext, PRE_COMPUTATION } from '../float/context';
import { F32, F64 } from '../float/formats';
import type { Format } from '../float/formats';
import { STATE } from '../layout';
import { CR4 } from '../mode';
import { GuestFault } from '../signals';
import type { ProcessorState } from '../state';

/** Elements of one width in registers or the result slots, by state offset. */
export interface Element<T> {
  readonly format: Format<T>;
  readonly bytes: 4 | 8;
  read(view: DataView, offset: number): T;
  write(view: DataView, offset: number, value: T): void;
}

export const SINGLE: Element<number> = {
  format: F32,
  bytes: 4,
  read: (view, offset) => view.getUint32(offset, true),
  write: (view, offset, value) => view.setUint32(offset, value, true),
};

export const DOUBLE: Element<bigint> = {
  format: F64,
  bytes: 8,
  read: (view, offset) => view.getBigUint64(offset, true),
  write: (view, offset, value) => view.setBigUint64(offset, value, true),
};

export class SseUnit {
  readonly context = new FloatContext('SSE');

  constructor(readonly state: ProcessorState) {}

  get view(): DataView {
    return this.state.view;
  }

  /**
   * Computes one step of `count` elements under the current MXCSR, then takes the flags. Throws #XM, or #UD with
   * CR4.OSXMMEXCPT = 0, for an unmasked exception.
   */
  each<R>(count: number, compute: (context: FloatContext, index: number) => R): R[] {
    const { context, state } = this;
    context.setMxcsr(state.word(STATE.mxcsr));
    let flags = 0;
    let isBlocked = false;
    const results: R[] = [];
    for (let index = 0; index < count; index++) {
      context.begin();
      results.push(compute(context, index));
      flags |= context.flags;
      isBlocked ||= context.blocked;
    }
    if (isBlocked) flags &= PRE_COMPUTATION;
    if (flags) state.setWord(STATE.mxcsr, state.word(STATE.mxcsr) | flags);
    if (flags & ~context.masks) {
      throw new GuestFault(state.word(STATE.cr4) & CR4.OSXMMEXCPT ? VECTOR.XM : VECTOR.UD);
    }
    return results;
  }

  /** All elements of a vector at a state offset. */
  elements<T>({ bytes, read }: Element<T>, offset: number, count = 16 / bytes): T[] {
    return Array.from({ length: count }, (_, index) => read(this.view, offset + index * bytes));
  }

  /** Writes elements from a state offset on. */
  put<T>({ bytes, write }: Element<T>, offset: number, values: readonly T[]): void {
    for (const [index, value] of values.entries()) write(this.view, offset + index * bytes, value);
  }
}

/** One SSE operation: state offsets of destination and source, immediate. */
export type SseFunction = (unit: SseUnit, destination: number, source: number, immediate: number) => void;
