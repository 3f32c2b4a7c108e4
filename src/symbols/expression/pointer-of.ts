/** Which expressions are pointers, told without computing them: registers and variables never are. */
import type { Expression, PointerType } from './ast';
import { isPointer, pointer, U64 } from './types';

/** The pointer type that an expression has; undefined if it is an integer. The space may turn out to be another. */
export function pointerOf(expression: Expression): PointerType | undefined {
  switch (expression.kind) {
    case 'constant':
    case 'cast':
      return isPointer(expression.type) ? expression.type : undefined;
    case 'dereference': {
      const to = pointerOf(expression.of)?.to;
      return to && isPointer(to) ? to : undefined;
    }
    case 'addressOf':
      return pointer(pointerOf(expression.of) ?? U64, 'linear');
    case 'binary': {
      const left = pointerOf(expression.left);
      const right = pointerOf(expression.right);
      if (expression.operator === '+') return left ?? right;
      return expression.operator === '-' && !right ? left : undefined;
    }
    case 'choose':
      return pointerOf(expression.yes) ?? pointerOf(expression.no);
    default:
      return undefined;
  }
}
