/**
 * Snapshots: the whole state of a machine as plain data. A machine that is restored from one, in a fresh process, and run
 * on equals the machine that ran through, exit counts included.
 *
 * Machine memory is saved by content: the guest's RAM, and with it the hypervisor's VMCS, bitmaps and EPT, which lie
 * there in the processor's formats. Not saved: translations, decoded code, breakpoints and what the exit log keeps.
 */
import type { VcpuState } from '../engine/vcpu';
import type { Vcpu } from '../engine/vcpu';
import type { ProcessorSnapshot } from '../cpu/processor-snapshot';
import type { VmxState } from '../cpu/vmx/unit-state';
import type { PhysicalMemory } from '../memory/physical-memory';
import { PAGE } from '../memory/plan';
import type { HypervisorState } from '../vmm/hypervisor-state';
import type { BoardState } from './board';
import type { ClockState } from './clock';
import { filledPages, physicalPages } from './pages';
import type { PageContent } from './pages';
import type { FinalResult } from './run-result';
import { requireBoardForm } from './snapshot-check';
import type { HashedParts } from './state-hash';

/** A machine at rest: named fields of plain data. */
export interface MachineState {
  readonly version: 1;
  /** Bytes of guest RAM. */
  readonly memoryBytes: number;
  readonly bare: boolean;
  /** Pages of machine memory that are not all zero, by physical page number, ascending. */
  readonly pages: readonly PageContent[];
  readonly clock: ClockState;
  /** Of the generator behind RDRAND: 64 bits, unsigned. */
  readonly random: bigint;
  readonly vmx: VmxState;
  readonly processor: ProcessorSnapshot;
  readonly board: BoardState;
  /** Undefined exactly when the machine is bare. */
  readonly hypervisor: HypervisorState | undefined;
  readonly vcpu: VcpuState;
  /** How the machine ended, once it has. */
  readonly ended: FinalResult | undefined;
}

/** The parts of a machine that a snapshot covers. */
export interface SavedParts extends HashedParts {
  readonly vcpu: Vcpu;
}

/** What the machine itself knows, besides its parts. */
export type MachineFacts = Pick<MachineState, 'memoryBytes' | 'bare' | 'ended'>;

/** Saves a machine between two runs. The pages are copies. */
export function saveMachine(parts: SavedParts, facts: MachineFacts): MachineState {
  const { memory, clock, random, vmx, processor, board, hypervisor, vcpu } = parts;
  // Devices take what is due into account before they save: first, so that the rest is of the same moment.
  const boardState = board.save();
  return {
    version: 1,
    ...facts,
    pages: [...filledPages(memory, physicalPages(memory))].map(({ page, bytes }) => ({ page, bytes: bytes.slice() })),
    clock: clock.save(),
    random: random.save(),
    vmx: vmx.save(),
    processor: processor.save(),
    board: boardState,
    hypervisor: hypervisor?.save(),
    vcpu: vcpu.save(),
  };
}

/**
 * Puts `state` into the parts of a machine of the same size and kind that has not run. Throws a `UserError` if the
 * devices are not this board's.
 */
export function restoreMachine(parts: SavedParts, state: MachineState): void {
  requireBoardForm(parts.board.save(), state.board);
  restorePages(parts.memory, state.pages);
  // Alarms are set by devices against the clock, and the processor's mode word has bits of the VMX unit.
  parts.clock.restore(state.clock);
  parts.random.restore(state.random);
  parts.vmx.restore(state.vmx);
  parts.processor.restore(state.processor);
  parts.board.restore(state.board);
  if (state.hypervisor) parts.hypervisor!.restore(state.hypervisor);
  parts.vcpu.restore(state.vcpu);
}

/** Replaces all of physical memory: what `pages` does not name becomes zero. */
function restorePages(memory: PhysicalMemory, pages: readonly PageContent[]): void {
  const zeros = new Uint8Array(PAGE);
  const left = new Set(pages.map(({ page }) => page));
  for (const { page } of filledPages(memory, physicalPages(memory))) {
    if (!left.has(page)) memory.write(page * PAGE, zeros);
  }
  for (const { page, bytes } of pages) memory.write(page * PAGE, bytes);
}
