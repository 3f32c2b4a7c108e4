/**
 * The processor's own interrupt line under the hypervisor. The board's controllers interrupt the guest, by injection;
 * this line is raised only when outside input arrives while the guest runs, so that "external-interrupt exiting" brings
 * the hypervisor back at the next boundary. Nothing drives NMI.
 */
import type { VcpuInterrupts } from '../engine/vcpu';

/** Reported only if "acknowledge interrupt on exit" is set: a vector that no device has. */
const HOST_VECTOR = 0xff;

export class HostLine implements VcpuInterrupts {
  readonly nmiPending = false;
  private level = false;

  raise(): void {
    this.level = true;
  }

  lower(): void {
    this.level = false;
  }

  pending(): boolean {
    return this.level;
  }

  acknowledge(): number {
    this.level = false;
    return HOST_VECTOR;
  }

  takeNmi(): boolean {
    return false;
  }
}
