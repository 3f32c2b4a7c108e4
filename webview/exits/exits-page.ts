/** The VM exits: totals by reason, and the newest ones in their order. */
import type { ExitDescription, ExitsAnswer } from '../../src/protocol/exit';
import { button, fill, h } from '../dom';
import { type MakePage, oneAtATime } from '../page';
import { asksForRanges, passesExit } from './exit-filter';

const SHOWN = 200;
/** What is read to find those that touched a device. */
const SEARCHED = 10_000;
/** Exits that touch ports or memory. */
const TOUCHING = ['IO_INSTRUCTION', 'EPT_VIOLATION', 'EPT_MISCONFIGURATION'];

export const exitsPage: MakePage = (session, say) => {
  const reasons = new Set<string>();
  let moment = -1;
  let text = '';
  let exits: readonly ExitDescription[] = [];

  const filter = h('input', {
    type: 'search',
    'aria-label': 'Filter exits by text',
    placeholder: 'Filter: address, text, port:0x3f8-0x3ff...',
    spellcheck: 'false',
    oninput: () => {
      text = filter.value.trim().toLowerCase();
      refresh();
    },
  });
  const totals = h('div', { class: 'totals' });
  const timeline = h('div', { class: 'timeline', role: 'img' });
  const rows = h('div', { class: 'scroll' });

  const refresh = oneAtATime(async () => {
    if (session.now.state === 'none') return;
    const touching = asksForRanges(text);
    const wanted = reasons.size > 0 ? [...reasons] : touching ? TOUCHING : undefined;
    const answer = await session.ask<ExitsAnswer>('vmxray/exits', {
      count: touching ? SEARCHED : SHOWN,
      ...(wanted && { reasons: wanted }),
    });
    exits = answer.exits;
    count(answer);
    list();
  }, say);

  const count = ({ totals: all, total }: ExitsAnswer): void => {
    const sorted = Object.entries(all).sort(([, a], [, b]) => Number(BigInt(b) - BigInt(a)));
    const most = Math.max(1, ...sorted.map(([, number]) => Number(number)));
    const focused = document.activeElement?.getAttribute('data-reason');
    fill(
      totals,
      h('p', {}, `${Number(total).toLocaleString('en')} exits since the start`),
      h(
        'ul',
        { 'aria-label': 'Totals by reason' },
        ...sorted.map(([name, number]) =>
          h(
            'li',
            {},
            h(
              'button',
              {
                type: 'button',
                class: 'reason',
                'aria-pressed': String(reasons.has(name)),
                'data-reason': name,
                title: 'Show only exits of this reason',
                onclick: () => {
                  if (!reasons.delete(name)) reasons.add(name);
                  refresh();
                },
              },
              h('span', { class: 'name' }, name),
              h('meter', { min: 0, max: most, value: number, 'aria-label': `${name}: ${number}` }),
              h('span', { class: 'number' }, Number(number).toLocaleString('en')),
            ),
          ),
        ),
      ),
      reasons.size > 0 &&
        button('All reasons', () => {
          reasons.clear();
          refresh();
        }),
    );
    if (focused) totals.querySelector<HTMLElement>(`[data-reason="${CSS.escape(focused)}"]`)?.focus();
  };

  const list = (): void => {
    const shown = exits.filter((exit) => passesExit(exit, text)).slice(-SHOWN);
    const names = [...new Set(shown.map(({ name }) => name))];
    timeline.setAttribute('aria-label', `The last ${shown.length} exits in order: ${names.join(', ')}`);
    fill(
      timeline,
      ...shown.map(({ name, number }) =>
        h('span', { class: `tick tick-${names.indexOf(name) % 8}`, title: `${number} ${name}` }),
      ),
    );
    const heads = [
      'Exit',
      'Reason',
      'Qualification',
      'Guest RIP',
      'Guest-physical',
      'Instructions',
      'What the hypervisor did',
    ];
    fill(
      rows,
      shown.length === 0
        ? h('p', {}, 'No exit yet that passes the filter.')
        : h(
            'table',
            { class: 'exits', 'aria-label': 'Exits, the newest first' },
            h('thead', {}, h('tr', {}, ...heads.map((head) => h('th', { scope: 'col' }, head)))),
            h('tbody', {}, ...[...shown].reverse().map((exit) => row(exit))),
          ),
    );
  };
  const row = ({
    number,
    name,
    qualificationText,
    rip,
    guestPhysical,
    instructions,
    action,
  }: ExitDescription): HTMLElement =>
    h(
      'tr',
      { 'data-exit': number },
      h('th', { scope: 'row' }, number),
      h('td', {}, name),
      h('td', {}, qualificationText),
      h(
        'td',
        {},
        button(rip, () => session.open('memory', rip), { class: 'link', title: 'Show in memory' }),
      ),
      h(
        'td',
        {},
        guestPhysical &&
          button(guestPhysical, () => session.open('address', `guestPhysical:${guestPhysical}`), {
            class: 'link',
            title: 'Walk this address',
          }),
      ),
      h('td', { class: 'number' }, Number(instructions).toLocaleString('en')),
      h('td', {}, action),
    );

  const content = h('div', {}, h('div', { class: 'bar', role: 'search' }, filter), totals, timeline, rows);
  return {
    content,
    onSession: (now) => {
      if (now.state === 'none' || now.moment === moment) return;
      moment = now.moment;
      refresh();
    },
    onTick: () => refresh(),
    onShow: (shown) => {
      filter.value = shown;
      text = shown.toLowerCase();
      refresh();
    },
  };
};
