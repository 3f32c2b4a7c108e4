/** What a block's sequences say: how many literals to copy, then how much from how far back. Source: RFC 8878, 3.1.1.3.2. */
import type { ByteReader } from '../../byte-reader';
import { BackwardBits, damagedZstd } from './bits';
import { constantTable, FseState, type FseTable, fseTable, readFseTable } from './fse';

/** Values by code: the smallest, and how many bits are added to it. */
interface Codes {
  readonly bases: readonly number[];
  readonly bits: readonly number[];
}

/** One of the three streams of codes. */
interface Kind {
  readonly mostAccuracy: number;
  readonly mostCodes: number;
  readonly predefined: FseTable;
}

const upTo = (count: number, first: number): number[] => Array.from({ length: count }, (_, index) => first + index);
const repeated = (count: number, value: number): number[] => new Array<number>(count).fill(value);

const LITERAL_CODES: Codes = {
  bases: [...upTo(16, 0), 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, ...upTo(10, 7).map((bits) => 1 << bits)],
  bits: [...repeated(16, 0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, ...upTo(10, 7)],
};
const MATCH_CODES: Codes = {
  bases: [...upTo(32, 3), 35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, ...upTo(10, 7).map((bits) => (1 << bits) + 3)],
  bits: [...repeated(32, 0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, ...upTo(10, 7)],
};
const MOST_OFFSET_CODES = 32;

const LITERALS: Kind = {
  mostAccuracy: 9,
  mostCodes: LITERAL_CODES.bases.length,
  predefined: fseTable(
    [4, 3, ...repeated(11, 2), 1, 1, 1, ...repeated(9, 2), 3, 2, ...repeated(5, 1), ...repeated(4, -1)],
    6,
  ),
};
const MATCHES: Kind = {
  mostAccuracy: 9,
  mostCodes: MATCH_CODES.bases.length,
  predefined: fseTable([1, 4, 3, ...repeated(6, 2), ...repeated(37, 1), ...repeated(7, -1)], 6),
};
const OFFSETS: Kind = {
  mostAccuracy: 8,
  mostCodes: MOST_OFFSET_CODES,
  predefined: fseTable([...repeated(6, 1), 2, 2, 2, ...repeated(15, 1), ...repeated(5, -1)], 5),
};

/** What goes on from block to block. */
export class SequenceDecoder {
  private readonly tables = new Map<Kind, FseTable>();
  private readonly recent = [1, 4, 8];

  /**
   * Reads the sequences up to the end of a block's bytes and gives each to `copy`: literals, the length of a match and its
   * distance.
   */
  decode(reader: ByteReader, copy: (literals: number, match: number, distance: number) => void): void {
    const count = readCountOf(reader);
    if (count === 0) return;
    const modes = reader.u8();
    const literalTable = this.table(LITERALS, modes >> 6, reader);
    const offsetTable = this.table(OFFSETS, (modes >> 4) & 3, reader);
    const matchTable = this.table(MATCHES, (modes >> 2) & 3, reader);
    const bits = new BackwardBits(reader.take(reader.remaining));
    const literals = new FseState(literalTable, bits);
    const offsets = new FseState(offsetTable, bits);
    const matches = new FseState(matchTable, bits);
    for (let left = count; left > 0; left -= 1) {
      const offset = 2 ** offsets.symbol + bits.read(offsets.symbol);
      const match = valueOf(MATCH_CODES, matches.symbol, bits);
      const length = valueOf(LITERAL_CODES, literals.symbol, bits);
      if (left > 1) {
        literals.advance();
        matches.advance();
        offsets.advance();
      }
      if (bits.left < 0) throw damagedZstd('a stream in it is too short');
      copy(length, match, this.distance(offset, length === 0));
    }
    if (bits.left !== 0) throw damagedZstd('a stream in it has another length');
  }

  /** Small values stand for recent distances, others for themselves. */
  private distance(value: number, hasNoLiterals: boolean): number {
    const { recent } = this;
    const which = value + (hasNoLiterals ? 0 : -1);
    const distance = value > 3 ? value - 3 : which < 3 ? recent[which]! : recent[0]! - 1;
    const replaced = value > 3 ? 2 : Math.min(which, 2);
    recent.copyWithin(1, 0, replaced);
    recent[0] = distance;
    return distance;
  }

  private table(kind: Kind, mode: number, reader: ByteReader): FseTable {
    const table = this.tableOf(kind, mode, reader);
    this.tables.set(kind, table);
    return table;
  }

  private tableOf(kind: Kind, mode: number, reader: ByteReader): FseTable {
    if (mode === 0) return kind.predefined;
    if (mode === 1) {
      const code = reader.u8();
      if (code >= kind.mostCodes) throw damagedZstd('a code in it is unknown');
      return constantTable(code);
    }
    if (mode === 2) {
      const start = reader.position;
      const { table, length } = readFseTable(reader.take(reader.remaining), kind.mostAccuracy, kind.mostCodes);
      reader.position = start + length;
      return table;
    }
    const before = this.tables.get(kind);
    if (!before) throw damagedZstd('it repeats a table that it has not');
    return before;
  }
}

function valueOf({ bases, bits }: Codes, code: number, reader: BackwardBits): number {
  return bases[code]! + reader.read(bits[code]!);
}

function readCountOf(reader: ByteReader): number {
  const first = reader.u8();
  if (first < 128) return first;
  const second = reader.u8();
  return first < 255 ? ((first - 128) << 8) + second : second + (reader.u8() << 8) + 0x7f00;
}
