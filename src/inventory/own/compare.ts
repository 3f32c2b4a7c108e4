/**
 * What differs between two snapshots of a machine: counters, the guest's registers, devices, and pages of memory, named
 * by the guest-physical addresses that they have there; as two texts for a diff editor.
 */
import { readFileSync } from 'node:fs';
import { decodeSnapshot } from '../../machine/snapshot-file';
import { PAGE } from '../../memory/plan';
import type { MachineFacts, NamedValue } from './machine-facts';

const MOST_RANGES = 2000;

/** A moment of a machine: the path of its snapshot file, and what is known of it in names. */
export interface Moment {
  readonly path: string;
  readonly facts?: MachineFacts | undefined;
}

/** The difference of two moments as two texts, line beside line. */
export function compareMoments(left: Moment, right: Moment): readonly [string, string] {
  const lines: [string, string][] = [];
  const { facts: before } = left;
  const { facts: after } = right;
  if (before && after) lines.push(...differentValues(before.values, after.values));
  else lines.push(same('What the registers were is not known of both.'));
  lines.push(...differentPages(left, right));
  return [0, 1].map((side) => `${lines.map((pair) => pair[side]).join('\n')}\n`) as [string, string];
}

const same = (text: string): [string, string] => [text, text];

/** Values that differ, under the places that they belong to. */
function differentValues(before: readonly NamedValue[], after: readonly NamedValue[]): [string, string][] {
  const key = ([place, name]: NamedValue): string => `${place}\n${name}`;
  const old = new Map(before.map((row) => [key(row), row]));
  const now = new Map(after.map((row) => [key(row), row]));
  const lines: [string, string][] = [];
  let last = '';
  for (const row of [...after, ...before.filter((one) => !now.has(key(one)))]) {
    const [place, name] = row;
    const [was, is] = [old.get(key(row))?.[2], now.get(key(row))?.[2]];
    if (was === is) continue;
    if (place !== last) lines.push(...(last === '' ? [] : [same('')]), same(place));
    last = place;
    const text = (value: string | undefined): string => `  ${name} = ${value ?? 'not there'}`;
    lines.push([text(was), text(is)]);
  }
  return lines.length > 0 ? lines : [same('No counter, register or device differs.')];
}

/** Runs of pages that differ. */
function differentPages(left: Moment, right: Moment): [string, string][] {
  const [before, after] = [left, right].map(({ path }) => decodeSnapshot(readFileSync(path)).pages) as [
    ReturnType<typeof decodeSnapshot>['pages'],
    ReturnType<typeof decodeSnapshot>['pages'],
  ];
  const old = new Map(before.map(({ page, bytes }) => [page, bytes]));
  const changed: number[] = [];
  for (const { page, bytes } of after) {
    const was = old.get(page);
    if (!was || Buffer.compare(was, bytes) !== 0) changed.push(page);
    old.delete(page);
  }
  changed.push(...old.keys());
  const guest = guestPages(left.facts, right.facts);
  const ofGuest = changed.flatMap((page) => guest.get(page) ?? []).sort((a, b) => a - b);
  const others = changed.filter((page) => !guest.has(page)).sort((a, b) => a - b);
  const count = (pages: number): string => `${pages} ${pages === 1 ? 'page' : 'pages'}`;
  return [
    same(''),
    [
      `Memory: ${count(before.length)} are not zero`,
      `Memory: ${count(after.length)} are not zero, ${count(changed.length)} differ`,
    ],
    ...runs('guest-physical', ofGuest),
    ...runs("the machine's own, physical", others),
  ];
}

/** The guest-physical page of each page of the machine's memory, at either moment. */
function guestPages(...all: readonly (MachineFacts | undefined)[]): ReadonlyMap<number, number> {
  const pages = new Map<number, number>();
  for (const facts of all)
    for (const [start, end, target] of facts?.memory ?? [])
      for (let offset = 0; start + offset < end; offset += PAGE)
        pages.set((target + offset) / PAGE, (start + offset) / PAGE);
  return pages;
}

function runs(space: string, pages: readonly number[]): [string, string][] {
  const ranges: [number, number][] = [];
  for (const page of pages) {
    const last = ranges.at(-1);
    if (last && last[1] === page) last[1] = page + 1;
    else ranges.push([page, page + 1]);
  }
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const lines = ranges
    .slice(0, MOST_RANGES)
    .map(([start, end]) => `  ${space} ${hex(start * PAGE)}-${hex(end * PAGE - 1)} (${end - start})`);
  if (ranges.length > MOST_RANGES) lines.push(`  and ${ranges.length - MOST_RANGES} more ranges`);
  return lines.map((line) => ['', line]);
}
