// The slow functions x87, x87Environment and sse over a bare state, with memory of one page at linear 0x10000.

import { createFpu } from '../../../src/cpu/fpu/fpu';
import { STATE } from '../../../src/cpu/layout';
import type { LinearMemory } from '../../../src/cpu/linear-memory';
import { CR0, CR4, setSegment, updateMode } from '../../../src/cpu/mode';
import { GuestFault } from '../../../src/cpu/signals';
import { ProcessorState } from '../../../src/cpu/state';

const PAGE = 0x10000;
const PAGE_BYTES = 4096;
const FLAT_DATA = 0xc093;
const FLAT_CODE = 0xc09b;

function unused(): never {
  throw new Error('not used by the FPU');
}

/** State, slow functions and memory, in 32-bit protected mode. */
export class Rig {
  readonly state = new ProcessorState(new ArrayBuffer(0x10000));
  readonly bytes = new Uint8Array(PAGE_BYTES);
  reports = 0;
  readonly memory: LinearMemory = {
    read8: unused,
    read16: unused,
    read32: unused,
    read64: unused,
    write8: unused,
    write16: unused,
    write32: unused,
    write64: unused,
    readBytes: (linear, length) => this.bytes.slice(Number(linear) - PAGE, Number(linear) - PAGE + length),
    writeBytes: (linear, bytes) => this.bytes.set(bytes, Number(linear) - PAGE),
    prove: unused,
    readGuestPhysical64: unused,
    flush: unused,
    changeRoot: unused,
    nextFetch: unused,
  };
  readonly fpu = createFpu(this.state, this.memory, { length: () => 2 }, () => {
    this.reports++;
  });

  constructor() {
    const { state } = this;
    state.setWord(STATE.cr0, CR0.PE | CR0.NE);
    state.setWord(STATE.cr4, CR4.OSXMMEXCPT);
    for (let n = 0; n < 6; n++) {
      setSegment(state, n, {
        selector: 8 + 8 * n,
        base: 0n,
        limit: 0xffffffff,
        rights: n === 1 ? FLAT_CODE : FLAT_DATA,
      });
    }
    updateMode(state, 0, 0);
    state.rip = BigInt(PAGE);
  }

  /** Fills the stack: `values[i]` is ST(i) as 80 bits; the rest is empty, the control word `control`. */
  setStack(control: number, values: readonly bigint[]): void {
    const { state } = this;
    const top = 8 - values.length;
    state.setWord(STATE.fpuControl, control | 0x40);
    state.setWord(STATE.fpuStatus, (top & 7) << 11);
    state.setWord(STATE.fpuTag, (0xff << top) & 0xff);
    for (const [i, value] of values.entries()) {
      state.setQuad(STATE.fpu + 16 * (top + i), BigInt.asUintN(64, value));
      state.view.setUint16(STATE.fpu + 16 * (top + i) + 8, Number(value >> 64n), true);
    }
  }

  get status(): number {
    return this.state.word(STATE.fpuStatus);
  }

  /** ST(i) as 80 bits, or undefined when it is empty. */
  register(i: number): bigint | undefined {
    const number = (((this.status >> 11) & 7) + i) & 7;
    if (!((this.state.word(STATE.fpuTag) >> number) & 1)) return undefined;
    const high = this.state.view.getUint16(STATE.fpu + 16 * number + 8, true);
    return (BigInt(high) << 64n) | this.state.quad(STATE.fpu + 16 * number);
  }

  x87(operation: number, i = 0, memory = 0n, offset?: number): void {
    const segment = offset === undefined ? -1 : 3;
    this.fpu.x87(operation, i, BigInt.asIntN(64, memory), Number(memory >> 64n), segment, BigInt(offset ?? 0));
  }

  /** Runs an SSE operation; the vector of the exception that it raised, or undefined. */
  sse(operation: number, destination: number, source: number, immediate = 0): number | undefined {
    try {
      this.fpu.sse(operation, destination, source, immediate);
      return undefined;
    } catch (signal) {
      if (signal instanceof GuestFault) return signal.vector;
      throw signal;
    }
  }
}

/** All exceptions masked, round to nearest, 64 bits. */
export const DEFAULT_CONTROL = 0x37f;
