/** The way of each interrupt line, drawn from its source through the controllers to the vector. */
import type { InterruptHop, InterruptLine } from '../../src/protocol/interrupts';
import { h } from '../dom';

/** All lines, those that are asked for or can reach the processor first. */
export function interruptLines(lines: readonly InterruptLine[]): HTMLElement {
  const weight = (line: InterruptLine): number =>
    line.hops.some(({ pending, inService }) => pending || inService) ? 0 : line.blocked === undefined ? 1 : 2;
  const sorted = [...lines].sort((a, b) => weight(a) - weight(b));
  return h('ul', { class: 'lines', 'aria-label': 'Interrupt lines' }, ...sorted.map((line) => lineOf(line)));
}

function lineOf({ source, asserted, hops, vector, blocked }: InterruptLine): HTMLElement {
  const parts = [
    h(
      'span',
      { class: asserted ? 'node asserted' : 'node' },
      source,
      asserted !== undefined && h('small', {}, asserted ? ' high' : ' low'),
    ),
    ...hops.map((hop) => hopOf(hop)),
    h(
      'span',
      { class: blocked === undefined ? 'node vector' : 'node blocked' },
      vector === undefined ? 'no vector' : `vector 0x${vector.toString(16)}`,
    ),
  ];
  const arrows = parts.flatMap((part, index) =>
    index === 0 ? [part] : [h('span', { class: 'arrow', 'aria-hidden': 'true' }, '\u2192'), part],
  );
  return h('li', {}, h('div', { class: 'way' }, ...arrows), blocked !== undefined && h('p', { class: 'why' }, blocked));
}

function hopOf({ controller, input, masked, pending, inService, trigger }: InterruptHop): HTMLElement {
  const states = [masked && 'masked', pending && 'pending', inService && 'in service'].filter(Boolean);
  return h(
    'span',
    { class: ['node', masked && 'masked', pending && 'pending', inService && 'service'].filter(Boolean).join(' ') },
    `${controller} ${input}`,
    h('small', {}, ` ${[trigger, ...states].join(', ')}`),
  );
}
