/** Expressions that have a value without a machine. */
import type { Expression } from './ast';
import { evaluate, type Scope } from './evaluate';

/** Nothing is asked of it: what is fixed names neither registers nor memory. */
const NOWHERE: Scope = { register: () => undefined, variable: () => undefined, read: () => new Uint8Array(0) };

function isFixed(expression: Expression): boolean {
  switch (expression.kind) {
    case 'constant':
      return true;
    case 'cast':
    case 'unary':
      return isFixed(expression.of);
    case 'binary':
      return isFixed(expression.left) && isFixed(expression.right);
    default:
      return false;
  }
}

/** The number that constants come to; undefined for what names registers or memory. Throws UserErrors like `evaluate`. */
export function constantOf(expression: Expression): bigint | undefined {
  return isFixed(expression) ? evaluate(expression, NOWHERE).value : undefined;
}
