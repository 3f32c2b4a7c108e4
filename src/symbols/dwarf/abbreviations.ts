/**
 * Abbreviations: what attributes the entries of `.debug_info` have. DWARF 5 section 7.5.3. A kernel has 300,000 of them, of
 * which few are looked at: each is read when somebody asks for it.
 */
import { ByteReader, damaged } from '../byte-reader';
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

const WHAT = 'A table of .debug_abbrev';

/** The abbreviations of a unit, by code. */
export class Abbreviations {
  private readonly positions = new Map<number, number>();
  private readonly known = new Map<number, Abbreviation>();
  private at = 0;

  /** Finds those from the start of `bytes` on, up to their end or to the one with code `last`. Throws a UserError for damage. */
  constructor(
    private bytes: Uint8Array,
    last?: number,
  ) {
    for (let code = this.small(); code !== 0; code = this.small()) {
      this.positions.set(code, this.at);
      if (code === last) break;
      this.pass();
    }
    // A copy, so that what the bytes were a part of can go.
    if (last === undefined) this.bytes = Uint8Array.from(bytes.subarray(0, this.at));
  }

  /** The shape with a code; undefined if there is none. Throws a UserError for damage. */
  get(code: number): Abbreviation | undefined {
    const known = this.known.get(code);
    const position = this.positions.get(code);
    if (known || position === undefined) return known;
    const shape = readShape(new ByteReader(this.bytes, WHAT, position));
    this.known.set(code, shape);
    return shape;
  }

  /** Passes over a shape behind its code. */
  private pass(): void {
    this.small();
    this.at += 1;
    for (;;) {
      const name = this.small();
      const form = this.small();
      if (form === FORM.implicitConst) this.small();
      if (name === 0 && form === 0) return;
    }
  }

  /** A LEB128 number; of one above 31 bits no more than that it is not 0. */
  private small(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bytes[this.at];
      if (byte === undefined) break;
      this.at += 1;
      value = shift < 28 ? value | ((byte & 0x7f) << shift) : value || byte & 0x7f;
      if (byte < 0x80) return value;
    }
    throw damaged(WHAT, 'it ends too early');
  }
}

function readShape(reader: ByteReader): Abbreviation {
  const tag = reader.uleb();
  const hasChildren = reader.u8() !== 0;
  const attributes: { name: number; form: number; implicit: number }[] = [];
  for (;;) {
    const name = reader.uleb();
    const form = reader.uleb();
    const implicit = form === FORM.implicitConst ? reader.sleb() : 0;
    if (name === 0 && form === 0) return { tag, hasChildren, attributes };
    attributes.push({ name, form, implicit });
  }
}
