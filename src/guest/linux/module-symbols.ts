/**
 * A module's own kallsyms: the ELF symbols that the kernel keeps of it, all of them while it starts. Sources: Linux
 * include/linux/module.h (`struct mod_kallsyms`), kernel/module/kallsyms.c; the generic ABI, "Symbol Table".
 */
import { ByteReader } from '../../symbols/byte-reader';
import type { Kallsyms } from '../../symbols/kernel/kallsyms';
import { readAll, readMost } from '../../symbols/kernel/linear-memory';
import { decodeUtf8 } from '../../symbols/utf8';
import { GuestStruct, type LinuxGuest, pointerSize, structNamed } from './guest-struct';

const SHN_UNDEF = 0;
/** Bytes of an ELF symbol. */
const ENTRY = { 64: 24, 32: 16 } as const;
const MOST_SYMBOLS = 0x4_0000;
const MAX_STRINGS = 0x100_0000n;
const MAX_NAME = 1024;
/** Characters of all names together. */
const MAX_NAMES = 0x100_0000;

/** A part of the module's memory: linear addresses [start, end). */
interface Part {
  readonly start: bigint;
  readonly end: bigint;
  readonly isCode: boolean;
}

/** The symbols of a `struct module` whose memory is `parts`; what lies in none of them counts as absolute. */
export async function readModuleSymbols(
  guest: LinuxGuest,
  module: GuestStruct,
  parts: readonly Part[],
): Promise<Kallsyms | undefined> {
  const type = structNamed(guest, 'mod_kallsyms');
  const at = module.number('kallsyms');
  const table = type && at ? await GuestStruct.read(guest.read, type, at) : undefined;
  const count = Number(table?.number('num_symtab') ?? 0n);
  const entriesAt = table?.number('symtab');
  const stringsAt = table?.number('strtab');
  const typesAt = table?.number('typetab');
  if (!table || !entriesAt || !stringsAt || count > MOST_SYMBOLS) return undefined;
  const bits = pointerSize(guest) === 4 ? 32 : 64;
  const entries = await readAll(guest.read, entriesAt, count * ENTRY[bits]);
  // How long the strings are is not told: they end in the part that they are in.
  const end = parts.find((part) => part.start <= stringsAt && stringsAt < part.end)?.end ?? stringsAt + 0x1000n;
  const length = end - stringsAt < MAX_STRINGS ? end - stringsAt : MAX_STRINGS;
  const strings = await readMost(guest.read, stringsAt, Number(length));
  const types = typesAt ? await readAll(guest.read, typesAt, count) : undefined;
  return entries && symbolsOf({ bits, count, entries, strings, types }, parts);
}

interface Tables {
  readonly bits: 32 | 64;
  readonly count: number;
  readonly entries: Uint8Array;
  readonly strings: Uint8Array;
  /** A character for each symbol; kernels before 5.2 have none. */
  readonly types: Uint8Array | undefined;
}

function symbolsOf({ bits, count, entries, strings, types }: Tables, parts: readonly Part[]): Kallsyms | undefined {
  const reader = new ByteReader(entries, "The module's symbol table");
  const found: { name: string; address: bigint; type: string; isAbsolute: boolean }[] = [];
  let total = 0;
  for (let index = 0; index < count; index += 1) {
    const { nameOffset, address, section } = symbolAt(reader, index * ENTRY[bits], bits);
    const end = strings.subarray(nameOffset, nameOffset + MAX_NAME).indexOf(0);
    if (section === SHN_UNDEF || end <= 0) continue;
    total += end;
    if (total > MAX_NAMES) return undefined;
    const part = parts.find((one) => one.start <= address && address < one.end);
    const told = types && String.fromCharCode(types[index]!);
    const type = told && /[A-Za-z?-]/.test(told) ? told : part?.isCode ? 't' : 'd';
    const name = decodeUtf8(strings.subarray(nameOffset, nameOffset + end));
    found.push({ name, address, type, isAbsolute: part === undefined });
  }
  found.sort(
    (a, b) =>
      Number(b.isAbsolute) - Number(a.isAbsolute) || (a.address < b.address ? -1 : a.address > b.address ? 1 : 0),
  );
  return {
    bits,
    names: found.map(({ name }) => name),
    types: found.map(({ type }) => type).join(''),
    addresses: BigUint64Array.from(found, ({ address }) => address),
    absolute: found.filter(({ isAbsolute }) => isAbsolute).length,
  };
}

function symbolAt(reader: ByteReader, position: number, bits: 32 | 64) {
  reader.position = position;
  const nameOffset = reader.u32();
  if (bits === 64) {
    reader.skip(2);
    const section = reader.u16();
    return { nameOffset, section, address: reader.u64() };
  }
  const address = BigInt(reader.u32());
  reader.skip(6);
  return { nameOffset, section: reader.u16(), address };
}
