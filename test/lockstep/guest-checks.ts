// The sample guests' checks: where they are made, and what the one at hand is called.
import type { Machine } from '../../src/machine/machine';

const SYMBOL_TABLE = 2;

/** Addresses of symbols in a little-endian ELF32 or ELF64. */
function symbols(elf: Buffer, wanted: readonly string[]): Map<string, bigint> {
  const wide = elf[4] === 2;
  const word = (at: number): number => (wide ? Number(elf.readBigUInt64LE(at)) : elf.readUInt32LE(at));
  const sections = word(wide ? 40 : 32);
  const size = elf.readUInt16LE(wide ? 58 : 46);
  const section = (index: number): number => sections + index * size;
  const found = new Map<string, bigint>();
  for (let index = 0; index < elf.readUInt16LE(wide ? 60 : 48); index++) {
    const at = section(index);
    if (elf.readUInt32LE(at + 4) !== SYMBOL_TABLE) continue;
    const start = word(at + (wide ? 24 : 16));
    const length = word(at + (wide ? 32 : 20));
    const strings = word(section(elf.readUInt32LE(at + (wide ? 40 : 24))) + (wide ? 24 : 16));
    for (let symbol = start; symbol < start + length; symbol += wide ? 24 : 16) {
      const name = strings + elf.readUInt32LE(symbol);
      const text = elf.toString('latin1', name, elf.indexOf(0, name));
      if (wanted.includes(text)) found.set(text, BigInt(word(symbol + (wide ? 8 : 4))));
    }
  }
  return found;
}

/** Calls of `check(holds, name)` and `check_equal(actual, expected, name)` of test/guests/common/guest.c. */
export class GuestChecks {
  readonly addresses: ReadonlySet<bigint>;
  private readonly wide: boolean;
  private readonly checkEqual: bigint;

  constructor(elf: Buffer) {
    this.wide = elf[4] === 2;
    const found = symbols(elf, ['check', 'check_equal']);
    this.addresses = new Set(found.values());
    this.checkEqual = found.get('check_equal') ?? -1n;
  }

  /** The name given to the call at which `machine` stands, by the System V calling conventions. */
  nameAt(machine: Machine): string {
    const { state } = machine;
    const isEqual = state.rip === this.checkEqual;
    const RSP = 4;
    const RDX = 2;
    const RSI = 6;
    const pointer = this.wide
      ? state.general(isEqual ? RDX : RSI)
      : BigInt(
          Buffer.from(
            machine.readMemory('linear', BigInt(state.general32(RSP) + (isEqual ? 20 : 8)), 4),
          ).readUInt32LE(),
        );
    const bytes = Buffer.from(machine.readMemory('linear', pointer, 200));
    return bytes.toString('latin1', 0, bytes.indexOf(0));
  }
}
