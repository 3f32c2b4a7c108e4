// A kernel's memory and its types made by hand: structures are laid out here as a compiler does, so that what reads them
// by BTF can be checked for kernels that no lab has.
import { Btf } from '../../../src/symbols/kernel/btf';
import { btfImage, type BtfRecord } from '../../symbols/kernel/btf-image';

interface Layout {
  readonly id: number;
  readonly size: number;
  readonly alignment: number;
  readonly fields: ReadonlyMap<string, Field>;
}

interface Field {
  readonly offset: number;
  readonly size: number;
  /** The structure that it is, or the elements of the array. */
  readonly inner: Layout | undefined;
}

/** A field's type: `u32`, `u8`, `word`, `pointer`, `pointer:NAME`, `enum`, `char[56]`, `NAME`, `NAME[7]`, `NAME[]`. */
export type FieldType = string;

/** Memory of a kernel of a pointer's size. */
export class GuestImage {
  private readonly records: BtfRecord[] = [];
  private readonly layouts = new Map<string, Layout>();
  private readonly pointers = new Map<string, number>();
  private readonly memory: { readonly start: bigint; readonly bytes: Uint8Array }[] = [];
  private readonly scalars: Readonly<Record<string, { readonly id: number; readonly size: number }>>;

  constructor(readonly word: 4 | 8) {
    const integer = (name: string, size: number): { id: number; size: number } => ({
      id: this.add({ kind: 'integer', name, size }),
      size,
    });
    this.scalars = {
      u8: integer('unsigned char', 1),
      char: integer('char', 1),
      u32: integer('unsigned int', 4),
      word: integer('long unsigned int', word),
    };
  }

  /** An enumeration of 4 bytes. */
  enumeration(name: string, values: Readonly<Record<string, bigint>>): number {
    return this.add({ kind: 'enum', name, size: 4, values });
  }

  /** A structure of these fields; those that it names by `pointer:` must be there already. */
  structure(name: string, fields: Readonly<Record<string, FieldType>>): void {
    const places = new Map<string, Field>();
    let size = 0;
    let alignment = 1;
    const members = Object.entries(fields).map(([field, text]) => {
      const type = this.type(text);
      size = Math.ceil(size / type.alignment) * type.alignment;
      places.set(field, { offset: size, size: type.size, inner: type.inner });
      const member = [field, type.id, 8 * size] as const;
      size += type.size;
      alignment = Math.max(alignment, type.alignment);
      return member;
    });
    size = Math.ceil(size / alignment) * alignment;
    const id = this.add({ kind: 'struct', name, size, members });
    this.layouts.set(name, { id, size, alignment, fields: places });
  }

  sizeOf(name: string): number {
    return this.layouts.get(name)!.size;
  }

  /** Bytes from the start of a structure to a part such as `mem[2].size`. */
  offsetOf(name: string, path: string): number {
    return this.place(name, path).offset;
  }

  /** Memory at an address. */
  put(start: bigint, bytes: Uint8Array): bigint {
    this.memory.push({ start, bytes });
    return start;
  }

  text(start: bigint, text: string): bigint {
    return this.put(start, Uint8Array.from(Buffer.from(`${text}\0`, 'latin1')));
  }

  words(start: bigint, words: readonly bigint[]): bigint {
    const bytes = new Uint8Array(words.length * this.word);
    words.forEach((word, index) => write(bytes, index * this.word, this.word, word));
    return this.put(start, bytes);
  }

  /** The bytes of a structure with these parts. */
  bytesOf(name: string, parts: Readonly<Record<string, bigint | string>>): Uint8Array {
    const bytes = new Uint8Array(this.sizeOf(name));
    for (const [path, value] of Object.entries(parts)) {
      const { offset, size } = this.place(name, path);
      if (typeof value === 'string') bytes.set(Buffer.from(value, 'latin1'), offset);
      else write(bytes, offset, size, value);
    }
    return bytes;
  }

  /** A structure with these parts at an address. */
  object(name: string, start: bigint, parts: Readonly<Record<string, bigint | string>>): bigint {
    return this.put(start, this.bytesOf(name, parts));
  }

  /** All memory, the same parts in the same order for the same guest; tests may change the bytes. */
  get parts(): readonly { readonly start: bigint; readonly bytes: Uint8Array }[] {
    return this.memory;
  }

  get types(): Btf {
    return new Btf(this.btf);
  }

  get btf(): Uint8Array {
    return btfImage(this.records);
  }

  /** Reads as a guest's memory is read: fewer bytes where a part ends. */
  readonly read = (linear: bigint, length: number): Promise<Uint8Array> => {
    const part = this.memory.find(({ start, bytes }) => start <= linear && linear < start + BigInt(bytes.length));
    if (!part) return Promise.resolve(new Uint8Array(0));
    const from = Number(linear - part.start);
    return Promise.resolve(part.bytes.slice(from, from + length));
  };

  private place(name: string, path: string): Field {
    let layout = this.layouts.get(name);
    let field: Field | undefined;
    let offset = 0;
    for (const step of path.match(/[^.[\]]+|\[\d+\]/g) ?? []) {
      if (step.startsWith('[')) offset += Number(step.slice(1, -1)) * field!.inner!.size;
      else {
        field = layout!.fields.get(step)!;
        offset += field.offset;
        layout = field.inner;
      }
    }
    return { offset, size: field!.size, inner: field!.inner };
  }

  private type(text: FieldType): { id: number; size: number; alignment: number; inner: Layout | undefined } {
    const [, element = '', count] = /^(.*?)(?:\[(\d*)\])?$/.exec(text)!;
    if (count !== undefined) {
      const of = this.type(element);
      const id = this.add({ kind: 'array', of: of.id, index: this.scalars.u32!.id, count: Number(count) });
      return { id, size: of.size * Number(count), alignment: of.alignment, inner: of.inner };
    }
    if (element.startsWith('pointer')) {
      const target = element.slice('pointer:'.length);
      const id = this.pointers.get(target) ?? this.add({ kind: 'pointer', to: this.layouts.get(target)?.id ?? 0 });
      this.pointers.set(target, id);
      return { id, size: this.word, alignment: this.word, inner: undefined };
    }
    const scalar = this.scalars[element];
    if (scalar) return { ...scalar, alignment: scalar.size, inner: undefined };
    const layout = this.layouts.get(element);
    if (layout) return { id: layout.id, size: layout.size, alignment: layout.alignment, inner: layout };
    const id = this.records.findIndex((record) => record.kind === 'enum' && record.name === element) + 1;
    return { id, size: 4, alignment: 4, inner: undefined };
  }

  private add(record: BtfRecord): number {
    return this.records.push(record);
  }
}

function write(bytes: Uint8Array, offset: number, size: number, value: bigint): void {
  for (let index = 0; index < size; index += 1) bytes[offset + index] = Number((value >> BigInt(8 * index)) & 0xffn);
}
