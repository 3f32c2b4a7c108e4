/**
 * Segment and gate descriptors: their fields, and reading them from the GDT or the LDT.
 *
 * Source: SDM Vol. 3A 3.4.5, 3.5, 5.8.3 (call gates), 6.11 and 6.14 (IDT gates), 7.2.2 to 7.2.5 (TSS descriptors, task
 * gates).
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import type { Core } from './core';
import { STATE } from './layout';
import { SYSTEM } from './linear-memory';
import { RIGHTS } from './mode';
import { GuestFault } from './signals';
import type { Segment } from './state';

/** Types of system descriptors (SDM Vol. 3A, table 3-2). In IA-32e mode only LDT and the 32-bit rows but 5 remain. */
export const SYSTEM_TYPE = {
  tss16: 1,
  ldt: 2,
  busyTss16: 3,
  callGate16: 4,
  taskGate: 5,
  interruptGate16: 6,
  trapGate16: 7,
  tss32: 9,
  busyTss32: 11,
  callGate32: 12,
  interruptGate32: 14,
  trapGate32: 15,
} as const;

/** Bit of a TSS descriptor's type that says "busy", in the high word; of a code or data descriptor: accessed. */
const BUSY = 0x200;
const ACCESSED = 0x100;

/** A descriptor as it lies in memory. */
export class Descriptor {
  constructor(
    readonly selector: number,
    /** Linear address. */
    readonly address: bigint,
    /** Bytes 0-3 and 4-7, unsigned. */
    readonly low: number,
    readonly high: number,
  ) {}

  /** Type, bits 11:8 of the high word. */
  get type(): number {
    return (this.high >>> 8) & 0xf;
  }
  /** True for a system segment or gate. */
  get isSystem(): boolean {
    return (this.high & 0x1000) === 0;
  }
  get isCode(): boolean {
    return (this.high & 0x1800) === 0x1800;
  }
  get isConforming(): boolean {
    return (this.high & 0x1c00) === 0x1c00;
  }
  get isWritableData(): boolean {
    return (this.high & 0x1a00) === 0x1200;
  }
  /** Data, or code that can be read. */
  get isReadable(): boolean {
    return !this.isSystem && (!this.isCode || (this.high & 0x200) !== 0);
  }
  get privilege(): number {
    return (this.high >>> 13) & 3;
  }
  get isPresent(): boolean {
    return (this.high & 0x8000) !== 0;
  }
  /** L: 64-bit code. */
  get isLong(): boolean {
    return (this.high & 0x200000) !== 0;
  }
  /** D or B. */
  get isBig(): boolean {
    return (this.high & 0x400000) !== 0;
  }
  /** Access rights in the VMCS format. */
  get rights(): number {
    return (this.high >>> 8) & 0xf0ff;
  }
  /** Base, its low 32 bits. */
  get base(): number {
    return ((this.low >>> 16) | ((this.high & 0xff) << 16) | (this.high & 0xff000000)) >>> 0;
  }
  /** Limit in bytes. */
  get limit(): number {
    const limit = (this.low & 0xffff) | (this.high & 0xf0000);
    return this.high & 0x800000 ? ((limit << 12) | 0xfff) >>> 0 : limit;
  }
  /** Of a gate: selector and offset (low 32 bits; 16-bit gates: cut it) and parameter count. */
  get gateSelector(): number {
    return this.low >>> 16;
  }
  get gateOffset(): number {
    return ((this.low & 0xffff) | (this.high & 0xffff0000)) >>> 0;
  }
  get gateParameters(): number {
    return this.high & 0x1f;
  }
}

/** A fault whose error code is a selector's index (SDM Vol. 3A, 6.13); `external` is its EXT bit. */
export function selectorFault(vector: number, selector: number, external: 0 | 1 = 0): GuestFault {
  return new GuestFault(vector, (selector & 0xfffc) | external);
}

export function isNull(selector: number): boolean {
  return (selector & 0xfffc) === 0;
}

/**
 * Linear address of the descriptor that `selector` names, `bytes` (8 or 16) of which lie within its table; undefined
 * otherwise, also for an unusable LDT.
 */
export function descriptorAddress(cpu: Core, selector: number, bytes: number): bigint | undefined {
  const { state } = cpu;
  const offset = selector & 0xfff8;
  const inLdt = (selector & 4) !== 0;
  if (inLdt && state.segmentRights(SEGMENT.LDTR) & RIGHTS.unusable) return undefined;
  const limit = inLdt ? state.segmentLimit(SEGMENT.LDTR) : state.word(STATE.gdtr + 8);
  if (offset + bytes - 1 > limit) return undefined;
  const base = inLdt ? state.segmentBase(SEGMENT.LDTR) : state.quad(STATE.gdtr);
  return BigInt.asUintN(cpu.isLong ? 64 : 32, base + BigInt(offset));
}

/** Reads 8 bytes of descriptor at a linear address. */
export function descriptorAt(cpu: Core, selector: number, address: bigint): Descriptor {
  const raw = cpu.memory.read64(address, SYSTEM);
  return new Descriptor(selector, address, Number(raw & 0xffffffffn), Number(raw >> 32n));
}

/** Reads the descriptor of a selector that is not null; a fault of `vector` with the selector if it is outside its table. */
export function readDescriptor(cpu: Core, selector: number, vector: number, external: 0 | 1 = 0): Descriptor {
  const address = descriptorAddress(cpu, selector, 8);
  if (address === undefined) throw selectorFault(vector, selector, external);
  return descriptorAt(cpu, selector, address);
}

/** Bytes 8-15 of a 16-byte descriptor (IA-32e mode), checked to lie in the table; #GP(selector) if not. */
export function readUpperHalf(cpu: Core, descriptor: Descriptor): { base: bigint; high: number } {
  const address = descriptorAddress(cpu, descriptor.selector, 16);
  if (address === undefined) throw selectorFault(VECTOR.GP, descriptor.selector);
  const raw = cpu.memory.read64(address + 8n, SYSTEM);
  return { base: (raw & 0xffffffffn) << 32n, high: Number(raw >> 32n) };
}

/** Sets the accessed bit in memory if it is clear, and gives the descriptor with it. */
export function markAccessed(cpu: Core, descriptor: Descriptor): Descriptor {
  return descriptor.high & ACCESSED ? descriptor : withHigh(cpu, descriptor, descriptor.high | ACCESSED);
}

/** Sets or clears the busy bit of a TSS descriptor in memory. */
export function setBusy(cpu: Core, descriptor: Descriptor, busy: boolean): Descriptor {
  return withHigh(cpu, descriptor, busy ? descriptor.high | BUSY : descriptor.high & ~BUSY);
}

function withHigh(cpu: Core, { selector, address, low }: Descriptor, high: number): Descriptor {
  cpu.memory.write32(address + 4n, high >>> 0, SYSTEM);
  return new Descriptor(selector, address, low, high >>> 0);
}

/** The segment register that a code or data descriptor makes; `selector` may carry another RPL. */
export function segmentOf(descriptor: Descriptor, selector = descriptor.selector): Segment {
  return { selector, base: BigInt(descriptor.base), limit: descriptor.limit, rights: descriptor.rights };
}

/** A segment register holding a null selector; `privilege` matters for SS, whose DPL is CPL. */
export function nullSegment(selector: number, privilege = 0): Segment {
  return { selector, base: 0n, limit: 0, rights: RIGHTS.unusable | (privilege << RIGHTS.dplShift) };
}

/** A code segment as it is loaded into CS: RPL of the selector is the new CPL. */
export function codeSegmentOf(cpu: Core, descriptor: Descriptor, privilege: number): Segment {
  return segmentOf(markAccessed(cpu, descriptor), (descriptor.selector & 0xfffc) | privilege);
}
