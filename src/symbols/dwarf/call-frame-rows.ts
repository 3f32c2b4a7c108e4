/** Runs the instructions of call frame information up to an address. DWARF 5 sections 6.4.2, 6.4.3 and 7.24. */
import { ByteReader } from '../byte-reader';
import type { CommonEntry, FrameEntry } from './call-frame-index';

/** Where a register of the caller is; expressions are DWARF's, over the frame's registers and the CFA on their stack. */
export type RegisterRule =
  | { readonly kind: 'undefined' }
  /** It still is where it is: nobody changed it. */
  | { readonly kind: 'same' }
  /** In memory at the CFA plus this many bytes. */
  | { readonly kind: 'offset'; readonly offset: number }
  /** It is the CFA plus this many bytes. */
  | { readonly kind: 'valueOffset'; readonly offset: number }
  | { readonly kind: 'register'; readonly register: number }
  /** In memory at the address that the expression gives. */
  | { readonly kind: 'expression'; readonly expression: Uint8Array }
  /** It is what the expression gives. */
  | { readonly kind: 'valueExpression'; readonly expression: Uint8Array };

/** The canonical frame address: the stack pointer before the call. */
export type CfaRule = { readonly register: number; readonly offset: number } | { readonly expression: Uint8Array };

/** The row of the table that holds for an address; registers by DWARF's numbers. */
export interface FrameRow {
  readonly cfa: CfaRule;
  readonly registers: ReadonlyMap<number, RegisterRule>;
}

/** DW_CFA_*; the first three carry an operand in their low 6 bits. */
const CFA = {
  advanceLoc: 0x40,
  offset: 0x80,
  restore: 0xc0,
  nop: 0x00,
  setLoc: 0x01,
  advanceLoc1: 0x02,
  advanceLoc2: 0x03,
  advanceLoc4: 0x04,
  offsetExtended: 0x05,
  restoreExtended: 0x06,
  undefined: 0x07,
  sameValue: 0x08,
  register: 0x09,
  rememberState: 0x0a,
  restoreState: 0x0b,
  defCfa: 0x0c,
  defCfaRegister: 0x0d,
  defCfaOffset: 0x0e,
  defCfaExpression: 0x0f,
  expression: 0x10,
  offsetExtendedSf: 0x11,
  defCfaSf: 0x12,
  defCfaOffsetSf: 0x13,
  valOffset: 0x14,
  valOffsetSf: 0x15,
  valExpression: 0x16,
  gnuArgsSize: 0x2e,
  gnuNegativeOffsetExtended: 0x2f,
} as const;

/** States remembered at a time, and registers with a rule. */
const MAX_REMEMBERED = 64;
const MAX_REGISTERS = 256;

/** The row for a link address in an entry; undefined if it tells no CFA. Throws the `damaged` error. */
export function rowAt(entry: FrameEntry, address: bigint): FrameRow | undefined {
  const run = new RowRun(entry.common);
  run.execute(entry.common.instructions, entry.start, undefined);
  run.begin();
  run.execute(entry.instructions, entry.start, address);
  return run.row();
}

class RowRun {
  private cfa: CfaRule | undefined;
  private rules = new Map<number, RegisterRule>();
  private initial: ReadonlyMap<number, RegisterRule> = new Map();
  private readonly remembered: { cfa: CfaRule | undefined; rules: Map<number, RegisterRule> }[] = [];
  private reader = new ByteReader(new Uint8Array(0), 'Call frame information');

  constructor(private readonly common: CommonEntry) {}

  /** What holds now is what DW_CFA_restore brings back. */
  begin(): void {
    this.initial = new Map(this.rules);
  }

  row(): FrameRow | undefined {
    return this.cfa && { cfa: this.cfa, registers: this.rules };
  }

  /** Runs instructions from `start` on, up to those that hold behind `until` only. */
  execute(bytes: Uint8Array, start: bigint, until: bigint | undefined): void {
    this.reader = new ByteReader(bytes, 'Call frame information');
    const { reader, common } = this;
    let location = start;
    while (reader.remaining > 0) {
      const code = reader.u8();
      const advanced = this.advance(code, location);
      if (advanced !== undefined) {
        location = advanced;
        if (until !== undefined && location > until) return;
      } else if (code >= CFA.restore) this.restore(code - CFA.restore);
      else if (code >= CFA.offset) this.set(code - CFA.offset, this.at(reader.uleb() * common.dataAlignment));
      else this.other(code);
    }
  }

  /** The location after an instruction that moves it; undefined for others. */
  private advance(code: number, location: bigint): bigint | undefined {
    const { reader, common } = this;
    const by = (units: number): bigint => location + BigInt(units * common.codeAlignment);
    if (code >= CFA.advanceLoc && code < CFA.offset) return by(code - CFA.advanceLoc);
    if (code === CFA.setLoc) return reader.unsigned(common.addressSize);
    if (code === CFA.advanceLoc1) return by(reader.u8());
    if (code === CFA.advanceLoc2) return by(reader.u16());
    return code === CFA.advanceLoc4 ? by(reader.u32()) : undefined;
  }

  private other(code: number): void {
    const { reader, common } = this;
    const scaled = (value: number): number => value * common.dataAlignment;
    switch (code) {
      case CFA.nop:
        return;
      case CFA.offsetExtended:
        return this.set(reader.uleb(), this.at(scaled(reader.uleb())));
      case CFA.offsetExtendedSf:
        return this.set(reader.uleb(), this.at(scaled(reader.sleb())));
      case CFA.gnuNegativeOffsetExtended:
        return this.set(reader.uleb(), this.at(scaled(-reader.uleb())));
      case CFA.valOffset:
        return this.set(reader.uleb(), { kind: 'valueOffset', offset: scaled(reader.uleb()) });
      case CFA.valOffsetSf:
        return this.set(reader.uleb(), { kind: 'valueOffset', offset: scaled(reader.sleb()) });
      case CFA.restoreExtended:
        return this.restore(reader.uleb());
      case CFA.undefined:
        return this.set(reader.uleb(), { kind: 'undefined' });
      case CFA.sameValue:
        return this.set(reader.uleb(), { kind: 'same' });
      case CFA.register:
        return this.set(reader.uleb(), { kind: 'register', register: reader.uleb() });
      case CFA.expression:
        return this.set(reader.uleb(), { kind: 'expression', expression: reader.take(reader.uleb()) });
      case CFA.valExpression:
        return this.set(reader.uleb(), { kind: 'valueExpression', expression: reader.take(reader.uleb()) });
      case CFA.rememberState:
        if (this.remembered.length >= MAX_REMEMBERED) throw reader.error('it remembers absurdly many states');
        this.remembered.push({ cfa: this.cfa, rules: new Map(this.rules) });
        return;
      case CFA.restoreState: {
        const state = this.remembered.pop();
        if (!state) throw reader.error('it restores a state that it did not remember');
        this.cfa = state.cfa;
        this.rules = state.rules;
        return;
      }
      case CFA.gnuArgsSize:
        reader.uleb();
        return;
      default:
        return this.define(code);
    }
  }

  private define(code: number): void {
    const { reader, common } = this;
    switch (code) {
      case CFA.defCfa:
        this.cfa = { register: reader.uleb(), offset: reader.uleb() };
        return;
      case CFA.defCfaSf:
        this.cfa = { register: reader.uleb(), offset: reader.sleb() * common.dataAlignment };
        return;
      case CFA.defCfaExpression:
        this.cfa = { expression: reader.take(reader.uleb()) };
        return;
      case CFA.defCfaRegister:
        this.cfa = { register: reader.uleb(), offset: this.based().offset };
        return;
      case CFA.defCfaOffset:
        this.cfa = { register: this.based().register, offset: reader.uleb() };
        return;
      case CFA.defCfaOffsetSf:
        this.cfa = { register: this.based().register, offset: reader.sleb() * common.dataAlignment };
        return;
      default:
        throw reader.error(`an instruction in it is the unknown 0x${code.toString(16)}`);
    }
  }

  /** The CFA's rule, of which one half is about to change. */
  private based(): { readonly register: number; readonly offset: number } {
    if (this.cfa && 'register' in this.cfa) return this.cfa;
    throw this.reader.error('it changes half of a rule that is not there');
  }

  private at(offset: number): RegisterRule {
    return { kind: 'offset', offset };
  }

  private set(register: number, rule: RegisterRule): void {
    if (this.rules.size >= MAX_REGISTERS) throw this.reader.error('it has rules for absurdly many registers');
    this.rules.set(register, rule);
  }

  private restore(register: number): void {
    const rule = this.initial.get(register);
    if (rule) this.rules.set(register, rule);
    else this.rules.delete(register);
  }
}
