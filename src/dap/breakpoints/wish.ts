/**
 * One breakpoint as the client wants it: what it stops for, when, and what the target needs for it. Wishes are resolved
 * again whenever a program is found in memory.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../../common/errors';
import type { Expression, HitCondition, LogTemplate } from '../../symbols/expression/ast';
import { parseHitCondition } from '../../symbols/expression/hit-condition';
import { parseLogTemplate } from '../../symbols/expression/log-template';
import type { ExpressionNames } from '../../symbols/expression/names';
import { parseExpression } from '../../symbols/expression/parse';
import type { CodeBreakpoint, DataBreakpoint, EventBreakpoint } from '../../targets/target';
import type { Arguments } from '../arguments';

/** What stops say was met. */
export type WishKind =
  'breakpoint' | 'function breakpoint' | 'instruction breakpoint' | 'data breakpoint' | 'event' | 'panic';

/** Conditions as the client wrote them. */
export interface Conditions {
  readonly condition?: string | undefined;
  readonly hitCondition?: string | undefined;
  readonly logMessage?: string | undefined;
}

/** Conditions as the target takes them. */
export interface TargetConditions {
  readonly condition?: Expression;
  readonly hits?: HitCondition;
  readonly log?: LogTemplate;
}

/** What a wish comes to. */
export interface Resolved {
  /** What the client is told, without the id. */
  readonly told: Omit<DebugProtocol.Breakpoint, 'id'>;
  readonly code?: readonly CodeBreakpoint[];
  readonly data?: readonly DataBreakpoint[];
  readonly events?: readonly EventBreakpoint[];
}

/** A wish with its number. */
export interface Wish {
  readonly id: number;
  readonly kind: WishKind;
  /** Equal for wishes that are the same: such keep their number and hit counts. */
  readonly key: string;
  /** Looks places and names up. UserErrors become the reason why the breakpoint is not verified. */
  resolve(id: number, names: ExpressionNames): Resolved;
}

/** The conditions in a request's breakpoint. */
export function conditionsOf(args: Arguments): Conditions {
  const text = (name: string): string | undefined =>
    args.has(name) && args.text(name).trim() ? args.text(name) : undefined;
  return { condition: text('condition'), hitCondition: text('hitCondition'), logMessage: text('logMessage') };
}

/** Reads conditions. Throws UserErrors. */
export function parseConditions(
  { condition, hitCondition, logMessage }: Conditions,
  names: ExpressionNames,
): TargetConditions {
  return {
    ...(condition !== undefined && { condition: parseExpression(condition, names) }),
    ...(hitCondition !== undefined && { hits: parseHitCondition(hitCondition) }),
    ...(logMessage !== undefined && { log: parseLogTemplate(logMessage, names) }),
  };
}

/** A breakpoint that waits for something, or never can be. */
export const unverified = (message: string, reason: 'pending' | 'failed'): Resolved => ({
  told: { verified: false, message, reason },
});

/** Resolves a wish: the client's mistakes are told to it. */
export function resolveWish(wish: Wish, names: ExpressionNames): Resolved {
  try {
    return wish.resolve(wish.id, names);
  } catch (error) {
    if (error instanceof UserError) return unverified(error.message, 'failed');
    throw error;
  }
}
