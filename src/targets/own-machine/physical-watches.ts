/**
 * Watched places of the machine's own memory, such as EPT entries, which no instruction of the guest's writes: they are
 * compared after each VM exit has been dealt with, since that is when the hypervisor writes. Accessed and dirty flags,
 * which the processor sets by itself, are seen at the next exit.
 */
import type { DataBreakpoint } from '../target';

/** Reads the machine's own memory. */
export type ReadPhysical = (address: bigint, length: number) => Uint8Array;

interface Place {
  readonly breakpoint: DataBreakpoint;
  content: Uint8Array;
}

export class PhysicalWatches {
  private places: readonly Place[] = [];

  constructor(private readonly read: ReadPhysical) {}

  get isEmpty(): boolean {
    return this.places.length === 0;
  }

  /** Replaces what is watched; what is changed is told from now on. */
  replace(breakpoints: readonly DataBreakpoint[]): void {
    this.places = breakpoints.map((breakpoint) => {
      const { id, linear, length } = breakpoint;
      const before = this.places.find(({ breakpoint: old }) => old.id === id && old.linear === linear);
      return { breakpoint, content: before?.content ?? this.read(linear, length) };
    });
  }

  /** The breakpoints whose bytes are others than at the last look. */
  changed(): readonly DataBreakpoint[] {
    return this.places.flatMap((place) => {
      const now = this.read(place.breakpoint.linear, place.breakpoint.length);
      const isSame = now.length === place.content.length && now.every((byte, index) => byte === place.content[index]);
      place.content = now;
      return isSame ? [] : [place.breakpoint];
    });
  }
}
