/**
 * INVLPG, INVPCID, INVD, WBINVD, CLFLUSH: checks only. Translations are coherent with memory and there is no cache, so
 * nothing has to be forgotten.
 *
 * Source: SDM Vol. 2A, the instructions; Vol. 3A 4.10.4.1.
 */
import { VECTOR } from '../isa/semantics';
import type { Outcome } from '../isa/slow';
import { isCanonical } from './core';
import type { Core } from './core';
import { STATE } from './layout';
import { CURRENT } from './linear-memory';
import { CR4 } from './mode';
import { linearAddress } from './segmentation';
import { GuestFault } from './signals';

const INVPCID_TYPE = { address: 0n, context: 1n, all: 3n } as const;

export function invalidatePage(cpu: Core): Outcome {
  return cpu.done();
}

export function invalidatePcid(cpu: Core, operand: bigint, segment: number, offset: bigint): Outcome {
  const type = BigInt.asUintN(64, operand);
  const linear = linearAddress(cpu, segment, offset, 16, 'read');
  const descriptor = cpu.memory.read64(linear, CURRENT);
  const address = cpu.memory.read64(BigInt.asUintN(64, linear + 8n), CURRENT);
  const hasPcid = (cpu.state.word(STATE.cr4) & CR4.PCIDE) !== 0;
  const namesPcid = type <= INVPCID_TYPE.context;
  const isBad =
    type > INVPCID_TYPE.all ||
    descriptor > 0xfffn ||
    (namesPcid && !hasPcid && descriptor !== 0n) ||
    (type === INVPCID_TYPE.address && !isCanonical(address));
  if (isBad) throw new GuestFault(VECTOR.GP, 0);
  return cpu.done();
}

export function invalidateCaches(cpu: Core): Outcome {
  return cpu.done();
}

export function flushLine(cpu: Core, segment: number, offset: bigint): Outcome {
  cpu.memory.prove(linearAddress(cpu, segment, offset, 1, 'read'), 1, false, CURRENT);
  return cpu.done();
}
