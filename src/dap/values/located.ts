/** Where a value is at this stop, once its place is computed, and its bytes. */
import type { AddressSpace } from '../../protocol/address';
import type { Value } from '../../symbols/expression/ast';
import { isPointer, sizeOf as sizeOfValue } from '../../symbols/expression/types';
import type { BitRange } from '../../symbols/expression/typed';
import type { Place, PlacePiece } from '../../symbols/types/place';
import { type Contents, type Hole, littleEndian, nothing } from './contents';
import type { ValueReader } from './reader';
import type { MemoryRange } from './row';

/** Where a value is; the bits are those of the value there. */
export type Located =
  | {
      readonly kind: 'memory';
      readonly space: AddressSpace;
      readonly address: bigint;
      readonly bits?: BitRange | undefined;
    }
  /** It is known without memory; `register` says where a change goes. */
  | {
      readonly kind: 'known';
      readonly contents: Contents;
      readonly register?: string | undefined;
      readonly bits?: BitRange | undefined;
    }
  | { readonly kind: 'absent'; readonly why: string };

/** Most bytes that are read at once. */
export const MAX_READ = 65_536;
/** XMM registers are the widest. */
const REGISTER_BYTES = 16;

/** Computes where a place is. Rejects with a UserError where an expression of it has no value. */
export async function locate(place: Place, bits: BitRange | undefined, reader: ValueReader): Promise<Located> {
  switch (place.kind) {
    case 'memory':
      return { kind: 'memory', ...addressOf(await reader.evaluate(place.address)), bits };
    case 'register': {
      const value = await reader.evaluate({ kind: 'register', name: place.name });
      return { kind: 'known', contents: contentsOf(value), register: place.name, bits };
    }
    case 'value':
      return { kind: 'known', contents: contentsOf(await reader.evaluate(place.value)), bits };
    case 'bytes':
      return { kind: 'known', contents: { bytes: place.bytes, end: 'The debug information has no more of it.' }, bits };
    case 'pieces':
      return { kind: 'known', contents: await joined(place.pieces, reader), bits };
    case 'absent':
      return { kind: 'absent', why: place.why };
  }
}

/** The linear or other address that a value is. */
export const addressOf = ({ value, type }: Value): Pick<MemoryRange, 'space' | 'address'> => ({
  space: isPointer(type) ? type.space : 'linear',
  address: BigInt.asUintN(64, value),
});

/** A computed value as bytes, its sign carried on. */
export const contentsOf = ({ value, type }: Value): Contents => ({
  bytes: littleEndian(value, Math.max(sizeOfValue(type), REGISTER_BYTES)),
  end: 'The register is narrower than the value.',
});

/** The bytes of a value of `size` bytes. */
export async function contentsAt(located: Located, size: number, reader: ValueReader): Promise<Contents> {
  if (located.kind === 'absent') return nothing(located.why);
  if (located.kind === 'known') return located.contents;
  const { space, address, bits } = located;
  const length = bits ? Math.ceil((bits.offset + bits.size) / 8) : size;
  const where = `${space === 'linear' ? '' : `${space} `}0x${address.toString(16)}`;
  if (length === 0) return nothing(`nothing at ${where}`);
  const bytes = await reader.read(space, address, Math.min(length, MAX_READ));
  return { bytes, end: length > MAX_READ ? 'too large to be shown at once' : `not mapped at ${where}` };
}

/** A part of a value: at `bitOffset`, with the width of a bit-field if it is one, of `size` bytes otherwise. */
export function partAt(whole: Located, bitOffset: number, bitSize: number | undefined, size: number): Located {
  if (whole.kind === 'absent') return whole;
  const base = whole.bits?.offset ?? 0;
  if (whole.kind === 'known') return { ...whole, bits: { offset: base + bitOffset, size: bitSize ?? size * 8 } };
  const at = base + bitOffset;
  const { space, address } = whole;
  const start = BigInt.asUintN(64, address + BigInt(Math.floor(at / 8)));
  return {
    kind: 'memory',
    space,
    address: start,
    bits: bitSize === undefined ? undefined : { offset: at % 8, size: bitSize },
  };
}

/** The bytes in memory that hold a value of `size` bytes; undefined for what is elsewhere. */
export function rangeOf(located: Located, size: number): MemoryRange | undefined {
  if (located.kind !== 'memory') return undefined;
  const { space, address, bits } = located;
  if (!bits) return { space, address, bytes: size };
  const first = Math.floor(bits.offset / 8);
  return { space, address: address + BigInt(first), bytes: Math.ceil((bits.offset + bits.size) / 8) - first };
}

/** One value of several pieces; those that are nowhere are holes. */
async function joined(pieces: readonly PlacePiece[], reader: ValueReader): Promise<Contents> {
  let value = 0n;
  let offset = 0;
  const holes: Hole[] = [];
  for (const { bits, place } of pieces) {
    if (!(bits >= 0) || offset + bits > MAX_READ * 8) break;
    const located = await locate(place, undefined, reader);
    const length = Math.ceil(bits / 8);
    const { bytes, end } = await contentsAt(located, length, reader);
    if (bytes.length < length) holes.push({ offset, size: bits, why: located.kind === 'absent' ? located.why : end });
    const part = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    value |= BigInt.asUintN(bits, part) << BigInt(offset);
    offset += bits;
  }
  return { bytes: littleEndian(value, Math.ceil(offset / 8)), holes, end: 'The debug information has no more of it.' };
}
