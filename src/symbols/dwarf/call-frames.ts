/**
 * How to unwind a frame by call frame information, as expressions over the frame's registers. Sources: DWARF 5 section 6.4;
 * System V ABI for x86-64 3.2.1 and for the Intel386 chapter 3 for the registers that a function preserves.
 */
import { UserError } from '../../common/errors';
import { unlessDamaged } from '../byte-reader';
import type { Expression } from '../expression/ast';
import { unsignedOf } from '../expression/types';
import type { FrameEntry } from './call-frame-index';
import { CallFrameIndex } from './call-frame-index';
import type { CfaRule, RegisterRule } from './call-frame-rows';
import { rowAt } from './call-frame-rows';
import type { ExpressionScope } from './dwarf-expression';
import { valueOf } from './dwarf-expression';
import { NotComputable } from './operand-stack';
import { FRAME_REGISTERS, registerName } from './registers';
import type { DwarfSections } from './sections';

/** Where the caller's register is, over the registers of the frame itself. */
export type SavedRegister =
  /** Gone. */
  | { readonly kind: 'undefined' }
  | { readonly kind: 'memory'; readonly address: Expression }
  | { readonly kind: 'value'; readonly value: Expression };

/** How to unwind at one address. */
export interface UnwindRules {
  /** The stack pointer before the call. */
  readonly cfa: Expression;
  /** The caller's registers by name, `rip` and `rsp` among them; one that is not there is not known. */
  readonly registers: ReadonlyMap<string, SavedRegister>;
  /** The frame is a handler's: the caller was interrupted where its `rip` says, rather than behind a call. */
  readonly isSignalFrame: boolean;
  readonly bits: 32 | 64;
}

/** The call frame information of a file. */
export class CallFrames {
  private readonly indexes: readonly CallFrameIndex[];

  constructor(private readonly sections: DwarfSections) {
    this.indexes = (['.debug_frame', '.eh_frame'] as const)
      .filter((name) => sections.contents(name).size > 0)
      .map((name) => new CallFrameIndex(sections, name));
  }

  /** True if there is none at all. */
  get isEmpty(): boolean {
    return this.indexes.length === 0;
  }

  /** The rules for a link address (for a frame that called: the one of its call, before the return address). */
  rulesAt(address: bigint): UnwindRules | undefined {
    for (const index of this.indexes) {
      const entry = index.at(address);
      const rules = entry && unlessDamaged(() => this.rulesOf(entry, address));
      if (rules) return rules;
    }
    return undefined;
  }

  /** The canonical frame address at a link address; undefined if nothing tells it. */
  cfaAt(address: bigint): Expression | undefined {
    return this.rulesAt(address)?.cfa;
  }

  private rulesOf(entry: FrameEntry, address: bigint): UnwindRules | undefined {
    const { common } = entry;
    const bits = common.addressSize === 4 ? 32 : 64;
    const row = rowAt(entry, address);
    if (!row) return undefined;
    const names = FRAME_REGISTERS[bits];
    const registers = new Map<string, SavedRegister>();
    for (const name of names.preserved) registers.set(name, { kind: 'value', value: register(name) });
    try {
      const cfa = this.cfa(row.cfa, bits);
      registers.set(names.stack, { kind: 'value', value: cfa });
      for (const [number, rule] of row.registers) {
        const name = number === common.returnRegister ? names.instruction : registerName(number, bits);
        if (name !== undefined) registers.set(name, this.saved(rule, name, cfa, bits));
      }
      return { cfa, registers, isSignalFrame: common.isSignalFrame, bits };
    } catch (error) {
      if (error instanceof NotComputable) return undefined;
      throw error;
    }
  }

  private cfa(rule: CfaRule, bits: 32 | 64): Expression {
    if ('expression' in rule) return valueOf(rule.expression, this.scope(bits));
    return plus(register(nameOf(rule.register, bits)), rule.offset, bits);
  }

  private saved(rule: RegisterRule, name: string, cfa: Expression, bits: 32 | 64): SavedRegister {
    switch (rule.kind) {
      case 'undefined':
        return { kind: 'undefined' };
      case 'same':
        return { kind: 'value', value: register(name) };
      case 'offset':
        return { kind: 'memory', address: plus(cfa, rule.offset, bits) };
      case 'valueOffset':
        return { kind: 'value', value: plus(cfa, rule.offset, bits) };
      case 'register':
        return { kind: 'value', value: register(nameOf(rule.register, bits)) };
      case 'expression':
        return { kind: 'memory', address: valueOf(rule.expression, this.scope(bits), cfa) };
      case 'valueExpression':
        return { kind: 'value', value: valueOf(rule.expression, this.scope(bits), cfa) };
    }
  }

  /** Expressions here know registers and memory only. */
  private scope(bits: 32 | 64): ExpressionScope {
    const refuse = (): never => {
      throw new NotComputable('call frame information refers to a variable');
    };
    return {
      unit: { version: 5, isDwarf64: false, addressSize: bits / 8, addressBase: 0 },
      sections: this.sections,
      slide: 0n,
      frameBase: refuse,
      frameAddress: refuse,
      entryValue: refuse,
      integerType: () => undefined,
    };
  }
}

function register(name: string): Expression {
  return { kind: 'register', name };
}

function nameOf(number: number, bits: 32 | 64): string {
  const name = registerName(number, bits);
  if (name === undefined)
    throw new UserError('symbols.damaged', `Call frame information names the register ${number}.`);
  return name;
}

function plus(base: Expression, offset: number, bits: 32 | 64): Expression {
  if (offset === 0) return base;
  const type = unsignedOf(bits);
  const right: Expression = { kind: 'constant', value: BigInt.asUintN(bits, BigInt(offset)), type };
  const sum: Expression = { kind: 'binary', operator: '+', left: base, right };
  return bits === 64 ? sum : { kind: 'cast', type, of: sum };
}
