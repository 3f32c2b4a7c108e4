/**
 * The variables of a function at an address and where they are. Sources: DWARF 5 sections 2.6 (locations), 3.3.8.2 (what an
 * inlined copy leaves to its origin), 4.1. The frame base and the CFA are those of the function that has the frame.
 */
import { UserError } from '../../common/errors';
import type { Expression, IntegerType } from '../expression/ast';
import type { Place, Variable } from '../types/place';
import { encodeUtf8 } from '../utf8';
import type { CallFrames } from './call-frames';
import type { ExpressionScope } from './dwarf-expression';
import { placeOf, valueOf } from './dwarf-expression';
import { inherited } from './entries';
import { leadsBack, ON_ENTRY } from './entry-values';
import type { Entry } from './entry';
import { FORM } from './forms';
import type { ListedLocation } from './location-lists';
import { locationListOffset, readLocations } from './location-lists';
import { NotComputable } from './operand-stack';
import { ATTRIBUTE, TAG } from './tags';
import type { DwarfTypeSource } from './type-source';

/** The path of a file by its number in the line table at an offset of `.debug_line`. */
export type FilePath = (lineTable: number | undefined, file: number) => string | undefined;

/** The part of a function that has an address. */
export interface VariableScope {
  /** The function or its inlined copy, and the blocks in it around the address, innermost last. */
  readonly blocks: readonly Entry[];
  /** The function that has the frame. */
  readonly outermost: Entry;
  /** Link address. */
  readonly address: bigint;
  /** Linear minus link address, bytes. */
  readonly slide: bigint;
}

/** Variables of one function; more are left out. */
const MAX_VARIABLES = 10_000;
/** Blocks without code within each other. */
const MAX_EMPTY = 32;
/** Ranges that a sentence names. */
const MAX_NAMED = 3;

/** Finds variables. */
export class Variables {
  private readonly tailCalls = new Map<number, boolean>();

  constructor(
    private readonly source: DwarfTypeSource,
    private readonly frames: CallFrames,
    private readonly filePath: FilePath,
  ) {}

  /** Parameters, then the locals of each block, innermost last. A damaged one is `absent` with the reason. */
  in(scope: VariableScope): readonly Variable[] {
    const parameters: Entry[] = [];
    const locals: Entry[] = [];
    const copied = new Set<number | undefined>();
    for (const block of scope.blocks) {
      for (const entry of contentsOf(block)) copied.add(entry.reference(ATTRIBUTE.abstractOrigin));
    }
    for (const block of scope.blocks) {
      for (const entry of this.declaredIn(block, copied)) {
        if (parameters.length + locals.length >= MAX_VARIABLES) break;
        (entry.tag === TAG.formalParameter ? parameters : locals).push(entry);
      }
    }
    return [...parameters, ...locals].flatMap((entry) => this.variable(entry, scope) ?? []);
  }

  /** A block's variables: where it is a copy, in the order of the original, with those that the copy has lost. */
  private declaredIn(block: Entry, copied: ReadonlySet<number | undefined>): Entry[] {
    const own = contentsOf(block).filter(isVariable);
    const origin = block.reference(ATTRIBUTE.abstractOrigin);
    if (origin === undefined) return own;
    const copies = new Map(own.map((entry) => [entry.reference(ATTRIBUTE.abstractOrigin), entry]));
    const all = [...this.source.info.entry(origin).children()].filter(isVariable);
    const known = new Set(all.map(({ offset }) => offset));
    // The copy may have a variable in another of the blocks.
    const originals = all.filter(({ offset }) => copies.has(offset) || !copied.has(offset));
    return [
      ...originals.map((entry) => copies.get(entry.offset) ?? entry),
      ...own.filter((entry) => !known.has(entry.reference(ATTRIBUTE.abstractOrigin) ?? -1)),
    ];
  }

  private variable(entry: Entry, scope: VariableScope): Variable | undefined {
    const { info } = this.source;
    const name = inherited(info, entry, ATTRIBUTE.name)?.string(ATTRIBUTE.name);
    // A declaration stands for a variable elsewhere.
    if (name === undefined || entry.flag(ATTRIBUTE.declaration)) return undefined;
    const place = this.place(entry, scope);
    const isStatic = place.kind === 'memory' && place.address.kind === 'constant';
    const declared = this.declaration(entry);
    return {
      name,
      kind: entry.tag === TAG.formalParameter ? 'parameter' : isStatic ? 'static' : 'local',
      type: this.source.types.of(entry),
      place,
      ...(declared && { declared }),
    };
  }

  private declaration(entry: Entry): Variable['declared'] {
    const declared = inherited(this.source.info, entry, ATTRIBUTE.declLine);
    const number = declared?.number(ATTRIBUTE.declFile);
    const line = declared?.number(ATTRIBUTE.declLine);
    const file = number === undefined ? undefined : this.filePath(declared!.unit.lineTable, number);
    return file === undefined || line === undefined ? undefined : { file, line };
  }

  private place(entry: Entry, scope: VariableScope): Place {
    try {
      return this.located(entry, scope) ?? this.constant(entry) ?? absent('the compiler kept no copy of it');
    } catch (error) {
      if (error instanceof UserError) return { kind: 'absent', why: error.message };
      throw error;
    }
  }

  private located(variable: Entry, scope: VariableScope): Place | undefined {
    const entry = inherited(this.source.info, variable, ATTRIBUTE.location);
    if (!entry) return undefined;
    const expression = entry.block(ATTRIBUTE.location);
    const scoped = this.expressionScope(entry, scope);
    if (expression) return expression.length > 0 ? placeOf(expression, scoped) : undefined;
    const list = this.list(entry, ATTRIBUTE.location);
    const here = listedAt(list, scope.address);
    if (here && here.expression.length > 0) return placeOf(here.expression, scoped);
    const elsewhere = list.filter(
      ({ start, end, expression: { length } }) => length > 0 && start !== undefined && start < end!,
    );
    const named = nearest(elsewhere, scope.address).map(({ start, end }) => {
      const hex = (address: bigint): string => `0x${BigInt.asUintN(64, address + scope.slide).toString(16)}`;
      return `${hex(start!)} to ${hex(end!)}`;
    });
    if (named.length === 0) return undefined;
    return absent(`the compiler kept no copy of it here; it is known at ${named.join(', ')}`);
  }

  /** DW_AT_const_value: a number, a text or the value's bytes. */
  private constant(variable: Entry): Place | undefined {
    const entry = inherited(this.source.info, variable, ATTRIBUTE.constValue);
    if (!entry) return undefined;
    const bytes = entry.block(ATTRIBUTE.constValue);
    if (bytes) return { kind: 'bytes', bytes: Uint8Array.from(bytes) };
    const text = entry.string(ATTRIBUTE.constValue);
    if (text !== undefined) return { kind: 'bytes', bytes: encodeUtf8(`${text}\0`) };
    const value = entry.constant(ATTRIBUTE.constValue);
    if (value === undefined) return undefined;
    const type: IntegerType = { bits: 64, signed: entry.form(ATTRIBUTE.constValue) === FORM.sdata };
    return { kind: 'value', value: { kind: 'constant', value, type } };
  }

  private list(entry: Entry, attribute: number): readonly ListedLocation[] {
    const value = entry.number(attribute);
    if (value === undefined) return [];
    const { sections } = this.source.info;
    const isIndex = entry.form(attribute) === FORM.loclistx;
    return readLocations(isIndex ? locationListOffset(value, entry.unit, sections) : value, entry.unit, sections);
  }

  /** What an expression of an entry means in a function at an address. */
  expressionScope(entry: Entry, scope: VariableScope): ExpressionScope {
    const { info, types } = this.source;
    const frameAddress = (): Expression => {
      const cfa = this.frames.cfaAt(scope.address);
      if (!cfa) throw new NotComputable('where its frame lies is not known: there is no call frame information');
      return cfa;
    };
    const inner = (unit: Entry['unit'], frameBase: () => Expression): ExpressionScope => ({
      unit,
      sections: info.sections,
      slide: scope.slide,
      frameBase,
      frameAddress,
      entryValue: (register) => {
        if (this.mayCallItself(scope.outermost)) {
          throw new NotComputable(`it is what ${register} held when the function was called, which is not known`);
        }
        return { kind: 'variable', name: ON_ENTRY + register };
      },
      integerType: (offset) => {
        const type = types.at(unit.start + offset);
        if (type.kind !== 'integer' || ![1, 2, 4, 8].includes(type.size)) return undefined;
        return { bits: (type.size * 8) as IntegerType['bits'], signed: type.isSigned };
      },
    });
    return inner(entry.unit, () => {
      const bytes = this.frameBase(scope);
      if (!bytes) throw new NotComputable('where its frame lies is not told');
      const unknown = (): never => {
        throw new NotComputable('where its frame lies refers to itself');
      };
      return valueOf(bytes, inner(scope.outermost.unit, unknown));
    });
  }

  /** Whether a function can lead back to itself by jumps instead of calls: then its return address tells not who called. */
  private mayCallItself(entry: Entry): boolean {
    let may = this.tailCalls.get(entry.offset);
    if (may === undefined) {
      may = leadsBack(this.source.info, entry);
      this.tailCalls.set(entry.offset, may);
    }
    return may;
  }

  private frameBase({ outermost, address }: VariableScope): Uint8Array | undefined {
    const entry = inherited(this.source.info, outermost, ATTRIBUTE.frameBase);
    if (!entry) return undefined;
    return entry.block(ATTRIBUTE.frameBase) ?? listedAt(this.list(entry, ATTRIBUTE.frameBase), address)?.expression;
  }
}

/** What is in a block, and in the blocks in it of which no code is left. */
function contentsOf(block: Entry, depth = 0): Entry[] {
  return [...block.children()].flatMap((entry) => {
    const isEmpty = entry.tag === TAG.lexicalBlock && !entry.has(ATTRIBUTE.lowPc) && !entry.has(ATTRIBUTE.ranges);
    return isEmpty && depth < MAX_EMPTY ? contentsOf(entry, depth + 1) : [entry];
  });
}

function isVariable({ tag }: Entry): boolean {
  return tag === TAG.formalParameter || tag === TAG.variable;
}

function absent(why: string): Place {
  return { kind: 'absent', why: `Optimised out: ${why}.` };
}

/** The location for an address: the first that has it, else the default. */
function listedAt(list: readonly ListedLocation[], address: bigint): ListedLocation | undefined {
  const here = list.find(({ start, end }) => start !== undefined && start <= address && address < end!);
  return here ?? list.find(({ start }) => start === undefined);
}

/** The ranges that are nearest to an address, rising. */
function nearest(list: readonly ListedLocation[], address: bigint): ListedLocation[] {
  const distance = ({ start, end }: ListedLocation): bigint => (address < start! ? start! - address : address - end!);
  return [...list]
    .sort((a, b) => (distance(a) < distance(b) ? -1 : 1))
    .slice(0, MAX_NAMED)
    .sort((a, b) => (a.start! < b.start! ? -1 : 1));
}
