/** One debugging information entry and its attributes' values by class. DWARF 5 sections 2.2, 7.5.5, 7.5.6. */
import type { ByteReader } from '../byte-reader';
import { unlessDamaged } from '../byte-reader';
import type { Abbreviation } from './abbreviations';
import type { CompileUnit } from './compile-units';
import { readAddress } from './compile-units';
import type { DebugInfo } from './entries';
import { directForm, FORM, readNumber } from './forms';
import { ATTRIBUTE } from './tags';

/** An entry; reading an attribute of another class than asked for gives undefined, damage throws the `damaged` error. */
export class Entry {
  /** `positions` are those of the attributes' values in the unit, `end` is the one behind the last. */
  constructor(
    private readonly info: DebugInfo,
    /** Its bytes are fetched when they are needed: an entry that somebody keeps must not keep them. */
    readonly unit: CompileUnit,
    /** In `.debug_info` and the `.debug_types` behind it, bytes. */
    readonly offset: number,
    private readonly shape: Abbreviation,
    private readonly positions: readonly number[],
    readonly end: number,
  ) {}

  /** DW_TAG_*. */
  get tag(): number {
    return this.shape.tag;
  }

  get hasChildren(): boolean {
    return this.shape.hasChildren;
  }

  /** The entries directly under it. */
  children(): Generator<Entry> {
    return this.info.children(this);
  }

  has(name: number): boolean {
    return this.shape.attributes.some((attribute) => attribute.name === name);
  }

  /** DW_FORM_* of an attribute's value; undefined if it has none. */
  form(name: number): number | undefined {
    return this.at(name)?.form;
  }

  /** An unsigned constant below 2^53, an offset or an index. */
  number(name: number): number | undefined {
    const value = this.at(name);
    if (!value || value.form === FORM.strp || value.form === FORM.lineStrp) return undefined;
    return value.form === FORM.implicitConst ? value.implicit : readNumber(value.reader, value.form, this.unit);
  }

  /** A constant with all its bits; those of a fixed size are unsigned, DW_FORM_sdata is signed. */
  constant(name: number): bigint | undefined {
    const value = this.at(name);
    switch (value?.form) {
      case undefined:
        return undefined;
      case FORM.implicitConst:
        return BigInt(value!.implicit);
      case FORM.data8:
        return value!.reader.u64();
      case FORM.data16:
        return value!.reader.u64() | (value!.reader.u64() << 64n);
      case FORM.sdata:
        return value!.reader.exactSleb();
      case FORM.udata:
        return value!.reader.exactUleb();
      case FORM.data1:
      case FORM.data2:
      case FORM.data4: {
        const number = readNumber(value!.reader, value!.form, this.unit);
        return number === undefined ? undefined : BigInt(number);
      }
      default:
        return undefined;
    }
  }

  /** True for a flag that is set. */
  flag(name: number): boolean {
    const value = this.at(name);
    if (value?.form === FORM.flag) return value.reader.u8() !== 0;
    return value?.form === FORM.flagPresent || (value?.form === FORM.implicitConst && value.implicit !== 0);
  }

  /** A text; undefined as well for one in a supplementary file. */
  string(name: number): string | undefined {
    const value = this.at(name);
    const { sections } = this.info;
    switch (value?.form) {
      case FORM.string:
        return value.reader.string();
      case FORM.strp:
        return sections.string('.debug_str', value.reader.sectionOffset(this.unit.isDwarf64));
      case FORM.lineStrp:
        return sections.string('.debug_line_str', value.reader.sectionOffset(this.unit.isDwarf64));
      case FORM.strx:
      case FORM.strx1:
      case FORM.strx2:
      case FORM.strx3:
      case FORM.strx4: {
        const index = readNumber(value.reader, value.form, this.unit);
        return index === undefined ? undefined : sections.string('.debug_str', sections.stringOffset(index, this.unit));
      }
      default:
        return undefined;
    }
  }

  /** The offset of the entry that an attribute refers to; undefined as well for one in a supplementary file. */
  reference(name: number): number | undefined {
    const value = this.at(name);
    const { unit } = this;
    switch (value?.form) {
      case FORM.ref1:
      case FORM.ref2:
      case FORM.ref4:
      case FORM.ref8:
      case FORM.refUdata: {
        const offset = readNumber(value.reader, value.form, unit);
        return offset === undefined ? undefined : unit.start + offset;
      }
      case FORM.refAddr:
        // DWARF 2 gave it the size of an address.
        return unit.version <= 2
          ? Number(value.reader.unsigned(unit.addressSize))
          : value.reader.sectionOffset(unit.isDwarf64);
      case FORM.refSig8:
        return this.info.typeWithSignature(value.reader.u64());
      default:
        return undefined;
    }
  }

  /** An address, direct or by index. */
  address(name: number): bigint | undefined {
    const value = this.at(name);
    return value && readAddress(value.reader, value.form, this.unit, this.info.sections);
  }

  /** A block of bytes or a DWARF expression; shares memory with the unit. */
  block(name: number): Uint8Array | undefined {
    const value = this.at(name);
    const { reader } = value ?? {};
    switch (value?.form) {
      case FORM.block1:
        return reader!.take(reader!.u8());
      case FORM.block2:
        return reader!.take(reader!.u16());
      case FORM.block4:
        return reader!.take(reader!.u32());
      case FORM.block:
      case FORM.exprloc:
        return reader!.take(reader!.uleb());
      case FORM.data16:
        return reader!.take(16);
      default:
        return undefined;
    }
  }

  /** The position in the unit of the entry behind its children, where the compiler wrote it. */
  siblingPosition(): number | undefined {
    const offset = unlessDamaged(() => this.reference(ATTRIBUTE.sibling));
    return offset === undefined ? undefined : offset - this.unit.start;
  }

  /** An attribute's value: the reader stands before it. */
  private at(name: number): { form: number; implicit: number; reader: ByteReader } | undefined {
    const index = this.shape.attributes.findIndex((attribute) => attribute.name === name);
    if (index < 0) return undefined;
    const { form, implicit } = this.shape.attributes[index]!;
    const { reader } = this.info.data(this.unit);
    reader.position = this.positions[index]!;
    return { form: form === FORM.indirect ? directForm(reader) : form, implicit, reader };
  }
}
