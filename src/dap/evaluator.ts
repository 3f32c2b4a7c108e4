/** Expressions in a session: parsed over its programs and a frame's variables, computed by the target. */
import type { Expression, Value } from '../symbols/expression/ast';
import type { ExpressionNames } from '../symbols/expression/names';
import { parseExpression } from '../symbols/expression/parse';
import type { Debuggee } from './debuggee';
import { frameContext, type FrameSession } from './values/frame-context';
import { variablesOf } from './values/program-types';
import type { ValueContext, ValueFormat } from './values/reader';
import type { MemoryRange, Row } from './values/row';
import { assignExpression, placeOf, showExpression } from './values/show';

const FIRST_THREAD = 1;

/** Computes and assigns as one frame sees things, at a stop. All of it rejects with UserErrors. */
export class Evaluator {
  private constructor(
    /** The thread that the frame belongs to. */
    readonly thread: number,
    /** How values are shown and read here. */
    readonly values: ValueContext,
    /** Names of the frame's variables. */
    readonly locals: readonly string[],
  ) {}

  /** An evaluator for the frame with a number; without one for the processor as it is. */
  static async of(debuggee: Debuggee, frame?: number): Promise<Evaluator> {
    const found = frame === undefined ? undefined : await debuggee.stopView.frame(frame);
    const thread = found?.thread ?? FIRST_THREAD;
    const context = frameContext(sessionOf(debuggee), thread, frame, found?.row);
    const locals = variablesOf(found?.row.scope).map(({ name }) => name);
    return new Evaluator(thread, context, [...new Set(locals)]);
  }

  /** Reads an expression; `names` are the frame's unless given. */
  parse(text: string, names: ExpressionNames = this.values.names): Expression {
    return parseExpression(text, names);
  }

  async evaluate(text: string): Promise<Value> {
    return this.values.reader.evaluate(this.parse(text));
  }

  /** The value of an expression as a row. */
  show(text: string, format: ValueFormat): Promise<Row> {
    return showExpression(text, format, this.values);
  }

  /** What the expression names in memory; undefined for a register or a computed value that is no pointer. */
  place(text: string): Promise<MemoryRange | undefined> {
    return placeOf(text, this.values);
  }

  /** Writes what `value` says, in the terms of its type, to what `text` names; the row as it is then. */
  set(text: string, value: string, format: ValueFormat): Promise<Row> {
    return assignExpression(text, value, format, this.values);
  }
}

const sessionOf = (debuggee: Debuggee): FrameSession => ({
  target: debuggee.stoppedTarget,
  images: debuggee.images,
  names: debuggee.names,
  frame: (id) => debuggee.stopView.frame(id),
  announceEdit: (memory) => debuggee.announceEdit(memory),
});
