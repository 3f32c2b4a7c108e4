/**
 * Label selectors as kubectl takes them: `app=web,tier!=front`, `env in (test, lab)`, `!legacy`, `owner`.
 * Source: Kubernetes documentation, "Labels and Selectors".
 */
import { UserError } from '../../common/errors';

type Labels = Readonly<Record<string, string>>;

/** What a set of labels must fulfil, all of it. */
export type Selector = readonly Requirement[];

interface Requirement {
  readonly label: string;
  readonly operator: 'in' | 'notin' | 'exists' | 'absent';
  readonly values: readonly string[];
}

const NAME = '[A-Za-z0-9](?:[A-Za-z0-9_./-]*[A-Za-z0-9])?';
const VALUE = '(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)?';
const SET = new RegExp(`^(${NAME})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EQUALITY = new RegExp(`^(${NAME})\\s*(==|=|!=)\\s*(${VALUE})$`);
const EXISTENCE = new RegExp(`^(!?)\\s*(${NAME})$`);

/** The selector in a text; the empty one selects all. Throws a UserError that names the part that is wrong. */
export function parseSelector(text: string): Selector {
  // Commas within parentheses belong to a set.
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  return parts.filter((part) => part !== '' || parts.length > 1).map(parseRequirement);
}

function parseRequirement(part: string): Requirement {
  const [, setLabel, word, list = ''] = SET.exec(part) ?? [];
  if (setLabel !== undefined) {
    const values = list.split(',').map((value) => value.trim());
    if (values.every((value) => new RegExp(`^${VALUE}$`).test(value)))
      return { label: setLabel, operator: word === 'in' ? 'in' : 'notin', values };
  }
  const [, label, sign, value = ''] = EQUALITY.exec(part) ?? [];
  if (label !== undefined) return { label, operator: sign === '!=' ? 'notin' : 'in', values: [value] };
  const [, not, name] = EXISTENCE.exec(part) ?? [];
  if (name !== undefined) return { label: name, operator: not === '!' ? 'absent' : 'exists', values: [] };
  throw new UserError(
    'selector/syntax',
    `"${part}" is no part of a selector: write label=value, label!=value, label in (a, b), label or !label.`,
  );
}

/** Whether the labels fulfil it. What a label must not be, one that is absent is not. */
export const selects = (selector: Selector, labels: Labels = {}): boolean =>
  selector.every(({ label, operator, values }) => {
    const value = Object.hasOwn(labels, label) ? labels[label] : undefined;
    switch (operator) {
      case 'in':
        return value !== undefined && values.includes(value);
      case 'notin':
        return value === undefined || !values.includes(value);
      case 'exists':
        return value !== undefined;
      case 'absent':
        return value === undefined;
    }
  });
