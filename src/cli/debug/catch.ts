/** `catch EVENT ...`: which of the adapter's filters is meant, and what narrows it. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../../common/errors';
import type { Trigger } from './breakpoint';
import { parseReasons, reasonConstant } from './reasons';

/** Exception mnemonics by vector. Source: SDM Vol. 3A table 6-1. */
const VECTORS: Readonly<Record<string, number>> = {
  de: 0,
  db: 1,
  nmi: 2,
  bp: 3,
  of: 4,
  br: 5,
  ud: 6,
  nm: 7,
  df: 8,
  ts: 10,
  np: 11,
  ss: 12,
  gp: 13,
  pf: 14,
  mf: 16,
  ac: 17,
  mc: 18,
  xm: 19,
  ve: 20,
  cp: 21,
};

/** What narrows a filter: a name that its condition can use, and how its values are written. */
const NARROWED: Readonly<Record<string, (list: string) => string>> = {
  exit: (list) => among('reason', parseReasons(list).map(reasonConstant)),
  exception: (list) =>
    among(
      'vector',
      list
        .split(/[\s,]+/)
        .filter(Boolean)
        .map(vector),
    ),
};

/** Reads what follows `catch`. Throws a UserError for an event or a value that there is not. */
export function catchTrigger(
  text: string,
  condition: string | undefined,
  filters: readonly DebugProtocol.ExceptionBreakpointsFilter[],
): { readonly trigger: Trigger; readonly condition: string | undefined } {
  const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  const wanted = word.toLowerCase().replaceAll('-', '');
  const filter = filters.find((known) => known.filter.toLowerCase() === wanted);
  if (!filter)
    throw new UserError(
      'debug/catch',
      `There is no event "${word}": it is one of ${filters.map((known) => known.filter).join(', ')}.`,
    );
  const narrow = NARROWED[filter.filter];
  if (rest !== '' && !narrow)
    throw new UserError('debug/catch', `"${rest}" does not narrow ${filter.filter}: write a condition, "if ...".`);
  const parts = [rest === '' ? undefined : narrow?.(rest), condition].filter((part) => part !== undefined);
  return {
    trigger: { kind: 'event', filter: filter.filter, label: filter.label },
    condition: parts.length > 1 ? parts.map((part) => `(${part})`).join(' && ') : parts[0],
  };
}

const among = (name: string, values: readonly (string | number)[]): string =>
  values.length === 1 ? `${name} == ${values[0]}` : `${name} in (${values.join(', ')})`;

function vector(text: string): number {
  const known = VECTORS[text.toLowerCase().replace(/^#/, '')];
  const number = known ?? (/^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : NaN);
  if (number >= 0 && number < 32) return number;
  throw new UserError('debug/vector', `"${text}" is no exception: write #PF or a vector from 0 to 31.`);
}
