/** The local APIC's MSRs with their #GP rules: IA32_APIC_BASE, IA32_TSC_DEADLINE, x2APIC (SDM Vol. 3A, 11.12.1). */
import type { Lapic } from './lapic';
import { LapicMode } from './lapic-mode';
import { ICR_WRITABLE, LapicRegister, isX2apicReadable, x2apicWritable } from './lapic-registers';
import type { LapicTimer } from './lapic-timer';

const IA32_APIC_BASE = 0x1b;
const IA32_TSC_DEADLINE = 0x6e0;
const X2APIC_FIRST = 0x800;
const X2APIC_LAST = 0x8ff;
/** ICR's delivery status is read-only and not reserved. */
const ICR_ALLOWED = ICR_WRITABLE | 0x1000;

/** The MSR interface of one local APIC. */
export class LapicMsrs {
  constructor(
    private readonly lapic: Lapic,
    private readonly timer: LapicTimer,
  ) {}

  /** RDMSR; false is #GP(0). */
  read(index: number): bigint | false {
    if (index === IA32_APIC_BASE) return this.lapic.base;
    if (index === IA32_TSC_DEADLINE) return this.timer.tscDeadline;
    const register = this.registerOf(index);
    if (register < 0 || !isX2apicReadable(register)) return false;
    const low = BigInt(this.lapic.readRegister(register) >>> 0);
    if (register !== LapicRegister.ICR_LOW) return low;
    return (BigInt(this.lapic.readRegister(LapicRegister.ICR_HIGH)) << 32n) | low;
  }

  /** WRMSR; false is #GP(0). */
  write(index: number, value: bigint): boolean {
    if (index === IA32_APIC_BASE) return this.lapic.setBase(value);
    if (index === IA32_TSC_DEADLINE) {
      this.timer.tscDeadline = value;
      return true;
    }
    const register = this.registerOf(index);
    if (register < 0) return false;
    const low = Number(value & 0xffffffffn);
    if (register === LapicRegister.ICR_LOW) {
      if (low & ~ICR_ALLOWED) return false;
      this.lapic.writeX2apicIcr(low, Number(value >> 32n));
      return true;
    }
    const writable = x2apicWritable(register);
    if (writable < 0 || value >> 32n !== 0n || (low & ~writable) !== 0) return false;
    if (register === LapicRegister.SELF_IPI) this.lapic.selfIpi(low);
    else this.lapic.writeRegister(register, low);
    return true;
  }

  /** The register that an MSR stands for; -1 outside 0x800-0x8FF and outside x2APIC mode. */
  private registerOf(index: number): number {
    if (index < X2APIC_FIRST || index > X2APIC_LAST || this.lapic.apicMode !== LapicMode.X2APIC) return -1;
    return index - X2APIC_FIRST;
  }
}
