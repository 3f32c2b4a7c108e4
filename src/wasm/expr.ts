/**
 * Typed WebAssembly expressions: immutable trees with constant folding. An expression is evaluated where it stands and
 * as often as it stands: bind one that is used twice, or whose inputs change, to a local (`FunctionBuilder.let`).
 *
 * NOT IMPLEMENTED: reference types, atomics.
 */
import { signed32, signed64, unsigned } from './encode';

export type ValType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** An expression of one value type. `args` are evaluated left to right, then `code` (an opcode with its immediates). */
export interface Expr<T extends ValType = ValType> {
  readonly type: T;
  readonly code: readonly number[];
  readonly args: readonly Expr[];
  /** The value, when the expression is an i32 (as a signed number) or i64 (as a signed bigint) constant. */
  readonly constant?: number | bigint;
}

export type I32 = Expr<'i32'>;
export type I64 = Expr<'i64'>;
export type F32 = Expr<'f32'>;
export type F64 = Expr<'f64'>;
export type V128 = Expr<'v128'>;

/** Builds a node; for operators without folding. */
export function node<T extends ValType>(type: T, code: readonly number[], ...args: Expr[]): Expr<T> {
  return { type, code, args, constant: undefined };
}

/** Constants from here up to `SMALL_END` are made once. */
const SMALL_START = -128;
const SMALL_END = 4096;
const small32 = new Array<I32 | undefined>(SMALL_END - SMALL_START).fill(undefined);
const small64 = new Array<I64 | undefined>(SMALL_END - SMALL_START).fill(undefined);

function constant32(value: number): I32 {
  const isSmall = value >= SMALL_START && value < SMALL_END;
  const known = isSmall ? small32[value - SMALL_START] : undefined;
  if (known) return known;
  const code = [0x41];
  signed32(code, value);
  const made: I32 = { type: 'i32', code, args: [], constant: value | 0 };
  if (isSmall) small32[value - SMALL_START] = made;
  return made;
}

function constant64(value: bigint | number): I64 {
  const isSmall = value >= SMALL_START && value < SMALL_END;
  const known = isSmall ? small64[Number(value) - SMALL_START] : undefined;
  if (known) return known;
  const signed = BigInt.asIntN(64, BigInt(value));
  const code = [0x42];
  if (BigInt.asIntN(32, signed) === signed) signed32(code, Number(signed));
  else signed64(code, signed);
  const made: I64 = { type: 'i64', code, args: [], constant: signed };
  if (isSmall) small64[Number(value) - SMALL_START] = made;
  return made;
}

type Fold32 = (a: number, b: number) => number;
type Fold64 = (a: bigint, b: bigint) => bigint;

/** True when `e` is the integer constant `value`. */
export function isConstant(e: Expr, value: number): boolean {
  return e.constant !== undefined && BigInt(e.constant) === BigInt(value);
}

function binary32(op: number, fold: Fold32, identity?: number) {
  return (a: I32, b: I32): I32 => {
    if (a.constant !== undefined && b.constant !== undefined)
      return constant32(fold(Number(a.constant), Number(b.constant)));
    if (identity !== undefined && isConstant(b, identity)) return a;
    return node('i32', [op], a, b);
  };
}

function binary64(op: number, fold: Fold64, identity?: number) {
  return (a: I64, b: I64): I64 => {
    if (a.constant !== undefined && b.constant !== undefined)
      return constant64(fold(BigInt(a.constant), BigInt(b.constant)));
    if (identity !== undefined && isConstant(b, identity)) return a;
    return node('i64', [op], a, b);
  };
}

function compare32(op: number, fold: (a: number, b: number) => boolean) {
  return binary32(op, (a, b) => (fold(a, b) ? 1 : 0));
}

function compare64(op: number, fold: (a: bigint, b: bigint) => boolean) {
  return (a: I64, b: I64): I32 => {
    if (a.constant !== undefined && b.constant !== undefined) {
      return constant32(fold(BigInt(a.constant), BigInt(b.constant)) ? 1 : 0);
    }
    return node('i32', [op], a, b);
  };
}

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** i32 operators, by their WebAssembly names. */
export const i32 = {
  const: constant32,
  eqz: (a: I32): I32 => (a.constant !== undefined ? constant32(a.constant === 0 ? 1 : 0) : node('i32', [0x45], a)),
  eq: compare32(0x46, (a, b) => a === b),
  ne: compare32(0x47, (a, b) => a !== b),
  ltS: compare32(0x48, (a, b) => a < b),
  ltU: compare32(0x49, (a, b) => a >>> 0 < b >>> 0),
  gtS: compare32(0x4a, (a, b) => a > b),
  gtU: compare32(0x4b, (a, b) => a >>> 0 > b >>> 0),
  leS: compare32(0x4c, (a, b) => a <= b),
  leU: compare32(0x4d, (a, b) => a >>> 0 <= b >>> 0),
  geS: compare32(0x4e, (a, b) => a >= b),
  geU: compare32(0x4f, (a, b) => a >>> 0 >= b >>> 0),
  clz: (a: I32): I32 => node('i32', [0x67], a),
  ctz: (a: I32): I32 => node('i32', [0x68], a),
  popcnt: (a: I32): I32 => node('i32', [0x69], a),
  add: binary32(0x6a, (a, b) => a + b, 0),
  sub: binary32(0x6b, (a, b) => a - b, 0),
  mul: binary32(0x6c, (a, b) => Math.imul(a, b), 1),
  divS: (a: I32, b: I32): I32 => node('i32', [0x6d], a, b),
  divU: (a: I32, b: I32): I32 => node('i32', [0x6e], a, b),
  remS: (a: I32, b: I32): I32 => node('i32', [0x6f], a, b),
  remU: (a: I32, b: I32): I32 => node('i32', [0x70], a, b),
  and: binary32(0x71, (a, b) => a & b, -1),
  or: binary32(0x72, (a, b) => a | b, 0),
  xor: binary32(0x73, (a, b) => a ^ b, 0),
  shl: binary32(0x74, (a, b) => a << b, 0),
  shrS: binary32(0x75, (a, b) => a >> b, 0),
  shrU: binary32(0x76, (a, b) => a >>> b, 0),
  rotl: (a: I32, b: I32): I32 => node('i32', [0x77], a, b),
  rotr: (a: I32, b: I32): I32 => node('i32', [0x78], a, b),
  wrap: (a: I64): I32 =>
    a.constant !== undefined ? constant32(Number(BigInt.asIntN(32, BigInt(a.constant)))) : node('i32', [0xa7], a),
  extend8S: (a: I32): I32 =>
    a.constant !== undefined ? constant32((Number(a.constant) << 24) >> 24) : node('i32', [0xc0], a),
  extend16S: (a: I32): I32 =>
    a.constant !== undefined ? constant32((Number(a.constant) << 16) >> 16) : node('i32', [0xc1], a),
  reinterpretF32: (a: F32): I32 => node('i32', [0xbc], a),
  truncF64S: (a: F64): I32 => node('i32', [0xaa], a),
};

/** i64 operators, by their WebAssembly names. */
export const i64 = {
  const: constant64,
  eqz: (a: I64): I32 =>
    a.constant !== undefined ? constant32(BigInt(a.constant) === 0n ? 1 : 0) : node('i32', [0x50], a),
  eq: compare64(0x51, (a, b) => a === b),
  ne: compare64(0x52, (a, b) => a !== b),
  ltS: compare64(0x53, (a, b) => a < b),
  ltU: compare64(0x54, (a, b) => u64(a) < u64(b)),
  gtS: compare64(0x55, (a, b) => a > b),
  gtU: compare64(0x56, (a, b) => u64(a) > u64(b)),
  leS: compare64(0x57, (a, b) => a <= b),
  leU: compare64(0x58, (a, b) => u64(a) <= u64(b)),
  geS: compare64(0x59, (a, b) => a >= b),
  geU: compare64(0x5a, (a, b) => u64(a) >= u64(b)),
  clz: (a: I64): I64 => node('i64', [0x79], a),
  ctz: (a: I64): I64 => node('i64', [0x7a], a),
  popcnt: (a: I64): I64 => node('i64', [0x7b], a),
  add: binary64(0x7c, (a, b) => a + b, 0),
  sub: binary64(0x7d, (a, b) => a - b, 0),
  mul: binary64(0x7e, (a, b) => a * b, 1),
  divS: (a: I64, b: I64): I64 => node('i64', [0x7f], a, b),
  divU: (a: I64, b: I64): I64 => node('i64', [0x80], a, b),
  remS: (a: I64, b: I64): I64 => node('i64', [0x81], a, b),
  remU: (a: I64, b: I64): I64 => node('i64', [0x82], a, b),
  and: binary64(0x83, (a, b) => a & b, -1),
  or: binary64(0x84, (a, b) => a | b, 0),
  xor: binary64(0x85, (a, b) => a ^ b, 0),
  shl: binary64(0x86, (a, b) => a << (b & 63n), 0),
  shrS: binary64(0x87, (a, b) => a >> (b & 63n), 0),
  shrU: binary64(0x88, (a, b) => u64(a) >> (b & 63n), 0),
  rotl: (a: I64, b: I64): I64 => node('i64', [0x89], a, b),
  rotr: (a: I64, b: I64): I64 => node('i64', [0x8a], a, b),
  extendS: (a: I32): I64 => (a.constant !== undefined ? constant64(Number(a.constant)) : node('i64', [0xac], a)),
  extendU: (a: I32): I64 => (a.constant !== undefined ? constant64(Number(a.constant) >>> 0) : node('i64', [0xad], a)),
  extend8S: (a: I64): I64 => node('i64', [0xc2], a),
  extend16S: (a: I64): I64 => node('i64', [0xc3], a),
  extend32S: (a: I64): I64 => node('i64', [0xc4], a),
  reinterpretF64: (a: F64): I64 => node('i64', [0xbd], a),
  truncF64S: (a: F64): I64 => node('i64', [0xb0], a),
};

const float = <T extends 'f32' | 'f64'>(type: T, base: number) => ({
  abs: (a: Expr<T>): Expr<T> => node(type, [base], a),
  neg: (a: Expr<T>): Expr<T> => node(type, [base + 1], a),
  ceil: (a: Expr<T>): Expr<T> => node(type, [base + 2], a),
  floor: (a: Expr<T>): Expr<T> => node(type, [base + 3], a),
  trunc: (a: Expr<T>): Expr<T> => node(type, [base + 4], a),
  nearest: (a: Expr<T>): Expr<T> => node(type, [base + 5], a),
  sqrt: (a: Expr<T>): Expr<T> => node(type, [base + 6], a),
  add: (a: Expr<T>, b: Expr<T>): Expr<T> => node(type, [base + 7], a, b),
  sub: (a: Expr<T>, b: Expr<T>): Expr<T> => node(type, [base + 8], a, b),
  mul: (a: Expr<T>, b: Expr<T>): Expr<T> => node(type, [base + 9], a, b),
  div: (a: Expr<T>, b: Expr<T>): Expr<T> => node(type, [base + 10], a, b),
});

const floatCompare = <T extends 'f32' | 'f64'>(base: number) => ({
  eq: (a: Expr<T>, b: Expr<T>): I32 => node('i32', [base], a, b),
  ne: (a: Expr<T>, b: Expr<T>): I32 => node('i32', [base + 1], a, b),
  lt: (a: Expr<T>, b: Expr<T>): I32 => node('i32', [base + 2], a, b),
  gt: (a: Expr<T>, b: Expr<T>): I32 => node('i32', [base + 3], a, b),
  le: (a: Expr<T>, b: Expr<T>): I32 => node('i32', [base + 4], a, b),
  ge: (a: Expr<T>, b: Expr<T>): I32 => node('i32', [base + 5], a, b),
});

/** f32 operators. NaN bits are the host's choice: see DESIGN's invariant on floating point before using a result. */
export const f32 = {
  ...float('f32', 0x8b),
  ...floatCompare<'f32'>(0x5b),
  reinterpretI32: (a: I32): F32 => node('f32', [0xbe], a),
  demote: (a: F64): F32 => node('f32', [0xb6], a),
  convertI32S: (a: I32): F32 => node('f32', [0xb2], a),
  convertI64S: (a: I64): F32 => node('f32', [0xb4], a),
};

/** f64 operators, with the same warning. */
export const f64 = {
  ...float('f64', 0x99),
  ...floatCompare<'f64'>(0x61),
  reinterpretI64: (a: I64): F64 => node('f64', [0xbf], a),
  promote: (a: F32): F64 => node('f64', [0xbb], a),
  convertI32S: (a: I32): F64 => node('f64', [0xb7], a),
  convertI64S: (a: I64): F64 => node('f64', [0xb9], a),
};

/** Picks `a` when `condition` is not zero, else `b`; both are evaluated. */
export function select<T extends ValType>(condition: I32, a: Expr<T>, b: Expr<T>): Expr<T> {
  if (condition.constant !== undefined) return condition.constant !== 0 ? a : b;
  return node(a.type, [0x1b], a, b, condition);
}

/** Access width in bits of an integer load or store. */
export type Width = 8 | 16 | 32 | 64;

function memoryOperand(op: number, offset: number): number[] {
  const code = [op, 0]; // alignment hint 0: guests access at any alignment
  unsigned(code, offset);
  return code;
}

/** Loads a little-endian integer of `width` bits, zero-extended to i32. `offset` is added to the address (bytes). */
export function load32(address: I32, width: 8 | 16 | 32, offset = 0): I32 {
  return node('i32', memoryOperand(width === 8 ? 0x2d : width === 16 ? 0x2f : 0x28, offset), address);
}

/** Loads a little-endian integer of `width` bits, zero-extended to i64. */
export function load64(address: I32, width: Width = 64, offset = 0): I64 {
  const op = width === 8 ? 0x31 : width === 16 ? 0x33 : width === 32 ? 0x35 : 0x29;
  return node('i64', memoryOperand(op, offset), address);
}

/** Loads 16 bytes. */
export function loadV128(address: I32, offset = 0): V128 {
  const code = [0xfd, 0x00, 0];
  unsigned(code, offset);
  return node('v128', code, address);
}

/** Code of a store of the low `width` bits; emit with `FunctionBuilder.store`. */
export function storeCode(type: 'i32' | 'i64' | 'v128', width: Width | 128, offset: number): number[] {
  if (type === 'v128') {
    const code = [0xfd, 0x0b, 0];
    unsigned(code, offset);
    return code;
  }
  const op =
    type === 'i32'
      ? { 8: 0x3a, 16: 0x3b, 32: 0x36 }[width as 8 | 16 | 32]
      : { 8: 0x3c, 16: 0x3d, 32: 0x3e, 64: 0x37 }[width as Width];
  return memoryOperand(op, offset);
}
