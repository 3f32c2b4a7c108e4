/**
 * Attribute forms: how a value of DWARF lies in the bytes. Sources: DWARF 5 section 7.5.6, DWARF 4 section 7.5.4, GNU's
 * forms for supplementary files. NOT IMPLEMENTED: following references, values in supplementary files.
 */
import type { ByteReader } from '../byte-reader';

/** What the meaning of a form depends on. */
export interface FormContext {
  readonly version: number;
  /** DWARF's 64-bit format: section offsets have 8 bytes. */
  readonly isDwarf64: boolean;
  /** Bytes. */
  readonly addressSize: number;
}

/** DW_FORM_*. */
export const FORM = {
  addr: 0x01,
  block2: 0x03,
  block4: 0x04,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  block: 0x09,
  block1: 0x0a,
  data1: 0x0b,
  flag: 0x0c,
  sdata: 0x0d,
  strp: 0x0e,
  udata: 0x0f,
  refAddr: 0x10,
  ref1: 0x11,
  ref2: 0x12,
  ref4: 0x13,
  ref8: 0x14,
  refUdata: 0x15,
  indirect: 0x16,
  secOffset: 0x17,
  exprloc: 0x18,
  flagPresent: 0x19,
  strx: 0x1a,
  addrx: 0x1b,
  refSup4: 0x1c,
  strpSup: 0x1d,
  data16: 0x1e,
  lineStrp: 0x1f,
  refSig8: 0x20,
  implicitConst: 0x21,
  loclistx: 0x22,
  rnglistx: 0x23,
  refSup8: 0x24,
  strx1: 0x25,
  strx2: 0x26,
  strx3: 0x27,
  strx4: 0x28,
  addrx1: 0x29,
  addrx2: 0x2a,
  addrx3: 0x2b,
  addrx4: 0x2c,
  gnuRefAlt: 0x1f20,
  gnuStrpAlt: 0x1f21,
} as const;

/** Passes over a value. Throws the `damaged` error for a form that DWARF does not have. */
export function skipForm(reader: ByteReader, form: number, context: FormContext): void {
  switch (form) {
    case FORM.flagPresent:
    case FORM.implicitConst:
      return;
    case FORM.data1:
    case FORM.flag:
    case FORM.ref1:
    case FORM.strx1:
    case FORM.addrx1:
      reader.skip(1);
      return;
    case FORM.data2:
    case FORM.ref2:
    case FORM.strx2:
    case FORM.addrx2:
      reader.skip(2);
      return;
    case FORM.strx3:
    case FORM.addrx3:
      reader.skip(3);
      return;
    case FORM.data4:
    case FORM.ref4:
    case FORM.refSup4:
    case FORM.strx4:
    case FORM.addrx4:
      reader.skip(4);
      return;
    case FORM.data8:
    case FORM.ref8:
    case FORM.refSig8:
    case FORM.refSup8:
      reader.skip(8);
      return;
    case FORM.data16:
      reader.skip(16);
      return;
    case FORM.udata:
    case FORM.sdata:
    case FORM.refUdata:
    case FORM.strx:
    case FORM.addrx:
    case FORM.loclistx:
    case FORM.rnglistx:
      reader.uleb();
      return;
    case FORM.strp:
    case FORM.lineStrp:
    case FORM.strpSup:
    case FORM.secOffset:
    case FORM.gnuRefAlt:
    case FORM.gnuStrpAlt:
      reader.skip(context.isDwarf64 ? 8 : 4);
      return;
    case FORM.refAddr:
      // DWARF 2 gave it the size of an address.
      reader.skip(context.version <= 2 ? context.addressSize : context.isDwarf64 ? 8 : 4);
      return;
    case FORM.addr:
      reader.skip(context.addressSize);
      return;
    case FORM.string:
      reader.skipString();
      return;
    case FORM.block1:
      reader.skip(reader.u8());
      return;
    case FORM.block2:
      reader.skip(reader.u16());
      return;
    case FORM.block4:
      reader.skip(reader.u32());
      return;
    case FORM.block:
    case FORM.exprloc:
      reader.skip(reader.uleb());
      return;
    case FORM.indirect:
      skipForm(reader, directForm(reader), context);
      return;
    default:
      throw reader.error(`a value in it has the unknown form ${form}`);
  }
}

/** The form that follows DW_FORM_indirect, which must not be indirect again. */
export function directForm(reader: ByteReader): number {
  const form = reader.uleb();
  if (form === FORM.indirect || form === FORM.implicitConst) throw reader.error('a form in it is indirect twice');
  return form;
}

/** Reads an unsigned constant, an offset or an index; undefined (and passed over) for values of other kinds. */
export function readNumber(reader: ByteReader, form: number, context: FormContext): number | undefined {
  switch (form) {
    case FORM.data1:
    case FORM.strx1:
    case FORM.addrx1:
    case FORM.ref1:
      return reader.u8();
    case FORM.data2:
    case FORM.strx2:
    case FORM.addrx2:
    case FORM.ref2:
      return reader.u16();
    case FORM.strx3:
    case FORM.addrx3:
      return reader.u16() + reader.u8() * 0x1_0000;
    case FORM.data4:
    case FORM.strx4:
    case FORM.addrx4:
    case FORM.ref4:
      return reader.u32();
    case FORM.data8:
    case FORM.ref8:
      return Number(reader.u64());
    case FORM.udata:
    case FORM.refUdata:
    case FORM.strx:
    case FORM.addrx:
    case FORM.rnglistx:
      return reader.uleb();
    case FORM.sdata:
      return reader.sleb();
    case FORM.secOffset:
    case FORM.strp:
    case FORM.lineStrp:
      return reader.sectionOffset(context.isDwarf64);
    case FORM.indirect:
      return readNumber(reader, directForm(reader), context);
    default:
      skipForm(reader, form, context);
      return undefined;
  }
}
