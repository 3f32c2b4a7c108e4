/** Writes a WebAssembly module: types, imports, functions, one table, globals, exports, code. */
import { name, section, unsigned } from './encode';
import { constantInitializer, FunctionBuilder, valueType } from './function';
import type { FunctionRef, GlobalRef, Signature } from './function';

interface Import {
  readonly name: string;
  readonly kind: number;
  readonly content: readonly number[];
}

interface Defined {
  readonly typeIndex: number;
  body?: Uint8Array;
}

/** One module under construction. All imports come from the import module `env` and precede every definition. */
export class ModuleBuilder {
  private readonly types: string[] = [];
  private readonly typeBytes: number[][] = [];
  private readonly imports: Import[] = [];
  private importedFunctions = 0;
  private readonly functions: Defined[] = [];
  private readonly globals: number[] = [];
  private readonly exports: { name: string; kind: number; index: number }[] = [];
  private elements: readonly FunctionRef[] = [];
  private tableRoom = 0;

  /** The index of a function type, added when new. */
  type(signature: Signature): number {
    const key = `${signature.params.join(',')}>${signature.result ?? ''}`;
    const known = this.types.indexOf(key);
    if (known >= 0) return known;
    const bytes = [0x60];
    unsigned(bytes, signature.params.length);
    for (const param of signature.params) bytes.push(valueType(param));
    bytes.push(signature.result ? 1 : 0);
    if (signature.result) bytes.push(valueType(signature.result));
    this.types.push(key);
    this.typeBytes.push(bytes);
    return this.types.length - 1;
  }

  /** Imports the memory `env.memory` of at least `pages` (64 KiB each). */
  importMemory(pages: number): void {
    const content = [0x00];
    unsigned(content, pages);
    this.imports.push({ name: 'memory', kind: 2, content });
  }

  /** Imports the function `env.<importName>`. */
  importFunction(importName: string, signature: Signature): FunctionRef {
    const content: number[] = [];
    unsigned(content, this.type(signature));
    this.imports.push({ name: importName, kind: 0, content });
    return { index: this.importedFunctions++, signature };
  }

  /** A mutable i32 global. */
  global(initial: number): GlobalRef<'i32'> {
    this.globals.push(initial);
    return { index: this.globals.length - 1, type: 'i32' };
  }

  /** Declares a function whose body comes later, so that functions can call each other in any order. */
  declare(signature: Signature): FunctionRef {
    this.functions.push({ typeIndex: this.type(signature) });
    return { index: this.importedFunctions + this.functions.length - 1, signature };
  }

  /** Writes the body of a declared function. */
  define(target: FunctionRef, write: (f: FunctionBuilder) => void): void {
    const builder = new FunctionBuilder(target.signature);
    write(builder);
    this.functions[target.index - this.importedFunctions]!.body = builder.finish();
  }

  /** Declares and writes a function. */
  function(signature: Signature, write: (f: FunctionBuilder) => void): FunctionRef {
    const target = this.declare(signature);
    this.define(target, write);
    return target;
  }

  exportFunction(exportName: string, target: FunctionRef): void {
    this.exports.push({ name: exportName, kind: 0, index: target.index });
  }

  /** Makes table 0 of these functions, in order, and `room` empty places behind them, for `callIndirectExpr`. */
  table(functions: readonly FunctionRef[], room = 0): void {
    this.elements = functions;
    this.tableRoom = room;
  }

  /** Exports table 0. */
  exportTable(exportName: string): void {
    this.exports.push({ name: exportName, kind: 1, index: 0 });
  }

  /** The module's bytes. */
  finish(): Uint8Array<ArrayBuffer> {
    const out = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    const vector = (id: number, items: readonly (readonly number[])[]): void => {
      if (items.length > 0) section(out, id, [...leb(items.length), ...items.flat()]);
    };
    vector(1, this.typeBytes);
    vector(2, this.imports.map(importBytes));
    vector(
      3,
      this.functions.map((f) => leb(f.typeIndex)),
    );
    if (this.elements.length > 0) vector(4, [[0x70, 0x00, ...leb(this.elements.length + this.tableRoom)]]);
    vector(
      6,
      this.globals.map((initial) => [valueType('i32'), 1, ...constantInitializer(initial)]),
    );
    vector(
      7,
      this.exports.map((e) => [...nameBytes(e.name), e.kind, ...leb(e.index)]),
    );
    if (this.elements.length > 0) {
      const indices = this.elements.map((f) => leb(f.index)).flat();
      vector(9, [[0x00, ...constantInitializer(0), ...leb(this.elements.length), ...indices]]);
    }
    return this.withCode(out);
  }

  /** Appends the code section. It is nearly the whole module: written straight into its final bytes. */
  private withCode(head: readonly number[]): Uint8Array<ArrayBuffer> {
    const bodies = this.functions.map((f) => f.body!);
    const count = leb(bodies.length);
    const sizes = bodies.map((body) => leb(body.length));
    const content = bodies.reduce((sum, body, i) => sum + body.length + sizes[i]!.length, count.length);
    const start = [10, ...leb(content), ...count];
    const out = new Uint8Array(head.length + start.length - count.length + content);
    out.set(head);
    out.set(start, head.length);
    let at = head.length + start.length;
    bodies.forEach((body, i) => {
      out.set(sizes[i]!, at);
      out.set(body, at + sizes[i]!.length);
      at += sizes[i]!.length + body.length;
    });
    return out;
  }
}

function leb(value: number): number[] {
  const out: number[] = [];
  unsigned(out, value);
  return out;
}

function nameBytes(text: string): number[] {
  const out: number[] = [];
  name(out, text);
  return out;
}

function importBytes(item: Import): number[] {
  return [...nameBytes('env'), ...nameBytes(item.name), item.kind, ...item.content];
}
