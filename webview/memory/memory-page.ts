/** Memory as bytes and characters, in any of the three spaces. */
import type { AddressSpace } from '../../src/protocol/address';
import { button, choice, fill, h } from '../dom';
import { type MakePage, oneAtATime } from '../page';
import { differences, type Read } from './changes';
import { COLUMNS, HexGrid } from './hex-grid';
import { findInMemory, searchBytes } from './search';

const ROWS = 32;
const TOP = 1n << 64n;

export const memoryPage: MakePage = (session, say) => {
  let space: AddressSpace = 'linear';
  let text = '$rsp';
  let start = 0n;
  let follow = true;
  let isPlaced = false;
  let stop = -1;
  let moment = -1;
  // What was read last, and what had been read at the stop before.
  let last: Read | undefined;
  let before: Read | undefined;
  let searching = 0;

  const input = h('input', {
    type: 'text',
    value: text,
    'aria-label': 'Address or expression',
    placeholder: '$rsp, a symbol, 0x…',
    spellcheck: 'false',
  });
  const spaceSelect = choice<AddressSpace>(
    'Space',
    [
      ['linear', 'linear'],
      ['guestPhysical', 'guest-physical'],
      ['physical', 'physical'],
    ],
    (value) => {
      space = value;
      refresh();
    },
  );
  const followBox = h('input', {
    type: 'checkbox',
    id: 'follow',
    checked: true,
    onchange: () => (follow = followBox.checked),
  });
  const wanted = h('input', {
    type: 'text',
    'aria-label': 'Bytes or "text" to search for',
    placeholder: 'de ad be ef, or "text"',
    spellcheck: 'false',
  });
  const found = h('span', { role: 'status' });

  const prefix = (): string => (space === 'linear' ? '' : `${space}:`);
  const reference = (address: bigint): string => `${prefix()}0x${address.toString(16)}`;
  const readBytes = async (address: bigint, count: number): Promise<Uint8Array> => {
    const args = {
      memoryReference: reference(address),
      count: Number(TOP - address < BigInt(count) ? TOP - address : count),
    };
    const { data = '' } = await session.ask<{ data?: string }>('readMemory', args);
    return Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  };
  const grid = new HexGrid({
    scroll: (rows) => {
      const moved = start + BigInt(rows * COLUMNS);
      const highest = TOP - BigInt(ROWS * COLUMNS);
      start = moved < 0n ? 0n : moved > highest ? highest : moved;
      followBox.checked = follow = false;
      refresh();
    },
    write: (address, byte) => {
      const args = { memoryReference: reference(address), data: btoa(String.fromCharCode(byte)) };
      session.ask('writeMemory', args).catch((error: Error) => {
        say(error.message);
        refresh();
      });
    },
  });

  const refresh = oneAtATime(async () => {
    if (session.now.state === 'none') return;
    say('');
    const bytes = await readBytes(start, ROWS * COLUMNS);
    const read: Read = { place: space, start, bytes };
    if (session.now.stop !== stop) {
      stop = session.now.stop;
      before = last;
    }
    last = read;
    grid.show({ start, bytes, rows: ROWS, changed: differences(before, read) });
  }, say);
  const place = async (): Promise<void> => {
    try {
      const address = await session.address(text);
      start = address - (address % BigInt(COLUMNS));
      const highest = TOP - BigInt(ROWS * COLUMNS);
      if (start > highest) start = highest;
      isPlaced = true;
      refresh();
    } catch (error) {
      say((error as Error).message);
    }
  };
  const go = (event: Event): void => {
    event.preventDefault();
    text = input.value.trim() || '$rsp';
    const match = /^(guestPhysical|physical):(.*)$/.exec(text);
    if (match) {
      space = match[1] as AddressSpace;
      spaceSelect.value = space;
      input.value = text = match[2]!;
    }
    followBox.checked = follow = true;
    void place();
  };
  const search = async (event: Event): Promise<void> => {
    event.preventDefault();
    const bytes = searchBytes(wanted.value);
    if (!bytes) {
      fill(found, 'Write pairs of hex digits, or "text".');
      return;
    }
    const own = ++searching;
    fill(found, 'Searching...');
    try {
      const address = await findInMemory(bytes, start + 1n, readBytes, () => own !== searching);
      if (own !== searching) return;
      fill(found, address === undefined ? 'Not found from here on.' : `Found at 0x${address.toString(16)}.`);
      if (address === undefined) return;
      followBox.checked = follow = false;
      start = address - (address % BigInt(COLUMNS));
      refresh();
    } catch (error) {
      fill(found, (error as Error).message);
    }
  };
  const show = (shown: string): void => {
    const match = /^(guestPhysical|physical):(.*)$/.exec(shown);
    space = (match?.[1] as AddressSpace | undefined) ?? 'linear';
    spaceSelect.value = space;
    input.value = text = match?.[2] ?? shown;
    followBox.checked = follow = true;
    void place();
  };
  const content = h(
    'div',
    {},
    h(
      'form',
      { class: 'bar', role: 'search', onsubmit: go },
      input,
      spaceSelect,
      h('button', { type: 'submit' }, 'Go'),
      h('label', { for: 'follow' }, followBox, ' Follow at each stop'),
      button('Walk', () =>
        session.open('address', `${space === 'guestPhysical' ? 'guestPhysical:' : ''}0x${start.toString(16)}`),
      ),
    ),
    h(
      'form',
      { class: 'bar', 'aria-label': 'Search', onsubmit: (event: Event) => void search(event) },
      wanted,
      h('button', { type: 'submit' }, 'Search'),
      found,
    ),
    h('div', { class: 'scroll' }, grid.element),
  );
  return {
    content,
    onSession: (now) => {
      if (now.moment === moment || now.state !== 'stopped') return;
      moment = now.moment;
      if (!isPlaced || follow) void place();
      else refresh();
    },
    onTick: () => {
      if (isPlaced) refresh();
    },
    onShow: show,
  };
};
