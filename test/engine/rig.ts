// An interpreter over a few MiB, with page tables that tests write themselves. HLT and INT3 stop a run.

import { setSegment, updateMode, CR0, CR4, EFER } from '../../src/cpu/mode';
import { STATE } from '../../src/cpu/layout';
import { ProcessorState } from '../../src/cpu/state';
import { Interpreter } from '../../src/engine/interpreter';
import type { InterpreterHooks } from '../../src/engine/interpreter';
import { NO_JIT } from '../../src/engine/jit/jit';
import type { JitPolicy } from '../../src/engine/jit/jit';
import { INSTRUCTIONS } from '../../src/isa/records/index';
import { Outcome, SLOW_FUNCTIONS } from '../../src/isa/slow';
import type { SlowFunctions } from '../../src/isa/slow';
import { PhysicalMemory } from '../../src/memory/physical-memory';
import { planMemory } from '../../src/memory/plan';

export const PAGE = 4096;
const MEBIBYTE = 1 << 20;

/** What a rig is made with. */
export interface RigOptions {
  /** Bytes of physical memory; 4 MiB unless given. */
  readonly bytes?: number;
  /** Asked at breakpoints. */
  readonly breakpointHit?: (linear: bigint) => boolean;
  /** When code is compiled; never unless given. */
  readonly jit?: JitPolicy;
  /** Slow functions that do not stop. */
  readonly slow?: Partial<SlowFunctions>;
  /** Told of writes to the bus. */
  readonly busWrite?: (address: number) => void;
}

/** Bits of the control registers, EFER and the privilege, for `Rig.enter`. */
export interface ModeOptions {
  readonly bits: 16 | 32 | 64;
  readonly cpl?: 0 | 3;
  /** CR0 besides PE. */
  readonly cr0?: number;
  readonly cr4?: number;
  readonly efer?: number;
}

const stop = (): Outcome => Outcome.Stop;

function stopping(): SlowFunctions {
  const functions = Object.fromEntries(Object.keys(SLOW_FUNCTIONS).map((name) => [name, stop]));
  return functions as unknown as SlowFunctions;
}

export class Rig {
  readonly memory: PhysicalMemory;
  readonly state: ProcessorState;
  readonly interpreter: Interpreter;
  private readonly tlb: number;

  constructor({ bytes = 4 * MEBIBYTE, breakpointHit = () => true, jit = NO_JIT, slow, busWrite }: RigOptions = {}) {
    const plan = planMemory(bytes);
    const wasm = new WebAssembly.Memory({ initial: plan.wasmPages, maximum: plan.wasmPages });
    this.memory = new PhysicalMemory(wasm.buffer as ArrayBuffer, plan);
    this.state = new ProcessorState(wasm.buffer as ArrayBuffer);
    this.tlb = plan.tlb;
    const hooks: InterpreterHooks = {
      slow: () => ({ ...stopping(), ...slow }),
      busRead: (_address, into) => into.fill(0xff),
      busWrite: (address) => busWrite?.(address),
      breakpointHit,
    };
    this.interpreter = new Interpreter(wasm, this.memory, this.state, INSTRUCTIONS, hooks, jit);
  }

  /** Flat segments and the mode's control bits. Forgets translations. */
  enter({ bits, cpl = 0, cr0 = 0, cr4 = 0, efer = 0 }: ModeOptions): void {
    const { state } = this;
    const dpl = cpl << 5;
    const code = { 16: 0x009b, 32: 0xc09b, 64: 0xa09b }[bits] | dpl;
    for (let number = 0; number < 6; number++) {
      const rights = number === 1 ? code : 0xc093 | dpl;
      setSegment(state, number, { selector: 8 | cpl, base: 0n, limit: 0xffffffff, rights });
    }
    state.setWord(STATE.cr0, (CR0.PE | CR0.ET | CR0.NE | cr0) >>> 0);
    state.setWord(STATE.cr4, cr4);
    state.setWord(STATE.efer, efer);
    updateMode(state, this.tlb, 0);
    this.interpreter.flush();
  }

  /** 64-bit mode at CPL 0 with the PML4 at `root`. */
  enterLong(root: number, options: Partial<ModeOptions> = {}): void {
    this.state.setQuad(STATE.cr3, BigInt(root));
    const efer = EFER.LME | EFER.LMA | EFER.NXE;
    this.enter({ bits: 64, cr0: CR0.PG | CR0.WP, cr4: CR4.PAE | CR4.OSFXSR, efer, ...options });
  }

  /** Writes tables at `root` and the three pages behind it, so that linear is physical in the first 2 MiB. */
  mapIdentity(root: number): void {
    this.memory.write64(root, BigInt(root + PAGE) | 7n);
    this.memory.write64(root + PAGE, BigInt(root + 2 * PAGE) | 7n);
    this.memory.write64(root + 2 * PAGE, BigInt(root + 3 * PAGE) | 7n);
    for (let page = 0; page < 512; page++) this.setEntry(root, page * PAGE, BigInt(page * PAGE) | 7n);
  }

  /** Physical address of the entry that maps `linear` (below 2 MiB) under `root`. */
  entryAddress(root: number, linear: number): number {
    return root + 3 * PAGE + (linear >>> 12) * 8;
  }

  setEntry(root: number, linear: number, entry: bigint): void {
    this.memory.write64(this.entryAddress(root, linear), entry);
  }

  /** Runs from `rip` at most `budget` instructions. */
  run(rip: number | bigint, budget = 1_000_000): Outcome {
    this.state.rip = BigInt(rip);
    return this.interpreter.run(budget);
  }
}

/** Root of the tables that `longRig` writes, in the second MiB. */
export const ROOT = 0x180000;

/** A rig in 64-bit mode whose first 2 MiB are mapped one to one. */
export function longRig(options: RigOptions = {}): Rig {
  const rig = new Rig(options);
  rig.mapIdentity(ROOT);
  rig.enterLong(ROOT);
  rig.state.rflags = 2;
  return rig;
}
