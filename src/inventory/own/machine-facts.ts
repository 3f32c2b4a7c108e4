/**
 * What a machine's guest sees of itself at one moment, in names and values: kept beside each snapshot, so that two can be
 * compared in the guest's terms without a machine to ask. Registers are the guest's also where the snapshot stands between
 * a VM exit and the next entry.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { HostedMachine } from '../../targets/host/hosted-machine';
import { notKept } from './errors';

const VCPU = 1;
const MOST_RANGES = 10_000;
const MOST_PARTS = 16;
const MAX_BYTES = 32 * 2 ** 20;

/** A value by where it belongs and its name: `['General', 'RAX', '0x0']`. */
export type NamedValue = readonly [place: string, name: string, value: string];

/** One moment of a machine. */
export interface MachineFacts {
  /** In the order in which they are shown. */
  readonly values: readonly NamedValue[];
  /** Where guest-physical memory lies in the machine's own: first address, address behind it, physical address. */
  readonly memory: readonly (readonly [start: number, end: number, target: number])[];
}

/** Asks a machine that stands still. */
export async function readFacts(target: HostedMachine): Promise<MachineFacts> {
  const values: NamedValue[] = [];
  const { instructions, ticks, exits } = await target.state();
  values.push(['Counters', 'instructions', String(instructions)]);
  values.push(['Counters', 'guest time in ns', String(ticks)], ['Counters', 'VM exits', String(exits)]);
  for (const group of await target.registerGroups(VCPU))
    for (const { name, value } of await target.registers(VCPU, group))
      values.push([`Registers: ${group}`, name, `0x${value.toString(16)}`]);
  for (const { name: device, registers } of (await target.devices()).devices)
    for (const { name, value } of registers) values.push([`Device ${device}`, name, value]);
  return { values, memory: await memoryOf(target) };
}

async function memoryOf(target: HostedMachine): Promise<MachineFacts['memory']> {
  const all: [number, number, number][] = [];
  let start: `0x${string}` | undefined;
  for (let part = 0; part < MOST_PARTS; part++) {
    const query = { space: 'guestPhysical', count: MOST_RANGES, ...(start && { start }) } as const;
    const { ranges, next } = await target.mappings(VCPU, query);
    for (const range of ranges) all.push([Number(range.start), Number(range.end), Number(range.target)]);
    if (next === undefined) break;
    start = next;
  }
  return all;
}

const pathOf = (snapshot: string): string => `${snapshot}.facts.json`;

/** Keeps facts beside the snapshot file. Throws a UserError where that cannot be. */
export function writeFacts(snapshot: string, facts: MachineFacts): void {
  try {
    writeFileSync(pathOf(snapshot), JSON.stringify(facts), { mode: 0o600 });
  } catch (error) {
    throw notKept(pathOf(snapshot), (error as NodeJS.ErrnoException).code ?? (error as Error).message);
  }
}

/** The facts beside a snapshot file; undefined if there are none that can be read. */
export function readKeptFacts(snapshot: string): MachineFacts | undefined {
  try {
    const text = readFileSync(pathOf(snapshot), 'utf8');
    const read: unknown = text.length > MAX_BYTES ? undefined : JSON.parse(text);
    return isFacts(read) ? read : undefined;
  } catch {
    return undefined;
  }
}

export function removeFacts(snapshot: string): void {
  rmSync(pathOf(snapshot), { force: true });
}

function isFacts(read: unknown): read is MachineFacts {
  if (typeof read !== 'object' || read === null) return false;
  const { values, memory } = read as Record<keyof MachineFacts, unknown>;
  const isTriple = (row: unknown, type: 'string' | 'number'): boolean =>
    Array.isArray(row) && row.length === 3 && row.every((cell) => typeof cell === type);
  return (
    Array.isArray(values) &&
    values.every((row) => isTriple(row, 'string')) &&
    Array.isArray(memory) &&
    memory.every((row) => isTriple(row, 'number'))
  );
}
