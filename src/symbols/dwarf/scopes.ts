/**
 * The functions that an instruction belongs to, inlined ones first, with their variables. Sources: DWARF 5 sections 3.3
 * (subroutines, inlined ones in 3.3.8), 3.5 (lexical blocks), 4.1 (variables). NOT IMPLEMENTED: variables that an imported
 * declaration brings into a block; C++ names of functions' local types.
 */
import { damaged, unlessDamaged } from '../byte-reader';
import type { FunctionScope, Variable } from '../types/place';
import type { Expression } from '../expression/ast';
import { valueOf } from './dwarf-expression';
import type { Entry } from './entry';
import { holds, rangesOf } from './entry-ranges';
import { argumentsOf, isRegister } from './entry-values';
import { Functions } from './functions';
import { unlessNotComputable } from './operand-stack';
import type { AddressRange } from './range-lists';
import { ATTRIBUTE, TAG } from './tags';
import type { DwarfTypeSource } from './type-source';
import type { FilePath, Variables, VariableScope } from './variables';

/** Inlined functions and blocks within each other. */
const MAX_DEPTH = 256;
/** Ranges that are looked at for one address. */
const MAX_RANGES = 1_000_000;

/** What nothing gives a value to. */
const NOT_KNOWN = 'value on entry';

/** A place in a source file. */
interface Call {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A function of the chain while it is found. */
interface Found {
  readonly entry: Entry;
  readonly ranges: readonly AddressRange[];
  /** The function and the blocks in it that have the address, innermost last. */
  readonly blocks: Entry[];
}

/** The functions of a file and what is in scope in them. */
export class Scopes {
  private readonly functions: Functions;

  constructor(
    private readonly source: DwarfTypeSource,
    private readonly variables: Variables,
    private readonly filePath: FilePath,
  ) {
    this.functions = new Functions(source.info);
  }

  /**
   * The chain of functions at a link address, the innermost inlined one first, the real one last; empty if no function has
   * it. Places in it have `slide` (linear minus link address, bytes) added. Throws the `damaged` error.
   */
  at(address: bigint, slide: bigint): FunctionScope[] {
    const offset = this.functions.at(address);
    if (offset === undefined) return [];
    const chain = this.chainAt(this.source.info.entry(offset), address);
    const outermost = chain[0]!.entry;
    const scopes = chain.map((found): FunctionScope => {
      const scope: VariableScope = { blocks: found.blocks, outermost, address, slide };
      const isInlined = found.entry.tag === TAG.inlinedSubroutine;
      let variables: readonly Variable[] | undefined;
      return {
        name: this.source.names.of(found.entry) ?? '(no name)',
        isInlined,
        ...(isInlined && { calledAt: this.callOf(found.entry) }),
        entry: entryOf(found),
        variables: () => (variables ??= this.variables.in(scope)),
      };
    });
    return scopes.reverse();
  }

  /**
   * What a register held when a function was called, over the registers of the frame that called it; undefined if the
   * compiler did not note it, or if the call at this return address (a link address) was none of `callee`. See `ON_ENTRY`.
   * Calls through pointers are told if `entry` is the link address of the callee's first instruction; where the pointer led
   * elsewhere, the expression has no value.
   */
  valueOnEntry(
    returnAddress: bigint,
    register: string,
    callee: string,
    slide: bigint,
    calleeEntry?: bigint,
  ): Expression | undefined {
    const address = returnAddress - 1n;
    const offset = this.functions.at(address);
    if (offset === undefined) return undefined;
    const chain = this.chainAt(this.source.info.entry(offset), address);
    const { info, names } = this.source;
    for (const { blocks } of chain) {
      const found = blocks.flatMap((block) => argumentsOf(block, returnAddress, callee, info, names));
      const argument = found.find(({ bytes }) => isRegister(bytes, register, info.sections.elf.bits));
      if (!argument || (argument.target && calleeEntry === undefined)) continue;
      const { entry, value, target } = argument;
      const scope = this.variables.expressionScope(entry, { blocks: [], outermost: chain[0].entry, address, slide });
      return unlessNotComputable(() => {
        const passed = valueOf(value, scope);
        return target ? ifEqual(valueOf(target, scope), calleeEntry! + slide, passed) : passed;
      });
    }
    return undefined;
  }

  private chainAt(entry: Entry, address: bigint): [Found, ...Found[]] {
    const { sections } = this.source.info;
    const outermost: Found = { entry, ranges: rangesOf(entry, sections) ?? [], blocks: [entry] };
    const chain: [Found, ...Found[]] = [outermost];
    let current: Entry | undefined = entry;
    let looked = 0;
    for (let depth = 0; current && depth < MAX_DEPTH; depth += 1) {
      let next: Entry | undefined;
      for (const child of current.children()) {
        if (child.tag !== TAG.lexicalBlock && child.tag !== TAG.inlinedSubroutine) continue;
        const ranges = unlessDamaged(() => rangesOf(child, sections));
        looked += ranges?.length ?? 0;
        if (looked > MAX_RANGES) throw damaged('.debug_info', 'a function has absurdly many address ranges');
        if (!ranges || !holds(ranges, address)) continue;
        if (child.tag === TAG.lexicalBlock) chain.at(-1)!.blocks.push(child);
        else chain.push({ entry: child, ranges, blocks: [child] });
        next = child;
        break;
      }
      current = next;
    }
    return chain;
  }

  private callOf(entry: Entry): Call | undefined {
    const number = entry.number(ATTRIBUTE.callFile);
    const file = number === undefined ? undefined : this.filePath(entry.unit.lineTable, number);
    const line = entry.number(ATTRIBUTE.callLine);
    if (file === undefined || line === undefined) return undefined;
    return { file, line, column: entry.number(ATTRIBUTE.callColumn) ?? 0 };
  }
}

/** A value if an address is `wanted`; else none. */
function ifEqual(address: Expression, wanted: bigint, value: Expression): Expression {
  const right: Expression = {
    kind: 'constant',
    value: BigInt.asUintN(64, wanted),
    type: { bits: 64, signed: false },
  };
  const test: Expression = { kind: 'binary', operator: '==', left: address, right };
  return { kind: 'choose', test, yes: value, no: { kind: 'variable', name: NOT_KNOWN } };
}

/** Where a function's code begins: DW_AT_entry_pc as an address or as an offset from the first one. */
function entryOf({ entry, ranges }: Found): bigint {
  const lowest = ranges[0]?.start ?? 0n;
  const told = unlessDamaged(() => entry.address(ATTRIBUTE.entryPc) ?? entry.constant(ATTRIBUTE.entryPc));
  if (told === undefined) return lowest;
  return entry.address(ATTRIBUTE.entryPc) === undefined ? lowest + told : told;
}
