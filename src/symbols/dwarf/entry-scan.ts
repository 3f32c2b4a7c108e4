/**
 * A fast pass over the entries at the top of a unit, and of the namespaces and classes in it: each shape is translated
 * into a few steps once, so that millions of entries are passed over in a second. DWARF 5 sections 7.5.2, 7.5.3, 7.5.5.
 */
import { ByteReader, damaged } from '../byte-reader';
import type { Abbreviation, Abbreviations } from './abbreviations';
import type { CompileUnit } from './compile-units';
import { isScopeOfNames } from './entries';
import { FORM, skipForm } from './forms';
import { ATTRIBUTE, TAG } from './tags';

/** Where a text lies: in `.debug_str`, in the unit's own bytes, or by its index. */
export const enum TextPlace {
  none,
  strings,
  unit,
  index,
}

/** An entry that the pass comes to; the same object each time. */
export interface ScannedEntry {
  tag: number;
  /** From the unit's start, bytes. */
  position: number;
  isDeclaration: boolean;
  /** It has a place of its own: DW_AT_location is an expression. */
  isLocated: boolean;
  name: number;
  namePlace: TextPlace;
  linkageName: number;
  linkagePlace: TextPlace;
  /** Position of the declaration that it refers to; 0 if it refers to none in its unit. */
  specification: number;
}

/** Who is told of entries. */
export interface ScanVisitor {
  /** An entry that is wanted. */
  visit(entry: ScannedEntry): void;
  /** The entries up to `leave` are in this namespace, class or enumeration. */
  enter(scope: ScannedEntry): void;
  leave(): void;
}

/** What is done with one attribute; a number of bytes to pass over is the `value`. */
const enum Step {
  skip,
  leb,
  string,
  block1,
  block2,
  block4,
  block,
  other,
  sibling,
  name,
  linkageName,
  specification,
  declaration,
}

interface Plan {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly isWanted: boolean;
  readonly isScope: boolean;
  readonly isDeclaration: boolean;
  readonly isLocated: boolean;
  /** Step, form or number of bytes; two numbers each. */
  readonly steps: Int32Array;
}

/** Shapes whose plans are kept: compilers number them from 1. */
const MAX_PLANS = 10_000;
/** Scopes within each other. */
const MAX_DEPTH = 64;

/**
 * Passes over a unit. `wanted` says which entries the visitor is told of; `intoClasses` goes into classes as well as
 * namespaces; enumerations are gone into if their constants are wanted. Throws the `damaged` error.
 */
export function scanUnit(
  unit: CompileUnit,
  bytes: Uint8Array,
  shapes: Abbreviations,
  wanted: (tag: number) => boolean,
  intoClasses: boolean,
  visitor: ScanVisitor,
): void {
  new UnitScan(unit, bytes, shapes, wanted, intoClasses, visitor).run();
}

class UnitScan {
  private readonly plans: (Plan | undefined)[] = [];
  private readonly reader: ByteReader;
  private at = 0;
  private sibling = 0;
  private readonly entry: ScannedEntry = {
    tag: 0,
    position: 0,
    isDeclaration: false,
    isLocated: false,
    name: 0,
    namePlace: TextPlace.none,
    linkageName: 0,
    linkagePlace: TextPlace.none,
    specification: 0,
  };

  constructor(
    private readonly unit: CompileUnit,
    private readonly bytes: Uint8Array,
    private readonly shapes: Abbreviations,
    private readonly wanted: (tag: number) => boolean,
    private readonly intoClasses: boolean,
    private readonly visitor: ScanVisitor,
  ) {
    this.reader = new ByteReader(bytes, 'A unit of .debug_info');
  }

  run(): void {
    const { bytes, entry } = this;
    this.at = this.unit.firstEntry - this.unit.start;
    // Scopes that are open, and how deep the pass is below an entry that is not gone into (0: not below one).
    let scopes = 0;
    let ignored = 0;
    while (this.at < bytes.length) {
      const position = this.at;
      const code = this.leb();
      if (code === 0) {
        if (ignored > 0) ignored -= 1;
        else {
          scopes -= 1;
          if (scopes <= 0) return;
          this.visitor.leave();
        }
        continue;
      }
      const plan = this.plans[code] ?? this.plan(code);
      entry.position = position;
      this.step(plan);
      if (ignored === 0 && plan.isWanted && scopes > 0) this.visitor.visit(entry);
      if (!plan.hasChildren) continue;
      if (ignored === 0 && (scopes === 0 || (plan.isScope && scopes < MAX_DEPTH))) {
        if (scopes > 0) this.visitor.enter(entry);
        scopes += 1;
      } else if (this.sibling >= this.at) this.at = this.sibling;
      else ignored += 1;
    }
  }

  private plan(code: number): Plan {
    const shape = this.shapes.get(code);
    if (!shape) throw this.reader.error(`an entry in it has the unknown shape ${code}`);
    const intoIt = shape.tag === TAG.enumerationType ? this.wanted(TAG.enumerator) : this.intoClasses;
    const plan = planOf(shape, this.unit, this.wanted(shape.tag), intoIt);
    if (code < MAX_PLANS) this.plans[code] = plan;
    return plan;
  }

  private step({ tag, steps, isDeclaration, isLocated }: Plan): void {
    const { bytes, entry } = this;
    entry.tag = tag;
    entry.isDeclaration = isDeclaration;
    entry.isLocated = isLocated;
    entry.namePlace = TextPlace.none;
    entry.linkagePlace = TextPlace.none;
    entry.specification = 0;
    this.sibling = 0;
    for (let index = 0; index < steps.length; index += 2) {
      const value = steps[index + 1]!;
      switch (steps[index]! as Step) {
        case Step.skip:
          this.at += value;
          break;
        case Step.leb:
          this.leb();
          break;
        case Step.string:
          this.skipString();
          break;
        case Step.block1:
          this.at += 1 + this.byte(this.at);
          break;
        case Step.block2:
          this.at += 2 + this.fixed(2);
          break;
        case Step.block4:
          this.at += 4 + this.fixed(4);
          break;
        case Step.block: {
          const length = this.leb();
          this.at += length;
          break;
        }
        case Step.other:
          this.reader.position = Math.min(this.at, bytes.length);
          skipForm(this.reader, value, this.unit);
          this.at = this.reader.position;
          break;
        case Step.sibling:
          this.sibling = this.number(value);
          break;
        case Step.name:
          entry.namePlace = placeOf(value);
          entry.name = this.text(value);
          break;
        case Step.linkageName:
          entry.linkagePlace = placeOf(value);
          entry.linkageName = this.text(value);
          break;
        case Step.specification:
          entry.specification = this.number(value);
          break;
        case Step.declaration:
          entry.isDeclaration = this.byte(this.at) !== 0;
          this.at += 1;
          break;
      }
      if (this.at > bytes.length) throw damaged('A unit of .debug_info', 'it ends too early');
    }
  }

  private text(form: number): number {
    if (form !== FORM.string) return this.number(form);
    const start = this.at;
    this.skipString();
    return start;
  }

  private skipString(): void {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw this.reader.error('a string in it has no end');
    this.at = end + 1;
  }

  private number(form: number): number {
    const size = sizeOf(form, this.unit);
    if (size === undefined) return this.leb();
    const value = this.fixed(size);
    this.at += size;
    return value;
  }

  private fixed(size: number): number {
    let value = 0;
    for (let index = size - 1; index >= 0; index -= 1) value = value * 256 + this.byte(this.at + index);
    return value;
  }

  private leb(): number {
    let value = 0;
    for (let scale = 1, count = 0; count < 10; scale *= 128, count += 1) {
      const byte = this.byte(this.at);
      this.at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw this.reader.error('a number in it has no end');
  }

  private byte(at: number): number {
    const byte = this.bytes[at];
    if (byte === undefined) throw this.reader.error('it ends too early');
    return byte;
  }
}

function placeOf(form: number): TextPlace {
  if (form === FORM.string) return TextPlace.unit;
  return form === FORM.strp ? TextPlace.strings : TextPlace.index;
}

function planOf(shape: Abbreviation, unit: CompileUnit, isWanted: boolean, intoClasses: boolean): Plan {
  const steps: number[] = [];
  let isDeclaration = false;
  for (const { name, form } of shape.attributes) {
    const special = specialStep(name, form, isWanted || (intoClasses && isScopeOfNames(shape.tag)));
    if (special !== undefined) steps.push(special, form);
    else {
      if (name === ATTRIBUTE.declaration && form === FORM.flagPresent) isDeclaration = true;
      const [step, value] = plainStep(form, unit);
      // Attributes of fixed sizes in a row are one step.
      if (step === Step.skip && steps.at(-2) === Step.skip) steps[steps.length - 1]! += value;
      else if (step !== Step.skip || value > 0) steps.push(step, value);
    }
  }
  const isScope = shape.tag === TAG.namespace || shape.tag === TAG.module || (intoClasses && isScopeOfNames(shape.tag));
  const isLocated = shape.attributes.some(({ name, form }) => name === ATTRIBUTE.location && form === FORM.exprloc);
  const { tag, hasChildren } = shape;
  return { tag, hasChildren, isWanted, isScope, isDeclaration, isLocated, steps: Int32Array.from(steps) };
}

function specialStep(name: number, form: number, isNamed: boolean): Step | undefined {
  if (name === ATTRIBUTE.sibling && isUnitReference(form)) return Step.sibling;
  if (!isNamed) return undefined;
  if (name === ATTRIBUTE.name && isText(form)) return Step.name;
  if (name === ATTRIBUTE.linkageName && isText(form)) return Step.linkageName;
  if (name === ATTRIBUTE.specification && isUnitReference(form)) return Step.specification;
  return name === ATTRIBUTE.declaration && form === FORM.flag ? Step.declaration : undefined;
}

function isUnitReference(form: number): boolean {
  return (form >= FORM.ref1 && form <= FORM.ref8) || form === FORM.refUdata;
}

function isText(form: number): boolean {
  return form === FORM.string || form === FORM.strp || form === FORM.strx || (form >= FORM.strx1 && form <= FORM.strx4);
}

function plainStep(form: number, unit: CompileUnit): [Step, number] {
  const size = sizeOf(form, unit);
  if (size !== undefined) return [Step.skip, size];
  switch (form) {
    case FORM.udata:
    case FORM.sdata:
    case FORM.refUdata:
    case FORM.strx:
    case FORM.addrx:
    case FORM.loclistx:
    case FORM.rnglistx:
      return [Step.leb, 0];
    case FORM.string:
      return [Step.string, 0];
    case FORM.block1:
      return [Step.block1, 0];
    case FORM.block2:
      return [Step.block2, 0];
    case FORM.block4:
      return [Step.block4, 0];
    case FORM.block:
    case FORM.exprloc:
      return [Step.block, 0];
    default:
      return [Step.other, form];
  }
}

/** Bytes of a value; undefined if they depend on the value. */
function sizeOf(form: number, unit: CompileUnit): number | undefined {
  switch (form) {
    case FORM.flagPresent:
    case FORM.implicitConst:
      return 0;
    case FORM.data1:
    case FORM.flag:
    case FORM.ref1:
    case FORM.strx1:
    case FORM.addrx1:
      return 1;
    case FORM.data2:
    case FORM.ref2:
    case FORM.strx2:
    case FORM.addrx2:
      return 2;
    case FORM.strx3:
    case FORM.addrx3:
      return 3;
    case FORM.data4:
    case FORM.ref4:
    case FORM.strx4:
    case FORM.addrx4:
      return 4;
    case FORM.data8:
    case FORM.ref8:
    case FORM.refSig8:
      return 8;
    case FORM.data16:
      return 16;
    case FORM.strp:
    case FORM.lineStrp:
    case FORM.secOffset:
      return unit.isDwarf64 ? 8 : 4;
    case FORM.addr:
      return unit.addressSize;
    default:
      return undefined;
  }
}
