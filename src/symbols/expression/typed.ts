/** Expressions with their C types: what the parser makes of a text for whoever shows or writes its value. */
import type { Place } from '../types/place';
import type { Type } from '../types/type';
import type { Expression } from './ast';

/** Some bits of the value at a place, counted from its least significant one. */
export interface BitRange {
  readonly offset: number;
  readonly size: number;
}

/** The kinds of containers of the Linux kernel that are shown by their entries. */
export type ContainerKind = 'list' | 'hlist' | 'rbtree' | 'xarray';

/** A container to show: `list(head, struct task_struct, tasks)`. */
export interface ContainerView {
  readonly kind: ContainerKind;
  /** Its linear address. */
  readonly head: Expression;
  /** What its entries are part of, and how many bytes into it they lie; for an xarray what its entries point to. */
  readonly element?: { readonly type: Type; readonly offset: number } | undefined;
}

/** What a text means. */
export interface TypedExpression {
  /** The value; undefined if it is no number: a structure, floating point, what is not there. */
  readonly value: Expression | undefined;
  /** Undefined for what has no type in the program: registers, results of arithmetic, symbols of which none is told. */
  readonly type: Type | undefined;
  /** Where it lies, if it lies anywhere. A linear address is an integer or a pointer, which then says its space. */
  readonly place: Place | undefined;
  /** The bits of the value there, if not all of it: a bit-field, a member of what lies in registers. */
  readonly bits: BitRange | undefined;
  /** How many elements the array has, where that must be computed: `p@n`. */
  readonly length: Expression | undefined;
  /** The entries of a container are meant. */
  readonly view: ContainerView | undefined;
}
