/** The address explorer: from linear to guest-physical to physical, with every entry on the way. */
import type { Access } from '../../src/protocol/address';
import type { WalkAnswer } from '../../src/protocol/walk';
import { button, choice, fill, h, tabs } from '../dom';
import { type MakePage, oneAtATime } from '../page';
import { EntryDetails } from './entry-details';
import { mappingsPanel, memoryMapPanel } from './ranges';
import { walkGrid } from './walk-grid';

type Space = 'linear' | 'guestPhysical';

export const addressPage: MakePage = (session, say) => {
  let space: Space = 'linear';
  let access: Access = 'read';
  let text = '$rip';
  let moment = -1;
  let selected: number | undefined;

  const input = h('input', {
    type: 'text',
    value: text,
    'aria-label': 'Address or expression',
    placeholder: '$rip, a symbol, 0x…',
    spellcheck: 'false',
  });
  const spaceSelect = choice<Space>(
    'Space',
    [
      ['linear', 'linear'],
      ['guestPhysical', 'guest-physical'],
    ],
    (value) => {
      space = value;
      refresh();
    },
  );
  const accessSelect = choice<Access>(
    'Access',
    [
      ['read', 'read'],
      ['write', 'write'],
      ['execute', 'execute'],
    ],
    (value) => {
      access = value;
      refresh();
    },
  );
  const chain = h('ol', { class: 'chain', 'aria-label': 'Addresses' });
  const fault = h('p', { class: 'fault', role: 'alert', hidden: true });
  const permission = h('p', { class: 'permission' });
  const grid = h('div', { class: 'scroll' });
  const details = new EntryDetails(session, say);
  const walkPanel = h('section', {}, chain, permission, fault, grid, details.element);

  const walkTo = (address: string, of: Space): void => {
    space = of;
    spaceSelect.value = of;
    input.value = text = address;
    all.show(0);
    refresh();
  };
  const pageTables = mappingsPanel(session, 'linear', (address) => walkTo(address, 'linear'));
  const ept = mappingsPanel(session, 'guestPhysical', (address) => walkTo(address, 'guestPhysical'));
  const map = memoryMapPanel(session, (address) => walkTo(address, 'guestPhysical'));
  const others = [undefined, pageTables, ept, map];

  const showWalk = (address: bigint, answer: WalkAnswer): void => {
    const step = (name: string, value: string | undefined, place: string): HTMLElement =>
      h(
        'li',
        {},
        h('span', { class: 'name' }, name),
        value === undefined
          ? h('span', {}, 'not reached')
          : button(value, () => session.open('memory', place), { class: 'link', title: 'Show in memory' }),
      );
    const linear = `0x${address.toString(16)}`;
    fill(
      chain,
      space === 'linear' && step('linear', linear, linear),
      step('guest-physical', answer.guestPhysical, `guestPhysical:${answer.guestPhysical}`),
      step('physical', answer.physical, `physical:${answer.physical}`),
    );
    const { read, write, execute, user } = answer.permission ?? {};
    const allowed = [read && 'read', write && 'write', execute && 'execute', user && 'also in user mode'].filter(
      Boolean,
    );
    fill(permission, answer.permission ? `All levels together allow: ${allowed.join(', ') || 'nothing'}.` : '');
    fault.hidden = !answer.fault;
    fill(
      fault,
      answer.fault
        ? `This ${access} would cause: ${answer.fault.kind} (${answer.fault.bit}). ${answer.fault.text}`
        : '',
    );
    fill(
      grid,
      walkGrid(answer, (level) => {
        selected = answer.levels.indexOf(level);
        details.show(level);
      }),
    );
    const again = selected === undefined ? undefined : answer.levels[selected];
    if (again) details.show(again);
    else details.clear();
  };

  const refresh = oneAtATime(async () => {
    if (session.now.state === 'none') return;
    say('');
    const other = others[all.shown()];
    if (other) return other.read();
    const address = await session.address(text);
    const { threadId } = session.now;
    const answer = await session.ask<WalkAnswer>('vmxray/walk', {
      address: `0x${address.toString(16)}`,
      space,
      access,
      threadId,
    });
    showWalk(address, answer);
  }, say);

  const all = tabs(
    'Views',
    [
      { name: 'Walk', panel: walkPanel },
      { name: 'Page Tables', panel: pageTables.panel },
      { name: 'EPT', panel: ept.panel },
      { name: 'Memory Map', panel: map.panel },
    ],
    () => refresh(),
  );
  const go = (event: Event): void => {
    event.preventDefault();
    text = input.value.trim() || '$rip';
    selected = undefined;
    all.show(0);
  };
  const ondrop = (event: DragEvent): void => {
    event.preventDefault();
    const dropped = event.dataTransfer?.getData('text/plain').trim();
    if (dropped) walkTo(dropped, space);
  };
  const content = h(
    'div',
    { ondrop, ondragover: (event: DragEvent) => event.preventDefault() },
    h(
      'form',
      { class: 'bar', role: 'search', onsubmit: go },
      input,
      spaceSelect,
      accessSelect,
      h('button', { type: 'submit' }, 'Walk'),
    ),
    all.list,
    walkPanel,
    pageTables.panel,
    ept.panel,
    map.panel,
  );
  return {
    content,
    onSession: (now) => {
      if (now.moment === moment || now.state !== 'stopped') return;
      moment = now.moment;
      if (all.list.querySelector('[aria-selected]')) refresh();
      else all.show(0);
    },
    onTick: () => {},
    onShow: (shown) => {
      const match = /^(guestPhysical|physical):(.*)$/.exec(shown);
      walkTo(match?.[2] ?? shown, match?.[1] === 'guestPhysical' ? 'guestPhysical' : 'linear');
    },
  };
};
