/**
 * The registers that a stub has, by its target description: names, widths, numbers and places in the `g` packet. A stub
 * without a description has gdb's own layout for x86. Source: "Debugging with GDB", appendix G; gdb's
 * features/i386/64bit-core.xml and 32bit-core.xml.
 * NOT IMPLEMENTED: types; widths that are no whole bytes.
 */
import type { UserError } from '../../common/errors';

/** One register of the stub's. */
export interface StubRegister {
  readonly name: string;
  /** What `p` and `P` call it. */
  readonly number: number;
  readonly bytes: number;
  /** Where it lies in the answer to `g`, in bytes. */
  readonly offset: number;
}

/** Fetches an annex of the description; rejects where there is none. */
export type FetchAnnex = (annex: string) => Promise<string>;

const MOST_REGISTERS = 1000;
const MOST_ANNEXES = 32;
const MOST_BITS = 4096;

/** The registers of a description, `target.xml` and what it includes. Throws what `malformed` makes of its mistakes. */
export async function readDescription(
  fetch: FetchAnnex,
  malformed: (why: string) => UserError,
): Promise<readonly StubRegister[]> {
  const found: { name: string; bits: number; number: number }[] = [];
  let annexes = 0;
  const read = async (annex: string): Promise<void> => {
    if (++annexes > MOST_ANNEXES) throw malformed('its target description includes itself');
    const text = (await fetch(annex)).replaceAll(/<!--[^]*?-->/g, '');
    for (const [, kind, attributes = ''] of text.matchAll(/<(reg|xi:include)\s([^>]*)>/g)) {
      const value = (name: string): string | undefined =>
        new RegExp(`(?:^|\\s)${name}\\s*=\\s*["']([^"']*)["']`).exec(attributes)?.[1];
      if (kind === 'xi:include') {
        await read(value('href') ?? '');
        continue;
      }
      const [name, bits] = [value('name'), Number(value('bitsize'))];
      const number = value('regnum') === undefined ? (found.at(-1)?.number ?? -1) + 1 : Number(value('regnum'));
      const isSane = Number.isInteger(number) && number >= 0 && bits % 8 === 0 && bits > 0 && bits <= MOST_BITS;
      if (!name || !isSane || found.length >= MOST_REGISTERS)
        throw malformed('its target description is not one of x86');
      found.push({ name, bits, number });
    }
  };
  await read('target.xml');
  return placed(found.sort((a, b) => a.number - b.number));
}

function placed(rows: readonly { name: string; bits: number; number: number }[]): StubRegister[] {
  let offset = 0;
  return rows.map(({ name, bits, number }) => {
    const register = { name, number, bytes: bits / 8, offset };
    offset += bits / 8;
    return register;
  });
}

const LONG = [
  'rax',
  'rbx',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'rbp',
  'rsp',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
];
const SHORT = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
const SELECTORS = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'];
const X87 = ['fctrl', 'fstat', 'ftag', 'fiseg', 'fioff', 'foseg', 'fooff', 'fop'];
const indexed = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** gdb's own layout for a stub whose `g` answers with `bytes` bytes: as many of the registers as they hold. */
export function usualLayout(bytes: number): readonly StubRegister[] {
  const isLong = bytes >= LONG.length * 8 + 8;
  const wide = isLong ? 64 : 32;
  const rows = [
    ...(isLong ? LONG : SHORT).map((name) => ({ name, bits: wide })),
    { name: isLong ? 'rip' : 'eip', bits: wide },
    { name: 'eflags', bits: 32 },
    ...SELECTORS.map((name) => ({ name, bits: 32 })),
    ...indexed('st', 8).map((name) => ({ name, bits: 80 })),
    ...X87.map((name) => ({ name, bits: 32 })),
    ...indexed('xmm', isLong ? 16 : 8).map((name) => ({ name, bits: 128 })),
    { name: 'mxcsr', bits: 32 },
  ];
  return placed(rows.map((row, number) => ({ ...row, number }))).filter((one) => one.offset + one.bytes <= bytes);
}
