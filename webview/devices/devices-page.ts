/** The devices: registers with their bits, and the ways of interrupts. Follows the guest while it runs. */
import type { DeviceAnswer, DevicesAnswer } from '../../src/protocol/devices';
import type { InterruptsAnswer } from '../../src/protocol/interrupts';
import { fill, h, tabs } from '../dom';
import { type MakePage, oneAtATime } from '../page';
import { changesOf, type DeviceActions, deviceTable, matches, touchWords, type Values, valuesOf } from './device-table';
import { interruptLines } from './interrupt-lines';

/** Changes that are named at the top. */
const MOST_CHANGES = 12;

export const devicesPage: MakePage = (session, say) => {
  let filter = '';
  let stop = -1;
  let moment = -1;
  let last: Values = new Map();
  let before: Values = new Map();

  const search = h('input', {
    type: 'search',
    'aria-label': 'Search devices, registers and bits',
    placeholder: 'Search: uart, IER, masked...',
    spellcheck: 'false',
    oninput: () => {
      filter = search.value.trim();
      refresh();
    },
  });
  const changes = h('p', { class: 'index', role: 'status' });
  const tables = h('div', {});
  const interrupts = h('section', {});
  const index = h('nav', { class: 'index', 'aria-label': 'Devices' });
  const registers = h('section', {}, index, changes, tables);

  const refresh = oneAtATime(async () => {
    if (session.now.state === 'none') return;
    if (views.shown() === 1) {
      const { lines } = await session.ask<InterruptsAnswer>('vmxray/interrupts');
      const shown = lines.filter((line) => JSON.stringify(line).toLowerCase().includes(filter.toLowerCase()));
      fill(interrupts, shown.length > 0 ? interruptLines(shown) : h('p', {}, 'No line passes the search.'));
      return;
    }
    const { devices } = await session.ask<DevicesAnswer>('vmxray/devices');
    if (session.now.stop !== stop) {
      stop = session.now.stop;
      before = last;
      last = valuesOf(devices);
    }
    const shown = filter === '' ? devices : devices.filter((device) => matches(device, filter));
    const base = session.now.state === 'running' ? last : before;
    const changed = changesOf(devices, base);
    fill(
      changes,
      changed.length > 0 && `Changed since the last stop: ${changed.length} `,
      ...changed
        .slice(0, MOST_CHANGES)
        .map(([device, register]) =>
          h('a', { href: '#', onclick: (event: Event) => jump(event, device, register) }, `${device} ${register}`),
        ),
    );
    const focused = (document.activeElement as HTMLElement | null)?.getAttribute('aria-label');
    const top = registers.scrollTop;
    fill(
      index,
      ...shown.map(({ name }) =>
        h('a', { href: `#device-${name}`, onclick: (event: Event) => jump(event, name) }, name),
      ),
    );
    fill(
      tables,
      ...shown.map((device) => deviceTable(device, base, actionsOn(device), session.now.state === 'stopped')),
      shown.length === 0 && h('p', {}, 'Nothing passes the search.'),
    );
    registers.scrollTop = top;
    // A refresh takes nobody's place away.
    if (focused && document.activeElement === document.body)
      [...registers.querySelectorAll<HTMLElement>('[tabindex]')]
        .find((one) => one.getAttribute('aria-label') === focused)
        ?.focus();
  }, say);
  const actionsOn = (device: DeviceAnswer): DeviceActions => ({
    write: (register, text) => void write(device.name, register.name, text),
    showExits: () => session.open('exits', touchWords(device).join(' ')),
  });
  const write = async (device: string, register: string, text: string): Promise<void> => {
    try {
      const value = `0x${(await session.address(text)).toString(16)}`;
      await session.ask('vmxray/writeDevice', { device, register, value });
    } catch (error) {
      say((error as Error).message);
    }
  };
  const jump = (event: Event, device: string, register?: string): void => {
    event.preventDefault();
    const section = registers.querySelector(`[data-device="${CSS.escape(device)}"]`);
    const row = register === undefined ? null : section?.querySelector(`[data-register="${CSS.escape(register)}"]`);
    (row ?? section)?.scrollIntoView({ block: row ? 'center' : 'start' });
  };

  const views = tabs(
    'Views',
    [
      { name: 'Registers', panel: registers },
      { name: 'Interrupts', panel: interrupts },
    ],
    () => refresh(),
  );
  const content = h('div', {}, h('div', { class: 'bar', role: 'search' }, search), views.list, registers, interrupts);
  return {
    content,
    onSession: (now) => {
      if (now.state === 'none' || now.moment === moment) return;
      moment = now.moment;
      if (views.list.querySelector('[aria-selected]')) refresh();
      else views.show(0);
    },
    onTick: () => refresh(),
    onShow: (text) => {
      search.value = filter = text;
      refresh();
    },
  };
};
