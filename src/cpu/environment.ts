/**
 * What the processor needs of the world around it. All of it is injected: time, randomness, ports, the local APIC, the
 * instruction at hand.
 */
import type { SlowFunctions } from '../isa/slow';

/** The I/O address space. Sizes are 1, 2 or 4 bytes; values unsigned, little-endian. */
export interface ProcessorPorts {
  portRead(port: number, size: number): number;
  portWrite(port: number, size: number, value: number): void;
}

/** The local APIC's processor side. */
export interface LocalApic {
  /** RDMSR of IA32_APIC_BASE, IA32_TSC_DEADLINE and 0x800-0x8FF; false is #GP(0). */
  readMsr(index: number): bigint | false;
  /** WRMSR of the same; false is #GP(0). */
  writeMsr(index: number, value: bigint): boolean;
  /** Task priority, 0-255; CR8 is its upper four bits. */
  taskPriority: number;
  /** TSC minus ticks, modulo 2^64; the TSC deadline follows it. */
  setTscOffset(offset: bigint): void;
}

/** The instruction that runs while a slow function does. */
export interface CurrentInstruction {
  /** Its length in bytes, 1-15. */
  length(): number;
}

/** x87 and SSE arithmetic, implemented over soft-float. They may throw `GuestFault`. */
export type FloatUnit = Pick<SlowFunctions, 'x87' | 'x87Environment' | 'sse'>;

/** Everything injected into a processor. */
export interface ProcessorEnvironment {
  readonly ports: ProcessorPorts;
  readonly apic: LocalApic;
  readonly instruction: CurrentInstruction;
  readonly float: FloatUnit;
  /** Clock in ticks (1 tick = 1 ns = 1 TSC count). */
  ticks(): number;
  /** A uniformly random unsigned 64-bit value, from a seeded generator. */
  random(): bigint;
  /** Host offset of the first TLB context. */
  readonly tlbBase: number;
}
