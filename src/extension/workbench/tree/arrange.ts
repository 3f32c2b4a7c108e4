/** Which rows of an engine are shown, and in which groups. Knows nothing of VS Code. */
import type { Item } from '../../../inventory/provider';

/** By what the top rows of each engine are grouped; `label:NAME` by the value of that label. */
export type Grouping = 'none' | 'state' | `label:${string}`;

/** Rows of one group. */
export interface Group {
  readonly name: string;
  readonly items: readonly Item[];
}

const STATES = ['running', 'paused', 'changing', 'failed', 'stopped', 'unknown'];

/** Whether a row is shown: every word of the filter is in its text, or `name=value` is one of its labels. */
export function passes({ label, description, kind, labels = {} }: Item, filter: string): boolean {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const text = [label, description ?? '', kind, ...pairs].join('\n').toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** The rows in groups; those without the label come last. */
export function groups(items: readonly Item[], grouping: Exclude<Grouping, 'none'>): readonly Group[] {
  const label = grouping.startsWith('label:') ? grouping.slice('label:'.length) : undefined;
  const nameOf = (item: Item): string =>
    label === undefined ? (item.state ?? 'unknown') : (item.labels?.[label] ?? '');
  const byName = new Map<string, Item[]>();
  for (const item of items) byName.set(nameOf(item), [...(byName.get(nameOf(item)) ?? []), item]);
  const order = (name: string): string =>
    label === undefined ? `${STATES.indexOf(name)}` : name === '' ? '\uffff' : name;
  return [...byName]
    .sort(([a], [b]) => (order(a) < order(b) ? -1 : 1))
    .map(([name, of]) => ({
      name: name === '' ? `no ${label}` : label === undefined ? name : `${label}: ${name}`,
      items: of,
    }));
}

/** The labels that rows can be grouped by, by name. */
export function labelNames(items: readonly Item[]): readonly string[] {
  return [...new Set(items.flatMap(({ labels = {} }) => Object.keys(labels)))].sort();
}

/** What menus are keyed by: the row's kind, state and possible actions, each between semicolons. */
export function contextValue({ kind, state, actions }: Pick<Item, 'kind' | 'state' | 'actions'>): string {
  return `;kind:${kind};${state ? `state:${state};` : ''}${actions.map((action) => `${action};`).join('')}`;
}
