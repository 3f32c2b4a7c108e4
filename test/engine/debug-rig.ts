// A bare machine whose code, tables and debug registers tests write themselves. The #DB and #PF handlers of the guest
// are endless loops; the test looks at the frame and returns from them, so that a run of any budget shows every exception.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { STATE } from '../../src/cpu/layout';
import { CR0, CR4, EFER, setSegment } from '../../src/cpu/mode';
import { Machine } from '../../src/machine/machine';

export type Mode = 'real' | 'protected' | 'long';

export const CODE = 0x20000;
export const DATA = 0x30000;
export const STACK = 0x48000;
const HANDLER = 0x8000;
const LOOP = [0xeb, 0xfe];
const PLACE = { gdt: 0x1000, idt: 0x2000, root: 0x10000 } as const;
const PAGE = 4096;

/** One exception that came to a handler. */
export interface Seen {
  readonly vector: number;
  /** Where the handler returns to, from `CODE` on. */
  readonly at: number;
  /** B0-B3, BD, BS of DR6. */
  readonly dr6: number;
  /** RF in the pushed image. */
  readonly resume: boolean;
}

/** DR7 fields of breakpoint `number`: R/W and LEN as the SDM numbers them. */
export function enable(number: number, condition: number, length: number): number {
  const len = { 1: 0, 2: 1, 8: 2, 4: 3 }[length]!;
  return ((2 << (number * 2)) | ((condition | (len << 2)) << (16 + number * 4))) >>> 0;
}

export class DebugRig {
  readonly machine: Machine;

  constructor(readonly mode: Mode) {
    this.machine = new Machine({
      kernel: readFileSync(join(process.cwd(), 'test/guests/bin/hello.elf')),
      boot: {},
      memoryBytes: 4 << 20,
      bare: true,
      onSerial: () => undefined,
    });
    for (let vector = 0; vector < 16; vector++) this.install(vector);
    if (mode === 'long') this.mapIdentity();
  }

  private write(at: number, bytes: readonly number[]): void {
    this.machine.memory.write(at, Uint8Array.from(bytes));
  }

  private install(vector: number): void {
    const { memory } = this.machine;
    const at = HANDLER + vector * 16;
    this.write(at, LOOP);
    if (this.mode === 'real') {
      memory.write(vector * 4, Uint8Array.from([at & 0xff, at >> 8, 0, 0]));
      return;
    }
    const gate = BigInt(at) | (8n << 16n) | (0x8e00n << 32n);
    memory.write64(PLACE.gdt + 8, this.mode === 'long' ? 0x00af9b000000ffffn : 0x00cf9b000000ffffn);
    memory.write64(PLACE.gdt + 16, 0x00cf93000000ffffn);
    memory.write64(PLACE.idt + vector * (this.mode === 'long' ? 16 : 8), gate);
    if (this.mode === 'long') memory.write64(PLACE.idt + vector * 16 + 8, 0n);
  }

  private mapIdentity(): void {
    const { memory } = this.machine;
    for (let level = 0; level < 3; level++)
      memory.write64(PLACE.root + level * PAGE, BigInt(PLACE.root + (level + 1) * PAGE) | 3n);
    for (let page = 0; page < 512; page++) this.map(page * PAGE, true);
  }

  /** Long mode: maps the page of `linear` to itself, or takes it away. */
  map(linear: number, isPresent: boolean): void {
    const entry = isPresent ? BigInt(linear & ~0xfff) | 3n : 0n;
    this.machine.memory.write64(PLACE.root + 3 * PAGE + (linear >>> 12) * 8, entry);
  }

  /** Power-on of a kind: `code` at `CODE` is next, DR0-DR3 hold `addresses`. */
  start(code: readonly number[], addresses: readonly number[], dr7: number): void {
    const { state, processor } = this.machine;
    this.write(CODE, [...code, ...LOOP]);
    const rights = this.mode === 'long' ? 0xa09b : this.mode === 'protected' ? 0xc09b : 0x009b;
    for (let number = 0; number < 6; number++) {
      const isCode = number === 1;
      const selector = this.mode === 'real' ? 0 : isCode ? 8 : 16;
      const data = this.mode === 'real' ? 0x0093 : 0xc093;
      const base = isCode && this.mode === 'real' ? BigInt(CODE) : 0n;
      setSegment(state, number, { selector, base, limit: 0xffffffff, rights: isCode ? rights : data });
    }
    const long = this.mode === 'long';
    state.setQuad(
      STATE.cr0,
      BigInt(CR0.ET | CR0.NE) | BigInt(this.mode === 'real' ? 0 : CR0.PE) | (long ? 0x80000000n : 0n),
    );
    state.setQuad(STATE.cr3, BigInt(PLACE.root));
    state.setQuad(STATE.cr4, BigInt(long ? CR4.PAE : 0));
    state.setQuad(STATE.efer, BigInt(long ? EFER.LME | EFER.LMA : 0));
    state.setQuad(STATE.gdtr, BigInt(PLACE.gdt));
    state.setWord(STATE.gdtr + 8, 23);
    state.setQuad(STATE.idtr, BigInt(this.mode === 'real' ? 0 : PLACE.idt));
    state.setWord(STATE.idtr + 8, 0xfff);
    for (let number = 0; number < 16; number++) state.setGeneral(number, 0n);
    state.setGeneral(4, BigInt(STACK));
    addresses.forEach((address, number) => state.setQuad(STATE.debug + number * 8, BigInt(address)));
    state.setQuad(STATE.dr6, 0xffff0ff0n);
    state.setQuad(STATE.dr7, BigInt(dr7 | 0x400) & 0xffffffffn);
    state.rip = this.ripOf(0);
    state.rflags = 2;
    processor.stateReplaced(true);
  }

  private ripOf(at: number): bigint {
    return BigInt(this.mode === 'real' ? at : CODE + at);
  }

  /** The offset from `CODE` of the next instruction. */
  get at(): number {
    return Number(this.machine.state.rip) - (this.mode === 'real' ? 0 : CODE);
  }

  /** Runs in pieces of `budget` instructions until RIP is `end`; `resume` sets RF when an instruction breakpoint faults. */
  run(end: number, budget: number, handle: (seen: Seen) => void = () => undefined, resume = true): Seen[] {
    const { machine } = this;
    const seen: Seen[] = [];
    for (let runs = 0; runs < 500; runs++) {
      machine.run(budget);
      const inHandler = Number(machine.state.rip) - HANDLER;
      if (inHandler >= 0 && inHandler < 256 && machine.state.segmentBase(1) === 0n) {
        const exception = this.takeFrame(inHandler >> 4, resume);
        seen.push(exception);
        handle(exception);
        if (exception.vector !== 1) return seen;
      } else if (this.at === end) return seen;
    }
    throw new Error(`the code never came to its end; at ${this.at}`);
  }

  private isInstructionBreakpoint(dr6: number): boolean {
    const dr7 = this.machine.state.word(STATE.dr7);
    return [0, 1, 2, 3].some((number) => dr6 & (1 << number) && ((dr7 >>> (16 + number * 4)) & 3) === 0);
  }

  /** Reads the exception's frame and returns from it. */
  private takeFrame(vector: number, resume: boolean): Seen {
    const { state, memory, processor } = this.machine;
    const width = { real: 2, protected: 4, long: 8 }[this.mode];
    const pointer = Number(state.general(4)) & (this.mode === 'real' ? 0xffff : -1);
    const stack = pointer + (vector === 13 || vector === 14 ? width : 0);
    const word = (index: number): number =>
      Number(memory.read64(stack + index * width) & ((1n << BigInt(width * 8)) - 1n));
    const at = word(0) - (this.mode === 'real' ? 0 : CODE);
    const flags = word(2);
    const dr6 = Number(state.quad(STATE.dr6) & 0xe00fn);
    state.setQuad(STATE.dr6, 0xffff0ff0n);
    const result: Seen = { vector, at, dr6, resume: (flags & 0x10000) !== 0 };
    if (vector !== 1) return result;
    state.rip = this.ripOf(at);
    state.rflags = resume && this.isInstructionBreakpoint(dr6) ? flags | 0x10000 : flags;
    if (this.mode === 'real') {
      setSegment(state, 1, { selector: 0, base: BigInt(CODE), limit: 0xffffffff, rights: 0x009b });
    }
    state.setGeneral(4, this.mode === 'long' ? memory.read64(stack + 24) : BigInt(stack + 3 * width));
    processor.stateReplaced(false);
    return result;
  }
}
