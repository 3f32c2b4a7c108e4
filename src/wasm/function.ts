/** Builds the body of one WebAssembly function: locals, statements, structured control. */
import { signed32, unsigned } from './encode';
import { node, storeCode } from './expr';
import type { Expr, I32, ValType, Width } from './expr';

const VALUE_TYPE: Readonly<Record<ValType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** The binary code of a value type. */
export function valueType(type: ValType): number {
  return VALUE_TYPE[type];
}

/** A function's type. At most one result. */
export interface Signature {
  readonly params: readonly ValType[];
  readonly result?: ValType;
}

/** A function of the module, known by its index; imported functions come first. */
export interface FunctionRef {
  readonly index: number;
  readonly signature: Signature;
}

/** A mutable global of the module. */
export interface GlobalRef<T extends ValType = ValType> {
  readonly index: number;
  readonly type: T;
}

/** A branch target: the end of a block, or the start of a loop. */
export interface Label {
  readonly depth: number;
}

/** A local variable; `get` reads it where the expression stands. */
export class Local<T extends ValType> {
  private readonly read: Expr<T>;

  constructor(
    readonly index: number,
    readonly type: T,
  ) {
    const code = [0x20];
    unsigned(code, index);
    this.read = node(type, code);
  }

  get(): Expr<T> {
    return this.read;
  }
}

/** Writes one function's body in order; every method appends a statement. */
export class FunctionBuilder {
  private body: number[] = [];
  private readonly localTypes: ValType[] = [];
  private readonly free = new Map<ValType, Local<ValType>[]>();
  private taken: Local<ValType>[] = [];
  /** Reads of locals that are written once in their scope. */
  private readonly kept = new Set<Expr>();
  private depth = 0;

  constructor(readonly signature: Signature) {}

  /** Size of the code so far, in bytes. */
  get size(): number {
    return this.body.length;
  }

  /** The value of parameter `index`. */
  param<T extends ValType>(index: number, type: T): Local<T> {
    return new Local(index, type);
  }

  /** A fresh local: zero at entry of the function, unless it is reused from an earlier `scope`. */
  local<T extends ValType>(type: T): Local<T> {
    const local = this.take(type);
    this.kept.delete(local.get());
    return local;
  }

  private take<T extends ValType>(type: T): Local<T> {
    let local = this.free.get(type)?.pop() as Local<T> | undefined;
    local ??= this.lasting(type);
    this.taken.push(local as Local<ValType>);
    return local;
  }

  /** A fresh local that no scope frees: zero at entry of the function. */
  lasting<T extends ValType>(type: T): Local<T> {
    this.localTypes.push(type);
    return new Local(this.signature.params.length + this.localTypes.length - 1, type);
  }

  /** Runs `write`; locals that it makes are free for reuse afterwards (and then start with whatever they held). */
  scope(write: () => void): void {
    const outer = this.taken;
    this.taken = [];
    write();
    for (const local of this.taken) {
      const list = this.free.get(local.type);
      if (list) list.push(local);
      else this.free.set(local.type, [local]);
    }
    this.taken = outer;
  }

  /** Evaluates `value` now and keeps it in a fresh local. Constants, and what is kept already, stay what they are. */
  let<T extends ValType>(value: Expr<T>): Expr<T> {
    if (value.constant !== undefined || this.kept.has(value)) return value;
    const local = this.take(value.type);
    this.set(local, value);
    this.kept.add(local.get());
    return local.get();
  }

  set<T extends ValType>(local: Local<T>, value: Expr<T>): void {
    this.expression(value);
    this.body.push(0x21);
    unsigned(this.body, local.index);
  }

  /** Stores the low `width` bits of `value` at `address` + `offset` bytes, little-endian. */
  store(address: I32, value: Expr<'i32' | 'i64' | 'v128'>, width: Width | 128, offset = 0): void {
    this.expression(address);
    this.expression(value);
    for (const byte of storeCode(value.type, width, offset)) this.body.push(byte);
  }

  setGlobal<T extends ValType>(global: GlobalRef<T>, value: Expr<T>): void {
    this.expression(value);
    this.body.push(0x24);
    unsigned(this.body, global.index);
  }

  /** Evaluates `value` and forgets it. */
  drop(value: Expr): void {
    this.expression(value);
    this.body.push(0x1a);
  }

  /** Calls a function without a result. */
  call(target: FunctionRef, ...args: Expr[]): void {
    for (const arg of args) this.expression(arg);
    this.body.push(0x10);
    unsigned(this.body, target.index);
  }

  /** Copies `length` bytes within memory; ranges may overlap. */
  memoryCopy(to: I32, from: I32, length: I32): void {
    for (const arg of [to, from, length]) this.expression(arg);
    this.body.push(0xfc, 10, 0, 0);
  }

  /** Fills `length` bytes with the low byte of `value`. */
  memoryFill(to: I32, value: I32, length: I32): void {
    for (const arg of [to, value, length]) this.expression(arg);
    this.body.push(0xfc, 11, 0);
  }

  /** A block: a branch to its label goes behind it. */
  block(write: (end: Label) => void): void {
    this.structure(0x02, write);
  }

  /** A loop: a branch to its label goes back to its start. */
  loop(write: (start: Label) => void): void {
    this.structure(0x03, write);
  }

  if(condition: I32, then: (end: Label) => void, otherwise?: (end: Label) => void): void {
    if (condition.constant !== undefined) {
      const write = condition.constant !== 0 ? then : otherwise;
      if (write) this.block(write);
      return;
    }
    this.expression(condition);
    this.body.push(0x04, 0x40);
    this.depth++;
    const label = { depth: this.depth };
    then(label);
    if (otherwise) {
      this.body.push(0x05);
      otherwise(label);
    }
    this.depth--;
    this.body.push(0x0b);
  }

  br(label: Label): void {
    this.body.push(0x0c);
    unsigned(this.body, this.depth - label.depth);
  }

  brIf(label: Label, condition: I32): void {
    this.expression(condition);
    this.body.push(0x0d);
    unsigned(this.body, this.depth - label.depth);
  }

  /** Branches to `labels[index]`, or to `otherwise` when `index` is not below their number. */
  brTable(index: I32, labels: readonly Label[], otherwise: Label): void {
    this.expression(index);
    this.body.push(0x0e);
    unsigned(this.body, labels.length);
    for (const label of [...labels, otherwise]) unsigned(this.body, this.depth - label.depth);
  }

  return(value?: Expr): void {
    if (value) this.expression(value);
    this.body.push(0x0f);
  }

  unreachable(): void {
    this.body.push(0x00);
  }

  /** Writes code that comes to stand at the function's beginning, though what it is turned out only later. */
  prepend(write: () => void): void {
    const behind = this.body;
    this.body = [];
    write();
    this.body = this.body.concat(behind);
  }

  /** The function's entry of the code section, without its size. */
  finish(): Uint8Array {
    const locals: number[] = [];
    unsigned(locals, this.localTypes.length);
    for (const type of this.localTypes) locals.push(1, VALUE_TYPE[type]);
    const out = new Uint8Array(locals.length + this.body.length + 1);
    out.set(locals);
    out.set(this.body, locals.length);
    out[out.length - 1] = 0x0b;
    return out;
  }

  private structure(op: number, write: (label: Label) => void): void {
    this.body.push(op, 0x40);
    this.depth++;
    write({ depth: this.depth });
    this.depth--;
    this.body.push(0x0b);
  }

  private expression(e: Expr): void {
    const { args, code } = e;
    for (let i = 0; i < args.length; i++) this.expression(args[i]!);
    for (let i = 0; i < code.length; i++) this.body.push(code[i]!);
  }
}

/** The result of calling `target`, as an expression of its result type. */
export function callExpr<T extends ValType>(type: T, target: FunctionRef, ...args: Expr[]): Expr<T> {
  const code = [0x10];
  unsigned(code, target.index);
  return node(type, code, ...args);
}

/** The result of calling entry `index` of table 0 as a function of type `typeIndex`. */
export function callIndirectExpr<T extends ValType>(type: T, typeIndex: number, index: I32, ...args: Expr[]): Expr<T> {
  const code = [0x11];
  unsigned(code, typeIndex);
  code.push(0);
  return node(type, code, ...args, index);
}

/** An initializer expression for a mutable i32 global. */
export function constantInitializer(value: number): number[] {
  const code = [0x41];
  signed32(code, value);
  return [...code, 0x0b];
}
