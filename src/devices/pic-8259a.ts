/**
 * 8259A programmable interrupt controller, one chip: initialization and operation command words, priority resolution
 * with rotation, special mask and special fully nested mode, automatic EOI, poll, edge and level inputs. Two of them
 * make `PicPair`. Source: Intel 8259A data sheet (231468); the per-pin edge/level register is that of the 82371SB.
 *
 * An input in edge mode must stay high until its acknowledge: a pulse that ends early leaves a spurious IR7.
 *
 * NOT IMPLEMENTED: MCS-80/85 mode (the vector bytes of a CALL), buffered mode's SP/EN pin.
 */
import type { Line } from './device';

/** Plain data of one chip; bit i of a mask is IR i. */
export interface Pic8259AState {
  readonly lines: number;
  readonly edges: number;
  readonly isr: number;
  readonly imr: number;
  readonly elcr: number;
  readonly icw1: number;
  readonly icw2: number;
  readonly icw3: number;
  readonly icw4: number;
  readonly expectedIcw: number;
  readonly lowest: number;
  readonly rotateOnAeoi: boolean;
  readonly specialMask: boolean;
  readonly readIsr: boolean;
  readonly poll: boolean;
}

const ICW1_IC4 = 0x01;
const ICW1_SNGL = 0x02;
const ICW1_LTIM = 0x08;
const ICW1 = 0x10;
const ICW4_AEOI = 0x02;
const ICW4_SFNM = 0x10;
const OCW3 = 0x08;

/** One chip. Pins: IR0-IR7 (`setLine`), INT (the constructor's line), INTA (`acknowledge`), CAS (`drivesCascade`). */
export class Pic8259A {
  private lines = 0;
  private edges = 0;
  private isr = 0;
  private imr = 0;
  private elcr = 0;
  private icw1 = 0;
  private icw2 = 0;
  private icw3 = 0;
  private icw4 = 0;
  /** The initialization word that the odd port expects next: 2, 3, 4, or 0 when the chip is ready. */
  private expectedIcw = 0;
  /** The input of lowest priority; the one above it (modulo 8) is the highest. */
  private lowest = 7;
  private rotateOnAeoi = false;
  private specialMask = false;
  private readIsr = false;
  private poll = false;
  private interrupt = false;

  constructor(private readonly int: Line) {}

  /** Power-on state: not initialized, nothing masked, all inputs edge-triggered. Input levels stay as wired. */
  reset(): void {
    this.edges = this.isr = this.imr = this.elcr = 0;
    this.icw1 = this.icw2 = this.icw3 = this.icw4 = this.expectedIcw = 0;
    this.lowest = 7;
    this.rotateOnAeoi = this.specialMask = this.readIsr = this.poll = false;
    this.update();
  }

  /** Drives input `ir` (0..7). */
  setLine(ir: number, level: boolean): void {
    const mask = 1 << ir;
    if (level === ((this.lines & mask) !== 0)) return;
    this.lines ^= mask;
    if (level) this.edges |= mask;
    else this.edges &= ~mask;
    this.update();
  }

  /** The edge/level control register: 1 is level-triggered. */
  get edgeLevel(): number {
    return this.elcr;
  }

  set edgeLevel(mask: number) {
    this.elcr = mask;
    this.update();
  }

  /** INTA: takes the highest request into service and gives its IR number; -1 when the request has gone away. */
  acknowledge(): number {
    const ir = this.highestRequest();
    if (ir < 0) return -1;
    const mask = 1 << ir;
    this.edges &= ~mask;
    if (this.icw4 & ICW4_AEOI) {
      if (this.rotateOnAeoi) this.lowest = ir;
    } else this.isr |= mask;
    // INT drops with the acknowledge, so that a cascaded chip's next request is an edge to its master.
    this.drive(false);
    this.update();
    return ir;
  }

  /** Why a request on input `ir` would not make INT rise now, in words; undefined if it would. Changes nothing. */
  whyBlocked(ir: number): string | undefined {
    const mask = 1 << ir;
    if (this.expectedIcw !== 0) return `ICW${this.expectedIcw} is awaited`;
    if (this.imr & mask) return `IR${ir} is masked in IMR`;
    if (this.specialMask) return this.isr & mask ? `IR${ir} is in service` : undefined;
    const blocking = this.first(this.isr);
    if (blocking < 0 || this.rank(ir) < this.rank(blocking)) return undefined;
    if (ir === blocking && this.icw4 & ICW4_SFNM && this.drivesCascade(ir)) return undefined;
    return ir === blocking ? `IR${ir} is in service` : `IR${blocking} is in service, which has priority`;
  }

  /** The interrupt vector for input `ir`, in 8086 mode. */
  vectorOf(ir: number): number {
    return (this.icw2 & 0xf8) | ir;
  }

  /** True when this chip, as a master, leaves the vector of input `ir` to a slave (ICW3 and cascade mode). */
  drivesCascade(ir: number): boolean {
    return (this.icw1 & ICW1_SNGL) === 0 && (this.icw3 & (1 << ir)) !== 0;
  }

  /** The slave identification that ICW3 gave this chip. */
  get slaveId(): number {
    return this.icw3 & 7;
  }

  /** Port 0 (A0=0): poll word, IRR or ISR; port 1: IMR. */
  readByte(offset: number): number {
    if (!this.poll) return this.peekByte(offset);
    this.poll = false;
    const ir = this.acknowledge();
    return ir < 0 ? 0 : 0x80 | ir;
  }

  /** What `readByte` would give, without acknowledging a poll. */
  peekByte(offset: number): number {
    if (this.poll) {
      const ir = this.highestRequest();
      return ir < 0 ? 0 : 0x80 | ir;
    }
    if (offset & 1) return this.imr;
    return this.readIsr ? this.isr : this.irr;
  }

  /** Command words: ICW1, OCW2, OCW3 at port 0; ICW2-ICW4 and OCW1 at port 1. */
  writeByte(offset: number, value: number): void {
    if (offset & 1) this.writeOdd(value);
    else if (value & ICW1) this.beginInitialization(value);
    else if (value & OCW3) this.writeOcw3(value);
    else this.writeOcw2(value);
    this.update();
  }

  /** The interrupt request register: latched edges and active levels, masked or not. */
  get irr(): number {
    const level = this.icw1 & ICW1_LTIM ? 0xff : this.elcr;
    return (this.edges & ~level) | (this.lines & level);
  }

  private beginInitialization(icw1: number): void {
    this.icw1 = icw1;
    this.expectedIcw = 2;
    this.edges = this.isr = this.imr = this.icw3 = this.icw4 = 0;
    this.lowest = 7;
    this.rotateOnAeoi = this.specialMask = this.readIsr = this.poll = false;
  }

  private writeOdd(value: number): void {
    const afterIcw3 = this.icw1 & ICW1_IC4 ? 4 : 0;
    if (this.expectedIcw === 2) {
      this.icw2 = value;
      this.expectedIcw = this.icw1 & ICW1_SNGL ? afterIcw3 : 3;
    } else if (this.expectedIcw === 3) {
      this.icw3 = value;
      this.expectedIcw = afterIcw3;
    } else if (this.expectedIcw === 4) {
      this.icw4 = value;
      this.expectedIcw = 0;
    } else this.imr = value;
  }

  private writeOcw2(value: number): void {
    const ir = value & 7;
    switch (value >> 5) {
      case 0:
        this.rotateOnAeoi = false;
        break;
      case 4:
        this.rotateOnAeoi = true;
        break;
      case 1:
        this.endOfInterrupt(this.highestInService(), false);
        break;
      case 5:
        this.endOfInterrupt(this.highestInService(), true);
        break;
      case 3:
        this.endOfInterrupt(ir, false);
        break;
      case 7:
        this.endOfInterrupt(ir, true);
        break;
      case 6:
        this.lowest = ir;
        break;
    }
  }

  private writeOcw3(value: number): void {
    if (value & 0x40) this.specialMask = (value & 0x20) !== 0;
    if (value & 0x04) this.poll = true;
    if (value & 0x02) this.readIsr = (value & 0x01) !== 0;
  }

  private endOfInterrupt(ir: number, rotate: boolean): void {
    if (ir < 0) return;
    this.isr &= ~(1 << ir);
    if (rotate) this.lowest = ir;
  }

  /** The input of highest priority among `mask`; -1 when it is empty. */
  private first(mask: number): number {
    for (let i = 1; i <= 8; i++) {
      const ir = (this.lowest + i) & 7;
      if (mask & (1 << ir)) return ir;
    }
    return -1;
  }

  /** A masked level in service is invisible to a non-specific EOI in special mask mode. */
  private highestInService(): number {
    return this.first(this.specialMask ? this.isr & ~this.imr : this.isr);
  }

  private highestRequest(): number {
    if (this.expectedIcw !== 0) return -1;
    const ir = this.first(this.irr & ~this.imr);
    if (ir < 0) return -1;
    if (this.specialMask) return this.first(this.irr & ~this.imr & ~this.isr);
    const blocking = this.first(this.isr);
    if (blocking < 0 || this.rank(ir) < this.rank(blocking)) return ir;
    // In special fully nested mode a slave in service may interrupt again with a request of its own higher priority.
    return ir === blocking && this.icw4 & ICW4_SFNM && this.drivesCascade(ir) ? ir : -1;
  }

  /** 0 for the input of highest priority, 7 for the lowest. */
  private rank(ir: number): number {
    return (ir - this.lowest - 1) & 7;
  }

  private update(): void {
    this.drive(this.highestRequest() >= 0);
  }

  private drive(level: boolean): void {
    if (level === this.interrupt) return;
    this.interrupt = level;
    this.int(level);
  }

  save(): Pic8259AState {
    const { lines, edges, isr, imr, elcr, icw1, icw2, icw3, icw4 } = this;
    const { expectedIcw, lowest, rotateOnAeoi, specialMask, readIsr, poll } = this;
    return {
      ...{ lines, edges, isr, imr, elcr, icw1, icw2, icw3, icw4 },
      ...{ expectedIcw, lowest, rotateOnAeoi, specialMask, readIsr, poll },
    };
  }

  restore(state: Pic8259AState): void {
    Object.assign(this, state);
    this.interrupt = this.highestRequest() >= 0;
    this.int(this.interrupt);
  }
}
