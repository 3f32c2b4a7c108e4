/** Abbreviations: what attributes the entries of `.debug_info` have. DWARF 5 section 7.5.3. */
import type { ByteReader } from '../byte-reader';
import { FORM } from './forms';

/** The shape of a debugging information entry. */
export interface Abbreviation {
  /** DW_TAG_*. */
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly {
    /** DW_AT_*. */
    readonly name: number;
    /** DW_FORM_*. */
    readonly form: number;
    /** The value of DW_FORM_implicit_const. */
    readonly implicit: number;
  }[];
}

/** Shapes by code. */
export type Abbreviations = ReadonlyMap<number, Abbreviation>;

/** Reads a unit's abbreviations up to their end, or up to the one with code `last`. Throws a UserError for damage. */
export function readAbbreviations(reader: ByteReader, last?: number): Abbreviations {
  const found = new Map<number, Abbreviation>();
  for (let code = reader.uleb(); code !== 0; code = reader.uleb()) {
    const tag = reader.uleb();
    const hasChildren = reader.u8() !== 0;
    const attributes: { name: number; form: number; implicit: number }[] = [];
    for (;;) {
      const name = reader.uleb();
      const form = reader.uleb();
      const implicit = form === FORM.implicitConst ? reader.sleb() : 0;
      if (name === 0 && form === 0) break;
      attributes.push({ name, form, implicit });
    }
    found.set(code, { tag, hasChildren, attributes });
    if (code === last) break;
  }
  return found;
}
