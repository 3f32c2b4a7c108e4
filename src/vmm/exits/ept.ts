/**
 * EPT violations: a page of RAM gets its frame and its entry; where no device can be, reads need no more exits (`OpenBus`);
 * any other page is a device's or nobody's, and the instruction runs once with that page routed to the bus.
 * Source: SDM Vol. 3C Table 28-7, 29.3.3.
 */
import { BLOCKING } from '../../cpu/vmx/entry-checks/guest-state-rules';
import { eptViolationQualification } from '../../cpu/vmx/exit-qualification';
import { VALID_BIT } from '../../cpu/vmx/interruption-information';
import { F } from '../../cpu/vmx/vmcs-layout';
import { PAGE } from '../../memory/plan';
import { EPT } from '../ept';
import { ExitAction } from '../exit-log';
import type { ExitEnvironment, ExitHandler } from './handler';

/** Most pages outside RAM that one instruction can touch: two operands, each across a page boundary. */
const MAX_PAGES = 4;

/** Maps every page of RAM that has a frame: what then still violates is a page that has none. */
export function mapFilledRam(environment: ExitEnvironment): void {
  for (const page of environment.frames.filled()) if (!environment.ept.leaf(page * PAGE)) mapRam(environment, page);
}

function mapRam({ ept, frames, pagesTogether, noteMapped }: ExitEnvironment, page: number): ExitAction {
  if (ept.leaf(page * PAGE)) {
    ept.protect(page * PAGE, EPT.ALL);
    return ExitAction.Mapped;
  }
  const first = page - (page % pagesTogether);
  for (let near = first; near < first + pagesTogether; near++) {
    if (!frames.has(near) || ept.leaf(near * PAGE)) continue;
    ept.map4k(near * PAGE, frames.frame(near) * PAGE);
    noteMapped(near);
  }
  return ExitAction.Mapped;
}

function routeToBus({ guest }: ExitEnvironment, page: number, last: readonly number[]): ExitAction {
  if (last.includes(page) || last.length === MAX_PAGES) {
    guest.stop('no-progress', `An instruction cannot complete its access to guest-physical page ${page}.`);
    return ExitAction.Stopped;
  }
  guest.runOne({ pages: [...last, page] });
  return ExitAction.RanOne;
}

export const eptViolationExit: ExitHandler = (environment) => {
  const { guest, frames } = environment;
  const { fetch, nmiUnblocking } = eptViolationQualification.decode(guest.low(F.EXIT_QUALIFICATION));
  const page = Math.floor(guest.vmcs.number(F.GUEST_PHYSICAL_ADDRESS) / PAGE);
  // IRET ended blocking by NMI before it was cut off: it will run again (SDM 28.2.3).
  if (nmiUnblocking && !(guest.low(F.IDT_VECTORING_INFORMATION) & VALID_BIT))
    guest.update(F.GUEST_INTERRUPTIBILITY_STATE, guest.low(F.GUEST_INTERRUPTIBILITY_STATE) | BLOCKING.NMI);
  if (frames.has(page)) return mapRam(environment, page);
  if (fetch) {
    guest.stop(
      'no-memory',
      `The guest fetches instructions at guest-physical 0x${(page * PAGE).toString(16)}, where no RAM is.`,
    );
    return ExitAction.Stopped;
  }
  if (environment.openBus.map(page)) return ExitAction.Mapped;
  return routeToBus(environment, page, guest.unfinishedPages);
};
