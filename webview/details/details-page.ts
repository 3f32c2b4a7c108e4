/// <reference lib="dom" />
/** The page of one item: what it is and what can be done to it, its values as charts, its events, its details. */
import type { FromDetails, Sample, ShownEvent, ShownItem, DetailSection, ToDetails } from '../../src/protocol/details';
import { button, fill, h } from '../dom';
import { chart, SHOWN_MS } from './chart';

/** Events that are shown, the newest first. */
const MOST_EVENTS = 200;

/** The window's side. */
export interface DetailsWindow {
  postMessage(message: FromDetails): void;
  setState(state: unknown): void;
}

/** Fills the document with the page and connects it. */
export function showDetails(root: HTMLElement, window: DetailsWindow): void {
  const head = h('header', {});
  const trouble = h('p', { class: 'error', role: 'alert', hidden: true });
  const charts = h('section', { class: 'charts', 'aria-label': 'Values' });
  const sections = h('div', {});
  const events = h('section', { class: 'events', 'aria-label': 'Events' });
  let samples: readonly Sample[] = [];
  let shownEvents: readonly ShownEvent[] = [];
  let shownSections = '';

  const take = (message: ToDetails): void => {
    switch (message.kind) {
      case 'item':
        window.setState(message.name);
        fill(head, ...heading(message.item, (action) => window.postMessage({ kind: 'act', action })));
        return;
      case 'sections': {
        // What has not changed keeps the user's selection.
        const text = JSON.stringify(message.sections);
        if (text === shownSections) return;
        shownSections = text;
        fill(sections, ...message.sections.map(section));
        return;
      }
      case 'samples': {
        const now = message.samples.at(-1)?.at ?? 0;
        samples = [...samples, ...message.samples].filter(({ at }) => now - at <= SHOWN_MS);
        fill(charts, ...(samples.at(-1)?.metrics ?? []).map((metric) => chart(metric, samples)));
        return;
      }
      case 'events':
        shownEvents = [...[...message.events].reverse(), ...shownEvents].slice(0, MOST_EVENTS);
        fill(events, h('h2', {}, 'Events'), eventList(shownEvents));
        return;
      case 'trouble':
        trouble.hidden = message.text === '';
        fill(trouble, message.text);
    }
  };
  fill(root, head, trouble, charts, events, sections);
  addEventListener('message', ({ data }: MessageEvent<ToDetails>) => take(data));
  window.postMessage({ kind: 'ready' });
}

function heading(item: ShownItem, act: (action: string) => void): HTMLElement[] {
  const { label, kind, engine, description, state, actions } = item;
  return [
    h('h1', {}, label, ' ', h('span', { class: 'title' }, `${engine} ${kind}`)),
    h('p', { class: `state state-${state}`, role: 'status' }, description),
    h(
      'div',
      { class: 'bar', role: 'toolbar', 'aria-label': 'Actions' },
      ...actions.map(({ id, title }) => button(title, () => act(id))),
    ),
  ];
}

function section({ title, columns, rows }: DetailSection): HTMLElement {
  const isNamed = columns.length === 0;
  return h(
    'section',
    { 'data-section': title },
    h('h2', {}, title),
    rows.length === 0
      ? h('p', {}, 'Nothing.')
      : h(
          'table',
          { class: 'details', 'aria-label': title },
          !isNamed && h('thead', {}, h('tr', {}, ...columns.map((name) => h('th', { scope: 'col' }, name)))),
          h(
            'tbody',
            {},
            ...rows.map((cells) =>
              h(
                'tr',
                {},
                ...cells.map((cell, index) =>
                  index === 0 ? h('th', { scope: 'row' }, cell) : h('td', {}, isNamed ? h('code', {}, cell) : cell),
                ),
              ),
            ),
          ),
        ),
  );
}

function eventList(events: readonly ShownEvent[]): HTMLElement {
  if (events.length === 0) return h('p', {}, 'Nothing has happened since this page was opened.');
  return h(
    'ol',
    { class: 'feed', 'aria-label': 'Events, the newest first' },
    ...events.map(({ time, text, isWarning }) =>
      h(
        'li',
        { class: isWarning ? 'warning' : '' },
        h('time', { datetime: time }, new Date(time).toLocaleTimeString()),
        ' ',
        text,
      ),
    ),
  );
}
