// The linear-address translation in plain words, without a TLB, over an array of bytes: what the emitted walker is
// compared with. Source: SDM Vol. 3A, 4.3 (32-bit), 4.4 (PAE), 4.5 (4-level), 4.6 (permissions), 4.7 (error codes),
// 4.8 (accessed and dirty flags).

/** Physical addresses have so many bits. */
const PHYSICAL_BITS = 39n;

export type Paging = 'off' | '32-bit' | 'PAE' | '4-level';

/** What control registers and EFER say. */
export interface WalkMode {
  readonly paging: Paging;
  readonly writeProtect: boolean;
  /** CR4.PSE. */
  readonly largePages: boolean;
  readonly noExecute: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  /** EFLAGS.AC. */
  readonly alignment: boolean;
}

export interface WalkAccess {
  readonly kind: 'read' | 'write' | 'execute';
  readonly user: boolean;
}

export type WalkResult = { readonly physical: number } | { readonly error: number };

interface Level {
  readonly shift: bigint;
  readonly indexBits: bigint;
  /** May have bit 7 set to be the last. */
  readonly mayBeLarge: boolean;
  /** Bit 7 is reserved. */
  readonly sizeReserved: boolean;
}

const level = (shift: number, indexBits: number, mayBeLarge: boolean, sizeReserved = false): Level => ({
  shift: BigInt(shift),
  indexBits: BigInt(indexBits),
  mayBeLarge,
  sizeReserved,
});

const ones = (bits: bigint): bigint => (1n << bits) - 1n;
/** Bits `high` to `low`. */
const field = (high: bigint, low: bigint): bigint => ones(high + 1n) & ~ones(low);

export class ReferenceWalker {
  private readonly view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Translates; sets accessed and dirty flags. `pdptes` are PAE's four registers. */
  walk(linear: bigint, access: WalkAccess, mode: WalkMode, cr3: bigint, pdptes: readonly bigint[]): WalkResult {
    if (mode.paging === 'off') return { physical: Number(linear) };
    const fault = (bits: number): WalkResult => ({ error: bits | this.accessBits(access, mode) });
    const is32 = mode.paging === '32-bit';
    let table: bigint;
    if (mode.paging === 'PAE') {
      const pdpte = pdptes[Number((linear >> 30n) & 3n)]!;
      if ((pdpte & 1n) === 0n) return fault(0);
      table = pdpte & field(51n, 12n);
    } else table = cr3 & (is32 ? 0xfffff000n : field(51n, 12n));

    let [user, writable, noExecute] = [true, true, false];
    for (const current of this.levels(mode)) {
      const index = (linear >> current.shift) & ones(current.indexBits);
      const place = Number(table + index * (is32 ? 4n : 8n));
      const entry = this.read(place, is32);
      if ((entry & 1n) === 0n) return fault(0);
      const isLarge = current.mayBeLarge && (entry & 0x80n) !== 0n;
      if ((entry & this.reserved(current, mode, isLarge)) !== 0n) return fault(9);
      user &&= (entry & 4n) !== 0n;
      writable &&= (entry & 2n) !== 0n;
      noExecute ||= !is32 && (entry & (1n << 63n)) !== 0n;
      if (!isLarge && current.shift !== 12n) {
        this.set(place, entry | 0x20n, is32);
        table = entry & (is32 ? 0xfffff000n : field(51n, 12n));
        continue;
      }
      if (this.denied(access, mode, user, writable, noExecute)) return fault(1);
      this.set(place, entry | 0x20n | (access.kind === 'write' ? 0x40n : 0n), is32);
      const offset = linear & ones(current.shift);
      return { physical: Number(this.frame(entry, current, is32, isLarge) | offset) };
    }
    throw new Error('a walk without an end');
  }

  private levels({ paging, largePages }: WalkMode): readonly Level[] {
    if (paging === '32-bit') return [level(22, 10, largePages), level(12, 10, false)];
    const lower = [level(21, 9, true), level(12, 9, false)];
    return paging === 'PAE' ? lower : [level(39, 9, false, true), level(30, 9, true), ...lower];
  }

  private reserved(current: Level, { paging, noExecute }: WalkMode, isLarge: boolean): bigint {
    if (paging === '32-bit') return isLarge ? field(21n, PHYSICAL_BITS - 19n) : 0n;
    const high = paging === 'PAE' ? field(62n, PHYSICAL_BITS) : field(51n, PHYSICAL_BITS);
    const frame = isLarge ? field(current.shift - 1n, 13n) : 0n;
    return high | frame | (noExecute ? 0n : 1n << 63n) | (current.sizeReserved ? 0x80n : 0n);
  }

  private frame(entry: bigint, current: Level, is32: boolean, isLarge: boolean): bigint {
    if (is32 && isLarge) return (entry & 0xffc00000n) | (((entry >> 13n) & 0xffn) << 32n);
    return entry & (is32 ? 0xfffff000n : field(51n, 12n)) & ~ones(current.shift);
  }

  private denied(access: WalkAccess, mode: WalkMode, user: boolean, writable: boolean, noExecute: boolean): boolean {
    if (access.user && !user) return true;
    if (access.kind === 'write' && !writable && (access.user || mode.writeProtect)) return true;
    if (access.kind === 'execute' && noExecute && mode.noExecute) return true;
    if (access.user || !user) return false;
    return access.kind === 'execute' ? mode.smep : mode.smap && !mode.alignment;
  }

  private accessBits({ kind, user }: WalkAccess, { noExecute, smep, paging }: WalkMode): number {
    const fetches = kind === 'execute' && (smep || (noExecute && paging !== '32-bit'));
    return (kind === 'write' ? 2 : 0) | (user ? 4 : 0) | (fetches ? 16 : 0);
  }

  /** An entry; ones where no RAM is. */
  private read(place: number, is32: boolean): bigint {
    if (place >= this.bytes.length) return is32 ? 0xffffffffn : ones(64n);
    return is32 ? BigInt(this.view.getUint32(place, true)) : this.view.getBigUint64(place, true);
  }

  private set(place: number, entry: bigint, is32: boolean): void {
    if (place >= this.bytes.length) return;
    if (is32) this.view.setUint32(place, Number(entry), true);
    else this.view.setBigUint64(place, entry, true);
  }
}
