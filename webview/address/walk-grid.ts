/**
 * A walk as one picture. Columns are the guest's own levels, and the page at the end; below each entry is the EPT walk that
 * leads to where it lies in the machine's memory.
 */
import type { WalkAnswer, WalkLevel } from '../../src/protocol/walk';
import { h } from '../dom';

/** One column: a guest entry, or the page itself, with the EPT levels that lead to it. */
export interface WalkColumn {
  readonly title: string;
  readonly ept: readonly PlacedLevel[];
  readonly guest?: PlacedLevel;
}

/** A level and its index in the answer. */
export interface PlacedLevel {
  readonly level: WalkLevel;
  readonly index: number;
}

/** The levels by the guest entry that they lead to. */
export function walkColumns({ levels }: WalkAnswer): readonly WalkColumn[] {
  const columns: WalkColumn[] = [];
  let ept: PlacedLevel[] = [];
  for (const [index, level] of levels.entries()) {
    if (level.table.startsWith('EPT ')) ept.push({ level, index });
    else {
      columns.push({ title: level.table, ept, guest: { level, index } });
      ept = [];
    }
  }
  return ept.length > 0 ? [...columns, { title: 'Page', ept }] : columns;
}

/** The picture; `onselect` gets the level that the user points out. */
export function walkGrid(answer: WalkAnswer, onselect: (level: WalkLevel) => void): HTMLElement {
  const columns = walkColumns(answer);
  if (columns.length === 0) return h('p', {}, 'No table is used: paging is off, and there is no EPT.');
  const depths = [...new Set(columns.flatMap(({ ept }) => ept.map(({ level }) => level.table)))];
  const cell = (placed: PlacedLevel | undefined): HTMLElement =>
    h('td', {}, placed && entryButton(placed, answer.fault?.level === placed.index, onselect));
  const guestRow = (): HTMLElement =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, 'Guest entry'),
      ...columns.map(({ guest }) => (guest ? cell(guest) : h('td', { class: 'page' }, answer.guestPhysical ?? ''))),
    );
  return h(
    'table',
    { class: 'walk', 'aria-label': 'Entries of the walk' },
    h(
      'thead',
      {},
      h('tr', {}, h('th', { scope: 'col' }, ''), ...columns.map(({ title }) => h('th', { scope: 'col' }, title))),
    ),
    h(
      'tbody',
      {},
      guestRow(),
      ...depths.map((table) =>
        h(
          'tr',
          { class: 'ept' },
          h('th', { scope: 'row' }, table),
          ...columns.map(({ ept }) => cell(ept.find(({ level }) => level.table === table))),
        ),
      ),
      h(
        'tr',
        {},
        h('th', { scope: 'row' }, 'Physical'),
        ...columns.map(({ guest }) =>
          h('td', { class: 'physical' }, guest ? (guest.level.entryAddress ?? 'register') : (answer.physical ?? '')),
        ),
      ),
    ),
  );
}

function entryButton(
  { level, index }: PlacedLevel,
  isToBlame: boolean,
  onselect: (level: WalkLevel) => void,
): HTMLElement {
  const { table, entry, bits, pageBytes } = level;
  // What the picture shows by its place and its colour is also said.
  const said = (text: string): HTMLElement => h('span', { class: 'said' }, text);
  return h(
    'button',
    {
      type: 'button',
      class: isToBlame ? 'entry blame' : 'entry',
      'data-level': index,
      onclick: () => onselect(level),
    },
    said(`${table} `),
    h('span', { class: 'index' }, `[${level.index}] `),
    h('code', {}, entry),
    h('span', { class: 'bits' }, ` ${bits.join(' ') || '\u2013'}`, pageBytes ? ` ${sizeText(pageBytes)}` : ''),
    isToBlame && said(' causes the fault'),
  );
}

/** Bytes as people say them: `4 KiB`. */
export function sizeText(bytes: number | bigint): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  let value = Number(bytes);
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${Number(value.toFixed(1))} ${units[unit]}`;
}
