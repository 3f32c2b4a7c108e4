/**
 * What RDTSC and RDTSCP read, RDPMC, RDRAND, RDSEED. CR4.TSD, CR4.PCE and CPL were checked by the records.
 *
 * Source: SDM Vol. 2B, the instructions; Vol. 3B 17.17.
 * NOT IMPLEMENTED: performance counters: RDPMC finds none (#GP(0)).
 */
import { VECTOR } from '../isa/semantics';
import { Outcome } from '../isa/slow';
import type { Core, Width } from './core';
import { STATE } from './layout';
import { MSR } from './msr-numbers';
import { GuestFault } from './signals';

/** Keeps in the state what RDTSC and RDTSCP take from it: asked for before each run, and behind each WRMSR within one. */
export class TimeStamp {
  private own = 0n;
  private vmx = 0n;
  private readonly auxiliary;

  constructor(private readonly cpu: Core) {
    this.auxiliary = cpu.storedMsrs.cell(MSR.TSC_AUX);
  }

  update(): void {
    const { cpu } = this;
    const vmx = cpu.vmx.tscOffset();
    cpu.state.setWord(STATE.tscAux, Number(this.auxiliary.value));
    if (cpu.tscOffset === this.own && vmx === this.vmx) return;
    this.own = cpu.tscOffset;
    this.vmx = vmx;
    cpu.state.setQuad(STATE.tscOffset, BigInt.asUintN(64, cpu.tscOffset + vmx));
  }
}

export function rdpmc(): Outcome {
  throw new GuestFault(VECTOR.GP, 0);
}

/** RDRAND and RDSEED of `bits` bits. */
export function random(cpu: Core, bits: Width): Outcome {
  cpu.state.setQuad(STATE.result, BigInt.asUintN(bits, cpu.environment.random()));
  return Outcome.Done;
}
