/** Expressions in a session: parsed over its programs' symbols, computed by the target. */
import type { AddressSpace } from '../protocol/address';
import type { Expression, Value } from '../symbols/expression/ast';
import type { ExpressionNames } from '../symbols/expression/names';
import { parseExpression } from '../symbols/expression/parse';
import { sizeOf } from '../symbols/expression/types';
import { assign } from './console/assign';
import type { Debuggee } from './debuggee';

/** A place in memory that an expression names. */
export interface MemoryPlace {
  readonly space: AddressSpace;
  readonly address: bigint;
  readonly bytes: number;
}

/** Computes and assigns, at a stop. All of it rejects with UserErrors. */
export class Evaluator {
  constructor(private readonly debuggee: Debuggee) {}

  /** Reads an expression; `names` are the session's unless given. */
  parse(text: string, names: ExpressionNames = this.debuggee.names): Expression {
    return parseExpression(text, names);
  }

  evaluate(text: string, thread: number): Promise<Value> {
    return this.debuggee.stoppedTarget.evaluate(thread, this.parse(text));
  }

  /** What the expression names in memory; undefined for a register or a computed value that is no pointer. */
  async place(text: string, thread: number): Promise<MemoryPlace | undefined> {
    const { value, type, place } = await this.evaluate(text, thread);
    if (place) return { ...place, bytes: sizeOf(type) };
    if ('to' in type) return { space: type.space, address: value, bytes: sizeOf(type.to) };
    return undefined;
  }

  /** Writes `value` to what `text` names; gives what is there then, and where if that is memory. */
  async assign(text: string, value: bigint, thread: number): Promise<Value> {
    const written = await assign(this.debuggee.stoppedTarget, thread, this.parse(text), value);
    const { place, type } = written;
    const space = place?.space === 'linear' ? '' : `${place?.space}:`;
    this.debuggee.announceEdit(place && { reference: `${space}0x${place.address.toString(16)}`, count: sizeOf(type) });
    return written;
  }
}
