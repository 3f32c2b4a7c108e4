/**
 * Expressions as plain data, so that they can be computed where the machine is: what the parser makes of a text once its
 * symbols are looked up. C's operators over 64-bit integers; types are the integers and pointers to them.
 */
import type { AddressSpace } from '../../protocol/address';

/** An integer type. */
export interface IntegerType {
  /** Width in bits. */
  readonly bits: 8 | 16 | 32 | 64 | 80 | 128;
  readonly signed: boolean;
}

/** What a pointer points to: an integer, or a pointer to one, and so on. */
export interface PointerType {
  readonly to: ValueType;
  readonly space: AddressSpace;
}

export type ValueType = IntegerType | PointerType;

/** A computed value: `value` is reduced to the type's width, negative only if the type is signed. */
export interface Value {
  readonly value: bigint;
  readonly type: ValueType;
  /** Where it lies, if it was read from memory. */
  readonly place?: { readonly space: AddressSpace; readonly address: bigint } | undefined;
}

export type UnaryOperator = '-' | '+' | '~' | '!';
export type BinaryOperator =
  '*' | '/' | '%' | '+' | '-' | '<<' | '>>' | '<' | '<=' | '>' | '>=' | '==' | '!=' | '&' | '^' | '|' | '&&' | '||';

/** A node of an expression. */
export type Expression =
  | {
      readonly kind: 'constant';
      readonly value: bigint;
      readonly type: ValueType;
      readonly symbol?: string | undefined;
    }
  /** A register by its name in lower case, without `$`. */
  | { readonly kind: 'register'; readonly name: string }
  /** A name that the event at hand gives a value to, such as `vector`. */
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'dereference'; readonly of: Expression }
  | { readonly kind: 'addressOf'; readonly of: Expression }
  | { readonly kind: 'cast'; readonly type: ValueType; readonly of: Expression }
  | { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly of: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'choose'; readonly test: Expression; readonly yes: Expression; readonly no: Expression }
  | { readonly kind: 'in'; readonly of: Expression; readonly among: readonly Expression[] };

/** When a breakpoint that is met counts: `hits OPERATOR count`; `%` means every count-th. */
export interface HitCondition {
  readonly operator: '==' | '>=' | '>' | '<' | '<=' | '%';
  readonly count: number;
}

/** How a log point shows a value: hexadecimal, decimal, or the NUL-ended string that it points to. */
export type LogFormat = 'x' | 'd' | 's';

/** The message of a log point: text, and expressions between. */
export type LogTemplate = readonly (string | { readonly expression: Expression; readonly format?: LogFormat })[];
