/**
 * kallsyms: the symbol table that a Linux kernel carries for its own use (CONFIG_KALLSYMS), read out of an image or out of
 * a running guest's memory. Source: Linux scripts/kallsyms.c and kernel/kallsyms.c, 2.6 to 6.x, 32 and 64 bits. Every
 * table is checked against the others, so that whatever memory holds, the answer is a kernel's table or none.
 *
 * NOT IMPLEMENTED: kernels before 2.6.10, whose names are not made of tokens; modules' symbols, which each module has.
 */
import { findAddresses } from './kallsyms-addresses';
import { findNames, lengthAt, type NameTable } from './kallsyms-names';
import { findTokenTable, type TokenTable } from './token-table';

/** A kernel's symbols by rising address (those that do not move first), in the order of its own table. */
export interface Kallsyms {
  readonly bits: 32 | 64;
  readonly names: readonly string[];
  /** Types as `nm` writes them, a character each: `t` code, `d` data, `b` zeroed data, `r` constants, capital if global. */
  readonly types: string;
  /** As the bytes had them: link addresses in a file, where things are in a guest's memory. */
  readonly addresses: BigUint64Array;
  /** So many of the first symbols are absolute: offsets of per-CPU data and constants. */
  readonly absolute: number;
}

/** Bytes of a kernel and the linear address of the first one, a multiple of 8. */
export interface KernelBytes {
  readonly bytes: Uint8Array;
  readonly base: bigint;
}

/** A name's characters, and those of all names together: the kernel's own limit is 512 for one. */
const MAX_NAME = 1024;
const MAX_NAMES = 0x400_0000;
/** Token tables that are looked at before giving up. */
const MAX_TABLES = 64;

/** The kallsyms of a kernel in some of its bytes (its `.rodata` at least); undefined if there is none. */
export function findKallsyms({ bytes, base }: KernelBytes): Kallsyms | undefined {
  let from = 0;
  for (let tried = 0; tried < MAX_TABLES; tried += 1) {
    const found = findTokenTable(bytes, from);
    if (!found) return undefined;
    const kallsyms = kallsymsAround(bytes, base, found.table);
    if (kallsyms) return kallsyms;
    from = found.next;
  }
  return undefined;
}

function kallsymsAround(bytes: Uint8Array, base: bigint, tokens: TokenTable): Kallsyms | undefined {
  const table = findNames(bytes, tokens);
  const places = table && findAddresses(bytes, base, tokens, table);
  const texts = places && namesOf(bytes, tokens, table);
  return texts && { bits: table.bits, ...texts, ...places };
}

/** The names and their types; undefined if one has no letter for a type or is too long. */
function namesOf(
  bytes: Uint8Array,
  { tokens }: TokenTable,
  table: NameTable,
): { names: string[]; types: string } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names: string[] = [];
  let types = '';
  let total = 0;
  let at = table.names;
  for (let index = 0; index < table.count; index += 1) {
    const { length, size } = lengthAt(view, at);
    at += size;
    let text = '';
    for (const end = at + length; at < end; at += 1) text += tokens[bytes[at]!]!;
    total += text.length;
    if (text.length < 2 || text.length > MAX_NAME || total > MAX_NAMES || !/^[A-Za-z?-]/.test(text)) return undefined;
    types += text.charAt(0);
    names.push(text.slice(1));
  }
  return { names, types };
}

/** The address of a symbol; of several the first one. */
export function kallsymsAddress({ names, addresses }: Kallsyms, name: string): bigint | undefined {
  const index = names.indexOf(name);
  return index < 0 ? undefined : addresses[index];
}
