/**
 * Values as one frame of the stack sees them: its variables, its registers, and what its arguments were when it was called.
 * Source: DWARF version 5, 2.5.1.7 (values on entry), 6.4 (registers of callers).
 */
import { UserError } from '../../common/errors';
import type { Expression } from '../../symbols/expression/ast';
import { bindRegisters, variablesIn } from '../../symbols/expression/bind-registers';
import { quoted } from '../../symbols/expression/errors';
import type { ExpressionNames } from '../../symbols/expression/names';
import { unsignedOf } from '../../symbols/expression/types';
import { knownRegisters } from '../../symbols/dwarf/cfi-step';
import { ON_ENTRY } from '../../symbols/symbol-file';
import { registerPlace } from '../../targets/inspection/register-names';
import type { Target } from '../../targets/target';
import type { ShownFrame } from '../frames';
import type { Images } from '../images/images';
import { localsOf, perCpuOffset, programTypes } from './program-types';
import type { ValueContext, ValueReader } from './reader';
import { type Announce, ownName, targetReader } from './target-reader';

/** What a frame's values are read from: the session. */
export interface FrameSession {
  readonly target: Target;
  readonly images: Images;
  readonly names: ExpressionNames;
  /** A row of the stack by its number; rejects with a UserError behind the last one. */
  frame(id: number): Promise<{ thread: number; row: ShownFrame; isInnermost: boolean }>;
  /** Something was written. */
  readonly announceEdit: Announce;
}

/** The group of registers that frames have values of their own of. */
const GENERAL = 'General';
/** Values on entry can be those of the caller's own entry, and so on. */
const MAX_CALLERS = 8;
/** Values as the frame with this number sees them; without a number as the processor does, without variables. */
export function frameContext(
  session: FrameSession,
  thread: number,
  frame: number | undefined,
  row?: ShownFrame,
): ValueContext {
  const { images, names } = session;
  const local = localsOf(row?.scope);
  return {
    reader: readerOf(session, thread, frame),
    names: {
      ...names,
      symbol: (name) => names.symbol(name),
      register: (name) => names.register(name),
      constant: (name) => names.constant?.(name),
      nearest: (name) => names.nearest?.(name),
      local,
      types: programTypes(images),
      perCpuOffset: (name) => perCpuOffset(images, name),
      cpu: thread - 1,
    },
    symbolAt: (linear) => images.describe(linear),
  };
}

function readerOf(session: FrameSession, thread: number, frame: number | undefined): ValueReader {
  const { target } = session;
  const reader = targetReader(target, thread, (memory) => session.announceEdit(memory));
  if (frame === undefined) return reader;
  const bound = new BoundFrame(session, thread, frame);
  return {
    ...reader,
    evaluate: async (expression) => target.evaluate(thread, await bound.bind(expression)),
    writeRegister: async (name, value) => {
      if (registerPlace(ownName(name))?.group === GENERAL && !(await bound.isInnermost()))
        throw new UserError('value/caller', 'The registers of a caller cannot be written: they lie on the stack.');
      return reader.writeRegister(name, value);
    },
  };
}

/** A frame of the stack, whose registers stand in expressions for those of the processor. */
class BoundFrame {
  private known: Promise<ReadonlyMap<string, bigint> | undefined> | undefined;

  constructor(
    private readonly session: FrameSession,
    private readonly thread: number,
    private readonly id: number,
    private readonly depth = 0,
  ) {}

  async isInnermost(): Promise<boolean> {
    return (await this.session.frame(this.id)).isInnermost;
  }

  /** The expression with this frame's registers. Rejects with a UserError for one that is lost. */
  async bind(expression: Expression): Promise<Expression> {
    const known = await (this.known ??= this.registers());
    const entries = new Map<string, Expression>();
    for (const name of variablesIn(expression))
      if (name.startsWith(ON_ENTRY)) entries.set(name, await this.onEntry(name.slice(ON_ENTRY.length)));
    return bindRegisters(expression, {
      register: (name) => (known ? registerIn(known, ownName(name)) : { kind: 'register', name: ownName(name) }),
      variable: (name) => entries.get(name) ?? { kind: 'variable', name },
    });
  }

  /** The registers of a caller that are known; undefined for the innermost frame, whose are the processor's. */
  private async registers(): Promise<ReadonlyMap<string, bigint> | undefined> {
    const { row, isInnermost } = await this.session.frame(this.id);
    if (isInnermost) return undefined;
    const { target } = this.session;
    const read = (linear: bigint, length: number) => target.readMemory(this.thread, 'linear', linear, length);
    return knownRegisters(row.physical, read, row.image?.symbols.bits);
  }

  /** What a register held when this frame's function was called, from its caller's point of view. */
  private async onEntry(register: string): Promise<Expression> {
    const lost = new UserError(
      'value/entry',
      'The compiler kept it nowhere: it was known only when the function was called.',
    );
    const found = await this.caller();
    if (!found || this.depth >= MAX_CALLERS) throw lost;
    const { callee, id, row } = found;
    const { image, physical } = row;
    const slide = image?.slide;
    if (!image?.symbols.valueOnEntry || slide === undefined || callee === undefined) throw lost;
    const link = BigInt.asUintN(64, physical.ip - slide);
    const value = image.symbols.valueOnEntry(link, register, callee.name, slide, callee.entry);
    if (!value) throw lost;
    return new BoundFrame(this.session, this.thread, id, this.depth + 1).bind(value);
  }

  /** The frame that called this one, and this one's function: that into which others were inlined. */
  private async caller(): Promise<{ callee: ShownFrame['scope']; id: number; row: ShownFrame } | undefined> {
    const { row: own } = await this.session.frame(this.id);
    let callee = own.scope;
    for (let id = this.id + 1; ; id++) {
      const row = await this.rowAt(id);
      if (!row) return undefined;
      if (row.isLabel) continue;
      if (row.physical !== own.physical) return { callee, id, row };
      callee = row.scope ?? callee;
    }
  }

  private async rowAt(id: number): Promise<ShownFrame | undefined> {
    try {
      return (await this.session.frame(id)).row;
    } catch (error) {
      // The stack ends here.
      if (error instanceof UserError) return undefined;
      throw error;
    }
  }
}

/** A register, or a part of one, of a caller. */
function registerIn(known: ReadonlyMap<string, bigint>, name: string): Expression {
  const place = registerPlace(name);
  if (place?.group !== GENERAL) return { kind: 'register', name };
  const whole = known.get(name) ?? known.get(place.register.toLowerCase());
  if (whole === undefined)
    throw new UserError(
      'value/lost',
      `The value that ${quoted(name)} had in this frame is lost: the functions that it called may have overwritten it.`,
    );
  const isWhole = known.has(name);
  const value = BigInt.asUintN(place.bits, isWhole ? whole : whole >> BigInt(place.low));
  return { kind: 'constant', value, type: unsignedOf(place.bits) };
}
