/// <reference lib="dom" />
/** A small chart of one value over time: a line, the limit if there is one, and the value in words. */
import type { Sample, Metric } from '../../src/protocol/details';
import { h } from '../dom';

const WIDTH = 240;
const HEIGHT = 56;
/** Milliseconds that a chart shows. */
export const SHOWN_MS = 5 * 60_000;
const SVG = 'http://www.w3.org/2000/svg';

/** One value at a time in milliseconds. */
export interface Point {
  readonly at: number;
  readonly value: number;
}

/** The points of a metric, the oldest first. */
export function pointsOf(name: string, samples: readonly Sample[]): readonly Point[] {
  return samples.flatMap(({ at, metrics }) => {
    const metric = metrics.find((one) => one.name === name);
    return metric ? [{ at, value: metric.value }] : [];
  });
}

/** A value with its unit, for people: `1.5 MiB/s`, `0.25 cores`, `12.3 M/s`. */
export function amountText(value: number, unit: Metric['unit']): string {
  const isBytes = unit.startsWith('bytes');
  const base = isBytes ? 1024 : 1000;
  const units = isBytes ? ['B', 'KiB', 'MiB', 'GiB', 'TiB'] : ['', 'k', 'M', 'G', 'T'];
  let shown = value;
  let at = 0;
  if (unit !== 'cores') for (; Math.abs(shown) >= base && at < units.length - 1; at++) shown /= base;
  const number = `${Number(shown.toPrecision(3))}${units[at] === '' ? '' : ` ${units[at]}`}`;
  if (unit === 'cores') return `${Number(value.toFixed(2))} cores`;
  return unit.endsWith('/s') ? `${number}/s` : number;
}

/** The line through the points as an SVG path: time from left to right, `most` at the top. */
export function linePath(points: readonly Point[], now: number, most: number): string {
  return points
    .map(({ at, value }, index) => {
      const x = WIDTH - ((now - at) / SHOWN_MS) * WIDTH;
      const y = HEIGHT - 2 - (most === 0 ? 0 : (value / most) * (HEIGHT - 6));
      return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('');
}

/** The chart of a metric. */
export function chart({ name, value, unit, limit }: Metric, samples: readonly Sample[]): HTMLElement {
  const points = pointsOf(name, samples);
  const now = points.at(-1)?.at ?? 0;
  const highest = Math.max(0, ...points.map((point) => point.value));
  const lowest = Math.min(...points.map((point) => point.value));
  const most = Math.max(highest, limit ?? 0);
  const text = amountText(value, unit) + (limit === undefined ? '' : ` of ${amountText(limit, unit)}`);
  const range = `from ${amountText(lowest, unit)} to ${amountText(highest, unit)} since the page was opened`;
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `${name}: ${range}` });
  if (limit !== undefined && most > 0) {
    const y = (HEIGHT - 2 - (limit / most) * (HEIGHT - 6)).toFixed(1);
    picture.append(svg('path', { class: 'limit', d: `M0 ${y}L${WIDTH} ${y}` }));
  }
  picture.append(svg('path', { class: 'line', d: linePath(points, now, most) }));
  return h(
    'figure',
    { class: 'chart', 'data-metric': name },
    h('figcaption', {}, h('span', {}, name), ' ', h('strong', {}, text)),
    picture,
  );
}

function svg(tag: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const element = document.createElementNS(SVG, tag) as SVGElement;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
