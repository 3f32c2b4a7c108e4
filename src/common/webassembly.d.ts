// Ambient types of the part of the WebAssembly JavaScript interface that the lower floors use. TypeScript carries
// them in its DOM library alone, and floors 0-7 compile without that. Everything here is synchronous on purpose: an
// asynchronous compilation would let the host's timing into the machine.
// Source: W3C WebAssembly JavaScript Interface 2.0, section 5.
// NOT IMPLEMENTED: compile, instantiate, Exception, Tag, 64-bit addresses, shared memories.

declare namespace WebAssembly {
  /** A value that an import or an export may carry: i32, f32 and f64 are numbers, i64 is a bigint. */
  type Value = number | bigint;
  type ExportValue = ((...args: never[]) => unknown) | Memory | Table | Global;
  type ImportValue = ExportValue | Value;
  type Imports = Readonly<Record<string, Readonly<Record<string, ImportValue>>>>;

  /** Compiled code without state. Throws CompileError if the bytes are not a valid module. */
  class Module {
    constructor(bytes: ArrayBufferView | ArrayBuffer);
    static exports(module: Module): { name: string; kind: 'function' | 'table' | 'memory' | 'global' }[];
    static imports(
      module: Module,
    ): { module: string; name: string; kind: 'function' | 'table' | 'memory' | 'global' }[];
  }

  /** A module with its imports bound. Throws LinkError if one is missing or of another type. */
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Readonly<Record<string, ExportValue>>;
  }

  /** Linear memory in pages of 64 KiB; `buffer` changes when the memory grows. */
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    /** Adds pages; returns the former size in pages; throws RangeError past the maximum. */
    grow(pages: number): number;
  }

  /** A table of function references. */
  class Table {
    constructor(descriptor: { element: 'anyfunc'; initial: number; maximum?: number });
    readonly length: number;
    get(index: number): ((...args: never[]) => unknown) | null;
    set(index: number, value: ((...args: never[]) => unknown) | null): void;
    /** Adds empty slots; returns the former length. */
    grow(slots: number): number;
  }

  /** A global variable. */
  class Global {
    constructor(descriptor: { value: 'i32' | 'i64' | 'f32' | 'f64'; mutable?: boolean }, value?: Value);
    value: Value;
  }

  /** Thrown for bytes that are not a valid module. */
  class CompileError extends Error {}
  /** Thrown when imports do not fit the module. */
  class LinkError extends Error {}
  /** Thrown by a trap: unreachable, out of bounds, division by zero, stack exhausted. */
  class RuntimeError extends Error {}

  /** Says whether the bytes are a valid module. */
  function validate(bytes: ArrayBufferView | ArrayBuffer): boolean;
}
