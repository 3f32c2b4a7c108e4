/**
 * What a machine's process may take of the host: a share of a core, kept by pauses between slices, and memory, of which
 * too much pauses the guest. Neither changes anything that the guest can see.
 */
import { HOST_CLOCK, type HostClock } from './host-clock';

/** Limits of a machine's process. */
export interface Limits {
  /** Processor time per time, from 0.05 to 1. */
  readonly coreShare?: number | undefined;
  /** Bytes of the host's memory. */
  readonly hostMemory?: number | undefined;
}

/** The clocks that limits go by, in milliseconds. */
export interface Clocks extends HostClock {
  /** Processor time of this process so far, all its threads. */
  used(): number;
}

const HOST_CLOCKS: Clocks = {
  ...HOST_CLOCK,
  used: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

/** Processor time in milliseconds that a process which was idle may take at once. */
const BURST_MS = 50;
const LONGEST_REST_MS = 1000;
const MEMORY_EVERY_MS = 250;
const MIB = 2 ** 20;

export class Limiter {
  private lastAt: number;
  private lastUsed: number;
  /** Milliseconds of processor time that are left; below 0 they are owed. */
  private left = BURST_MS;
  private memoryAt = 0;
  private wake: (() => void) | undefined;

  constructor(
    private readonly limits: Limits,
    private readonly clocks = HOST_CLOCKS,
  ) {
    this.lastAt = clocks.now();
    this.lastUsed = clocks.used();
  }

  /** After a slice: waits as long as the share demands; `end` cuts it short. */
  async rest(): Promise<void> {
    const { coreShare } = this.limits;
    if (coreShare === undefined) return;
    const now = this.clocks.now();
    const used = this.clocks.used();
    this.left = Math.min(BURST_MS, this.left + (now - this.lastAt) * coreShare - (used - this.lastUsed));
    this.lastAt = now;
    this.lastUsed = used;
    if (this.left >= 0) return;
    const wait = Math.min(LONGEST_REST_MS, -this.left / coreShare);
    await new Promise<void>((resolve) => {
      const callOff = this.clocks.after(wait, resolve);
      this.wake = () => {
        callOff();
        resolve();
      };
    });
    this.wake = undefined;
  }

  /** Ends a rest: the guest shall stop. */
  end(): void {
    this.wake?.();
  }

  /** A sentence if the process has taken more memory than it may; looks a few times a second. */
  excess(): string | undefined {
    const { hostMemory } = this.limits;
    if (hostMemory === undefined) return undefined;
    const now = this.clocks.now();
    if (now - this.memoryAt < MEMORY_EVERY_MS) return undefined;
    this.memoryAt = now;
    const taken = process.memoryUsage.rss();
    if (taken <= hostMemory) return undefined;
    const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;
    return `Its process takes ${mib(taken)} of the host's memory, and may take ${mib(hostMemory)}: raise "hostMemory" in its machine file, or give the guest less "memory".`;
  }
}
