/**
 * Local APIC of one processor: xAPIC registers in memory and x2APIC registers as MSRs, IRR/ISR/TMR and priorities, EOI
 * with broadcast, IPIs, LVT, timer, error status, IA32_APIC_BASE. Source: SDM Vol. 3A, chapter 11 (APIC).
 *
 * NOT IMPLEMENTED: CMCI LVT entry, focus processor checking (stored), sources of the thermal and performance entries.
 * The APIC ID is read-only. Lowest priority equals fixed while there is one processor.
 */
import type { BusTarget } from '../memory/bus';
import type { Clock, Device, DeviceDescription } from './device';
import { describeLapic } from './lapic-description';
import { LapicPage } from './lapic-page';
import type { LapicConfig, LapicLines, LapicState } from './lapic-types';
import { ApicError, DeliveryMode, LapicRegister, Lvt, Svr } from './lapic-registers';
import { DIVIDE_WRITABLE, ICR_WRITABLE, LAPIC_VERSION, LVT_COUNT, LVT_WRITABLE } from './lapic-registers';
import { SVR_WRITABLE } from './lapic-registers';
import { LapicMode, acceptsDestination, changesMode } from './lapic-mode';
import { LapicMsrs } from './lapic-msrs';
import { LapicTimer } from './lapic-timer';
import { requireVersion } from './snapshot';
import { VectorSet } from './vector-set';

const FIRST_LEGAL_VECTOR = 16;
const SVR_AT_RESET = 0xff;
const APIC_BASE_AT_RESET = 0xfee00900n;
const TIMER = 0;
const LINT0 = 3;
const ERROR = 5;

/** The local APIC. */
export class Lapic implements Device<LapicState> {
  /** The page of xAPIC registers (4096 bytes); all ones unless the APIC is in xAPIC mode. */
  readonly mmio: BusTarget;
  private readonly timer: LapicTimer;
  private readonly msrs: LapicMsrs;
  private readonly irr = new VectorSet();
  private readonly isr = new VectorSet();
  private readonly tmr = new VectorSet();
  private readonly lvt = new Int32Array(LVT_COUNT).fill(Lvt.MASKED);
  private apicBase = APIC_BASE_AT_RESET;
  private mode: LapicMode = LapicMode.XAPIC;
  private tpr = 0;
  /** Bits 31-24 of the xAPIC's register; x2APIC derives its own from the ID. */
  private ldr = 0;
  private dfr = 0xffffffff;
  private svr = SVR_AT_RESET;
  private esr = 0;
  /** Errors since the last write to ESR. */
  private pendingErrors = 0;
  private icrLow = 0;
  private icrHigh = 0;
  /** Levels of the pins LINT0 (bit 0) and LINT1 (bit 1). */
  private lints = 0;
  /** An ExtINT message has arrived and waits for its acknowledge. */
  private extIntLatched = false;

  constructor(
    readonly config: LapicConfig,
    clock: Clock,
    private readonly lines: LapicLines,
  ) {
    this.timer = new LapicTimer(clock, () => this.deliverLocal(this.lvt[TIMER]! & Lvt.VECTOR, false));
    this.msrs = new LapicMsrs(this, this.timer);
    this.mmio = new LapicPage(this);
  }

  reset(): void {
    this.apicBase = APIC_BASE_AT_RESET;
    this.mode = LapicMode.XAPIC;
    this.initReset();
  }

  /** What INIT does: every register but the ID and IA32_APIC_BASE goes to its reset state (SDM 11.4.7.3). */
  initReset(): void {
    this.irr.clear();
    this.isr.clear();
    this.tmr.clear();
    this.lvt.fill(Lvt.MASKED);
    this.tpr = this.ldr = this.esr = this.pendingErrors = this.icrLow = this.icrHigh = 0;
    this.dfr = 0xffffffff;
    this.svr = SVR_AT_RESET;
    this.extIntLatched = false;
    this.timer.reset();
    this.update();
  }

  // --- The processor's side ------------------------------------------------------------------------------------------

  /** The vector that the processor should take next from this APIC; -1 when none exceeds the processor priority. */
  pendingVector(): number {
    if (this.mode === LapicMode.DISABLED) return -1;
    const vector = this.irr.highest();
    return vector >> 4 > this.processorPriority >> 4 ? vector : -1;
  }

  /** Takes the pending vector into service; the spurious vector when it has gone away. */
  acknowledge(): number {
    const vector = this.pendingVector();
    if (vector < 0) return this.svr & Lvt.VECTOR;
    this.irr.delete(vector);
    this.isr.add(vector);
    this.update();
    return vector;
  }

  /** Whether an 8259A's INTR on LINT0 reaches the processor: ExtINT and not masked, or the APIC is disabled. */
  acceptsExtInt(): boolean {
    if (this.mode === LapicMode.DISABLED) return true;
    const lint0 = this.lvt[LINT0]!;
    return this.softwareEnabled && (lint0 & Lvt.MASKED) === 0 && deliveryMode(lint0) === DeliveryMode.EXTINT;
  }

  /** An external interrupt waits: the processor is to run an acknowledge cycle on the 8259As. */
  get extIntPending(): boolean {
    return this.extIntLatched || ((this.lints & 1) !== 0 && this.acceptsExtInt());
  }

  /** The processor acknowledges the 8259As: an ExtINT message that waited is done. */
  acknowledgeExtInt(): void {
    this.extIntLatched = false;
    this.update();
  }

  /** The task priority, 0..255; CR8 is its upper four bits. */
  get taskPriority(): number {
    return this.tpr;
  }

  set taskPriority(value: number) {
    this.tpr = value & 0xff;
    this.update();
  }

  /** PPR (SDM 11.8.3.1). */
  get processorPriority(): number {
    const inService = Math.max(0, this.isr.highest()) & 0xf0;
    return (this.tpr & 0xf0) >= inService ? this.tpr : inService;
  }

  /** RDMSR of IA32_APIC_BASE (0x1B), IA32_TSC_DEADLINE (0x6E0) or 0x800-0x8FF; false is #GP(0). */
  readMsr(index: number): bigint | false {
    return this.msrs.read(index);
  }

  /** WRMSR of the same; false is #GP(0), and nothing has happened. */
  writeMsr(index: number, value: bigint): boolean {
    return this.msrs.write(index, value);
  }

  /** TSC minus ticks, modulo 2^64; TSC-deadline follows it. */
  setTscOffset(offset: bigint): void {
    this.timer.setTscOffset(offset);
  }

  /** IA32_APIC_BASE. */
  get base(): bigint {
    return this.apicBase;
  }

  /** Writes IA32_APIC_BASE; false for reserved bits and forbidden changes of mode (SDM 11.12.5). */
  setBase(value: bigint): boolean {
    if (!changesMode(this.mode, value, this.config.physicalAddressBits)) return false;
    const next: LapicMode = Number((value >> 10n) & 3n);
    this.apicBase = value;
    const changed = next !== this.mode;
    this.mode = next;
    if (changed && next === LapicMode.DISABLED) this.initReset();
    if (changed && next === LapicMode.X2APIC) this.icrHigh = 0;
    this.update();
    return true;
  }

  /** Disabled, xAPIC or x2APIC. */
  get apicMode(): LapicMode {
    return this.mode;
  }

  // --- The interrupt messages' side ----------------------------------------------------------------------------------

  /**
   * A message from an I/O APIC or an MSI: `destination` is its 8-bit field (0xFF is everybody in physical mode). False
   * when it is not for this APIC or cannot be accepted now.
   */
  receive(destination: number, logical: boolean, vector: number, mode: DeliveryMode, level: boolean): boolean {
    return this.isAddressed(destination, logical) && this.deliver(vector, mode, level);
  }

  /** Whether a message with this 8-bit destination is for this APIC. */
  isAddressed(destination: number, logical: boolean): boolean {
    return (destination === 0xff && !logical) || this.isDestination(destination, logical);
  }

  /** Accepts an interrupt; `level` is its trigger mode. False when the APIC does not take it. */
  deliver(vector: number, mode: DeliveryMode, level: boolean): boolean {
    if (this.mode === LapicMode.DISABLED) return false;
    switch (mode) {
      case DeliveryMode.FIXED:
      case DeliveryMode.LOWEST_PRIORITY:
        if (!this.softwareEnabled) return false;
        this.deliverLocal(vector, level);
        return true;
      case DeliveryMode.SMI:
        this.lines.smi();
        return true;
      case DeliveryMode.NMI:
        this.lines.nmi();
        return true;
      case DeliveryMode.INIT:
        this.lines.init();
        return true;
      case DeliveryMode.STARTUP:
        this.lines.startup(vector);
        return true;
      case DeliveryMode.EXTINT:
        this.extIntLatched = true;
        this.update();
        return true;
      default:
        return false;
    }
  }

  /** Drives the pin LINT0 (0: the 8259As' INTR) or LINT1 (1: NMI). */
  setLint(pin: 0 | 1, level: boolean): void {
    const mask = 1 << pin;
    if (level === ((this.lints & mask) !== 0)) return;
    this.lints ^= mask;
    if (this.mode !== LapicMode.DISABLED) this.sampleLint(pin, true);
    else if (pin === 1 && level) this.lines.nmi();
    this.update();
  }

  private get softwareEnabled(): boolean {
    return (this.svr & Svr.ENABLED) !== 0;
  }

  private isDestination(destination: number, logical: boolean): boolean {
    return acceptsDestination(this.mode, this.config.id, this.ldr, this.dfr, destination, logical);
  }

  /** Sets the vector's IRR bit, and its TMR bit by trigger mode. */
  private deliverLocal(vector: number, level: boolean): void {
    if (vector < FIRST_LEGAL_VECTOR) return this.raise(ApicError.RECEIVE_ILLEGAL_VECTOR);
    this.irr.add(vector);
    if (level) this.tmr.add(vector);
    else this.tmr.delete(vector);
    this.update();
  }

  /** An active LINT pin does what its LVT entry says; `edge` when its level has just changed. */
  private sampleLint(pin: 0 | 1, edge: boolean): void {
    const entry = this.lvt[LINT0 + pin]!;
    const active = ((this.lints & (1 << pin)) !== 0) !== ((entry & Lvt.ACTIVE_LOW) !== 0);
    if (!active || entry & Lvt.MASKED || !this.softwareEnabled) return;
    const mode = deliveryMode(entry);
    // ExtINT passes by level, see `extIntPending`. LINT1 supports edges alone.
    if (mode === DeliveryMode.EXTINT) return;
    if (mode !== DeliveryMode.FIXED || (entry & Lvt.LEVEL) === 0 || pin === 1) {
      if (edge) this.deliver(entry & Lvt.VECTOR, mode, false);
    } else if ((entry & Lvt.REMOTE_IRR) === 0) {
      this.lvt[LINT0]! |= Lvt.REMOTE_IRR;
      this.deliver(entry & Lvt.VECTOR, mode, true);
    }
  }

  private endOfInterrupt(): void {
    const vector = this.isr.highest();
    if (vector < 0) return;
    this.isr.delete(vector);
    if (this.tmr.has(vector)) {
      if ((this.svr & Svr.SUPPRESS_EOI_BROADCAST) === 0) this.lines.eoi(vector);
      const lint0 = this.lvt[LINT0]!;
      if (lint0 & Lvt.REMOTE_IRR && (lint0 & Lvt.VECTOR) === vector) {
        this.lvt[LINT0]! &= ~Lvt.REMOTE_IRR;
        this.sampleLint(0, false);
      }
    }
    this.update();
  }

  /** Notes an error; the first of its kind since the last write to ESR raises the error interrupt. */
  raise(error: ApicError): void {
    if (this.pendingErrors & error) return;
    this.pendingErrors |= error;
    const entry = this.lvt[ERROR]!;
    if ((entry & Lvt.MASKED) === 0) this.deliverLocal(entry & Lvt.VECTOR, false);
  }

  private update(): void {
    this.lines.intr(this.extIntPending || this.pendingVector() >= 0);
  }

  // --- Registers -----------------------------------------------------------------------------------------------------

  /** The value of a register (32 bits) in the present mode; 0 for one that does not exist. */
  readRegister(register: number): number {
    const x2apic = this.mode === LapicMode.X2APIC;
    switch (register) {
      case LapicRegister.ID:
        return x2apic ? this.config.id : (this.config.id << 24) >>> 0;
      case LapicRegister.VERSION:
        return LAPIC_VERSION;
      case LapicRegister.TPR:
        return this.tpr;
      case LapicRegister.PPR:
        return this.processorPriority;
      case LapicRegister.LDR:
        return x2apic ? ((this.config.id >>> 4) << 16) | (1 << (this.config.id & 15)) : this.ldr;
      case LapicRegister.DFR:
        return this.dfr;
      case LapicRegister.SVR:
        return this.svr;
      case LapicRegister.ESR:
        return this.esr;
      case LapicRegister.ICR_LOW:
        return this.icrLow;
      case LapicRegister.ICR_HIGH:
        return this.icrHigh;
      case LapicRegister.INITIAL_COUNT:
        return this.timer.initialCount;
      case LapicRegister.CURRENT_COUNT:
        return this.timer.currentCount();
      case LapicRegister.DIVIDE:
        return this.timer.divideConfiguration;
      default:
        return this.readIndexed(register);
    }
  }

  private readIndexed(register: number): number {
    if (register >= LapicRegister.LVT_TIMER && register <= LapicRegister.LVT_ERROR)
      return this.lvt[register - LapicRegister.LVT_TIMER]!;
    if (register >= LapicRegister.IRR && register < LapicRegister.ESR) return this.irr.word(register & 7);
    if (register >= LapicRegister.TMR && register < LapicRegister.IRR) return this.tmr.word(register & 7);
    if (register >= LapicRegister.ISR && register < LapicRegister.TMR) return this.isr.word(register & 7);
    return 0;
  }

  /** Writes a register (32 bits); bits that are not writable, and registers that are read-only, ignore it. */
  writeRegister(register: number, value: number): void {
    switch (register) {
      case LapicRegister.TPR:
        this.taskPriority = value;
        break;
      case LapicRegister.EOI:
        this.endOfInterrupt();
        break;
      case LapicRegister.LDR:
        this.ldr = (value & 0xff000000) >>> 0;
        break;
      case LapicRegister.DFR:
        this.dfr = (value | 0x0fffffff) >>> 0;
        break;
      case LapicRegister.SVR:
        this.writeSvr(value & SVR_WRITABLE);
        break;
      case LapicRegister.ESR:
        this.esr = this.pendingErrors;
        this.pendingErrors = 0;
        break;
      case LapicRegister.ICR_LOW:
        this.writeIcr(value, this.icrHigh >>> 24);
        break;
      case LapicRegister.ICR_HIGH:
        this.icrHigh = (value & 0xff000000) >>> 0;
        break;
      case LapicRegister.INITIAL_COUNT:
        this.timer.initialCount = value >>> 0;
        break;
      case LapicRegister.DIVIDE:
        this.timer.divideConfiguration = value & DIVIDE_WRITABLE;
        break;
      default:
        if (register >= LapicRegister.LVT_TIMER && register <= LapicRegister.LVT_ERROR)
          this.writeLvt(register - LapicRegister.LVT_TIMER, value);
    }
  }

  private writeSvr(value: number): void {
    this.svr = value;
    // Software disable masks every LVT entry.
    if (!this.softwareEnabled) for (let i = 0; i < LVT_COUNT; i++) this.writeLvt(i, this.lvt[i]!);
    this.update();
  }

  private writeLvt(index: number, value: number): void {
    const masked = this.softwareEnabled ? 0 : Lvt.MASKED;
    const remoteIrr = this.lvt[index]! & (value & Lvt.LEVEL ? Lvt.REMOTE_IRR : 0);
    const entry = (value & LVT_WRITABLE[index]!) | masked | remoteIrr;
    if (index === TIMER) this.timer.configure((entry >> 17) & 3, (entry & Lvt.MASKED) !== 0);
    this.lvt[index] = entry;
    if (index === LINT0) this.sampleLint(0, false);
    this.update();
  }

  /** The x2APIC's ICR in one write: `destination` has 32 bits. */
  writeX2apicIcr(low: number, destination: number): void {
    this.icrHigh = destination >>> 0;
    this.writeIcr(low, destination >>> 0);
  }

  /** Self IPI register: a fixed, edge-triggered interrupt to this processor. */
  selfIpi(vector: number): void {
    this.sendFixed(vector);
  }

  private writeIcr(low: number, destination: number): void {
    this.icrLow = low & ICR_WRITABLE;
    const mode: DeliveryMode = deliveryMode(low);
    const shorthand = (low >> 18) & 3;
    const everybody = this.mode === LapicMode.X2APIC ? 0xffffffff : 0xff;
    const logical = (low & 0x800) !== 0;
    const named = (destination === everybody && !logical) || this.isDestination(destination, logical);
    // A vector is illegal wherever the message goes.
    const fixed = mode === DeliveryMode.FIXED || mode === DeliveryMode.LOWEST_PRIORITY;
    if (fixed && (low & Lvt.VECTOR) < FIRST_LEGAL_VECTOR) return this.raise(ApicError.SEND_ILLEGAL_VECTOR);
    // Shorthands "self" and "all including self" allow fixed messages alone (SDM table 11-3).
    const toSelf = shorthand === 0 ? named : shorthand !== 3 && mode === DeliveryMode.FIXED;
    if (!toSelf) return;
    if (fixed) this.sendFixed(low & Lvt.VECTOR);
    // An INIT level de-assert and the reserved modes 3 and 7 send nothing.
    else if (mode === DeliveryMode.INIT && (low & 0xc000) === 0x8000) return;
    else if (mode !== DeliveryMode.EXTINT) this.deliver(low & Lvt.VECTOR, mode, false);
  }

  private sendFixed(vector: number): void {
    if (vector < FIRST_LEGAL_VECTOR) this.raise(ApicError.SEND_ILLEGAL_VECTOR);
    else this.deliver(vector, DeliveryMode.FIXED, false);
  }

  save(): LapicState {
    const timer = this.timer.save();
    const { tpr, ldr, dfr, svr, esr, pendingErrors, icrLow, icrHigh, lints, extIntLatched } = this;
    return {
      version: 1,
      apicBase: this.apicBase.toString(),
      ...{ tpr, ldr, dfr, svr, esr, pendingErrors, icrLow, icrHigh, lints, extIntLatched },
      lvt: [...this.lvt],
      irr: this.irr.save(),
      isr: this.isr.save(),
      tmr: this.tmr.save(),
      timer,
    };
  }

  restore(state: LapicState): void {
    const { apicBase, lvt, irr, isr, tmr, timer, ...fields } = requireVersion(state, 1, 'lapic');
    Object.assign(this, fields);
    this.apicBase = BigInt(apicBase);
    this.mode = Number((this.apicBase >> 10n) & 3n);
    this.lvt.set(lvt.slice(0, LVT_COUNT));
    this.irr.restore(irr);
    this.isr.restore(isr);
    this.tmr.restore(tmr);
    this.timer.restore(timer);
    this.update();
  }

  describe(): DeviceDescription {
    return describeLapic(this);
  }
}

function deliveryMode(entry: number): DeliveryMode {
  return (entry >> 8) & 7;
}
