/**
 * What differs between two snapshots of a machine: pages of machine memory (guest RAM, and the hypervisor's structures),
 * and the named values of everything else, registers first.
 */
import { readFileSync } from 'node:fs';
import { PAGE } from '../../memory/plan';
import type { MachineState } from '../../machine/snapshot';
import { decodeSnapshot } from '../../machine/snapshot-file';

const MOST_RANGES = 1000;
const MOST_VALUES = 5000;

/** The difference of two snapshot files as two texts for a diff editor. */
export function compareSnapshots(left: string, right: string): readonly [string, string] {
  const [before, after] = [left, right].map((path) => decodeSnapshot(readFileSync(path))) as [
    MachineState,
    MachineState,
  ];
  const { pages: pagesBefore, ...restBefore } = before;
  const { pages: pagesAfter, ...restAfter } = after;
  const values = new Map<string, [string, string]>();
  collect('', restBefore, restAfter, values);
  const ranges = changedRanges(pagesBefore, pagesAfter);
  const lines = [...values].map(([name, texts]) => texts.map((text) => `${name} = ${text}`) as [string, string]);
  const heads: [string, string] = [
    `${pagesBefore.length} pages of machine memory are not zero`,
    `${pagesAfter.length} pages of machine memory are not zero; ${ranges.pages} differ`,
  ];
  const all = [heads, ...lines, ...ranges.lines.map((line): [string, string] => ['', line])];
  return [0, 1].map((side) => `${all.map((pair) => pair[side]).join('\n')}\n`) as [string, string];
}

/** Notes every value of plain data that differs, by its path. */
function collect(path: string, before: unknown, after: unknown, into: Map<string, [string, string]>): void {
  if (into.size >= MOST_VALUES || Object.is(before, after)) return;
  const isPart = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
  if (isPart(before) && isPart(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
      collect(path === '' ? name : `${path}.${name}`, before[name], after[name], into);
    return;
  }
  const [left, right] = [text(before), text(after)];
  if (left !== right) into.set(path, [left, right]);
}

function text(value: unknown): string {
  if (typeof value === 'bigint' || typeof value === 'number') return `0x${value.toString(16)}`;
  if (ArrayBuffer.isView(value))
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex').slice(0, 512);
  return JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? `0x${part.toString(16)}` : part));
}

function changedRanges(
  before: MachineState['pages'],
  after: MachineState['pages'],
): { readonly pages: number; readonly lines: readonly string[] } {
  const old = new Map(before.map(({ page, bytes }) => [page, bytes]));
  const changed: number[] = [];
  for (const { page, bytes } of after) {
    const was = old.get(page);
    if (!was || Buffer.compare(was, bytes) !== 0) changed.push(page);
    old.delete(page);
  }
  changed.push(...old.keys());
  changed.sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const page of changed) {
    const last = ranges.at(-1);
    if (last && last[1] === page) last[1] = page + 1;
    else ranges.push([page, page + 1]);
  }
  const lines = ranges
    .slice(0, MOST_RANGES)
    .map(
      ([start, end]) =>
        `physical 0x${(start * PAGE).toString(16)}-0x${(end * PAGE - 1).toString(16)} differs (${end - start} pages)`,
    );
  return { pages: changed.length, lines };
}
