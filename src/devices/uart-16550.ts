/**
 * 16550A UART: 16-byte receiver FIFO, interrupts by priority, character timeout, modem control and loopback. OUT2 gates
 * the interrupt line as on the PC's serial card. Source: National Semiconductor PC16550D data sheet.
 *
 * A character leaves within the tick in which it is written, so THRE and TEMT always read 1: a polling console would
 * otherwise burn 87,000 instructions a character at 115,200 baud. The baud rate times the character timeout alone.
 *
 * NOT IMPLEMENTED: DMA signalling pins, parity and framing errors from outside, the sent break (LCR bit 6 is stored).
 */
import type { BusTarget } from '../memory/bus';
import { BytePorts } from './byte-ports';
import { Deadline } from './deadline';
import { field, register } from './describe';
import type { Clock, Device, DeviceDescription, Line } from './device';
import { requireVersion } from './snapshot';
import { UartFifo } from './uart-fifo';
import type { UartFifoState } from './uart-fifo';
import { Fcr, Ier, Iir, Lcr, Lsr, Mcr, Msr } from './uart-registers';
import * as registers from './uart-registers';

/** What the board decides. */
export interface UartConfig {
  /** Name on the board (`uart0`). */
  readonly name: string;
}

/** Snapshot of the UART. */
export interface UartState {
  readonly version: 1;
  readonly ier: number;
  readonly fcr: number;
  readonly lcr: number;
  readonly mcr: number;
  readonly scr: number;
  readonly divisor: number;
  readonly lineErrors: number;
  readonly modemInputs: number;
  readonly modemDeltas: number;
  readonly thrEmptyPending: boolean;
  readonly timeoutAt: number;
  readonly fifo: UartFifoState;
}

const TRIGGER_BYTES = [1, 4, 8, 14] as const;
const CONNECTED = Msr.CTS | Msr.DSR | Msr.DCD;
const CRYSTAL_HZ = 1_843_200;
const TICKS_PER_SECOND = 1_000_000_000;
const DIVISOR_AT_RESET = 1;
/** Eight bits, no parity, one stop bit: what a PC's firmware leaves behind (the chip alone starts with five bits). */
const LCR_AT_RESET = 0x03;

/** The UART. `irq` is wired to its interrupt request, `transmit` takes each byte that leaves it. */
export class Uart implements Device<UartState> {
  /** The eight registers (8 bytes). */
  readonly ports: BusTarget;
  private readonly deadline: Deadline;
  private readonly fifo = new UartFifo();
  private ier = 0;
  private fcr = 0;
  private lcr = LCR_AT_RESET;
  private mcr = 0;
  private scr = 0;
  private divisor = DIVISOR_AT_RESET;
  /** OE, and BI, FE, PE of a character that a LSR read has not reported. */
  private lineErrors = 0;
  private modemInputs: number = CONNECTED;
  private modemDeltas = 0;
  private thrEmptyPending = false;
  /** When the waiting characters become a timeout; -1 while none can. */
  private timeoutAt = -1;

  constructor(
    private readonly config: UartConfig,
    private readonly clock: Clock,
    private readonly irq: Line,
    private readonly transmit: (byte: number) => void,
  ) {
    this.deadline = new Deadline(clock, () => this.update());
    this.ports = new BytePorts({
      readByte: (offset) => this.readByte(offset),
      peekByte: (offset) => this.peekByte(offset),
      writeByte: (offset, value) => this.writeByte(offset, value),
    });
  }

  /** Power-on state after a PC's firmware: 115,200 baud, 8 bits, no parity. */
  reset(): void {
    this.ier = this.fcr = this.mcr = 0;
    this.lcr = LCR_AT_RESET;
    this.divisor = DIVISOR_AT_RESET;
    this.lineErrors = this.modemDeltas = 0;
    this.thrEmptyPending = false;
    this.timeoutAt = -1;
    this.fifo.clear();
    this.fifo.setEnabled(false);
    this.update();
  }

  /** Whether `receive` would take a byte: room in the receiver, and no loopback. */
  get canReceive(): boolean {
    return !this.fifo.full && (this.mcr & Mcr.LOOP) === 0;
  }

  /** A byte arrives from outside. False, and nothing happens, when there is no room for it. */
  receive(byte: number): boolean {
    if (!this.canReceive) return false;
    this.arrive(byte, 0);
    return true;
  }

  /** A break arrives from outside: a zero character with BI. False when there is no room for it. */
  receiveBreak(): boolean {
    if (!this.canReceive) return false;
    this.arrive(0, Lsr.BI);
    return true;
  }

  private arrive(byte: number, status: number): void {
    const character = byte & ((0x20 << (this.lcr & Lcr.WORD_LENGTH)) - 1);
    if (!this.fifo.full) this.fifo.push(character, status);
    else {
      this.lineErrors |= Lsr.OE;
      // Without FIFO the new character overwrites the unread one; a full FIFO keeps its own.
      if (!this.fifoEnabled) this.fifo.replaceLast(character, status);
    }
    this.restartTimeout();
    this.update();
  }

  private get fifoEnabled(): boolean {
    return (this.fcr & Fcr.ENABLE) !== 0;
  }

  private readByte(offset: number): number {
    const value = this.peekByte(offset);
    switch (offset) {
      case 0:
        if ((this.lcr & Lcr.DLAB) === 0) this.popReceived();
        break;
      case 2:
        if ((value & 0xf) === Iir.THR_EMPTY) this.thrEmptyPending = false;
        break;
      case 5:
        this.lineErrors = 0;
        this.fifo.clearFrontErrors();
        break;
      case 6:
        this.modemDeltas = 0;
        break;
      default:
        return value;
    }
    this.update();
    return value;
  }

  private peekByte(offset: number): number {
    const latch = (this.lcr & Lcr.DLAB) !== 0;
    switch (offset) {
      case 0:
        return latch ? this.divisor & 0xff : this.fifo.front & 0xff;
      case 1:
        return latch ? this.divisor >> 8 : this.ier;
      case 2:
        return this.interruptId() | (this.fifoEnabled ? 0xc0 : 0);
      case 3:
        return this.lcr;
      case 4:
        return this.mcr;
      case 5:
        return this.lineStatus();
      case 6:
        return this.modemLevels() | this.modemDeltas;
      default:
        return this.scr;
    }
  }

  private writeByte(offset: number, value: number): void {
    const latch = (this.lcr & Lcr.DLAB) !== 0;
    if (offset === 0 && latch) this.divisor = (this.divisor & 0xff00) | value;
    else if (offset === 0) this.send(value);
    else if (offset === 1 && latch) this.divisor = (value << 8) | (this.divisor & 0xff);
    else if (offset === 1) this.writeIer(value & 0x0f);
    else if (offset === 2) this.writeFcr(value);
    else if (offset === 3) this.lcr = value;
    else if (offset === 4) this.writeMcr(value & 0x1f);
    else if (offset === 7) this.scr = value;
    this.update();
  }

  private send(value: number): void {
    const character = value & ((0x20 << (this.lcr & Lcr.WORD_LENGTH)) - 1);
    if (this.mcr & Mcr.LOOP) this.arrive(character, 0);
    else this.transmit(character);
    this.thrEmptyPending = true;
  }

  private writeIer(value: number): void {
    // Enabling the interrupt while the register is empty raises it.
    if (value & ~this.ier & Ier.ETBEI) this.thrEmptyPending = true;
    this.ier = value;
  }

  private writeFcr(value: number): void {
    const enabled = (value & Fcr.ENABLE) !== 0;
    if (enabled !== this.fifoEnabled || value & Fcr.RX_RESET) {
      this.fifo.clear();
      this.timeoutAt = -1;
    }
    this.fifo.setEnabled(enabled);
    // The other bits are programmed only together with the enable bit.
    this.fcr = enabled ? value & (Fcr.ENABLE | Fcr.DMA_MODE | Fcr.TRIGGER) : 0;
  }

  private writeMcr(value: number): void {
    const before = this.modemLevels();
    this.mcr = value;
    this.noteModemChange(before);
  }

  private popReceived(): void {
    if (this.fifo.size === 0) return;
    // Errors leave with their character when software reads no LSR; LSR keeps them until it is read.
    this.lineErrors |= this.fifo.front >> 8;
    this.fifo.pop();
    this.restartTimeout();
  }

  /** The modem lines; in loopback RTS, DTR, OUT1 and OUT2 stand in for CTS, DSR, RI and DCD. */
  private modemLevels(): number {
    const { mcr } = this;
    if ((mcr & Mcr.LOOP) === 0) return this.modemInputs;
    return (
      (mcr & Mcr.RTS ? Msr.CTS : 0) |
      (mcr & Mcr.DTR ? Msr.DSR : 0) |
      (mcr & Mcr.OUT1 ? Msr.RI : 0) |
      (mcr & Mcr.OUT2 ? Msr.DCD : 0)
    );
  }

  private noteModemChange(before: number): void {
    const after = this.modemLevels();
    const changed = (before ^ after) & (Msr.CTS | Msr.DSR | Msr.DCD);
    // RI sets its delta on the trailing edge only.
    this.modemDeltas |= (changed | (before & ~after & Msr.RI)) >> 4;
  }

  /** Drives the modem inputs: CTS, DSR, RI, DCD at their bits of MSR. */
  setModemInputs(levels: number): void {
    const before = this.modemLevels();
    this.modemInputs = levels & 0xf0;
    this.noteModemChange(before);
    this.update();
  }

  private lineStatus(): number {
    const ready = this.fifo.size > 0 ? Lsr.DR : 0;
    const fifoError = this.fifoEnabled && this.fifo.hasErrors ? Lsr.FIFO_ERROR : 0;
    return Lsr.THRE | Lsr.TEMT | ready | fifoError | this.lineErrors | (this.fifo.front >> 8);
  }

  private interruptId(): number {
    const { ier } = this;
    if (ier & Ier.ELSI && this.lineStatus() & (Lsr.OE | Lsr.PE | Lsr.FE | Lsr.BI)) return Iir.LINE_STATUS;
    if (ier & Ier.ERBFI) {
      if (this.fifo.size >= this.trigger()) return Iir.DATA_AVAILABLE;
      if (this.timeoutAt >= 0 && this.timeoutAt <= this.clock.ticks) return Iir.TIMEOUT;
    }
    if (ier & Ier.ETBEI && this.thrEmptyPending) return Iir.THR_EMPTY;
    if (ier & Ier.EDSSI && this.modemDeltas !== 0) return Iir.MODEM_STATUS;
    return Iir.NONE;
  }

  private trigger(): number {
    return this.fifoEnabled ? TRIGGER_BYTES[this.fcr >> 6]! : 1;
  }

  /** Four character times from now, when characters wait in an enabled FIFO. */
  private restartTimeout(): void {
    const waits = this.fifoEnabled && this.fifo.size > 0;
    this.timeoutAt = waits ? this.clock.ticks + this.charactersTicks(4) : -1;
  }

  /** Ticks that `count` characters take at the programmed rate and format. */
  private charactersTicks(count: number): number {
    const { lcr } = this;
    const bits = 1 + 5 + (lcr & Lcr.WORD_LENGTH) + (lcr & Lcr.PARITY_ENABLE ? 1 : 0) + (lcr & Lcr.STOP_BITS ? 2 : 1);
    return Math.floor((count * bits * 16 * (this.divisor || 0x10000) * TICKS_PER_SECOND) / CRYSTAL_HZ);
  }

  private update(): void {
    const gated = (this.mcr & (Mcr.OUT2 | Mcr.LOOP)) === Mcr.OUT2;
    this.irq(gated && this.interruptId() !== Iir.NONE);
    const mayTimeOut = this.ier & Ier.ERBFI && this.timeoutAt > this.clock.ticks && this.fifo.size < this.trigger();
    this.deadline.set(mayTimeOut ? this.timeoutAt : Infinity);
  }

  save(): UartState {
    const { ier, fcr, lcr, mcr, scr, divisor, lineErrors, modemInputs, modemDeltas, thrEmptyPending, timeoutAt } = this;
    return {
      version: 1,
      ...{ ier, fcr, lcr, mcr, scr, divisor, lineErrors, modemInputs, modemDeltas, thrEmptyPending, timeoutAt },
      fifo: this.fifo.save(),
    };
  }

  restore(state: UartState): void {
    const { fifo, ...fields } = requireVersion(state, 1, this.config.name);
    Object.assign(this, fields);
    this.fifo.restore(fifo);
    this.fifo.setEnabled(this.fifoEnabled);
    this.update();
  }

  describe(): DeviceDescription {
    const divisor = [field(15, 0, 'DLM:DLL', '115,200 baud divided by this')];
    return {
      name: this.config.name,
      title: '16550A UART (PC16550D)',
      registers: [
        register('RBR', 8, 'port +0', this.fifo.front & 0xff, undefined, 'the oldest received character'),
        register('IER', 8, 'port +1', this.ier, registers.FIELDS_IER),
        register('IIR', 8, 'port +2', this.peekByte(2), registers.FIELDS_IIR),
        register('FCR', 8, 'port +2', this.fcr, registers.FIELDS_FCR),
        register('LCR', 8, 'port +3', this.lcr, registers.FIELDS_LCR),
        register('MCR', 8, 'port +4', this.mcr, registers.FIELDS_MCR),
        register('LSR', 8, 'port +5', this.lineStatus(), registers.FIELDS_LSR),
        register('MSR', 8, 'port +6', this.peekByte(6), registers.FIELDS_MSR),
        register('SCR', 8, 'port +7', this.scr, undefined, 'scratch'),
        register('divisor', 16, 'port +0, +1 with DLAB=1', this.divisor, divisor),
        register('received', 5, 'internal', this.fifo.size, undefined, 'characters that wait'),
      ],
    };
  }
}
