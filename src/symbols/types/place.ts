/**
 * Where the variables of a function are, as expressions over the registers of its frame: DWARF's location descriptions,
 * rewritten so that the machine can compute them like any other expression. Source: DWARF version 5, 2.5 and 2.6.
 */
import type { Expression } from '../expression/ast';
import type { Type } from './type';

/** A part of a value that is scattered over registers and memory; parts are in the value's order. */
export interface PlacePiece {
  /** Bits that this part has of the value. */
  readonly bits: number;
  readonly place: Place;
}

/** Where a value is. Registers in the expressions are those of the variable's own frame. */
export type Place =
  /** At the linear address that the expression gives. */
  | { readonly kind: 'memory'; readonly address: Expression }
  /** In a register, by its lower-case name. */
  | { readonly kind: 'register'; readonly name: string }
  /** Nowhere, but this is what it is. */
  | { readonly kind: 'value'; readonly value: Expression }
  /** Nowhere, but these are its bytes. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'pieces'; readonly pieces: readonly PlacePiece[] }
  /** Not there: `why` is a sentence for the user. */
  | { readonly kind: 'absent'; readonly why: string };

/** A variable or a parameter that is in scope. */
export interface Variable {
  readonly name: string;
  readonly kind: 'parameter' | 'local' | 'static';
  readonly type: Type;
  readonly place: Place;
  /** Path and line of its declaration, as the debug information has them. */
  readonly declared?: { readonly file: string; readonly line: number } | undefined;
}

/** One function of the chain that an instruction belongs to: inlined ones first, the one that was called last. */
export interface FunctionScope {
  readonly name: string;
  readonly isInlined: boolean;
  /** Where the next function of the chain calls this one; undefined for the last. */
  readonly calledAt?: { readonly file: string; readonly line: number; readonly column: number } | undefined;
  /** Link address of the function's first instruction (of the inlined copy's, for those). */
  readonly entry: bigint;
  /** Parameters, then locals of the blocks around the instruction, innermost last; a name can be there twice. */
  variables(): readonly Variable[];
}
