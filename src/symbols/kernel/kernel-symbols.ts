/**
 * The symbols of kallsyms by name and by address. Sizes are not in kallsyms: a symbol reaches to the next address, as the
 * kernel's own `kallsyms_lookup` has it, but not beyond the part of the image that it lies in.
 */
import { lastAtOrBelow } from '../search';
import type { SymbolInfo, SymbolKind } from '../elf/symbol-table';
import type { Kallsyms } from './kallsyms';

/** Link addresses [start, end). */
interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/** Types of `nm` that are code; `w` and `W` are weak code, `v` and `V` weak data. */
const CODE = 'tTwWiI';

/** Indexes of one kernel's symbols. */
export class KernelSymbols {
  private readonly indicesOfName = new Map<string, number | number[]>();
  private sortedNames: readonly string[] | undefined;
  private readonly movable: BigUint64Array;

  /** `parts` are the parts of the image by rising address; none are known for a kernel that was found in memory. */
  constructor(
    private readonly kallsyms: Kallsyms,
    private readonly parts: readonly Range[],
  ) {
    this.movable = kallsyms.addresses.subarray(kallsyms.absolute);
    kallsyms.names.forEach((name, index) => {
      const known = this.indicesOfName.get(name);
      if (known === undefined) this.indicesOfName.set(name, index);
      else if (typeof known === 'number') this.indicesOfName.set(name, [known, index]);
      else known.push(index);
    });
  }

  /** How many symbols there are. */
  get size(): number {
    return this.kallsyms.names.length;
  }

  /** All symbols of a name, by address. */
  named(name: string): SymbolInfo[] {
    const known = this.indicesOfName.get(name);
    if (known === undefined) return [];
    return (typeof known === 'number' ? [known] : known).map((index) => this.info(index));
  }

  /** The first `limit` names, in alphabetical order, that begin with `prefix`. */
  namesFrom(prefix: string, limit: number): string[] {
    this.sortedNames ??= [...this.indicesOfName.keys()].sort();
    const names = this.sortedNames;
    let low = 0;
    let high = names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (names[middle]! < prefix) low = middle + 1;
      else high = middle;
    }
    const found: string[] = [];
    for (let at = low; found.length < limit && names[at]?.startsWith(prefix); at += 1) found.push(names[at]!);
    return found;
  }

  /** At most `limit` symbols, by address, that `matches` accepts. */
  matching(matches: (symbol: SymbolInfo) => boolean, limit: number): SymbolInfo[] {
    const found: SymbolInfo[] = [];
    for (let index = 0; index < this.size && found.length < limit; index += 1) {
      const symbol = this.info(index);
      if (matches(symbol)) found.push(symbol);
    }
    return found;
  }

  /** The symbol that covers an address; of several at one address the first, which is the one that the kernel names. */
  at(address: bigint): { readonly symbol: SymbolInfo; readonly offset: bigint } | undefined {
    const last = lastAtOrBelow(this.movable, address);
    if (last < 0) return undefined;
    let first = last;
    while (first > 0 && this.movable[first - 1] === this.movable[last]) first -= 1;
    const symbol = this.info(this.kallsyms.absolute + first);
    const offset = address - symbol.address;
    return offset < symbol.size ? { symbol, offset } : undefined;
  }

  private info(index: number): SymbolInfo {
    const { names, types, addresses, absolute } = this.kallsyms;
    const type = types.charAt(index);
    const address = addresses[index]!;
    const isAbsolute = index < absolute || type === 'A' || type === 'a';
    const kind: SymbolKind = CODE.includes(type) ? 'function' : 'object';
    const size = isAbsolute ? 0n : this.reach(index) - address;
    return { name: names[index]!, address, size, kind, isGlobal: type < 'a', isAbsolute };
  }

  /** Where the symbol ends: at the next address, or where its part of the image does. */
  private reach(index: number): bigint {
    const { addresses } = this.kallsyms;
    const address = addresses[index]!;
    const part = this.parts.find(({ start, end }) => start <= address && address < end);
    let next = index + 1;
    while (next < addresses.length && addresses[next]! <= address) next += 1;
    const following = next < addresses.length ? addresses[next]! : (part?.end ?? address);
    return part && part.end < following ? part.end : following;
  }
}
