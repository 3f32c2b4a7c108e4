// Gives sense to what instructions take without naming it: the stack, string pointers, counts, dividends.

import type { OperandValue } from '../../../src/isa/decoded';
import type { Maker } from './generate';
import { interesting64, random64 } from './random-state';

const [AX, CX, DX, BX, SP, BP, SI, DI] = [0, 1, 2, 3, 4, 5, 6, 7];
const STACK = /^(PUSH|POP|PUSHA|POPA|PUSHF|ENTER|LEAVE|CALL|RET)$/;
const STRINGS = /^(MOVS|CMPS|STOS|LODS|SCAS)$/;
const POINTED = /^(XLATB|MASKMOV.*)$/;
const SS = 2;

/** True when instructions of that name access memory that no operand names. */
export function hasImplicitMemory(name: string): boolean {
  return STACK.test(name) || STRINGS.test(name) || POINTED.test(name);
}

export class Implicit {
  constructor(private readonly maker: Maker) {}

  adjust(operands: OperandValue[]): OperandValue[] {
    const { maker } = this;
    const { name } = maker.variant.instruction;
    if (STACK.test(name)) this.stack(name, operands);
    if (STRINGS.test(name)) this.strings();
    if (name === 'XLATB') this.table();
    if (/^I?DIV$/.test(name)) this.dividend();
    if (/^MASKMOV/.test(name)) this.pointTo(DI, 16);
    if (/^(JMP|CALL)$/.test(name)) this.indirectTarget(operands);
    if (/^CMPXCHG/.test(name)) this.comparison(operands);
    if (name === 'BOUND') this.bounds();
    if (name === 'LDMXCSR') this.mxcsr();
    if (/^(FXSAVE|FXRSTOR|FNSTENV|FNSAVE)/.test(name)) this.floatState(name);
    if (/^BT[SRC]?$/.test(name) && operands[1]!.kind === 'register' && operands[0]!.kind === 'memory')
      return this.bitOffset(operands);
    if (name === 'ENTER') return [this.frameSize(operands[0]!), { kind: 'immediate', value: this.nesting() }];
    return operands;
  }

  private get stackBits(): 16 | 32 | 64 {
    const { bits, stack } = this.maker.mode;
    return bits === 64 ? 64 : stack;
  }

  private stack(name: string, operands: readonly OperandValue[]): void {
    const { maker } = this;
    const bytes = maker.size / 8;
    const isMemoryBase = operands.some(
      (value) => value.kind === 'memory' && (value.memory.base === SP || value.memory.index === SP),
    );
    if (isMemoryBase) maker.jumpsInside = true;
    else {
      const grows = /^(PUSH|PUSHA|PUSHF|ENTER|CALL)$/.test(name);
      const total = /A$/.test(name) ? bytes * 8 : bytes;
      const { linear, nonCanonical } = maker.places.next(total);
      maker.target ??= linear;
      const top = nonCanonical !== undefined && maker.mode.bits === 64 ? nonCanonical : maker.offset(linear, SS);
      maker.setLow(SP, top + BigInt(grows ? total : 0), this.stackBits);
      // Of a segment register's four bytes Intel parts write two and AMD ones all (SDM Vol. 2B, PUSH).
      if (name === 'PUSH' && maker.variant.form.operands[0]?.letter === 'segment') maker.patch(linear, 0n, bytes);
      if (name === 'RET') maker.patch(linear, maker.jumpTarget(), bytes);
    }
    if (name !== 'ENTER' && name !== 'LEAVE') return;
    const { linear } = maker.places.next(bytes);
    maker.setLow(BP, maker.offset(linear, SS), this.stackBits);
  }

  private nesting(): bigint {
    const random = this.maker.random;
    return BigInt(random() % 4 === 0 ? random() % 256 : random() % 3);
  }

  private frameSize(value: OperandValue): OperandValue {
    return this.maker.random() % 8 === 0 ? value : { kind: 'immediate', value: BigInt(this.maker.random() % 64) };
  }

  /** Points a register at `bytes` bytes through the data segment, or ES. */
  private pointTo(register: number, bytes: number, segment = this.chooseSegment(), plain = false): void {
    const { maker } = this;
    const { linear, nonCanonical } = maker.places.next(bytes, plain);
    maker.target ??= linear;
    const offset =
      nonCanonical !== undefined && maker.addressSize === 64 ? nonCanonical : maker.offset(linear, segment);
    maker.setLow(register, offset, maker.addressSize);
  }

  /** Chooses the segment of the implicit operand, with an override now and then. */
  private chooseSegment(): number {
    const { maker } = this;
    const others = maker.mode.bits === 64 ? [5] : [0, 2, 5];
    if (maker.random() % 4 === 0) maker.implicitSegment = others[maker.random() % others.length]!;
    return maker.implicitSegment;
  }

  private strings(): void {
    const { maker } = this;
    const bytes = maker.size / 8;
    const count = maker.random() % (maker.random() % 2 ? 40 : 4);
    const { name } = maker.variant.instruction;
    const reads = /^(MOVS|CMPS|LODS)$/.test(name);
    const destination = /^(MOVS|CMPS|STOS|SCAS)$/.test(name);
    // One of two places at most is special: which fault comes first is nobody's promise.
    const both = reads && destination;
    const first = maker.random() % 2 === 0;
    if (reads) this.pointTo(SI, bytes, this.chooseSegment(), both && !first);
    if (destination) this.pointTo(DI, bytes, 0, both && first);
    if (maker.repeat) maker.setLow(CX, BigInt(count), maker.addressSize);
    if (both && maker.special === undefined && maker.random() % 3 === 0) {
      // Close together, so that they overlap or hold equal elements.
      const from = maker.offset(0, 0) - maker.offset(0, maker.implicitSegment);
      maker.setLow(DI, maker.register(SI) + from + BigInt((maker.random() % 5) - 2), maker.addressSize);
    }
    if (name === 'SCAS' && maker.random() % 2) maker.setRegister(AX, interesting64(maker.random));
  }

  private table(): void {
    const { maker } = this;
    this.pointTo(BX, 1);
    const al = maker.register(AX) & 0xffn;
    maker.setLow(BX, maker.register(BX) - al, maker.addressSize);
  }

  /** High halves that often let the quotient fit. */
  private dividend(): void {
    const { maker } = this;
    const { random, size } = maker;
    if (random() % 4 === 0) return;
    const sign = BigInt.asIntN(size === 8 ? 8 : size, maker.register(AX)) < 0n ? -1n : 0n;
    const high = [0n, sign, random64(random) >> BigInt(32 + (random() % 32))][random() % 3]!;
    if (size === 8) maker.setLow(AX, (high << 8n) | (maker.register(AX) & 0xffn), 16);
    else if (!this.isBase(DX)) maker.setLow(DX, high, size);
  }

  private isBase(register: number): boolean {
    return this.maker.overrides.has(register);
  }

  private indirectTarget(operands: readonly OperandValue[]): void {
    const { maker } = this;
    const [operand] = operands;
    if (operand?.kind === 'register' && operand.number === SP)
      maker.rejected = true; // a target that is no code
    else if (operand?.kind === 'register') maker.setLow(operand.number, maker.jumpTarget(), maker.size);
    if (operand?.kind === 'memory') maker.patch(maker.target!, maker.jumpTarget(), maker.size / 8);
  }

  /** Half of the comparisons find what they compare with. */
  private comparison([operand]: readonly OperandValue[]): void {
    const { maker } = this;
    if (operand?.kind !== 'memory' || this.isBase(AX) || this.isBase(DX) || maker.random() % 2) return;
    const low = maker.register(AX);
    const wide = maker.variant.instruction.name;
    const mask = 0xffffffffn;
    if (wide === 'CMPXCHG8B') maker.patch(maker.target!, ((maker.register(DX) & mask) << 32n) | (low & mask), 8);
    else if (wide === 'CMPXCHG16B') maker.patch(maker.target!, (maker.register(DX) << 64n) | low, 16);
    else maker.patch(maker.target!, low, maker.size / 8);
  }

  /** Pointers of the last instruction and MXCSR_MASK are not every CPU's; a legal MXCSR is the exception. */
  private floatState(name: string): void {
    const { maker } = this;
    const at = maker.target!;
    const ignore = (offset: number, bytes: number): void => {
      maker.ignored.push([at + offset, bytes]);
    };
    if (name.startsWith('FXSAVE')) {
      ignore(5, 19);
      ignore(28, 4);
    } else if (name.startsWith('FXRSTOR')) {
      this.mxcsr(24);
    } else if (maker.size === 16) ignore(6, 8);
    else ignore(12, 16);
  }

  /** Puts an MXCSR into the operand: legal, or with a bit that no CPU has (bit 17 is AMD's). */
  private mxcsr(offset = 0): void {
    const { maker } = this;
    const legal = maker.random() & 0xffff;
    maker.patches.length = 0;
    maker.patch(
      maker.target! + offset,
      BigInt(maker.random() % 6 ? legal : legal | (1 << (18 + (maker.random() % 12)))),
      4,
    );
  }

  private bounds(): void {
    const { maker } = this;
    const bits = BigInt(maker.size);
    const low = BigInt.asUintN(maker.size, random64(maker.random) | (1n << (bits - 1n)));
    const high = random64(maker.random) & ((1n << (bits - 1n)) - 1n);
    if (maker.random() % 3) maker.patch(maker.target!, (high << bits) | low, maker.size / 4);
  }

  /** A bit offset that stays in the data pages, from a register that is no part of the address. */
  private bitOffset([base, offset]: OperandValue[]): OperandValue[] {
    const { maker } = this;
    if (base!.kind !== 'memory' || offset!.kind !== 'register') return [base!, offset!];
    const taken = [base!.memory.base, base!.memory.index];
    const number = [AX, DX, BX].find((register) => !taken.includes(register))!;
    const far = maker.special === undefined || maker.special === 'misaligned';
    const value = BigInt(far ? (maker.random() % 2000) - 400 : maker.random() % maker.size);
    maker.setLow(number, value, maker.size);
    return [base!, { kind: 'register', number }];
  }
}
