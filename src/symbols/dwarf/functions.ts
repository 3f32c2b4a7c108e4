/**
 * Which function an address belongs to: the entry of a function that has the address among its own. Units are told by
 * their ranges, by `.debug_aranges` where a unit does not say. DWARF 5 sections 3.1.1, 3.3, 6.1.2.
 */
import { unlessDamaged } from '../byte-reader';
import { lastAtOrBelow } from '../search';
import { readAddressRanges } from './address-ranges';
import type { CompileUnit } from './compile-units';
import type { DebugInfo } from './entries';
import { hasNamespaces } from './entry-names';
import { rangesOf, rangesOfUnit } from './entry-ranges';
import type { ScannedEntry } from './entry-scan';
import { scanUnit } from './entry-scan';
import { TAG } from './tags';

/** Addresses with what lies there, sorted by start. */
interface AddressMap {
  readonly starts: BigUint64Array;
  readonly ends: BigUint64Array;
  /** The furthest end among each and those before it. */
  readonly reach: BigUint64Array;
  /** A unit's index or an entry's offset. */
  readonly owners: Float64Array;
}

/** Ranges of the functions of one unit, and of all units; a kernel has some thousands and some ten thousands. */
const MAX_RANGES = 2_000_000;
/** Units whose functions are kept. */
const MAX_KEPT = 256;

/** The functions of a file, by address. */
export class Functions {
  private units: AddressMap | undefined;
  private readonly kept = new Map<number, AddressMap>();

  constructor(private readonly info: DebugInfo) {}

  /** The offset of the entry of the function that has a link address; undefined if none has. */
  at(address: bigint): number | undefined {
    this.units ??= this.unitRanges();
    for (const unit of ownersAt(this.units, address)) {
      const [found] = ownersAt(this.of(this.info.units[unit]!), address);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private of(unit: CompileUnit): AddressMap {
    let functions = this.kept.get(unit.start);
    if (functions) this.kept.delete(unit.start);
    else functions = this.read(unit);
    this.kept.set(unit.start, functions);
    const [oldest] = this.kept.keys();
    if (this.kept.size > MAX_KEPT && oldest !== undefined) this.kept.delete(oldest);
    return functions;
  }

  private read(unit: CompileUnit): AddressMap {
    const ranges: OwnedRange[] = [];
    const { sections } = this.info;
    const visit = ({ position, isDeclaration }: ScannedEntry): void => {
      if (isDeclaration || ranges.length > MAX_RANGES) return;
      const owner = unit.start + position;
      const own = unlessDamaged(() => rangesOf(this.info.entry(owner), sections)) ?? [];
      for (const { start, end } of own) ranges.push({ start, end, owner });
    };
    const visitor = { visit, enter: () => undefined, leave: () => undefined };
    const isFunction = (tag: number): boolean => tag === TAG.subprogram;
    unlessDamaged(() => {
      const bytes = this.info.unitBytes(unit);
      scanUnit(unit, bytes, this.info.shapes(unit), isFunction, hasNamespaces(unit), visitor);
    });
    return addressMap(ranges);
  }

  private unitRanges(): AddressMap {
    const { sections, units } = this.info;
    const ranges: OwnedRange[] = [];
    const silent = new Map<number, number>();
    for (const [owner, unit] of units.entries()) {
      if (unit.kind === 'type' || ranges.length > MAX_RANGES) continue;
      const own = unlessDamaged(() => rangesOfUnit(unit, sections));
      if (!own) silent.set(unit.start, owner);
      for (const { start, end } of own ?? []) ranges.push({ start, end, owner });
    }
    if (silent.size > 0) {
      for (const { start, end, unit } of readAddressRanges(sections)) {
        const owner = silent.get(unit);
        if (owner !== undefined) ranges.push({ start, end, owner });
      }
    }
    return addressMap(ranges);
  }
}

interface OwnedRange {
  readonly start: bigint;
  readonly end: bigint;
  readonly owner: number;
}

function addressMap(ranges: OwnedRange[]): AddressMap {
  ranges.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const reach = new BigUint64Array(ranges.length);
  let furthest = 0n;
  for (const [index, { end }] of ranges.entries()) {
    if (end > furthest) furthest = end;
    reach[index] = furthest;
  }
  return {
    starts: BigUint64Array.from(ranges, ({ start }) => start),
    ends: BigUint64Array.from(ranges, ({ end }) => end),
    reach,
    owners: Float64Array.from(ranges, ({ owner }) => owner),
  };
}

/** What lies at an address, what begins nearest first. */
function ownersAt({ starts, ends, reach, owners }: AddressMap, address: bigint): number[] {
  const found: number[] = [];
  for (let at = lastAtOrBelow(starts, address); at >= 0 && reach[at]! > address && found.length < 8; at -= 1) {
    if (ends[at]! > address) found.push(owners[at]!);
  }
  return found;
}
