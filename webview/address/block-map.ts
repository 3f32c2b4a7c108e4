/// <reference lib="dom" />
/** Guest RAM as a picture: a cell for each block, by how much of it the EPT maps and how much has been written. */
import type { EptBlocks } from '../../src/protocol/mappings';
import { h } from '../dom';
import { sizeText } from './walk-grid';

/** What a block is shown as. */
export type BlockKind = 'unmapped' | 'mapped' | 'written' | 'fresh';

/** `fresh`: more of it is written than at the stop before. */
export function blockKind(mapped: number, written: number, before: number | undefined): BlockKind {
  if (before !== undefined && written > before) return 'fresh';
  if (written > 0) return 'written';
  return mapped > 0 ? 'mapped' : 'unmapped';
}

const KINDS: Readonly<Record<BlockKind, string>> = {
  unmapped: 'the EPT maps none of it',
  mapped: 'mapped, not written',
  written: 'written',
  fresh: 'more of it written since the stop before',
};
const COLUMNS = 32;

/** The picture; a cell leads to its first address. */
export function blockMap(
  { blockBytes, pagesOfBlock, mapped, written }: EptBlocks,
  before: readonly number[],
  onchoose: (address: string) => void,
): HTMLElement {
  const cells = mapped.map((pages, index) => {
    const start = `0x${(index * blockBytes).toString(16)}`;
    const kind = blockKind(pages, written[index] ?? 0, before[index]);
    const text = `${start}: ${pages} of ${pagesOfBlock} pages mapped, ${written[index] ?? 0} written`;
    return h('button', {
      type: 'button',
      class: `block block-${kind}`,
      title: text,
      'aria-label': text,
      'data-block': index,
      tabindex: index === 0 ? 0 : -1,
      onclick: () => onchoose(start),
    });
  });
  const onkeydown = (event: KeyboardEvent): void => {
    const moves: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -COLUMNS,
      ArrowDown: COLUMNS,
    };
    const by = moves[event.key];
    const at = cells.indexOf(event.target as HTMLButtonElement);
    const next = by === undefined ? undefined : cells[at + by];
    if (!next || at < 0) return;
    event.preventDefault();
    cells[at]!.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
  const sum = (values: readonly number[]): string => sizeText(values.reduce((all, one) => all + one, 0) * 4096);
  return h(
    'section',
    {},
    h(
      'p',
      {},
      `Of RAM the EPT maps ${sum(mapped)}; ${sum(written)} have been written. A cell is ${sizeText(blockBytes)}.`,
    ),
    h('div', { class: 'blocks', role: 'group', 'aria-label': 'Guest RAM in blocks', onkeydown }, ...cells),
    h(
      'p',
      { class: 'legend' },
      ...Object.entries(KINDS).map(([kind, text]) =>
        h('span', {}, h('span', { class: `block block-${kind}`, 'aria-hidden': 'true' }), ` ${text} `),
      ),
    ),
  );
}
