/** Builders for a device's description of itself: they keep the register tables of the parts short. */
import type { BitField, RegisterDescription } from './device';

/** Field of one bit. */
export function bit(at: number, name: string, meaning?: string): BitField {
  return meaning === undefined ? { name, high: at, low: at } : { name, high: at, low: at, meaning };
}

/** Field of bits `high`..`low`; `values` names its values in ascending order from 0 (empty names are left out). */
export function field(high: number, low: number, name: string, meaning?: string, values?: readonly string[]): BitField {
  const named =
    values && Object.fromEntries(values.map((text, value) => [value, text]).filter(([, text]) => text !== ''));
  return { name, high, low, ...(meaning !== undefined && { meaning }), ...(named && { values: named }) };
}

/** One register of `width` bits at `location`, with its current value. */
export function register(
  name: string,
  width: number,
  location: string,
  value: number | bigint | boolean,
  fields?: readonly BitField[],
  meaning?: string,
): RegisterDescription {
  return {
    name,
    width,
    location,
    value: BigInt(value),
    ...(fields && { fields }),
    ...(meaning !== undefined && { meaning }),
  };
}
