// Runs trials on our machine: the interpreter at CPL 3 over the pages and segments of layout.ts, with the processor's
// slow functions. No events, no exits: INT3 stops.

import { planMemory } from '../../../src/memory/plan';
import { PhysicalMemory } from '../../../src/memory/physical-memory';
import { Core } from '../../../src/cpu/core';
import { MODE, STATE } from '../../../src/cpu/layout';
import { CR0, CR4, EFER, setSegment, updateMode } from '../../../src/cpu/mode';
import { slowFunctions } from '../../../src/cpu/slow-functions';
import { ProcessorState } from '../../../src/cpu/state';
import type { VmxUnit } from '../../../src/cpu/vmx-hooks';
import { Interpreter } from '../../../src/engine/interpreter';
import { INSTRUCTIONS } from '../../../src/isa/records/index';
import { Outcome } from '../../../src/isa/slow';
import { createFpu } from '../../../src/cpu/fpu/fpu';
import { CODE, DATA, FXSAVE_BYTES, IMAGE, INT3, PAGE, segmentBase, segmentsOf } from './layout';
import type { Mode } from './layout';
import { dataPages, fillState } from './random-state';
import { COMPARED_FLAGS } from './vector';
import type { Trial } from './vector';

const PHYSICAL_BYTES = 4 << 20;
const TABLES = 0x300000;
const BUDGET = 100_000;
const PAGE_FAULT = 14;

/** What our machine did. */
export interface Result {
  /** Vector of the exception; undefined when the instruction completed. */
  readonly fault: number | undefined;
  readonly error: number;
  readonly address: bigint;
  readonly rip: bigint;
  readonly flags: number;
  /** Instructions that were counted. */
  readonly completed: number;
  /** Registers, FXSAVE area and data pages; valid until the next trial. */
  readonly image: Buffer;
}

/** A processor without VMX: its instructions are not run here. */
function absentVmx(): VmxUnit {
  const absent = { modeBits: 0, instructions: {} };
  return absent as unknown as VmxUnit;
}

export class VectorMachine {
  private readonly state: ProcessorState;
  private readonly memory: PhysicalMemory;
  private readonly interpreter: Interpreter;
  private readonly tlb: number;
  private readonly image = Buffer.alloc(IMAGE.bytes);
  private readonly imageView = new DataView(this.image.buffer, this.image.byteOffset, IMAGE.bytes);
  private readonly original = dataPages();
  private readonly data: Uint8Array;
  private mode: Mode | undefined;
  private alignment = false;

  constructor() {
    const plan = planMemory(PHYSICAL_BYTES);
    this.tlb = plan.tlb;
    const wasm = new WebAssembly.Memory({ initial: plan.wasmPages, maximum: plan.wasmPages });
    const buffer = wasm.buffer as ArrayBuffer;
    this.memory = new PhysicalMemory(buffer, plan);
    this.state = new ProcessorState(buffer);
    this.interpreter = new Interpreter(wasm, this.memory, this.state, INSTRUCTIONS, {
      slow: () => ({ ...slowFunctions(core), breakpoint: () => Outcome.Stop }),
      busRead: (_address, bytes) => bytes.fill(0xff),
      busWrite: () => undefined,
      breakpointHit: () => false,
    });
    const never = (): never => {
      throw new Error('no such thing in user mode');
    };
    const instruction = { length: () => this.interpreter.currentLength };
    const core = new Core(this.state, this.interpreter, {
      ports: { portRead: never, portWrite: never },
      apic: { readMsr: never, writeMsr: never, taskPriority: 0, setTscOffset: never },
      instruction,
      float: createFpu(this.state, this.interpreter, instruction),
      ticks: () => 0,
      random: () => 0n,
      tlbBase: plan.tlb,
    });
    core.vmx = absentVmx();
    this.mapPages();
    this.data = new Uint8Array(buffer, plan.physical + DATA.at, DATA.pages * PAGE);
    this.data.set(this.original);
    this.memory.write(CODE.at, new Uint8Array(CODE.pages * PAGE).fill(INT3));
  }

  /** Linear is physical in the data and code pages; nothing else is mapped. */
  private mapPages(): void {
    const [user, writable, noExecute] = [5n, 2n, 1n << 63n];
    this.memory.write64(TABLES, BigInt(TABLES + PAGE) | user | writable);
    this.memory.write64(TABLES + PAGE, BigInt(TABLES + 2 * PAGE) | user | writable);
    const map = (at: number, pages: number, flags: (page: number) => bigint): void => {
      const table = TABLES + (3 + (at >> 21)) * PAGE;
      this.memory.write64(TABLES + 2 * PAGE + (at >> 21) * 8, BigInt(table) | user | writable);
      for (let page = 0; page < pages; page++) {
        const linear = at + page * PAGE;
        this.memory.write64(table + ((linear >> 12) & 511) * 8, BigInt(linear) | flags(page));
      }
    };
    map(DATA.at, DATA.pages, (page) => user | noExecute | (page < DATA.writablePages ? writable : 0n));
    map(CODE.at, CODE.pages, () => user);
    const { state } = this;
    const { PE, MP, ET, NE, WP, AM, PG } = CR0;
    state.setWord(STATE.cr0, (PE | MP | ET | NE | WP | AM | PG) >>> 0);
    state.setWord(STATE.cr4, CR4.PAE | CR4.OSFXSR | CR4.OSXMMEXCPT);
    state.setWord(STATE.efer, EFER.LME | EFER.LMA | EFER.NXE | EFER.SCE);
    state.setQuad(STATE.cr3, BigInt(TABLES));
  }

  private setMode(mode: Mode, alignment: boolean): void {
    const before = this.mode;
    if (before?.bits === mode.bits && before.stack === mode.stack && this.alignment === alignment) return;
    segmentsOf(mode).forEach(({ selector, base, limit, rights }, number) =>
      setSegment(this.state, number, { selector, base: BigInt(base), limit, rights }),
    );
    updateMode(this.state, this.tlb, 0);
    this.mode = mode;
    this.alignment = alignment;
  }

  /** The state before the trial, data pages included. */
  initialImage(trial: Trial, image: Buffer): void {
    const view = new DataView(image.buffer, image.byteOffset, IMAGE.bytes);
    fillState(view, trial.seed, trial.profile, trial.mode.bits);
    for (const [register, value] of trial.overrides) view.setBigUint64(IMAGE.registers + register * 8, value, true);
    image.set(this.original, IMAGE.data);
    for (const { at, bytes } of trial.patches) image.set(bytes, IMAGE.data + at - DATA.at);
  }

  /** Runs a trial, whose initial state `image` holds. */
  run(trial: Trial, image: Buffer): Result {
    const { state, memory } = this;
    state.rflags = trial.flags;
    this.setMode(trial.mode, (trial.flags & 0x40000) !== 0);
    state.u8.set(image.subarray(IMAGE.registers, IMAGE.fxsave), STATE.general);
    if (trial.profile !== 'none') this.loadFloat(image);
    for (const { at, bytes } of trial.patches) this.data.set(bytes, at - DATA.at);
    const inside = Math.min(trial.code.length, CODE.at + CODE.pages * PAGE - trial.at);
    if (inside > 0) memory.write(trial.at, trial.code.subarray(0, inside));
    const start = BigInt(trial.at - segmentBase(trial.mode, 1));
    state.rip = start;
    try {
      return this.result(this.interpreter.run(BUDGET), start);
    } finally {
      if (inside > 0) memory.write(trial.at, new Uint8Array(inside).fill(INT3));
      this.data.set(this.original);
    }
  }

  private result(outcome: Outcome, start: bigint): Result {
    const { state, image, imageView } = this;
    const { rip } = state;
    const isFault = outcome === Outcome.Fault;
    // A jump that completed and whose target cannot be fetched is the next instruction's fault.
    const fault =
      isFault && (rip === start || this.interpreter.completed === 0) ? state.word(STATE.faultVector) : undefined;
    image.set(state.u8.subarray(STATE.general, STATE.general + 128), IMAGE.registers);
    if ((state.word(STATE.mode) & MODE.codeMask) !== MODE.code64) {
      for (let n = 0; n < 8; n++) imageView.setUint32(IMAGE.registers + n * 8 + 4, 0, true);
    }
    this.storeFloat(image);
    image.set(this.data, IMAGE.data);
    return {
      fault: isFault || outcome === Outcome.Stop ? fault : 256 + outcome,
      error: fault !== undefined && state.word(STATE.faultHasError) ? state.word(STATE.faultError) : 0,
      address: fault === PAGE_FAULT ? state.quad(STATE.faultAddress) : 0n,
      rip,
      flags: state.rflags & COMPARED_FLAGS,
      completed: this.interpreter.completed,
      image,
    };
  }

  /** The FXSAVE area into the state. */
  private loadFloat(image: Buffer): void {
    const { state } = this;
    const at = IMAGE.fxsave;
    state.setWord(STATE.fpuControl, image.readUInt16LE(at));
    state.setWord(STATE.fpuStatus, image.readUInt16LE(at + 2));
    state.setWord(STATE.fpuTag, image.readUInt8(at + 4));
    state.setWord(STATE.mxcsr, image.readUInt32LE(at + 24));
    for (let n = 0; n < 8; n++) {
      state.u8.set(image.subarray(at + 32 + n * 16, at + 42 + n * 16), STATE.fpu + n * 16);
    }
    for (let n = 0; n < 16; n++) {
      state.u8.set(image.subarray(at + 160 + n * 16, at + 176 + n * 16), STATE.vector + n * 64);
    }
  }

  private storeFloat(image: Buffer): void {
    const { state } = this;
    const at = IMAGE.fxsave;
    image.fill(0, at, at + FXSAVE_BYTES);
    image.writeUInt16LE(state.word(STATE.fpuControl), at);
    image.writeUInt16LE(state.word(STATE.fpuStatus), at + 2);
    image.writeUInt8(state.word(STATE.fpuTag) & 0xff, at + 4);
    image.writeUInt32LE(state.word(STATE.mxcsr), at + 24);
    image.writeUInt32LE(0x2ffff, at + 28);
    for (let n = 0; n < 8; n++) {
      image.set(state.u8.subarray(STATE.fpu + n * 16, STATE.fpu + n * 16 + 10), at + 32 + n * 16);
    }
    for (let n = 0; n < 16; n++) {
      image.set(state.u8.subarray(STATE.vector + n * 64, STATE.vector + n * 64 + 16), at + 160 + n * 16);
    }
  }
}
