/**
 * Saving and restoring a processor: its architectural registers by name, and what else decides its next step.
 * Not covered: the VMX unit and the local APIC, which save themselves, and caches, which hold nothing of their own.
 */
import { assert } from '../common/assert';
import { architecturalRegisters, setArchitecturalRegisters } from './architectural-registers';
import type { Core, HeldEvent } from './core';
import type { ProcessorEvent } from './event';
import { STATE } from './layout';
import type { Activity, Interruptibility } from './vmx-hooks';

/** Named fields and a version; bigint values are unsigned. */
export interface ProcessorSnapshot {
  readonly version: 1;
  readonly registers: Readonly<Record<string, bigint>>;
  readonly interruptibility: Interruptibility;
  readonly activity: Activity;
  readonly wakesOnMasked: boolean;
  readonly pendingDebug: number;
  readonly vectoring: ProcessorEvent | undefined;
  /** An exception that a debugger holds back. */
  readonly held: HeldEvent | undefined;
  readonly nmiUnblockedByIret: boolean;
  readonly tscOffset: bigint;
  readonly monitored: bigint | undefined;
  /** Processor's bits of the attention word. */
  readonly attention: number;
}

export function saveProcessor(cpu: Core): ProcessorSnapshot {
  const { activity, wakesOnMasked, pendingDebug, vectoring, held, nmiUnblockedByIret, tscOffset, monitored } = cpu;
  return {
    version: 1,
    registers: Object.fromEntries(architecturalRegisters(cpu).map(({ name, value }) => [name, value])),
    interruptibility: { ...cpu.interruptibility },
    activity,
    wakesOnMasked,
    pendingDebug,
    vectoring,
    held,
    nmiUnblockedByIret,
    tscOffset,
    monitored,
    attention: cpu.state.word(STATE.attention),
  };
}

/** Restores what `saveProcessor` saved. The VMX unit must have been restored before: the mode word has its bits. */
export function restoreProcessor(cpu: Core, snapshot: ProcessorSnapshot): void {
  assert(snapshot.version === 1, `processor snapshot of version ${String(snapshot.version)}`);
  const { registers, interruptibility, attention, version: _, ...fields } = snapshot;
  Object.assign(cpu, fields);
  Object.assign(cpu.interruptibility, interruptibility);
  setArchitecturalRegisters(cpu, registers);
  cpu.state.setWord(STATE.attention, attention);
  cpu.environment.apic.setTscOffset(cpu.tscOffset);
  cpu.updateMode();
  cpu.memory.flush();
  cpu.memory.nextFetch();
}
