/** What an exit handler is, and what it works with. */
import type { Ept } from '../ept';
import type { ExitAction } from '../exit-log';
import type { GuestFrames } from '../memory';
import type { HostLine } from '../host-line';
import type { OpenBus } from '../open-bus';
import type { BoardMsrs, CpuidTable, PortSpace } from '../ports';
import type { GuestProcessor } from '../guest-processor';

/** Everything that handlers act on. */
export interface ExitEnvironment {
  readonly guest: GuestProcessor;
  readonly ept: Ept;
  readonly frames: GuestFrames;
  readonly openBus: OpenBus;
  readonly ports: PortSpace;
  readonly msrs: BoardMsrs;
  readonly cpuid: CpuidTable;
  readonly line: HostLine;
  /** Pages, a power of two, that one violation maps: those of RAM in the aligned group around the page. */
  readonly pagesTogether: number;
  /** Guest-physical page numbers of RAM that were mapped by 4 KiB entries, in order: where eviction chooses. */
  noteMapped(page: number): void;
}

/** Deals with one exit and says what it did. */
export type ExitHandler = (environment: ExitEnvironment) => ExitAction;
