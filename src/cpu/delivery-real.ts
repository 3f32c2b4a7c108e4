/**
 * Delivery of one event in real-address mode: the interrupt-vector table at IDTR's base.
 *
 * Source: SDM Vol. 3B 20.1.4; Vol. 2A, INT n (real-address mode).
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import type { Core } from './core';
import type { ProcessorEvent } from './event';
import { STATE } from './layout';
import { SYSTEM } from './linear-memory';
import { EFLAGS } from './mode';
import { realSegment } from './segment-load';
import { GuestFault } from './signals';
import { currentStack } from './stack-frame';

/** Delivers `event`; error codes are not pushed here. Throws with nothing changed. */
export function deliverReal(cpu: Core, event: ProcessorEvent, returnRip: bigint, flags: number): void {
  const { state } = cpu;
  const entry = event.vector * 4;
  if (entry + 3 > state.word(STATE.idtr + 8)) throw new GuestFault(VECTOR.GP, 0);
  const address = BigInt.asUintN(32, state.quad(STATE.idtr) + BigInt(entry));
  const target = cpu.memory.read32(address, SYSTEM);
  const stack = currentStack(cpu);
  stack.push(BigInt(flags), 16);
  stack.push(BigInt(state.selector(SEGMENT.CS)), 16);
  stack.push(returnRip, 16);
  stack.prove();
  stack.write();
  cpu.setStackPointer(stack.pointer, stack.width);
  cpu.setSegment(SEGMENT.CS, realSegment(cpu, SEGMENT.CS, target >>> 16));
  state.rip = BigInt(target & 0xffff);
  cpu.setFlags(flags & ~(EFLAGS.IF | EFLAGS.TF | EFLAGS.AC | EFLAGS.RF));
  cpu.memory.nextFetch();
}
