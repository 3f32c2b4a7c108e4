/**
 * The MSRs that VMX transitions switch by themselves: SYSENTER_*, DEBUGCTL, PAT. They seldom change from one transition
 * to the next, so that each 64-bit value is made once and kept beside its two words. Source: SDM Vol. 3C 25.4.1, 25.5.
 */
import type { MsrCell } from '../stored-msrs';
import type { Vmcs } from './vmcs';
import type { VmcsField } from './vmcs-layout';

/** One MSR with the field that it is switched with. */
export class SwitchedMsr {
  private low = 0;
  private high = 0;
  private value = 0n;

  constructor(
    private readonly cell: MsrCell,
    private readonly field: VmcsField,
  ) {}

  /** Loads the MSR from the field. */
  load(vmcs: Vmcs): void {
    const low = vmcs.low(this.field);
    const high = vmcs.high(this.field);
    if (low !== this.low || high !== this.high) {
      this.low = low;
      this.high = high;
      this.value = vmcs.get(this.field);
    }
    this.cell.value = this.value;
  }

  /** Saves the MSR to the field. */
  save(vmcs: Vmcs): void {
    const { value } = this.cell;
    if (value !== this.value) {
      this.value = value;
      this.low = Number(BigInt.asUintN(32, value));
      this.high = Number(BigInt.asUintN(32, value >> 32n));
    }
    vmcs.store(this.field, this.low, this.high);
  }
}
