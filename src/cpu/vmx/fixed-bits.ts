/**
 * Which values CR0 and CR4 may have in VMX operation. Source: SDM Vol. 3C 24.8 and 26.3; appendix A.7, A.8.
 */
import { CR0 } from '../mode';
import { SECONDARY } from './controls';
import type { VmxCore } from './vmx-core';

/** False when VMX operation forbids `value` (unsigned 64 bits) in the register; PE and PG are free for unrestricted guests. */
export function controlRegisterAllowed(core: VmxCore, number: 0 | 4, value: bigint): boolean {
  const { cr0MustBe1, cr0MayBe1, cr4MustBe1, cr4MayBe1 } = core.capabilities;
  const isUnrestricted = core.isNonRoot && core.secondary(SECONDARY.UNRESTRICTED_GUEST);
  const fixedCr0 = isUnrestricted ? cr0MustBe1 & ~(CR0.PE | CR0.PG) : cr0MustBe1;
  const [mustBe1, mayBe1] = number === 0 ? [fixedCr0 >>> 0, cr0MayBe1] : [cr4MustBe1, cr4MayBe1];
  return (value & BigInt(mustBe1)) === BigInt(mustBe1) && (value & ~BigInt(mayBe1)) === 0n;
}
