/**
 * The interpreter's maker of `Semantics`: operands are fields of the decoded entry, registers live in the state. In the
 * `mode64` flavour (64-bit mode and address size) memory is probed in line; otherwise everything goes through the
 * shared functions, which look at the mode.
 */
import { i32, i64, load32, load64 } from '../wasm/expr';
import type { Expr, I32, I64, V128 } from '../wasm/expr';
import { callExpr } from '../wasm/function';
import type { FunctionBuilder, FunctionRef } from '../wasm/function';
import { EXIT_CHECKS, exitBit } from '../isa/exits';
import type { ExitCheck } from '../isa/exits';
import { Outcome } from '../isa/slow';
import type { SlowFunctionName } from '../isa/slow';
import { SEGMENT, VECTOR } from '../isa/semantics';
import type { Address, ArithmeticFlag, Bits, GeneralName, Int, Operand } from '../isa/semantics';
import {
  BOUNCE_END,
  MODE,
  SEGMENT_BYTES,
  SEGMENT_FIELD,
  STATE,
  TLB_CONTEXT,
  TLB_CONTEXT_BYTES,
  TLB_ENTRY,
} from '../cpu/layout';
import { CR0, CR4, EFLAGS } from '../cpu/mode';
import { any, quad, setQuad, setWord, word } from '../cpu/paging/emit';
import { recordFault } from './access';
import type { Access } from './access';
import { AccessSemantics, GENERAL } from './access-semantics';
import type { StorePurpose } from './access-semantics';
import type { BulkKind } from './bulk';
import { displacementOf, ENTRY, field16, field8, immediate32, immediateOf } from './entry';
import { lazyFlag, lazyFlags, noteFlags, setLazyCarry, setLazyCarryAndOverflow, setLazyFlags } from './lazy-flags';
import { emitReturnWithinKernel } from './return-within-kernel';
import { tlbEntry, tlbHit, tlbHost } from './tlb';

/** Functions of the interpreter's module that handlers call. */
export interface Shared {
  readonly access: Access;
  /** (entry) -> offset of the memory operand, cut to its address size. */
  readonly effective: FunctionRef;
  /** (entry, register number) -> register cut to the address size; (entry, number, value) writes it so. */
  readonly addressRegister: FunctionRef;
  readonly setAddressRegister: FunctionRef;
  /** () -> stack pointer cut to the stack size; (value) sets it so. */
  readonly stackPointer: FunctionRef;
  readonly setStackPointer: FunctionRef;
  /** (target) -> 0, or `Outcome.Fault` after recording #GP(0): near-jump checks. */
  readonly checkTarget: FunctionRef;
  readonly slow: Readonly<Record<SlowFunctionName, FunctionRef>>;
  /** (entry) -> iterations done at once, by kind and element size in bits. */
  readonly bulk: Readonly<Record<BulkKind, Readonly<Record<Bits, FunctionRef>>>>;
}

/** How the handler's code ends before its end. */
export interface Leave {
  /** Leaves the instruction with an outcome. */
  leave(f: FunctionBuilder, outcome: I32): void;
  /** The instruction is complete and `STATE.rip` is set. */
  jumped(f: FunctionBuilder): void;
}

const FLAG_POSITION = { DF: 10 } as const;
/** TOP in the x87 status word. */
const FPU_STATUS_TOP = 0x3800;

export class HandlerSemantics extends AccessSemantics {
  constructor(
    code: FunctionBuilder,
    size: Bits,
    mode64: boolean,
    private readonly entry: I32,
    private readonly shared: Shared,
    private readonly exits: Leave,
  ) {
    super(code, size, mode64);
  }

  /** Does iterations of a repeated string instruction at once: the number of them, 0 when the loop must do the next. */
  bulk(kind: BulkKind): I32 {
    return callExpr('i32', this.shared.bulk[kind][this.size], this.entry);
  }

  // ---- Operands -----------------------------------------------------------------------------------------------

  registerOffset(operand: Operand): I32 {
    if (operand.fixed === undefined) return field16(this.entry, this.slot(operand));
    return i32.const(
      (operand.file === 'xmm' ? STATE.vector : STATE.general) + operand.fixed * (operand.file === 'xmm' ? 64 : 8),
    );
  }

  registerNumber(operand: Operand): I32 {
    return operand.fixed !== undefined ? i32.const(operand.fixed) : field16(this.entry, this.slot(operand));
  }

  address(operand: Operand): Address {
    const segment = field16(this.entry, ENTRY.segment);
    if (operand.spec.letter === 'O') return { segment, offset: this.let(immediateOf(this.entry)) };
    if (!this.mode64) return { segment, offset: this.let(callExpr('i64', this.shared.effective, this.entry)) };
    const base = load64(field16(this.entry, ENTRY.base));
    const scale = i64.extendU(i32.and(field8(this.entry, ENTRY.shape), i32.const(3)));
    const index = i64.shl(load64(field16(this.entry, ENTRY.index)), scale);
    return { segment, offset: this.let(i64.add(i64.add(base, index), displacementOf(this.entry))) };
  }

  dataSegment(): I32 {
    return field16(this.entry, ENTRY.segment);
  }

  displaced(address: Address, bytes: I64): Address {
    const offset = this.let(i64.add(address.offset, bytes));
    if (this.mode64) return { segment: address.segment, offset };
    return { segment: address.segment, offset: this.let(i64.and(offset, this.addressMask())) };
  }

  register(name: GeneralName, bits: Bits): Int {
    return this.let(this.loadState(i32.const(STATE.general + GENERAL[name] * 8), bits));
  }

  setRegister(name: GeneralName, bits: Bits, value: Int): void {
    this.writeGeneral(i32.const(STATE.general + GENERAL[name] * 8), value, bits);
  }

  highAccumulator(): I32 {
    return this.let(load32(i32.const(STATE.general + 1), 8));
  }

  setHighAccumulator(value: I32): void {
    this.code.store(i32.const(STATE.general + 1), value, 8);
  }

  addressRegister(name: 'RCX' | 'RSI' | 'RDI' | 'RBX'): I64 {
    if (this.mode64) return this.let(quad(STATE.general + GENERAL[name] * 8));
    return this.let(callExpr('i64', this.shared.addressRegister, this.entry, i32.const(GENERAL[name])));
  }

  setAddressRegister(name: 'RCX' | 'RSI' | 'RDI', value: I64): void {
    if (this.mode64) setQuad(this.code, STATE.general + GENERAL[name] * 8, value);
    else this.code.call(this.shared.setAddressRegister, this.entry, i32.const(GENERAL[name]), value);
  }

  // ---- Memory -------------------------------------------------------------------------------------------------

  stackTop(bits: Bits, displacement: I64 = i64.const(0)): Int {
    const pointer = this.cutStack(i64.add(this.stackPointer(), displacement));
    return this.load(this.stackAddress(this.let(pointer)), bits);
  }

  stackPointer(): I64 {
    return this.mode64 ? quad(STATE.general + GENERAL.RSP * 8) : callExpr('i64', this.shared.stackPointer);
  }

  setStackPointer(value: I64): void {
    if (this.mode64) setQuad(this.code, STATE.general + GENERAL.RSP * 8, value);
    else this.code.call(this.shared.setStackPointer, value);
  }

  // ---- Control transfer ---------------------------------------------------------------------------------------

  nextRip(): I64 {
    const offset = i32.add(field16(this.entry, ENTRY.offset), field8(this.entry, ENTRY.length));
    return this.codeMasked(i64.add(quad(STATE.blockRip), i64.extendU(offset)));
  }

  relativeTarget(): I64 {
    const target = i64.add(quad(STATE.blockRip), immediateOf(this.entry));
    if (this.size === 64 || this.mode64) return this.let(target);
    return this.let(i64.and(target, i64.const(this.size === 16 ? 0xffff : 0xffffffff)));
  }

  farTarget(): { readonly selector: I32; readonly offset: I64 } {
    const selector = i32.and(load32(this.entry, 32, ENTRY.displacement), i32.const(0xffff));
    return { selector, offset: immediateOf(this.entry) };
  }

  jump(target: I64): void {
    const rip = this.let(target);
    this.checkTarget(rip);
    setQuad(this.code, STATE.rip, rip);
    this.exits.jumped(this.code);
  }

  checkTarget(target: I64): void {
    if (this.mode64) {
      const canonical = i64.eq(i64.shrS(i64.shl(target, i64.const(16)), i64.const(16)), target);
      this.code.if(i32.eqz(canonical), () => this.fault(VECTOR.GP, i32.const(0)));
      return;
    }
    this.code.if(callExpr('i32', this.shared.checkTarget, target), () => this.leaveRecorded());
  }

  // ---- Flags --------------------------------------------------------------------------------------------------

  setArithmeticFlags(result: Int, carries: Int | undefined, bits: Bits, keepCarry = false): void {
    noteFlags(this, result, carries, bits, keepCarry);
  }

  flag(name: ArithmeticFlag): I32 {
    return this.let(lazyFlag(name));
  }

  flags(): I32 {
    return this.let(lazyFlags());
  }

  setFlags(bits: I32): void {
    setLazyFlags(this.code, bits);
  }

  setCarry(value: I32): void {
    setLazyCarry(this.code, value);
  }

  override setCarryAndOverflow(carry: I32, overflow: I32): void {
    setLazyCarryAndOverflow(this.code, carry, overflow);
  }

  direction(): I32 {
    return i32.and(i32.shrU(word(STATE.eflags), i32.const(FLAG_POSITION.DF)), i32.const(1));
  }

  setDirection(value: 0 | 1): void {
    const cleared = i32.and(word(STATE.eflags), i32.const(~(1 << FLAG_POSITION.DF)));
    setWord(this.code, STATE.eflags, i32.or(cleared, i32.const(value << FLAG_POSITION.DF)));
  }

  /** As `updateMode` has it for CPL 0: the TLB's context follows. */
  setAlignmentCheck(value: 0 | 1): void {
    const { code } = this;
    const others = i32.and(word(STATE.eflags), i32.const(~EFLAGS.AC));
    setWord(code, STATE.eflags, i32.or(others, i32.const(value ? EFLAGS.AC : 0)));
    const { supervisor, supervisorAc } = TLB_CONTEXT;
    const protects = value ? i32.const(0) : i32.ne(any(word(STATE.cr4), CR4.SMAP), i32.const(0));
    const context = code.let(i32.sub(i32.const(supervisorAc), i32.mul(protects, i32.const(supervisorAc - supervisor))));
    const before = code.let(word(STATE.fetchContext));
    const step = i32.sub(context, i32.and(i32.shrU(before, i32.const(3)), i32.const(3)));
    setWord(code, STATE.tlb, i32.add(word(STATE.tlb), i32.mul(step, i32.const(TLB_CONTEXT_BYTES))));
    setWord(code, STATE.fetchContext, i32.or(i32.and(before, i32.const(~0x18)), i32.shl(context, i32.const(3))));
  }

  returnWithinKernel(): void {
    emitReturnWithinKernel(this.code, this.exits);
  }

  override setInterruptFlag(value: 0 | 1): void {
    super.setInterruptFlag(value);
    if (value === 0) return;
    // What waited for IF.
    this.code.if(word(STATE.attention), () => this.exits.leave(this.code, i32.const(Outcome.DoneCheck)));
  }

  condition(operand: Operand): I32 {
    const code = operand.fixed!;
    const flag = lazyFlag;
    const base = [
      flag('OF'),
      flag('CF'),
      flag('ZF'),
      i32.or(flag('CF'), flag('ZF')),
      flag('SF'),
      flag('PF'),
      i32.xor(flag('SF'), flag('OF')),
      i32.or(flag('ZF'), i32.xor(flag('SF'), flag('OF'))),
    ][code >> 1]!;
    return this.let(code & 1 ? i32.eqz(base) : base);
  }

  // ---- Leaving ------------------------------------------------------------------------------------------------

  call(name: SlowFunctionName, ...args: Expr[]): void {
    const kept = args.map((arg) => this.let(arg));
    setWord(this.code, STATE.leftAt, this.entry);
    setQuad(this.code, STATE.rip, i64.add(quad(STATE.blockRip), i64.extendU(field16(this.entry, ENTRY.offset))));
    const outcome = this.let(callExpr('i32', this.shared.slow[name], ...kept));
    this.code.if(outcome, () => this.exits.leave(this.code, outcome));
  }

  result(bits: Bits): Int {
    return this.let(this.loadState(i32.const(STATE.result), bits));
  }

  result2(): I64 {
    return this.let(quad(STATE.result2));
  }

  protected instructionsLeft(): I32 {
    return i32.add(word(STATE.budget), field16(this.entry, ENTRY.left));
  }

  fault(vector: number, errorCode?: I32): void {
    recordFault(this.code, i32.const(vector), errorCode);
    this.exits.leave(this.code, i32.const(Outcome.Fault));
  }

  intercept(check: ExitCheck): void {
    this.code.if(any(word(STATE.intercepts), exitBit(check)), () => {
      setWord(this.code, STATE.interceptCheck, i32.const(EXIT_CHECKS.indexOf(check)));
      this.exits.leave(this.code, i32.const(Outcome.Intercept));
    });
  }

  enterMmx(): void {
    this.faultIf(any(word(STATE.cr0), CR0.EM), VECTOR.UD);
    this.faultIf(any(word(STATE.cr0), CR0.TS), VECTOR.NM);
  }

  finishMmx(valid: boolean): void {
    setWord(this.code, STATE.fpuStatus, i32.and(word(STATE.fpuStatus), i32.const(~FPU_STATUS_TOP)));
    setWord(this.code, STATE.fpuTag, i32.const(valid ? 0xff : 0));
  }

  enterSse(): void {
    const usable = i32.and(any(word(STATE.cr4), CR4.OSFXSR), i32.eqz(any(word(STATE.cr0), CR0.EM)));
    this.faultIf(i32.eqz(usable), VECTOR.UD);
    this.faultIf(any(word(STATE.cr0), CR0.TS), VECTOR.NM);
  }

  // ---- Parts --------------------------------------------------------------------------------------------------

  private slot(operand: Operand): number {
    return operand.slot === 0 ? ENTRY.register0 : ENTRY.register1;
  }

  protected immediate(operand: Operand, size: Bits): Int {
    const value = operand.slot === 1 ? displacementOf(this.entry) : immediateOf(this.entry);
    if (size === 64) return value;
    const narrow = operand.slot === 1 ? load32(this.entry, 32, ENTRY.displacement) : immediate32(this.entry);
    return this.zeroExtend(narrow, size);
  }

  protected registerValue(operand: Operand): Int {
    const bits = operand.bits as Bits;
    if (operand.file === 'segment') {
      const record = i32.mul(this.registerNumber(operand), i32.const(SEGMENT_BYTES));
      return load32(record, 16, STATE.segments + SEGMENT_FIELD.selector);
    }
    return this.loadState(this.registerOffset(operand), bits);
  }

  private loadState(offset: I32, bits: Bits): Int {
    return bits === 64 ? load64(offset) : load32(offset, bits);
  }

  protected writeRegister(operand: Operand, value: Int): void {
    const bits = operand.bits as Bits;
    if (operand.file === 'xmm' || operand.file === 'mmx') {
      this.code.store(this.registerOffset(operand), value, bits);
      if (operand.file === 'mmx') this.code.store(this.registerOffset(operand), i32.const(0xffff), 16, 8);
      return;
    }
    this.writeGeneral(this.registerOffset(operand), value, bits);
  }

  protected wholeStackPointer(): I64 {
    return quad(STATE.general + GENERAL.RSP * 8);
  }

  protected setWholeStackPointer(value: I64): void {
    setQuad(this.code, STATE.general + GENERAL.RSP * 8, value);
  }

  private writeGeneral(offset: I32, value: Int, bits: Bits): void {
    if (bits === 64) this.code.store(offset, this.wide(value), 64);
    else if (bits === 32) this.code.store(offset, i64.extendU(this.narrow(value)), 64);
    else this.code.store(offset, value, bits);
  }

  protected storeHost(host: I32, value: Int | V128, bits: Bits | 128): void {
    this.code.store(host, value, bits);
    this.code.if(i32.ltU(host, i32.const(BOUNCE_END)), () => {
      setWord(this.code, STATE.leftAt, this.entry);
      this.code.call(this.shared.access.commit);
    });
  }

  protected hostForRead(address: Address, bytes: number): I32 {
    return this.host(address, bytes, TLB_ENTRY.read, (segment, offset) =>
      callExpr('i32', this.shared.access.hostRead, segment, offset, i32.const(bytes)),
    );
  }

  protected hostForWrite(address: Address, bytes: number, purpose: StorePurpose): I32 {
    return this.host(address, bytes, TLB_ENTRY.write, (segment, offset) =>
      callExpr('i32', this.shared.access.hostWrite, segment, offset, i32.const(bytes), i32.const(purpose)),
    );
  }

  private host(address: Address, bytes: number, tag: number, slow: (segment: I32, offset: I64) => I32): I32 {
    const host = this.code.local('i32');
    const offset = this.let(address.offset);
    const miss = (): void => {
      setWord(this.code, STATE.leftAt, this.entry);
      this.code.set(host, slow(address.segment, offset));
      this.code.if(i32.eqz(host.get()), () => this.leaveRecorded());
    };
    if (!this.mode64) {
      miss();
      return host.get();
    }
    const linear = this.let(i64.add(offset, this.base64(address.segment)));
    const entry = this.let(tlbEntry(linear));
    this.code.if(tlbHit(entry, tag, linear, i64.const(bytes)), () => this.code.set(host, tlbHost(entry, linear)), miss);
    return host.get();
  }

  /** What 64-bit mode adds to an offset: nothing for ES, CS, SS, DS; else the base that the entry names. */
  private base64(segment: I32): I64 {
    if (segment.constant !== undefined && Number(segment.constant) < SEGMENT.FS) return i64.const(0);
    return load64(field16(this.entry, ENTRY.segmentBase));
  }

  protected requireAligned(address: Address, bytes: number): void {
    const linear = i32.add(i32.wrap(address.offset), load32(field16(this.entry, ENTRY.segmentBase), 32));
    this.faultIf(i32.and(linear, i32.const(bytes - 1)), VECTOR.GP, i32.const(0));
  }

  private leaveRecorded(): void {
    this.exits.leave(this.code, word(STATE.outcome));
  }

  private addressMask(): I64 {
    const shape = i32.and(field8(this.entry, ENTRY.shape), i32.const(0xc));
    return load64(i32.shl(shape, i32.const(1)), 64, STATE.addressMasks);
  }

  protected cutStack(value: I64): I64 {
    if (this.mode64 || value.constant !== undefined) return value;
    const size = i32.and(i32.shrU(word(STATE.mode), i32.const(MODE.stackShift)), i32.const(3));
    return i64.and(value, load64(i32.shl(size, i32.const(3)), 64, STATE.addressMasks));
  }

  private codeMasked(value: I64): I64 {
    if (this.mode64) return value;
    const size = i32.and(word(STATE.mode), i32.const(MODE.codeMask));
    return i64.and(value, load64(i32.shl(size, i32.const(3)), 64, STATE.addressMasks));
  }
}
