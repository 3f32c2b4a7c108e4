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

/** The ways that a line has to the processor: through the 8259s to LINT0, and through the I/O APIC. */
export function waysOf(hops: readonly InterruptHop[]): readonly (readonly InterruptHop[])[] {
  const other = hops.findIndex(({ controller }) => controller === 'I/O APIC');
  return other <= 0 ? [hops] : [hops.slice(0, other), hops.slice(other)];
}

function lineOf({ source, asserted, hops, vector, blocked }: InterruptLine): HTMLElement {
  const level = asserted !== undefined && h('small', {}, asserted ? ' high' : ' low');
  const reaches = blocked === undefined && vector !== undefined;
  const ways = waysOf(hops).map((way) =>
    h('span', { class: 'way' }, ...way.flatMap((hop, index) => (index === 0 ? [hopOf(hop)] : [arrow(), hopOf(hop)]))),
  );
  return h(
    'li',
    {},
    h(
      'div',
      { class: 'way' },
      h('span', { class: asserted ? 'node asserted' : 'node' }, source, level),
      arrow(),
      h('span', { class: ways.length > 1 ? 'ways' : '' }, ...ways),
      arrow(),
      h(
        'span',
        { class: reaches ? 'node vector' : 'node blocked' },
        vector === undefined ? 'no vector' : `vector 0x${vector.toString(16)}`,
      ),
    ),
    blocked !== undefined && h('p', { class: 'why' }, blocked),
  );
}

const arrow = (): HTMLElement => h('span', { class: 'arrow', 'aria-hidden': 'true' }, '\u2192');

function hopOf({ controller, input, masked, pending, inService, trigger }: InterruptHop): HTMLElement {
  const states = [masked && 'masked', pending && 'pending', inService && 'in service'].filter(Boolean);
  return h(
    'span',
    { class: ['node', masked && 'masked', pending && 'pending', inService && 'service'].filter(Boolean).join(' ') },
    `${controller} ${input}`,
    h('small', {}, ` ${[trigger, ...states].join(', ')}`),
  );
}
