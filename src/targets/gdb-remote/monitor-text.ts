/**
 * What QEMU's human monitor prints, read back: `info registers` for what its stub leaves out (segments' hidden parts,
 * descriptor tables, debug registers), `info mtree -f` for what guest-physical memory holds. Source: QEMU's
 * target/i386/cpu-dump.c and softmmu/memory.c; access rights: SDM Vol. 3C 25.4.1 (bits 8 to 23 of a descriptor's high half).
 */
import type { Hex } from '../../protocol/address';
import type { MemoryRegion } from '../../protocol/mappings';
import { keyOf } from '../foreign-guest/register-values';

const SEGMENT = /^(ES|CS|SS|DS|FS|GS|LDT|TR) ?=([0-9a-f]{4}) ([0-9a-f]{8,16}) ([0-9a-f]{8}) ([0-9a-f]{8})/gm;
const TABLE = /^(GDT|IDT)= +([0-9a-f]{8,16}) ([0-9a-f]{8})/gm;
const WORD = /\b(CR[0234]|DR[012367]|EFER)=([0-9a-f]{8,16})/g;
const RIGHTS_MASK = 0xf0ff;
const UNUSABLE = 0x10000n;
const PRESENT = 0x80;
const VIEW = /^FlatView #\d+\r?\n([^]*?)(?=^FlatView #|$(?![^]))/gm;
const MEMORY = /^ AS "(?:memory|cpu-memory-0)"/m;
const RANGE = /^ +([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, ([a-z/]+)\): (.*?)(?: @[0-9a-f]+)?\r?$/gm;
const MOST_RANGES = 10_000;

const value = (digits: string): bigint => BigInt(`0x${digits}`);

/** Registers by key (`GROUP.NAME`) in the text of `info registers`. */
export function registersInText(text: string): ReadonlyMap<string, bigint> {
  const values = new Map<string, bigint>();
  for (const [, short, selector, base, limit, flags] of text.matchAll(SEGMENT)) {
    const name = short === 'LDT' ? 'LDTR' : short!;
    const rights = (parseInt(flags!, 16) >>> 8) & RIGHTS_MASK;
    values.set(keyOf('Segments', name), value(selector!));
    values.set(keyOf('Segments', `${name} base`), value(base!));
    values.set(keyOf('Segments', `${name} limit`), value(limit!));
    values.set(keyOf('Segments', `${name} access rights`), BigInt(rights) | (rights & PRESENT ? 0n : UNUSABLE));
  }
  for (const [, name, base, limit] of text.matchAll(TABLE)) {
    values.set(keyOf('Segments', `${name}R base`), value(base!));
    values.set(keyOf('Segments', `${name}R limit`), value(limit!) & 0xffffn);
  }
  for (const [, name, digits] of text.matchAll(WORD))
    values.set(keyOf(name!.startsWith('DR') ? 'Debug' : 'Control', name!), value(digits!));
  return values;
}

const KINDS: Readonly<Record<string, string>> = { ram: 'RAM', ramd: 'RAM', rom: 'firmware', romd: 'firmware' };

/** The regions of guest-physical memory in the text of `info mtree -f`, in ascending order; none if it does not say. */
export function regionsInText(text: string): readonly MemoryRegion[] {
  for (const [, view = ''] of text.matchAll(VIEW)) {
    if (!MEMORY.test(view)) continue;
    const ranges = [...view.matchAll(RANGE)].slice(0, MOST_RANGES);
    return ranges.map(([, start, last, kind, name]) => {
      const hex = (number: bigint): Hex => `0x${number.toString(16)}`;
      return { start: hex(value(start!)), end: hex(value(last!) + 1n), kind: KINDS[kind!] ?? 'device', name: name! };
    });
  }
  return [];
}
