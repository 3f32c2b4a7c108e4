/**
 * Port I/O: the permission check, I/O breakpoints, and the access.
 *
 * Source: SDM Vol. 1 19.5 (IOPL, I/O permission bit map); Vol. 2A, IN; Vol. 2B, OUT.
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import { Outcome } from '../isa/slow';
import type { Core } from './core';
import { noteIoBreakpoints } from './debug-registers';
import { MODE, STATE } from './layout';
import { SYSTEM } from './linear-memory';
import { RIGHTS } from './mode';
import { GuestFault } from './signals';
import { TSS32 } from './task-image';

/** #GP(0) unless `size` bytes at `port` may be accessed: CPL <= IOPL, or the TSS's bit map allows each of them. */
export function ioPermission(cpu: Core, port: number, size: number): Outcome {
  const isProtected = (cpu.mode & MODE.protected) !== 0;
  const isFree = !isProtected || (!cpu.isVirtual8086 && cpu.cpl <= cpu.ioPrivilege);
  if (!isFree && !bitMapAllows(cpu, port & 0xffff, size)) throw new GuestFault(VECTOR.GP, 0);
  return Outcome.Done;
}

function bitMapAllows(cpu: Core, port: number, size: number): boolean {
  const { state, memory } = cpu;
  const rights = state.segmentRights(SEGMENT.TR);
  const limit = state.segmentLimit(SEGMENT.TR);
  // A 16-bit TSS has no map.
  if (rights & RIGHTS.unusable || !(rights & 8) || limit < TSS32.limit) return false;
  const base = state.segmentBase(SEGMENT.TR);
  const width = cpu.isLong ? 64 : 32;
  const map = memory.read16(BigInt.asUintN(width, base + BigInt(TSS32.ioMap)), SYSTEM);
  const at = map + (port >> 3);
  // Two bytes are always read: an access may reach into the next one.
  if (at + 1 > limit) return false;
  const bits = memory.read16(BigInt.asUintN(width, base + BigInt(at)), SYSTEM);
  return ((bits >> (port & 7)) & ((1 << size) - 1)) === 0;
}

/** The value goes to `result`, zero-extended. */
export function portIn(cpu: Core, port: number, size: number): Outcome {
  noteIoBreakpoints(cpu, port & 0xffff, size);
  cpu.state.setQuad(STATE.result, BigInt(cpu.environment.ports.portRead(port & 0xffff, size) >>> 0));
  return Outcome.Done;
}

/** Ends `Done` whatever the device asks for: OUTS still has to move rSI. The records end their blocks. */
export function portOut(cpu: Core, port: number, size: number, value: number): Outcome {
  noteIoBreakpoints(cpu, port & 0xffff, size);
  cpu.environment.ports.portWrite(port & 0xffff, size, value >>> 0);
  return Outcome.Done;
}
