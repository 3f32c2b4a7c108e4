/**
 * What an instruction can do, found by running its meaning with a maker that writes down instead of emitting: nothing
 * of it is declared twice. Conditional effects count as effects.
 */
import { FunctionBuilder } from '../wasm/function';
import { i32, i64 } from '../wasm/expr';
import type { Expr, I32, I64, V128, ValType } from '../wasm/expr';
import type { Instruction } from './define';
import type { ExitCheck } from './exits';
import type { Form } from './form';
import { operandsOf } from './operands';
import { FLAG, Semantics } from './semantics';
import type { Address, ArithmeticFlag, Bits, GeneralName, Int, Operand } from './semantics';
import type { SlowFunctionName } from './slow';

/** EFLAGS.DF, IF and AC. */
const DIRECTION = 0x400;
const INTERRUPT = 0x200;
const ALIGNMENT_CHECK = 0x40000;
const ALL_FLAGS = Object.values(FLAG).reduce((mask, bit) => mask | bit, 0);

/** The effects of one form at one operand size, with a register or memory in ModRM. */
export interface Effects {
  /** Flags read: a mask of EFLAGS positions, the arithmetic flags, DF, IF and AC. */
  readonly flagsRead: number;
  readonly flagsWritten: number;
  /** Registers read: general registers by name, `#n` for the register that operand n names (also as base or index of a
   * memory operand), and names of state words. */
  readonly registersRead: ReadonlySet<string>;
  readonly registersWritten: ReadonlySet<string>;
  readonly readsMemory: boolean;
  readonly writesMemory: boolean;
  /** An exception is possible: by a check of its own, of the fold, or of memory. */
  readonly mayFault: boolean;
  /** Checks for VM exits before the instruction acts. */
  readonly exits: ReadonlySet<ExitCheck>;
  readonly slowFunctions: ReadonlySet<SlowFunctionName>;
  /** The next instruction need not be the one behind it, or something must be looked at first. */
  readonly endsBlock: boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends ReadonlySet<infer E> ? Set<E> : T[K] };

class EffectsMaker extends Semantics {
  readonly found: Mutable<Effects> = {
    flagsRead: 0,
    flagsWritten: 0,
    registersRead: new Set(),
    registersWritten: new Set(),
    readsMemory: false,
    writesMemory: false,
    mayFault: false,
    exits: new Set(),
    slowFunctions: new Set(),
    endsBlock: false,
  };

  constructor(size: Bits, code: FunctionBuilder) {
    super(code, size, false);
  }

  private unknown<T extends ValType>(type: T): Expr<T> {
    return this.code.local(type).get();
  }

  private int(bits: number): Int {
    return this.unknown(bits === 64 ? 'i64' : 'i32');
  }

  private reads(name: string): void {
    this.found.registersRead.add(name);
  }

  private writes(name: string): void {
    this.found.registersWritten.add(name);
  }

  /** Evaluates the arguments, so that a malformed expression is found here. */
  private use(...values: Expr[]): void {
    for (const value of values) this.code.drop(value);
  }

  private loads(): void {
    this.found.readsMemory = this.found.mayFault = true;
  }

  private stores(): void {
    this.found.writesMemory = this.found.mayFault = true;
  }

  private operandRead(operand: Operand): void {
    if (operand.kind === 'register') this.reads(`#${operand.index}`);
    if (operand.kind !== 'memory') return;
    this.reads(`#${operand.index}`);
    this.loads();
  }

  private operandWritten(operand: Operand): void {
    if (operand.kind === 'register') this.writes(`#${operand.index}`);
    else this.stores();
  }

  read(operand: Operand, size: Bits = this.size): Int {
    this.operandRead(operand);
    return this.int(operand.kind === 'immediate' ? size : operand.bits);
  }

  readForWrite(operand: Operand): Int {
    this.operandRead(operand);
    return this.int(operand.bits);
  }

  write(operand: Operand, value: Int): void {
    this.use(value);
    this.operandWritten(operand);
  }

  readVector(operand: Operand): V128 {
    this.operandRead(operand);
    return this.unknown('v128');
  }

  writeVector(operand: Operand, value: V128): void {
    this.use(value);
    this.operandWritten(operand);
  }

  /** The slow function that takes the offset may read and write there. */
  registerOffset(operand: Operand): I32 {
    this.reads(`#${operand.index}`);
    this.writes(`#${operand.index}`);
    return this.unknown('i32');
  }

  stage(value: Expr): I32 {
    this.use(value);
    return this.unknown('i32');
  }

  registerNumber(): I32 {
    return this.unknown('i32');
  }

  address(operand: Operand): Address {
    this.reads(`#${operand.index}`);
    return { segment: this.unknown('i32'), offset: this.unknown('i64') };
  }

  dataSegment(): I32 {
    return this.unknown('i32');
  }

  register(name: GeneralName, bits: Bits): Int {
    this.reads(name);
    return this.int(bits);
  }

  setRegister(name: GeneralName, _bits: Bits, value: Int): void {
    this.use(value);
    this.writes(name);
  }

  highAccumulator(): I32 {
    this.reads('RAX');
    return this.unknown('i32');
  }

  setHighAccumulator(value: I32): void {
    this.use(value);
    this.writes('RAX');
  }

  addressRegister(name: GeneralName): I64 {
    this.reads(name);
    return this.unknown('i64');
  }

  setAddressRegister(name: GeneralName, value: I64): void {
    this.use(value);
    this.writes(name);
  }

  load(address: Address, bits: Bits): Int {
    this.use(address.segment, address.offset);
    this.loads();
    return this.int(bits);
  }

  store(address: Address, value: Int): void {
    this.use(address.segment, address.offset, value);
    this.stores();
  }

  loadVector(address: Address): V128 {
    this.use(address.segment, address.offset);
    this.loads();
    return this.unknown('v128');
  }

  storeVector(address: Address, value: V128): void {
    this.use(address.segment, address.offset, value);
    this.stores();
  }

  prove(address: Address): void {
    this.use(address.segment, address.offset);
    this.found.mayFault = true;
  }

  displaced(address: Address, bytes: I64): Address {
    this.use(address.offset, bytes);
    return { segment: address.segment, offset: this.unknown('i64') };
  }

  push(value: Int): void {
    this.use(value);
    this.stores();
    this.moveStack(i64.const(0));
  }

  stackTop(bits: Bits, displacement: I64 = i64.const(0)): Int {
    this.use(displacement);
    this.reads('RSP');
    this.loads();
    return this.int(bits);
  }

  moveStack(bytes: I64): void {
    this.reads('RSP');
    this.setStackPointer(bytes);
  }

  popToMemory(operand: Operand, value: Int): void {
    this.write(operand, value);
    this.reads(`#${operand.index}`);
    this.moveStack(i64.const(0));
  }

  stackPointer(): I64 {
    this.reads('RSP');
    return this.unknown('i64');
  }

  setStackPointer(value: I64): void {
    this.use(value);
    this.writes('RSP');
  }

  stackAddress(offset: I64): Address {
    this.use(offset);
    return { segment: this.unknown('i32'), offset: this.unknown('i64') };
  }

  nextRip(): I64 {
    return this.unknown('i64');
  }

  relativeTarget(): I64 {
    return this.unknown('i64');
  }

  farTarget(): { selector: I32; offset: I64 } {
    return { selector: this.unknown('i32'), offset: this.unknown('i64') };
  }

  jump(target: I64): void {
    this.checkTarget(target);
    this.found.endsBlock = true;
  }

  jumpIf(condition: I32, target: I64): void {
    this.use(condition);
    this.jump(target);
  }

  checkTarget(target: I64): void {
    this.use(target);
    this.found.mayFault = true;
  }

  setArithmeticFlags(result: Int, carries: Int | undefined, _bits: Bits, keepCarry = false): void {
    this.use(result, ...(carries ? [carries] : []));
    this.found.flagsWritten |= keepCarry ? ALL_FLAGS & ~FLAG.CF : ALL_FLAGS;
  }

  flag(name: ArithmeticFlag): I32 {
    this.found.flagsRead |= FLAG[name];
    return this.unknown('i32');
  }

  flags(): I32 {
    this.found.flagsRead |= ALL_FLAGS;
    return this.unknown('i32');
  }

  setFlags(bits: I32): void {
    this.use(bits);
    this.found.flagsWritten |= ALL_FLAGS;
  }

  setCarry(value: I32): void {
    this.use(value);
    this.found.flagsWritten |= FLAG.CF;
  }

  override setCarryAndOverflow(carry: I32, overflow: I32): void {
    this.use(carry, overflow);
    this.found.flagsWritten |= FLAG.CF | FLAG.OF;
  }

  override setZero(value: I32): void {
    this.use(value);
    this.found.flagsWritten |= FLAG.ZF;
  }

  direction(): I32 {
    this.found.flagsRead |= DIRECTION;
    return this.unknown('i32');
  }

  setDirection(): void {
    this.found.flagsWritten |= DIRECTION;
  }

  setInterruptFlag(): void {
    this.found.flagsWritten |= INTERRUPT;
  }

  /** `interruptReturn`, which follows, can do all that this can. */
  returnWithinKernel(): void {
    // Nothing to add.
  }

  setAlignmentCheck(): void {
    this.found.flagsWritten |= ALIGNMENT_CHECK;
  }

  condition(operand: Operand): I32 {
    const readBy = [FLAG.OF, FLAG.CF, FLAG.ZF, FLAG.CF | FLAG.ZF, FLAG.SF, FLAG.PF, FLAG.SF | FLAG.OF];
    const all = FLAG.CF | FLAG.PF | FLAG.ZF | FLAG.SF | FLAG.OF;
    const { fixed } = operand;
    this.found.flagsRead |= fixed === undefined ? all : (readBy[fixed >> 1] ?? FLAG.SF | FLAG.OF | FLAG.ZF);
    return this.unknown('i32');
  }

  call(name: SlowFunctionName, ...args: Expr[]): void {
    this.use(...args);
    this.found.slowFunctions.add(name);
    this.found.mayFault = true;
  }

  result(bits: Bits): Int {
    return this.int(bits);
  }

  result2(): I64 {
    return this.unknown('i64');
  }

  timeStampCounter(): I64 {
    return this.unknown('i64');
  }

  fault(_vector: number, errorCode: I32 = i32.const(0)): void {
    this.use(errorCode);
    this.found.mayFault = true;
  }

  intercept(check: ExitCheck): void {
    this.found.exits.add(check);
  }

  state(name: string): I32 {
    this.reads(name);
    return this.unknown('i32');
  }

  enterMmx(): void {
    this.found.mayFault = true;
  }

  finishMmx(): void {
    this.writes('fpuStatus');
  }

  enterSse(): void {
    this.found.mayFault = true;
  }
}

/**
 * Runs the meaning of `instruction` for `form` at operand size `size` (bits) and gives what it can do. `code` takes what
 * the meaning emits, with unset locals for everything that it reads; by default nobody looks at it.
 */
export function effectsOf(
  instruction: Instruction,
  form: Form,
  size: Bits,
  memory: boolean,
  code = new FunctionBuilder({ params: [] }),
): Effects {
  const maker = new EffectsMaker(size, code);
  const { found } = maker;
  if (instruction.exit) maker.intercept(instruction.exit);
  if (instruction.privilege !== undefined || instruction.protectedOnly) found.mayFault = true;
  if (instruction.endsBlock) found.endsBlock = true;
  if (instruction.repeat) {
    maker.setAddressRegister('RCX', maker.addressRegister('RCX'));
    if (instruction.repeat === 'zero') maker.flag('ZF');
  }
  instruction.meaning(maker, operandsOf(form, size, memory));
  return found;
}
