/**
 * Values as they lie at places, as expressions: loads, bits of bytes and registers, values in several pieces. Everything
 * is little-endian. Source: DWARF version 5, 2.6.
 */
import type { Place } from '../types/place';
import type { Expression, ValueType } from './ast';
import { cannotCompute } from './errors';
import type { BitRange } from './typed';
import { isPointer, pointer, S64, sizeOf, U64, U8, unsignedOf } from './types';

const WORD = 64;

/** A number as a node. */
export const constant = (value: bigint | number, type: ValueType = S64): Expression => ({
  kind: 'constant',
  value: BigInt(value),
  type,
});

const shifted = (operator: '<<' | '>>', of: Expression, by: number): Expression =>
  by === 0 ? of : { kind: 'binary', operator, left: of, right: constant(by) };

/** The expression as a pointer to `to`, in the space that it has. */
export function asPointer(of: Expression, to: ValueType): Expression {
  if ((of.kind === 'constant' || of.kind === 'cast') && isPointer(of.type))
    return { ...of, type: pointer(to, of.type.space) };
  return { kind: 'cast', type: pointer(to, 'linear'), of };
}

/** The address `bytes` further. */
export function moved(address: Expression, bytes: number): Expression {
  if (bytes === 0) return address;
  if (address.kind === 'constant')
    return { kind: 'constant', value: address.value + BigInt(bytes), type: address.type };
  const { left, right } = partsOf(address);
  return { kind: 'binary', operator: '+', left: asPointer(left, U8), right: constant(right + BigInt(bytes)) };
}

/** A sum that `moved` made, in its parts. */
function partsOf(address: Expression): { left: Expression; right: bigint } {
  const at = address.kind === 'cast' && isPointer(address.type) ? address.of : address;
  if (at.kind === 'binary' && at.operator === '+' && at.right.kind === 'constant' && pointsToBytes(at.left))
    return { left: at.left, right: at.right.value };
  return { left: address, right: 0n };
}

const pointsToBytes = ({ kind, ...rest }: Expression): boolean =>
  kind === 'cast' && 'type' in rest && rest.type !== undefined && isPointer(rest.type) && rest.type.to === U8;

/**
 * The scalar at a place as a value of `type`; of `pointerBytes` bytes in memory if it is a pointer. Throws a UserError
 * for what is not there, or too scattered to be computed.
 */
export function load(place: Place, bits: BitRange | undefined, type: ValueType, bytes = sizeOf(type)): Expression {
  if (bits) return cast(type, bitsOf(place, bits, !isPointer(type) && type.signed));
  switch (place.kind) {
    case 'memory': {
      const isWhole = bytes === sizeOf(type);
      const of = asPointer(place.address, isWhole ? type : unsignedOf(bytes * 8));
      return isWhole ? { kind: 'dereference', of } : cast(type, { kind: 'dereference', of });
    }
    case 'register':
      return cast(type, { kind: 'register', name: place.name });
    case 'value':
      return cast(type, place.value);
    default:
      return cast(type, bitsOf(place, { offset: 0, size: Math.min(bytes * 8, WORD) }, false));
  }
}

const cast = (type: ValueType, of: Expression): Expression => ({ kind: 'cast', type, of });

/** At most 64 bits of the value at a place, as s64 or u64. Throws a UserError like `load`. */
function bitsOf(place: Place, { offset, size }: BitRange, signed: boolean): Expression {
  if (size <= 0 || size > WORD) throw cannotCompute(`A value of ${size} bits cannot be computed with.`);
  const low = lowBits(place, offset, size);
  const spare = WORD - size;
  if (signed) return shifted('>>', cast(S64, shifted('<<', cast(U64, low), spare)), spare);
  return spare === 0
    ? cast(U64, low)
    : { kind: 'binary', operator: '&', left: low, right: constant((1n << BigInt(size)) - 1n, U64) };
}

/** A u64 whose low `size` bits are those from `offset` on; what is above them is not told. */
function lowBits(place: Place, offset: number, size: number): Expression {
  switch (place.kind) {
    case 'memory':
      return bitsInMemory(place.address, offset, size);
    case 'register':
    case 'value':
      if (offset >= WORD)
        throw cannotCompute('What lies in the upper half of a wide register cannot be computed with.');
      return shifted(
        '>>',
        cast(U64, place.kind === 'value' ? place.value : { kind: 'register', name: place.name }),
        offset,
      );
    case 'bytes': {
      const value = place.bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
      return constant(BigInt.asUintN(WORD, value >> BigInt(offset)), U64);
    }
    case 'pieces': {
      let start = 0;
      let whole: Expression | undefined;
      for (const piece of place.pieces) {
        const from = Math.max(offset, start);
        const to = Math.min(offset + size, start + piece.bits);
        if (from < to) {
          const part = bitsOf(piece.place, { offset: from - start, size: to - from }, false);
          const placed = shifted('<<', part, from - offset);
          whole = whole ? { kind: 'binary', operator: '|', left: whole, right: placed } : placed;
        }
        start += piece.bits;
      }
      if (!whole || start < offset + size)
        throw cannotCompute('The debug information does not say where all of it is.');
      return whole;
    }
    case 'absent':
      throw cannotCompute(place.why);
  }
}

function bitsInMemory(address: Expression, offset: number, size: number): Expression {
  const start = Math.floor(offset / 8);
  const shift = offset % 8;
  const bytes = Math.ceil((shift + size) / 8);
  const at = (byte: number, width: number): Expression => {
    const of = asPointer(moved(address, byte), unsignedOf(width * 8));
    return cast(U64, { kind: 'dereference', of });
  };
  const width = [1, 2, 4].find((one) => bytes <= one) ?? 8;
  const low = shifted('>>', at(start, width), shift);
  // A packed field of up to 64 bits can touch nine bytes.
  return bytes <= 8
    ? low
    : { kind: 'binary', operator: '|', left: low, right: shifted('<<', at(start + 8, 1), WORD - shift) };
}
