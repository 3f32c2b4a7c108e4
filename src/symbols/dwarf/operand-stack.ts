/**
 * The stack of DWARF's expressions with expressions of ours on it instead of values: what DWARF would compute is written
 * down, for whoever has the registers and the memory. DWARF 5 section 2.5.1. An integer of DWARF's generic type is as wide
 * as an address and unsigned, but divided and compared as if it were signed.
 */
import { UserError } from '../../common/errors';
import type { BinaryOperator, Expression, IntegerType } from '../expression/ast';
import { pointer, unsignedOf } from '../expression/types';

/** The expression cannot be written down: `why` is the end of a sentence, such as `it needs ...`. */
export class NotComputable extends Error {
  constructor(readonly why: string) {
    super(why);
    this.name = 'NotComputable';
  }
}

/** What `compute` gives, or undefined where it throws NotComputable or a UserError. */
export function unlessNotComputable<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch (error) {
    if (error instanceof NotComputable || error instanceof UserError) return undefined;
    throw error;
  }
}

/** An operand: an expression that gives a value of the type. */
export interface Operand {
  readonly expression: Expression;
  readonly type: IntegerType;
  /** Nodes of the expression, those that occur twice counted twice. */
  readonly nodes: number;
}

/** Operations whose operands' signs do not matter. */
const SIGNLESS: readonly BinaryOperator[] = ['+', '-', '*', '&', '|', '^', '<<', '==', '!='];
/** Bounds on one expression: nodes in all, operands on the stack. */
const MAX_NODES = 2000;
const MAX_STACK = 256;

/** Operands, and operations on them. */
export class OperandStack {
  private readonly operands: Operand[] = [];

  /** `generic` is the type of addresses. */
  constructor(readonly generic: IntegerType) {}

  get isEmpty(): boolean {
    return this.operands.length === 0;
  }

  /** Another stack with the same operands. */
  copy(): OperandStack {
    const copy = new OperandStack(this.generic);
    copy.operands.push(...this.operands);
    return copy;
  }

  push(operand: Operand): void {
    if (this.operands.length >= MAX_STACK || operand.nodes > MAX_NODES)
      throw new NotComputable('its place is absurdly complicated');
    this.operands.push(operand);
  }

  pushConstant(value: bigint, type = this.generic): void {
    this.push({ expression: { kind: 'constant', value: wrap(value, type), type }, type, nodes: 1 });
  }

  pushRegister(name: string, type = this.generic): void {
    // Registers of the base of an address are as wide as one.
    const own = type === this.generic ? type : UNKNOWN;
    this.push(converted({ expression: { kind: 'register', name }, type: own, nodes: 1 }, type));
  }

  pop(): Operand {
    const operand = this.operands.pop();
    if (!operand) throw new NotComputable('its place is damaged: an operation in it has no operand');
    return operand;
  }

  /** A copy of the operand at a depth, 0 the topmost. */
  pick(depth: number): void {
    const operand = this.operands.at(-1 - depth);
    if (!operand) throw new NotComputable('its place is damaged: an operation in it has no operand');
    this.push(operand);
  }

  /** Brings the topmost operand below the `count` - 1 ones under it. */
  rotate(count: number): void {
    if (this.operands.length < count)
      throw new NotComputable('its place is damaged: an operation in it has no operand');
    this.operands.splice(1 - count, 0, this.operands.pop()!);
  }

  /** Adds a constant to the topmost operand. */
  add(value: bigint): void {
    this.pushConstant(value, this.operands.at(-1)?.type);
    this.binary('+');
  }

  /** An operator on the two topmost operands; `signed` says how generic ones count. */
  binary(operator: BinaryOperator, signed?: boolean): void {
    const right = this.pop();
    const left = this.pop();
    const { type } = left;
    const isGeneric = type === this.generic && right.type === this.generic;
    const isSigned = isGeneric || operator === '>>' ? (signed ?? type.signed) : type.signed;
    const as = isSigned === type.signed ? type : { bits: type.bits, signed: isSigned };
    const [a, b] = [converted(left, as), converted(right, as)];
    const folded = fold(operator, a, b);
    if (folded !== undefined) return this.pushConstant(folded, type);
    const expression: Expression = { kind: 'binary', operator, left: a.expression, right: b.expression };
    const nodes = a.nodes + b.nodes + 1;
    // 64-bit unsigned arithmetic gives its own type; everything else is brought back to the operands'.
    const isDone = as.bits === 64 && !as.signed && !COMPARISONS.includes(operator);
    this.push(converted({ expression, type: isDone ? as : UNKNOWN, nodes }, type));
  }

  unary(operator: '-' | '~'): void {
    const { expression, type, nodes } = this.pop();
    this.push(
      converted({ expression: { kind: 'unary', operator, of: expression }, type: UNKNOWN, nodes: nodes + 1 }, type),
    );
  }

  absolute(): void {
    const operand = this.pop();
    const signed = converted(operand, { bits: operand.type.bits, signed: true }).expression;
    const zero: Expression = { kind: 'constant', value: 0n, type: { bits: operand.type.bits, signed: true } };
    const test: Expression = { kind: 'binary', operator: '<', left: signed, right: zero };
    const expression: Expression = {
      kind: 'choose',
      test,
      yes: { kind: 'unary', operator: '-', of: signed },
      no: signed,
    };
    this.push(converted({ expression, type: UNKNOWN, nodes: operand.nodes * 3 + 4 }, operand.type));
  }

  /** Replaces an address by what it points to: `bytes` bytes of memory as a number of the type. */
  dereference(bytes: number, type = this.generic): void {
    if (![1, 2, 4, 8].includes(bytes))
      throw new NotComputable(`its place needs ${bytes} bytes of memory as one number`);
    const { expression, nodes } = converted(this.pop(), this.generic);
    const to = { bits: unsignedOf(bytes * 8).bits, signed: type.signed };
    const at: Expression = { kind: 'cast', type: pointer(to, 'linear'), of: expression };
    this.push(converted({ expression: { kind: 'dereference', of: at }, type: to, nodes: nodes + 2 }, type));
  }

  /** Converts the topmost operand. */
  convert(type: IntegerType): void {
    this.push(converted(this.pop(), type));
  }
}

/** Marks operands whose expressions have a type of the expression language's own choice. */
const UNKNOWN: IntegerType = { bits: 128, signed: false };
const COMPARISONS: readonly BinaryOperator[] = ['<', '<=', '>', '>=', '==', '!='];

function converted(operand: Operand, type: IntegerType): Operand {
  const { expression, nodes } = operand;
  if (operand.type.bits === type.bits && operand.type.signed === type.signed) return { expression, type, nodes };
  if (expression.kind === 'constant') {
    return { expression: { kind: 'constant', value: wrap(expression.value, type), type }, type, nodes };
  }
  return { expression: { kind: 'cast', type, of: expression }, type, nodes: nodes + 1 };
}

/** Sums of constants, which most places are made of. */
function fold(operator: BinaryOperator, { expression: a }: Operand, { expression: b }: Operand): bigint | undefined {
  if (a.kind !== 'constant' || b.kind !== 'constant' || !SIGNLESS.includes(operator)) return undefined;
  if (operator === '+') return a.value + b.value;
  return operator === '-' ? a.value - b.value : undefined;
}

function wrap(value: bigint, { bits, signed }: IntegerType): bigint {
  return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}
