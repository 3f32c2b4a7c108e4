/**
 * The region's maker of `Semantics`, for 64-bit code, and for 32-bit code in flat segments (`RegionFrame.enter`): general registers and flags are locals,
 * everything that the encoding says is a constant, memory is probed in line.
 *
 * Nothing is called from a region. Whatever is more than the TLB's fast path (a miss, a flagged or watched page, an access
 * across pages, a fault, a VM exit, a slow function) leaves before the instruction has changed anything, and the
 * interpreter runs the instruction from its start. So inside a region translations, code, budget and pending events
 * cannot change but by its own instructions.
 */
import { assert } from '../../common/assert';
import { i32, i64, load32, load64 } from '../../wasm/expr';
import type { Expr, I32, I64, V128 } from '../../wasm/expr';
import type { Label } from '../../wasm/function';
import { exitBit } from '../../isa/exits';
import type { ExitCheck } from '../../isa/exits';
import { SEGMENT } from '../../isa/semantics';
import type { Address, ArithmeticFlag, Bits, CarryVector, GeneralName, Int, Operand } from '../../isa/semantics';
import { SEGMENT_ACCESS, SEGMENT_BYTES, SEGMENT_FIELD, STATE, TLB_ENTRY } from '../../cpu/layout';
import { CR0, CR4 } from '../../cpu/mode';
import { any, quad, setWord, word } from '../../cpu/paging/emit';
import { destinationOf, sourceOf } from '../../isa/records/string-operands';
import { AccessSemantics, GENERAL } from '../access-semantics';
import { emitRepeatedStore } from '../bulk';
import type { BulkKind } from '../bulk';
import { tlbEntry } from '../tlb';
import { generalNumber } from './entry-view';
import type { EntryView } from './entry-view';
import type { RegionFlags } from './region-flags';
import type { RegionFrame } from './region-frame';

/** How the code of an instruction goes on elsewhere. */
export interface RegionExits {
  /** Where the interpreter takes the instruction over; undefined when it never does. */
  readonly leave: Label | undefined;
  /** Goes on `offset` bytes from the page's start; the address may lie in another page. */
  goTo(offset: number): void;
  /** Goes on at a RIP that is known to be canonical. */
  goToRip(rip: I64): void;
}

const DIRECTION = 0x400;
const LOW_32 = 0xffffffffn;
const PAGE = 4096;

export class RegionSemantics extends AccessSemantics {
  private branch: { readonly expression: I64; readonly offset: number } | undefined;
  private isBranchChecked = false;
  private readsCarry = false;
  private conditions = 0;

  constructor(
    size: Bits,
    private readonly frame: RegionFrame,
    private readonly lazy: RegionFlags,
    private readonly entry: EntryView,
    /** Bytes from the page's start to the block's. */
    private readonly blockOffset: number,
    private readonly exits: RegionExits,
    /** The block jumps to its own start. */
    private readonly repeats: boolean,
  ) {
    super(frame.code, size, frame.is64);
  }

  // ---- Operands -----------------------------------------------------------------------------------------------

  registerOffset(operand: Operand): I32 {
    return i32.const(this.stateOffset(operand));
  }

  registerNumber(operand: Operand): I32 {
    return i32.const(operand.fixed ?? this.entry.register(operand.slot));
  }

  address(operand: Operand): Address {
    const { entry } = this;
    const segment = i32.const(entry.segment);
    if (operand.spec.letter === 'O') return { segment, offset: this.cutAddress(i64.const(entry.immediate)) };
    let offset: I64;
    if (entry.base === STATE.blockRip) offset = this.frame.rip(this.blockOffset + entry.displacement);
    else {
      const base = generalNumber(entry.base);
      const index = generalNumber(entry.index);
      const scaled = index < 0 ? i64.const(0) : i64.shl(this.frame.register(index), i64.const(entry.scale));
      offset = base < 0 ? scaled : i64.add(this.frame.register(base), scaled);
      offset = i64.add(offset, i64.const(entry.displacement));
    }
    const origin = entry.base === STATE.zero ? entry.index : entry.base;
    return { segment, offset: this.let(this.cutAddress(offset)), origin };
  }

  dataSegment(): I32 {
    return i32.const(this.entry.segment);
  }

  displaced(address: Address, bytes: I64): Address {
    return { segment: address.segment, offset: this.let(this.cutAddress(i64.add(address.offset, bytes))) };
  }

  register(name: GeneralName, bits: Bits): Int {
    return this.let(this.general(STATE.general + GENERAL[name] * 8, bits));
  }

  setRegister(name: GeneralName, bits: Bits, value: Int): void {
    this.writeGeneral(STATE.general + GENERAL[name] * 8, value, bits);
  }

  highAccumulator(): I32 {
    return this.let(this.general(STATE.general + GENERAL.RAX * 8 + 1, 8) as I32);
  }

  setHighAccumulator(value: I32): void {
    this.writeGeneral(STATE.general + GENERAL.RAX * 8 + 1, value, 8);
  }

  addressRegister(name: 'RCX' | 'RSI' | 'RDI' | 'RBX'): I64 {
    return this.let(this.cutAddress(this.frame.register(GENERAL[name])));
  }

  setAddressRegister(name: 'RCX' | 'RSI' | 'RDI', value: I64): void {
    this.frame.setRegister(GENERAL[name], this.cutAddress(value));
  }

  // ---- Memory -------------------------------------------------------------------------------------------------

  stackTop(bits: Bits, displacement: I64 = i64.const(0)): Int {
    return this.load(this.stackAddress(this.let(i64.add(this.stackPointer(), displacement))), bits);
  }

  override stackAddress(offset: I64): Address {
    return { ...super.stackAddress(offset), origin: STATE.general + GENERAL.RSP * 8 };
  }

  stackPointer(): I64 {
    return this.cutAddress(this.frame.register(GENERAL.RSP));
  }

  setStackPointer(value: I64): void {
    this.frame.setRegister(GENERAL.RSP, this.cutAddress(value));
  }

  /** All iterations of REP MOVS or REP STOS, if they lie within a page and fit the budget, which pays for all but one. */
  repeatAtOnce(kind: BulkKind): void {
    const { code } = this;
    const size = this.size / 8;
    const count = this.addressRegister('RCX');
    code.if(i64.ne(count, i64.const(0)), () => {
      this.leaveIf(this.direction());
      this.leaveIf(i64.gtU(count, i64.const(PAGE / size)));
      const budget = this.let(i32.sub(this.frame.budget.get(), i32.wrap(i64.sub(count, i64.const(1)))));
      this.leaveIf(i32.ltS(budget, i32.const(0)));
      const bytes = this.let(i64.mul(count, i64.const(size)));
      const to = this.host(destinationOf(this), bytes, TLB_ENTRY.write);
      if (kind === 'copy') {
        const from = this.host(sourceOf(this), bytes, TLB_ENTRY.read);
        // A destination just above the source reads what the copy wrote.
        const ahead = i32.sub(i32.sub(to, from), i32.const(1));
        this.leaveIf(i32.ltU(ahead, i32.sub(i32.wrap(bytes), i32.const(1))));
        code.memoryCopy(to, from, i32.wrap(bytes));
        this.setAddressRegister('RSI', i64.add(this.frame.register(GENERAL.RSI), bytes));
      } else emitRepeatedStore(code, to, i32.wrap(count), size, this.frame.register(GENERAL.RAX));
      this.setAddressRegister('RDI', i64.add(this.frame.register(GENERAL.RDI), bytes));
      this.setAddressRegister('RCX', i64.const(0));
      code.set(this.frame.budget, budget);
    });
  }

  // ---- Control transfer ---------------------------------------------------------------------------------------

  nextRip(): I64 {
    return this.frame.rip(this.blockOffset + this.entry.offset + this.entry.length);
  }

  relativeTarget(): I64 {
    const offset = this.blockOffset + Number(this.entry.immediate);
    const expression = this.frame.rip(offset);
    this.branch = { expression, offset };
    return expression;
  }

  farTarget(): { readonly selector: I32; readonly offset: I64 } {
    this.leave();
    return { selector: i32.const(0), offset: i64.const(0) };
  }

  /** A relative target stays the expression that `jump` knows again. */
  override let<T extends Expr>(value: T): T {
    return (value as Expr) === this.branch?.expression ? value : super.let(value);
  }

  jump(target: I64): void {
    this.checkTarget(target);
    if (target === this.branch?.expression) this.exits.goTo(this.branch.offset);
    else this.exits.goToRip(target);
  }

  checkTarget(target: I64): void {
    // CS is flat; the page of the running code is canonical.
    if (!this.mode64) return;
    if (target !== this.branch?.expression) {
      this.leaveIf(i64.ne(i64.shrS(i64.shl(target, i64.const(16)), i64.const(16)), target));
      return;
    }
    if (this.isBranchChecked || (this.branch.offset >= 0 && this.branch.offset < PAGE)) return;
    this.isBranchChecked = true;
    // From a canonical page by at most 2 GiB.
    const differs = i64.shrU(i64.xor(target, this.frame.pageRip.get()), i64.const(47));
    this.leaveIf(i64.ne(differs, i64.const(0)));
  }

  // ---- Flags --------------------------------------------------------------------------------------------------

  setArithmeticFlags(result: Int, carries: CarryVector | undefined, bits: Bits, keepCarry = false): void {
    this.lazy.take(this, result, carries, bits, keepCarry, this.readsCarry, this.conditions > 0);
  }

  flag(name: ArithmeticFlag): I32 {
    if (name === 'CF') this.readsCarry = true;
    return this.let(this.lazy.flag(name));
  }

  flags(): I32 {
    return this.let(this.lazy.all());
  }

  setFlags(bits: I32): void {
    this.lazy.setAll(bits);
  }

  override setCarryAndOverflow(carry: I32, overflow: I32): void {
    this.lazy.setCarryAndOverflow(carry, overflow);
  }

  setCarry(value: I32): void {
    const kept = this.let(value);
    this.lazy.setCarry(kept);
  }

  direction(): I32 {
    return i32.ne(i32.and(word(STATE.eflags), i32.const(DIRECTION)), i32.const(0));
  }

  setDirection(value: 0 | 1): void {
    const cleared = i32.and(word(STATE.eflags), i32.const(~DIRECTION));
    setWord(this.code, STATE.eflags, i32.or(cleared, i32.const(value ? DIRECTION : 0)));
  }

  setAlignmentCheck(): void {
    this.leave();
  }

  returnWithinKernel(): void {
    this.leave();
  }

  override setInterruptFlag(value: 0 | 1): void {
    // What waits for IF is looked at behind the instruction: the interpreter's.
    if (value === 1) this.leaveIf(i32.ne(word(STATE.attention), i32.const(0)));
    super.setInterruptFlag(value);
  }

  condition(operand: Operand): I32 {
    return this.let(this.lazy.condition(operand.fixed!));
  }

  // ---- Leaving ------------------------------------------------------------------------------------------------

  /** Both branches go on with the same flags, so what is pending is settled before. */
  override if(condition: I32, then: () => void, otherwise?: () => void): void {
    if (condition.constant !== undefined) {
      (condition.constant !== 0 ? then : otherwise)?.();
      return;
    }
    const kept = this.let(condition);
    this.lazy.settle();
    this.conditions++;
    super.if(kept, then, otherwise);
    this.conditions--;
  }

  override faultIf(condition: I32): void {
    this.leaveIf(condition);
  }

  call(): void {
    this.leave();
  }

  result(bits: Bits): Int {
    return this.constant(0, bits);
  }

  result2(): I64 {
    return i64.const(0);
  }

  protected instructionsLeft(): I32 {
    return i32.add(this.frame.budget.get(), i32.const(this.entry.left));
  }

  fault(): void {
    this.leave();
  }

  intercept(check: ExitCheck): void {
    this.leaveIf(any(word(STATE.intercepts), exitBit(check)));
  }

  enterMmx(): void {
    this.leave();
  }

  finishMmx(): void {
    this.leave();
  }

  enterSse(): void {
    const usable = i32.and(any(word(STATE.cr4), CR4.OSFXSR), i32.eqz(any(word(STATE.cr0), CR0.EM | CR0.TS)));
    this.leaveIf(i32.eqz(usable));
  }

  // ---- Parts --------------------------------------------------------------------------------------------------

  private leave(): void {
    this.code.br(this.leaving);
  }

  private leaveIf(condition: I32): void {
    if (condition.constant === 0) return;
    this.code.brIf(this.leaving, condition);
  }

  private get leaving(): Label {
    assert(this.exits.leave, 'an instruction that leaves is known to');
    return this.exits.leave;
  }

  private stateOffset(operand: Operand): number {
    if (operand.fixed === undefined) return this.entry.register(operand.slot);
    return operand.file === 'xmm' ? STATE.vector + operand.fixed * 64 : STATE.general + operand.fixed * 8;
  }

  protected registerValue(operand: Operand): Int {
    const bits = operand.bits as Bits;
    if (operand.file === 'general') return this.general(this.stateOffset(operand), bits);
    if (operand.file === 'segment') {
      const number = operand.fixed ?? this.entry.register(operand.slot);
      return load32(i32.const(0), 16, STATE.segments + number * SEGMENT_BYTES + SEGMENT_FIELD.selector);
    }
    const offset = this.registerOffset(operand);
    return bits === 64 ? load64(offset) : load32(offset, bits);
  }

  /** The low `bits` of the general register at a state offset; an odd offset is the second byte. */
  private general(offset: number, bits: Bits): Int {
    const whole = this.frame.register(generalNumber(offset));
    if (bits === 64) return whole;
    const narrow = offset & 1 ? i32.shrU(i32.wrap(whole), i32.const(8)) : i32.wrap(whole);
    return this.zeroExtend(narrow, bits);
  }

  private writeGeneral(offset: number, value: Int, bits: Bits): void {
    const number = generalNumber(offset);
    if (bits === 64) this.frame.setRegister(number, this.wide(value));
    else if (bits === 32) this.frame.setRegister(number, i64.extendU(this.narrow(value)));
    else {
      const mask = bits === 16 ? 0xffffn : 0xffn;
      const shift = offset & 1 ? 8n : 0n;
      const rest = i64.and(this.frame.register(number), i64.const(~(mask << shift)));
      const part = i64.shl(i64.and(this.wide(value), i64.const(mask)), i64.const(shift));
      this.frame.setRegister(number, i64.or(rest, part));
    }
  }

  protected immediate(operand: Operand, size: Bits): Int {
    const value = operand.slot === 1 ? BigInt(this.entry.displacement) : this.entry.immediate;
    return size === 64 ? i64.const(value) : this.zeroExtend(i32.const(Number(BigInt.asIntN(32, value))), size);
  }

  protected writeRegister(operand: Operand, value: Int): void {
    const bits = operand.bits as Bits;
    if (operand.file !== 'general') this.code.store(this.registerOffset(operand), value, bits);
    else this.writeGeneral(this.stateOffset(operand), value, bits);
  }

  protected hostForRead(address: Address, bytes: number): I32 {
    return this.host(address, i64.const(bytes), TLB_ENTRY.read);
  }

  protected hostForWrite(address: Address, bytes: number): I32 {
    return this.host(address, i64.const(bytes), TLB_ENTRY.write);
  }

  protected storeHost(host: I32, value: Int | V128, bits: Bits | 128): void {
    this.code.store(host, value, bits);
  }

  protected cutStack(value: I64): I64 {
    return this.cutAddress(value);
  }

  protected wholeStackPointer(): I64 {
    return this.frame.register(GENERAL.RSP);
  }

  protected setWholeStackPointer(value: I64): void {
    this.frame.setRegister(GENERAL.RSP, value);
  }

  /**
   * Host address of `bytes` bytes (at most a page) at `address`, all in one page that the TLB has for this kind of access. A
   * block that jumps to itself probes only where it comes to another page: a region changes nothing that the TLB holds. In
   * other blocks the code that spares probes cost more than they do: in all of them 2 % of a boot, in all loops 2 % of gzip.
   */
  private host(address: Address, bytes: I64, tag: number): I32 {
    const linear = this.linear(address, tag === TLB_ENTRY.write ? SEGMENT_ACCESS.write : SEGMENT_ACCESS.read);
    const { code } = this;
    if (!this.repeats || address.origin === undefined) {
      const entry = this.probe(linear, bytes, tag);
      return this.let(i32.add(load32(entry, 32, TLB_ENTRY.addend), i32.wrap(linear)));
    }
    const proved = this.frame.provedPage(`${address.segment.constant} ${address.origin} ${tag}`);
    code.block((same) => {
      const distance = i64.sub(linear, proved.page.get());
      code.brIf(same, i64.leU(distance, i64.sub(i64.const(PAGE), bytes)));
      const entry = this.probe(linear, bytes, tag);
      code.set(proved.page, i64.and(linear, i64.const(~0xfffn)));
      code.set(proved.addend, load32(entry, 32, TLB_ENTRY.addend));
    });
    return this.let(i32.add(proved.addend.get(), i32.wrap(linear)));
  }

  /** Host offset of the TLB's entry; leaves unless all bytes lie in its page. */
  private probe(linear: I64, bytes: I64, tag: number): I32 {
    const entry = this.let(tlbEntry(linear, this.frame.tlb.get()));
    const last = i64.add(linear, i64.sub(bytes, i64.const(1)));
    this.leaveIf(i64.ne(load64(entry, 64, tag), i64.and(last, i64.const(~0xfffn))));
    return entry;
  }

  /** The linear address; 32-bit code leaves where a segment that may not be flat has a limit or forbids the access. */
  private linear({ segment, offset }: Address, access: number): I64 {
    const number = Number(segment.constant);
    if (this.isWithoutBase(number)) return this.let(offset);
    const record = STATE.segments + number * SEGMENT_BYTES;
    const sum = i64.add(offset, quad(record + SEGMENT_FIELD.base));
    if (this.mode64) return this.let(sum);
    const allows = i32.and(word(record + SEGMENT_FIELD.access), i32.const(access | SEGMENT_ACCESS.expandDown));
    this.leaveIf(i32.ne(allows, i32.const(access)));
    this.leaveIf(i32.ne(word(record + SEGMENT_FIELD.limit), i32.const(-1)));
    return this.let(i64.and(sum, i64.const(LOW_32)));
  }

  /** ES, CS, SS and DS in 64-bit code; in 32-bit code those that the region's entry looks at for data. */
  private isWithoutBase(segment: number): boolean {
    return segment < SEGMENT.FS && (this.mode64 || segment !== SEGMENT.CS);
  }

  /** An offset or stack pointer cut to the code's size. */
  private cutAddress(value: I64): I64 {
    return this.mode64 ? value : i64.and(value, i64.const(LOW_32));
  }

  protected requireAligned(address: Address, bytes: number): void {
    const linear = i32.wrap(this.linear(address, SEGMENT_ACCESS.read));
    this.leaveIf(i32.and(linear, i32.const(bytes - 1)));
  }
}
