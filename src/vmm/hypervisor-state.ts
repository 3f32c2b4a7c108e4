/** The hypervisor's part of a snapshot: what is neither in machine memory nor in the VMX unit. */
import type { EmulatorState } from './emulator';
import type { EvictionState } from './eviction';
import type { ExitLogState } from './exit-log';
import type { Emulation } from './guest-processor';
import type { InjectionState } from './injection';
import type { GuestFrames, PageAllocator } from './memory';

/** Plain data with a version. Machine memory (EPT, VMCS, bitmaps, RAM) and the VMX unit are saved beside it. */
export interface HypervisorState {
  readonly version: 1;
  readonly isHalted: boolean;
  readonly emulation: Emulation | undefined;
  readonly unfinishedPages: readonly number[];
  readonly emulator: EmulatorState;
  readonly injection: InjectionState;
  readonly eviction: EvictionState;
  readonly exits: ExitLogState;
  readonly pages: ReturnType<PageAllocator['save']>;
  readonly frames: ReturnType<GuestFrames['save']>;
  /** `OpenBus.save`; older snapshots have none. */
  readonly openBus?: number | undefined;
  /** VM exits in a row without a completed instruction, and the count at the last exit. */
  readonly idleExits: number;
  readonly exitsSeenAt: number;
  /** The processor's interrupt line is up: outside input has not been noticed yet. */
  readonly line: boolean;
  /** The next run ends at once. */
  readonly stopWanted: boolean;
}
