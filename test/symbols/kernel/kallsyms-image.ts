// kallsyms tables made by hand, as scripts/kallsyms.c of each age of Linux lays them out.
import { Bytes } from '../elf-image';

/** What an age of Linux does differently. */
export interface Age {
  readonly bits: 32 | 64;
  /** Bytes of `num_syms` and of a marker. */
  readonly number: 4 | 8;
  readonly addresses: 'absolute' | 'relative' | 'absolutePerCpu' | 'placeRelative';
  /** `offsets` and what belongs to it lie behind the tokens. */
  readonly addressesLast?: boolean;
  /** 3 bytes for each symbol, which give their order by name. */
  readonly sequences?: boolean;
}

export interface TestSymbol {
  readonly type: string;
  readonly name: string;
  readonly address: bigint;
}

/** Pairs of letters that get a token, by values that no name has. */
const PAIRS = ['_i', 'in', 'it', 'sy', 'm_', 'un', 'fu', 'nc', '__', 'tion'];

/** The tables at `base` with `before` zero bytes in front of them. */
export function kallsymsImage(age: Age, symbols: readonly TestSymbol[], base: bigint, before = 24): Uint8Array {
  const word = age.bits / 8;
  const bytes = new Bytes().u8(...new Array<number>(before).fill(0));
  const align = (): void => {
    while (bytes.length % word) bytes.u8(0);
  };
  const tokens = Array.from({ length: 256 }, (_, value) => PAIRS[value] ?? String.fromCharCode(value % 128 || 1));
  const { encoded, markers } = encode(symbols, tokens);

  const addresses = (): void => {
    align();
    const start = base + BigInt(bytes.length);
    const kernel = symbols.find(({ address }) => address > 0x10_0000n)!.address;
    symbols.forEach(({ address }, index) => {
      if (age.addresses === 'absolute') bytes.number(BigInt.asUintN(age.bits, address), word);
      else if (age.addresses === 'relative') bytes.number(BigInt.asUintN(32, address - kernel), 4);
      else if (age.addresses === 'placeRelative')
        bytes.number(BigInt.asUintN(32, address - start - BigInt(4 * index)), 4);
      else bytes.number(BigInt.asUintN(32, address < 0x10_0000n ? address : kernel - 1n - address), 4);
    });
    align();
    if (age.addresses === 'relative' || age.addresses === 'absolutePerCpu') bytes.number(kernel, word);
  };
  const sequences = (): void => {
    align();
    if (age.sequences) symbols.forEach((_, index) => bytes.u8(index >> 16, (index >> 8) & 255, index & 255));
  };

  if (!age.addressesLast) addresses();
  align();
  bytes.number(symbols.length, age.number);
  align();
  for (const name of encoded) bytes.u8(...name);
  align();
  for (const marker of markers) bytes.number(marker, age.number);
  if (!age.addressesLast) sequences();
  align();
  const offsets: number[] = [];
  const first = bytes.length;
  for (const token of tokens) {
    offsets.push(bytes.length - first);
    bytes.text(token);
  }
  align();
  for (const offset of offsets) bytes.number(offset, 2);
  if (age.addressesLast) {
    addresses();
    sequences();
  }
  align();
  return bytes.u8(...new Array<number>(64).fill(0)).finish();
}

function encode(symbols: readonly TestSymbol[], tokens: readonly string[]): { encoded: number[][]; markers: number[] } {
  const markers: number[] = [];
  let offset = 0;
  const encoded = symbols.map(({ type, name }, index) => {
    if (index % 256 === 0) markers.push(offset);
    let text = type + name;
    const values: number[] = [];
    while (text) {
      const pair = PAIRS.findIndex((start) => text.startsWith(start));
      const value = pair >= 0 ? pair : tokens.indexOf(text.charAt(0));
      values.push(value);
      text = text.slice(tokens[value]!.length);
    }
    const length = values.length < 128 ? [values.length] : [0x80 | (values.length & 0x7f), values.length >> 7];
    offset += length.length + values.length;
    return [...length, ...values];
  });
  return { encoded, markers };
}

/** Symbols as a kernel might have them: `count` in all, the first ten below 1 MiB. */
export function testSymbols(count: number, base: bigint): TestSymbol[] {
  return Array.from({ length: count }, (_, index) => ({
    type: index < 10 ? 'A' : 'tTdDbBrR'.charAt(index % 8),
    name: index % 50 === 7 ? `sym_${'func'.repeat(index % 60)}_${index}` : `__init_sym_function.isra.${index}`,
    address: index < 10 ? BigInt(16 * index) : base + BigInt(24 * (index - (index % 3))),
  }));
}
