/** Hit conditions of breakpoints: how often a breakpoint must be met before it counts. */
import type { HitCondition } from './ast';
import { badHitCondition } from './errors';

const GRAMMAR = /^\s*(==|>=|<=|>|<|%)?\s*([0-9]{1,15})\s*$/;

/**
 * Parses `5` (the fifth time only), `== 5`, `>= 3`, `> 3`, `<= 3`, `< 3` or `% 10` (every tenth time). Throws a UserError
 * (`expression/hits`) for anything else, conditions that can never hold included.
 */
export function parseHitCondition(text: string): HitCondition {
  const [, written, digits] = GRAMMAR.exec(text) ?? [];
  if (digits === undefined) throw badHitCondition(text);
  const operator = (written ?? '==') as HitCondition['operator'];
  const count = Number(digits);
  // Hits count from 1.
  const least = operator === '<' ? 2 : operator === '>' || operator === '>=' ? 0 : 1;
  if (count < least) throw badHitCondition(text);
  return { operator, count };
}

/** True if the `hits`-th time counts; the first one is 1. */
export function meetsHitCondition({ operator, count }: HitCondition, hits: number): boolean {
  switch (operator) {
    case '==':
      return hits === count;
    case '>=':
      return hits >= count;
    case '>':
      return hits > count;
    case '<':
      return hits < count;
    case '<=':
      return hits <= count;
    case '%':
      return hits % count === 0;
  }
}
