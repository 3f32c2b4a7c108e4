/**
 * The types of a guest's program, whichever form tells them: DWARF's, BTF's. What a type refers to is read when it is
 * asked for (`to`, `of`, `members` are getters where it costs something), since a kernel has 100,000 types that are a
 * graph with cycles; the same type of one source is the same object. Sizes are bytes, offsets of members bits, counted
 * from the least significant bit as on every little-endian machine. Sources: ISO/IEC 9899:2018 6.2.5; DWARF version 5,
 * chapter 5; Linux Documentation/bpf/btf.rst.
 */

/** No type: what `void *` points to, what a procedure returns. */
export interface VoidType {
  readonly kind: 'void';
}

/** An integer, a truth value or a character. */
export interface IntegerType {
  readonly kind: 'integer';
  /** As the compiler calls it: `long unsigned int`. */
  readonly name: string;
  readonly size: number;
  readonly isSigned: boolean;
  readonly shown: 'number' | 'boolean' | 'character';
}

/** A floating-point number, IEEE 754 or the x87's 80 bits. */
export interface FloatType {
  readonly kind: 'float';
  readonly name: string;
  readonly size: number;
}

/** An address of something. */
export interface PointerType {
  readonly kind: 'pointer';
  readonly size: number;
  readonly to: Type;
  /** C++'s `&` and `&&`: shown as what they refer to. */
  readonly isReference?: boolean | undefined;
}

/** A member of a structure, a union or a class. */
export interface Member {
  /** Undefined for a structure or union without a name, whose members count as the outer one's. */
  readonly name: string | undefined;
  readonly type: Type;
  /** From the start of the outer value. */
  readonly bitOffset: number;
  /** Width of a bit-field; undefined for every other member. */
  readonly bitSize?: number | undefined;
  /**
   * One of several variants (Rust's enums), there only while the discriminant, a member of the same structure, has this
   * value; without one, while it has no other variant's.
   */
  readonly onlyIf?: { readonly discriminant: Member; readonly value: bigint | undefined } | undefined;
}

/** A structure, a union, a class; Rust's too. */
export interface AggregateType {
  readonly kind: 'struct' | 'union' | 'class';
  /** Undefined if it has none. */
  readonly name: string | undefined;
  /** Undefined if it is declared only. */
  readonly size: number | undefined;
  readonly members: readonly Member[];
}

/** A name for a number. */
export interface Enumerator {
  readonly name: string;
  readonly value: bigint;
}

/** An enumeration. */
export interface EnumType {
  readonly kind: 'enum';
  readonly name: string | undefined;
  readonly size: number;
  readonly isSigned: boolean;
  readonly values: readonly Enumerator[];
}

/** An array; one of several dimensions is an array of arrays. */
export interface ArrayType {
  readonly kind: 'array';
  readonly of: Type;
  /** Undefined if the program does not say: `extern char names[]`, a flexible array member. */
  readonly count: number | undefined;
}

/** A function's parameter. */
export interface Parameter {
  readonly name: string | undefined;
  readonly type: Type;
}

/** What a function takes and returns. */
export interface FunctionType {
  readonly kind: 'function';
  readonly returns: Type;
  readonly parameters: readonly Parameter[];
  /** Its parameters end with `...`. */
  readonly isVariadic: boolean;
}

/** Another name for a type. */
export interface TypedefType {
  readonly kind: 'typedef';
  readonly name: string;
  readonly to: Type;
}

/** A type with a qualifier. */
export interface QualifiedType {
  readonly kind: 'const' | 'volatile' | 'restrict' | 'atomic';
  readonly to: Type;
}

/** Any type. */
export type Type =
  | VoidType
  | IntegerType
  | FloatType
  | PointerType
  | AggregateType
  | EnumType
  | ArrayType
  | FunctionType
  | TypedefType
  | QualifiedType;

/** What can be looked up by a name; a name can belong to one of each. */
export type NamedKind = 'struct' | 'union' | 'class' | 'enum' | 'typedef' | 'base';

/** The types of a program by name. A damaged part throws the `damaged` UserError or counts as missing. */
export interface TypeSource {
  /** The definition of a type, rather than its declaration; `base` are integers and floating-point numbers. */
  typeNamed(kind: NamedKind, name: string): Type | undefined;
  /** The first `limit` names that begin with `prefix`, in the order of their characters. */
  typeNames(prefix: string, limit: number): string[];
  /**
   * The type of a variable or a function with static storage, by its symbol's name; undefined if it is not told. The
   * symbol's link address tells several `static` ones of one name apart.
   */
  typeOfSymbol(name: string, address?: bigint): Type | undefined;
  /** A constant of any enumeration by its name; absent in a source that cannot look them up. */
  enumerator?(name: string): { readonly type: EnumType; readonly value: bigint } | undefined;
}
