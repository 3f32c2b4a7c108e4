/**
 * RDTSC, RDTSCP, RDPMC, RDRAND, RDSEED. CR4.TSD, CR4.PCE and CPL were checked by the records.
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

export function rdtsc(cpu: Core): Outcome {
  cpu.state.setQuad(STATE.result, BigInt.asUintN(64, cpu.timeStampCounter() + cpu.vmx.tscOffset()));
  return Outcome.Done;
}

export function rdtscp(cpu: Core): Outcome {
  cpu.state.setQuad(STATE.result2, cpu.storedMsrs.get(MSR.TSC_AUX) ?? 0n);
  return rdtsc(cpu);
}

export function rdpmc(): Outcome {
  throw new GuestFault(VECTOR.GP, 0);
}

/** RDRAND and RDSEED of `bits` bits. */
export function random(cpu: Core, bits: Width): Outcome {
  cpu.state.setQuad(STATE.result, BigInt.asUintN(bits, cpu.environment.random()));
  return Outcome.Done;
}
