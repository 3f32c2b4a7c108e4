/**
 * I/O instructions: IN and OUT are carried out here; INS and OUTS, whose memory operand may fault, run by themselves
 * with the interception off, one iteration at a time. Source: SDM Vol. 3C Table 28-5.
 */
import { ioBreakpointsMet } from '../../cpu/debug-registers';
import { F } from '../../cpu/vmx/vmcs-layout';
import type { BusSize } from '../../memory/bus';
import { ExitAction } from '../exit-log';
import type { ExitEnvironment, ExitHandler } from './handler';

const IN = 8;
const STRING = 0x10;

/** The I/O breakpoints that the access meets become pending: they trap behind the instruction, with VM entry. */
function noteBreakpoints({ guest }: ExitEnvironment, port: number, size: number): void {
  const met = ioBreakpointsMet(guest.state, guest.low(F.GUEST_DR7), guest.low(F.GUEST_CR4), port, size);
  if (met) guest.update(F.GUEST_PENDING_DEBUG_EXCEPTIONS, guest.low(F.GUEST_PENDING_DEBUG_EXCEPTIONS) | met);
}

export const ioExit: ExitHandler = (environment) => {
  const { guest, ports } = environment;
  const qualification = guest.low(F.EXIT_QUALIFICATION);
  if (qualification & STRING) {
    guest.runOne({ checks: ['IO'] });
    return ExitAction.RanOne;
  }
  const size = ((qualification & 7) + 1) as BusSize;
  const port = qualification >>> 16;
  noteBreakpoints(environment, port, size);
  if (qualification & IN) {
    guest.setAccumulator(ports.read(port, size), size);
    guest.complete();
    return ExitAction.Emulated;
  }
  const value = guest.general32(0);
  // The instruction counts before its effects: a device that stops the machine stops it behind the OUT.
  guest.complete();
  ports.write(port, size, size === 4 ? value : value & (size === 1 ? 0xff : 0xffff));
  return ExitAction.Emulated;
};
