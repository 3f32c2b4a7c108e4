/** Page tables and EPT as ranges, and the map of guest-physical memory, as tables to browse. */
import type { MappingsAnswer, MappedRange, MemoryMapAnswer } from '../../src/protocol/mappings';
import { button, type Child, fill, h } from '../dom';
import type { Session } from '../session';
import { blockMap } from './block-map';
import { sizeText } from './walk-grid';

const PART = 200;

/** A panel that is read when it is shown. */
export interface ReadPanel {
  readonly panel: HTMLElement;
  read(): Promise<void>;
}

const permission = ({ read, write, execute, user, global }: MappedRange): string =>
  [read ? 'r' : '-', write ? 'w' : '-', execute ? 'x' : '-', user ? ' user' : '', global ? ' global' : ''].join('');

function table(label: string, heads: readonly string[], rows: readonly HTMLElement[]): HTMLElement {
  const head = h('tr', {}, ...heads.map((text) => h('th', { scope: 'col' }, text)));
  return h('table', { class: 'ranges', 'aria-label': label }, h('thead', {}, head), h('tbody', {}, ...rows));
}

const row = (...cells: readonly Child[]): HTMLElement => h('tr', {}, ...cells.map((cell) => h('td', {}, cell)));

/** What the page tables (`linear`) or the EPT map; `onchoose` gets an address to walk. */
export function mappingsPanel(
  session: Session,
  space: 'linear' | 'guestPhysical',
  onchoose: (address: string) => void,
): ReadPanel {
  const list = h('div', {});
  const panel = h('section', {}, list);
  const target = space === 'linear' ? 'Guest-physical' : 'Physical';
  const label = space === 'linear' ? 'Page tables' : 'EPT';
  const read = async (): Promise<void> => {
    const { threadId } = session.now;
    const ranges: MappedRange[] = [];
    let answer: MappingsAnswer;
    const more = async (start?: string): Promise<void> => {
      answer = await session.ask<MappingsAnswer>('vmxray/mappings', {
        space,
        threadId,
        count: PART,
        ...(start && { start }),
      });
      ranges.push(...answer.ranges);
      const { next } = answer;
      fill(
        list,
        answer.note && h('p', {}, answer.note),
        ranges.length > 0 &&
          table(
            label,
            [space === 'linear' ? 'Linear' : 'Guest-physical', 'Size', target, 'Pages', 'Permission'],
            ranges.map((range) =>
              row(
                button(range.start, () => onchoose(range.start), { class: 'link', title: 'Walk this address' }),
                sizeText(BigInt(range.end) - BigInt(range.start)),
                h('code', {}, range.target),
                sizeText(range.pageBytes),
                permission(range),
              ),
            ),
          ),
        next !== undefined && button('More', () => void more(next)),
      );
    };
    await more();
  };
  return { panel, read };
}

/** What guest-physical memory holds. */
export function memoryMapPanel(session: Session, onchoose: (address: string) => void): ReadPanel {
  const list = h('div', {});
  let stop = -1;
  // How much was written at the last look, and at the stop before.
  let last: readonly number[] = [];
  let before: readonly number[] = [];
  const read = async (): Promise<void> => {
    const { regions, ept } = await session.ask<MemoryMapAnswer>('vmxray/memoryMap');
    if (session.now.stop !== stop) {
      stop = session.now.stop;
      before = last;
    }
    last = ept?.written ?? [];
    const rows = regions.map(({ start, end, kind, name }) =>
      row(
        button(start, () => onchoose(start), { class: 'link', title: 'Walk this address' }),
        h('code', {}, `0x${(BigInt(end) - 1n).toString(16)}`),
        sizeText(BigInt(end) - BigInt(start)),
        h('span', { class: `kind kind-${kind}` }, kind),
        name,
      ),
    );
    fill(
      list,
      ept && blockMap(ept, before, onchoose),
      table('Guest-physical memory', ['First', 'Last', 'Size', 'Kind', 'What'], rows),
    );
  };
  return { panel: h('section', {}, list), read };
}
