/**
 * Pushing onto and reading from a stack that may not be the current one yet: event delivery, call gates, far returns.
 * Pushes are collected, then proved, then written, so that a fault leaves everything as it was.
 *
 * Source: SDM Vol. 1 6.2; Vol. 3A 5.3 (limit checking), 6.14.2 (64-bit mode stack).
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import { PAGE } from '../memory/plan';
import { isCanonical } from './core';
import type { Core, Width } from './core';
import { CURRENT, SYSTEM } from './linear-memory';
import type { AccessKind } from './linear-memory';
import { RIGHTS, segmentAccess } from './mode';
import { SEGMENT_ACCESS } from './layout';
import { GuestFault } from './signals';
import type { Segment } from './state';

/** True when `bytes` bytes at `offset` lie within a legacy segment's limit. */
function isWithinLimit(segment: Segment, offset: bigint, bytes: number): boolean {
  const access = segmentAccess(segment.rights);
  const last = offset + BigInt(bytes - 1);
  if (!(access & SEGMENT_ACCESS.expandDown)) return last <= BigInt(segment.limit);
  const top = access & SEGMENT_ACCESS.big ? 0xffffffffn : 0xffffn;
  return offset > BigInt(segment.limit) && last <= top;
}

/** Width of the stack pointer for a stack segment, outside 64-bit mode. */
export function stackWidthOf(segment: Segment): 16 | 32 {
  return segment.rights & RIGHTS.big ? 32 : 16;
}

/** A width in bytes. */
const BYTES: Readonly<Record<Width, bigint>> = { 16: 2n, 32: 4n, 64: 8n };

/** A stack: where it is, how wide its pointer is, and how accesses to it count. */
export class StackFrame {
  private readonly pushes: { readonly linear: bigint; readonly value: bigint; readonly width: Width }[] = [];
  private offset: bigint;

  constructor(
    private readonly cpu: Core,
    /** Its segment; undefined in 64-bit mode, where the stack pointer is the linear address. */
    private readonly segment: Segment | undefined,
    pointer: bigint,
    readonly width: Width,
    private readonly kind: AccessKind,
    /** Error code of the #SS that a limit or canonical violation raises. */
    private readonly errorCode: number,
  ) {
    this.offset = BigInt.asUintN(width, pointer);
  }

  /** The stack pointer as it stands now: below what was pushed, above what was popped. */
  get pointer(): bigint {
    return this.offset;
  }

  /** Adds `value`, cut to `width` bits, below the last push. */
  push(value: bigint, width: Width): void {
    this.offset = BigInt.asUintN(this.width, this.offset - BigInt(width / 8));
    this.pushes.push({ linear: this.linear(this.offset, width / 8), value: BigInt.asUintN(width, value), width });
  }

  /** Proves all pushes: after this `write` cannot fail. */
  prove(): void {
    const first = this.pushes[0];
    const last = this.pushes[this.pushes.length - 1];
    if (!first || !last) return;
    const bytes = this.pushes.reduce((sum, { width }) => sum + width / 8, 0);
    const end = first.linear + BigInt(first.width / 8);
    const isOneRun = end - last.linear === BigInt(bytes) && (end - 1n) >> 12n === last.linear >> 12n;
    // Within one page the first push stands for all; a fault names its address, as on a processor that pushes in turn.
    const proofs = isOneRun ? [first] : this.pushes;
    for (const { linear, width } of proofs) this.cpu.memory.prove(linear, width / 8, true, this.kind);
  }

  /** Writes the pushes, first pushed first. */
  write(): void {
    const { memory } = this.cpu;
    for (const { linear, value, width } of this.pushes) {
      if (width === 64) memory.write64(linear, value, this.kind);
      else if (width === 32) memory.write32(linear, Number(value), this.kind);
      else memory.write16(linear, Number(value), this.kind);
    }
  }

  /** Reads `width` bits at the stack pointer and moves it up. */
  pop(width: Width): bigint {
    const value = this.read(this.offset, width);
    this.offset = BigInt.asUintN(this.width, this.offset + BYTES[width]);
    return value;
  }

  /** Reads `width` bits `displacement` bytes above the stack pointer. */
  peek(displacement: number, width: Width): bigint {
    return this.read(BigInt.asUintN(this.width, this.offset + BigInt(displacement)), width);
  }

  private read(offset: bigint, width: Width): bigint {
    const { memory } = this.cpu;
    const linear = this.linear(offset, width / 8);
    if (width === 64) return memory.read64(linear, this.kind);
    return BigInt(width === 32 ? memory.read32(linear, this.kind) : memory.read16(linear, this.kind));
  }

  /** Moves the stack pointer up by `bytes`. */
  skip(bytes: number): void {
    this.offset = BigInt.asUintN(this.width, this.offset + BigInt(bytes));
  }

  private linear(offset: bigint, bytes: number): bigint {
    if (!this.segment) {
      if (!isCanonical(offset)) this.fail();
      // Only an access across a page can end where addresses are not canonical.
      const crosses = Number(offset & 0xfffn) + bytes > PAGE;
      if (crosses && !isCanonical(BigInt.asUintN(64, offset + BigInt(bytes - 1)))) this.fail();
      return offset;
    }
    if (!isWithinLimit(this.segment, offset, bytes)) this.fail();
    return BigInt.asUintN(32, this.segment.base + offset);
  }

  private fail(): never {
    throw new GuestFault(VECTOR.SS, this.errorCode);
  }
}

/** The current stack, accessed as the current CPL may. */
export function currentStack(cpu: Core, errorCode = 0): StackFrame {
  const segment = cpu.is64 ? undefined : cpu.state.segment(SEGMENT.SS);
  return new StackFrame(cpu, segment, cpu.stackPointer, cpu.stackWidth, CURRENT, errorCode);
}

/** An inner level's stack, accessed before CPL changes. */
export function innerStack(cpu: Core, segment: Segment, pointer: bigint, errorCode: number): StackFrame {
  return new StackFrame(cpu, segment, pointer, stackWidthOf(segment), SYSTEM, errorCode);
}
