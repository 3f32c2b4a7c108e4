// Debugging information entries made by hand: `.debug_abbrev` and `.debug_info` (or `.debug_types`) of one unit.
import { Bytes, type ImageSection } from '../elf-image';

/** DW_FORM_*, as far as the tests write them. */
export const FORM = {
  addr: 0x01,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  data1: 0x0b,
  sdata: 0x0d,
  udata: 0x0f,
  ref4: 0x13,
  secOffset: 0x17,
  exprloc: 0x18,
  flagPresent: 0x19,
  refSig8: 0x20,
  implicitConst: 0x21,
} as const;

/** A value: a number, a text, bytes, or the label of an entry. */
type Value = number | bigint | string | readonly number[] | { readonly ref: string };

/** An entry with its attributes (DW_AT_*, DW_FORM_*, value) and what is under it. */
export interface Die {
  readonly tag: number;
  readonly label?: string;
  readonly at?: readonly (readonly [attribute: number, form: number, value: Value])[];
  readonly children?: readonly Die[];
}

/** LEB128, signed or not. */
export function leb(value: number | bigint, signed = false): number[] {
  const bytes: number[] = [];
  for (let rest = BigInt(value); ;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const isLast = signed ? (rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40) : rest === 0n;
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

/** What of a unit is not the usual: DWARF 5, 64-bit, in `.debug_info`. */
export interface UnitOptions {
  readonly version?: 4 | 5;
  /** A type unit's signature and the label of its type; DWARF 4's lies in `.debug_types`. */
  readonly type?: { readonly signature: bigint; readonly label: string };
  /** Where in `.debug_abbrev` its shapes begin: after those of other units. */
  readonly abbreviations?: number;
}

/** A unit's bytes and those of its shapes. */
export function unitOf(
  root: Die,
  options: UnitOptions = {},
): { readonly info: Uint8Array; readonly shapes: Uint8Array } {
  const { version = 5, type, abbreviations = 0 } = options;
  const shapes = new Bytes();
  let code = 0;
  const labels = new Map<string, number>();
  const header = (version === 5 ? 12 : 11) + (type ? 12 : 0);
  const build = (withLabels: boolean): Bytes => {
    const info = new Bytes();
    const add = ({ tag, label, at = [], children }: Die): void => {
      code += 1;
      if (label) labels.set(label, header + info.length);
      info.u8(...leb(code));
      if (withLabels) shapes.u8(...leb(code), ...leb(tag), children ? 1 : 0);
      for (const [attribute, form, value] of at) {
        if (withLabels) shapes.u8(...leb(attribute), ...leb(form));
        if (withLabels && form === FORM.implicitConst) shapes.u8(...leb(value as number, true));
        write(info, form, value, labels);
      }
      if (withLabels) shapes.u8(0, 0);
      for (const child of children ?? []) add(child);
      if (children) info.u8(0);
    };
    code = 0;
    add(root);
    return info;
  };
  build(false);
  const entries = build(true).finish();
  const rest = new Bytes().number(version, 2);
  if (version === 5) rest.u8(type ? 2 : 1, 8).number(abbreviations, 4);
  else rest.number(abbreviations, 4).u8(8);
  if (type) rest.number(type.signature, 8).number(labels.get(type.label)!, 4);
  rest.bytes(entries);
  return { info: new Bytes().number(rest.length, 4).bytes(rest.finish()).finish(), shapes: shapes.u8(0).finish() };
}

/** The sections of one unit. */
export function unitSectionsOf(root: Die, options: UnitOptions = {}): ImageSection[] {
  const { info, shapes } = unitOf(root, options);
  return [
    { name: '.debug_abbrev', contents: shapes },
    { name: '.debug_info', contents: info },
  ];
}

function write(info: Bytes, form: number, value: Value, labels: ReadonlyMap<string, number>): void {
  const sizes: Readonly<Record<number, number>> = {
    [FORM.addr]: 8,
    [FORM.data1]: 1,
    [FORM.data2]: 2,
    [FORM.data4]: 4,
    [FORM.data8]: 8,
    [FORM.secOffset]: 4,
    [FORM.refSig8]: 8,
  };
  if (form === FORM.ref4) info.number(labels.get((value as { ref: string }).ref) ?? 0, 4);
  else if (form === FORM.string) info.text(value as string);
  else if (form === FORM.exprloc) info.u8(...leb((value as readonly number[]).length), ...(value as readonly number[]));
  else if (form === FORM.udata || form === FORM.sdata) info.u8(...leb(value as number, form === FORM.sdata));
  else if (form !== FORM.flagPresent && form !== FORM.implicitConst) info.number(value as number, sizes[form]!);
}
