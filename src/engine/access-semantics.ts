/**
 * What the interpreter's and the regions' makers of `Semantics` have in common: operands and memory in terms of general
 * registers, host addresses and the stack pointer, which each of them has in its own way.
 */
import { i32, i64, load32, load64, loadV128 } from '../wasm/expr';
import type { I32, I64, V128 } from '../wasm/expr';
import { SEGMENT, Semantics } from '../isa/semantics';
import type { Address, Bits, GeneralName, Int, Operand, StateWord } from '../isa/semantics';
import { MODE, STATE } from '../cpu/layout';
import { EFLAGS } from '../cpu/mode';
import { quad, setWord, word } from '../cpu/paging/emit';
import { STORE } from './access';

/** Numbers of the general registers that instructions name. */
export const GENERAL: Readonly<Record<GeneralName, number>> = {
  RAX: 0, RCX: 1, RDX: 2, RBX: 3, RSP: 4, RBP: 5, RSI: 6, RDI: 7, R11: 11,
}; // prettier-ignore

/** What a store wants besides a place (`STORE`). */
export type StorePurpose = (typeof STORE)[keyof typeof STORE];

export abstract class AccessSemantics extends Semantics {
  /** Where the operand lies that `readForWrite` proved. */
  private pendingHost: I32 | undefined;

  /** The register that an operand names, zero-extended. */
  protected abstract registerValue(operand: Operand): Int;
  /** The operand's immediate at `size` bits. */
  protected abstract immediate(operand: Operand, size: Bits): Int;
  protected abstract writeRegister(operand: Operand, value: Int): void;
  /** Host address of `bytes` bytes to load. */
  protected abstract hostForRead(address: Address, bytes: number): I32;
  /** Host address of `bytes` bytes to store to. */
  protected abstract hostForWrite(address: Address, bytes: number, purpose: StorePurpose): I32;
  /** Stores to what `hostForWrite` gave. */
  protected abstract storeHost(host: I32, value: Int | V128, bits: Bits | 128): void;
  /** Leaves unless the address is a multiple of `bytes`. */
  protected abstract requireAligned(address: Address, bytes: number): void;
  /** A stack pointer cut to the stack's size. */
  protected abstract cutStack(value: I64): I64;
  /** All 64 bits of RSP. */
  protected abstract wholeStackPointer(): I64;
  protected abstract setWholeStackPointer(value: I64): void;

  // ---- Operands -----------------------------------------------------------------------------------------------

  read(operand: Operand, size: Bits = this.size): Int {
    switch (operand.kind) {
      case 'register':
        return this.let(this.registerValue(operand));
      case 'memory':
        return this.load(this.address(operand), operand.bits as Bits);
      case 'one':
        return this.constant(1, size);
      case 'immediate':
        return this.immediate(operand, size);
      default:
        throw new Error(`bug: read of a ${operand.kind} operand`);
    }
  }

  readForWrite(operand: Operand): Int {
    if (operand.kind !== 'memory') return this.read(operand);
    const bits = operand.bits as Bits;
    const host = this.hostForWrite(this.address(operand), bits / 8, STORE.preload);
    this.pendingHost = host;
    return this.let(this.loadHost(host, bits));
  }

  write(operand: Operand, value: Int): void {
    if (operand.kind !== 'memory') {
      this.writeRegister(operand, value);
      return;
    }
    const bits = operand.bits as Bits;
    if (this.pendingHost) {
      this.storeHost(this.pendingHost, value, bits);
      this.pendingHost = undefined;
    } else this.store(this.address(operand), value, bits);
  }

  readVector(operand: Operand, aligned = false): V128 {
    if (operand.kind === 'memory') return this.loadVector(this.address(operand), aligned);
    return this.let(loadV128(this.registerOffset(operand)));
  }

  writeVector(operand: Operand, value: V128, aligned = false): void {
    if (operand.kind === 'memory') this.storeVector(this.address(operand), value, aligned);
    else this.code.store(this.registerOffset(operand), value, 128);
  }

  stage(value: Int | V128): I32 {
    const place = i32.const(STATE.result);
    if (value.type === 'v128') this.code.store(place, value as V128, 128);
    else this.code.store(place, this.wide(value as Int), 64);
    return place;
  }

  // ---- Memory -------------------------------------------------------------------------------------------------

  load(address: Address, bits: Bits): Int {
    return this.let(this.loadHost(this.hostForRead(address, bits / 8), bits));
  }

  store(address: Address, value: Int, bits: Bits): void {
    this.storeHost(this.hostForWrite(address, bits / 8, STORE.plain), value, bits);
  }

  loadVector(address: Address, aligned: boolean): V128 {
    if (aligned) this.requireAligned(address, 16);
    return this.let(loadV128(this.hostForRead(address, 16)));
  }

  storeVector(address: Address, value: V128, aligned: boolean): void {
    if (aligned) this.requireAligned(address, 16);
    const kept = this.let(value);
    this.storeHost(this.hostForWrite(address, 16, STORE.plain), kept, 128);
  }

  prove(address: Address, bytes: number, aligned = false): void {
    if (aligned) this.requireAligned(address, bytes);
    this.hostForWrite(address, bytes, STORE.proof);
  }

  push(value: Int, bits: Bits): void {
    const kept = this.let(value);
    const pointer = this.let(this.cutStack(i64.sub(this.stackPointer(), i64.const(bits / 8))));
    this.store(this.stackAddress(pointer), kept, bits);
    this.setStackPointer(pointer);
  }

  moveStack(bytes: I64): void {
    this.setStackPointer(i64.add(this.stackPointer(), bytes));
  }

  popToMemory(operand: Operand, value: Int): void {
    const before = this.let(this.wholeStackPointer());
    this.moveStack(i64.const(operand.bits / 8));
    const { segment, offset } = this.address(operand);
    const after = this.let(this.wholeStackPointer());
    this.setWholeStackPointer(before); // a fault leaves the pointer as it was
    this.store({ segment, offset }, value, operand.bits as Bits);
    this.setWholeStackPointer(after);
  }

  stackAddress(offset: I64): Address {
    return { segment: i32.const(SEGMENT.SS), offset: this.cutStack(offset) };
  }

  // ---- Others -------------------------------------------------------------------------------------------------

  setInterruptFlag(value: 0 | 1): void {
    const { code } = this;
    const flags = code.let(word(STATE.eflags));
    if (value === 0) {
      setWord(code, STATE.eflags, i32.and(flags, i32.const(~EFLAGS.IF)));
      return;
    }
    code.if(i32.eqz(i32.and(flags, i32.const(EFLAGS.IF))), () => {
      setWord(code, STATE.eflags, i32.or(flags, i32.const(EFLAGS.IF)));
      setWord(code, STATE.leftBehindSti, i32.sub(this.instructionsLeft(), i32.const(1)));
    });
  }

  jumpIf(condition: I32, target: I64): void {
    this.code.if(condition, () => this.jump(target));
  }

  timeStampCounter(): I64 {
    const ticks = i64.sub(quad(STATE.ticksEnd), i64.extendU(this.instructionsLeft()));
    return i64.add(ticks, quad(STATE.tscOffset));
  }

  /** Instructions of the run at hand from this one on. */
  protected abstract instructionsLeft(): I32;

  state(name: StateWord): I32 {
    if (name === 'cpl') return i32.and(i32.shrU(word(STATE.mode), i32.const(MODE.cplShift)), i32.const(3));
    return word(STATE[name]);
  }

  protected loadHost(host: I32, bits: Bits): Int {
    return bits === 64 ? load64(host) : load32(host, bits);
  }
}
