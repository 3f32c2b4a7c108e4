/**
 * POPF.
 *
 * Source: SDM Vol. 2A/B, the instructions; Vol. 3A 6.8 (IF), 20.2.7 (IOPL in virtual-8086 mode).
 * NOT IMPLEMENTED: VME and PVI (CPUID.01H:EDX.VME = 0), so VIF never stands in for IF.
 */
import { VECTOR } from '../isa/semantics';
import { Outcome } from '../isa/slow';
import type { Core, Width } from './core';
import { MODE } from './layout';
import { EFLAGS, POPPED_FLAGS } from './mode';
import { GuestFault } from './signals';

/** True when POPF may change IF: always in real mode, CPL <= IOPL elsewhere (CPL is 3 in V86 mode). */
function mayChangeIf(cpu: Core): boolean {
  return !(cpu.mode & MODE.protected) || cpu.cpl <= cpu.ioPrivilege;
}

/** In virtual-8086 mode POPF needs IOPL 3. */
function checkVirtual(cpu: Core): void {
  if (cpu.isVirtual8086 && cpu.ioPrivilege < 3) throw new GuestFault(VECTOR.GP, 0);
}

/** POPF of `size` bits: IF by IOPL, IOPL by CPL 0; RF becomes 0 when the operand reaches it. */
export function popFlags(cpu: Core, image: bigint, size: Width): Outcome {
  checkVirtual(cpu);
  const { state } = cpu;
  const isHighest = !(cpu.mode & MODE.protected) || cpu.cpl === 0;
  const changeable = POPPED_FLAGS | (mayChangeIf(cpu) ? EFLAGS.IF : 0) | (isHighest ? EFLAGS.IOPL : 0);
  const mask = size === 16 ? changeable & 0xffff : changeable;
  const kept = state.rflags & ~mask & (size === 16 ? ~0 : ~EFLAGS.RF);
  cpu.setFlags(kept | (Number(BigInt.asUintN(32, image)) & mask));
  return Outcome.Done;
}
