/**
 * Memory as a debugger reaches it: by linear, guest-physical or physical address, without side effects on reading and
 * regardless of the guest's page permissions on writing. Writes are seen by whoever depends on the bytes: decoded code, and
 * translations through a paging structure, guest's or EPT.
 *
 * NOT IMPLEMENTED: device registers, which are no memory.
 */
import { inspectGuestPhysical, inspectLinear } from '../cpu/paging/inspect';
import type { InspectedAccess, InspectedWalk } from '../cpu/paging/inspect';
import type { ProcessorState } from '../cpu/state';
import type { PhysicalMemory } from '../memory/physical-memory';
import { PAGE } from '../memory/plan';
import type { GuestMemory } from '../vmm/guest-memory';

/** Where an address counts. */
export type AddressSpace = 'linear' | 'guestPhysical' | 'physical';

/** What memory is reached through. */
export interface MemoryAccessParts {
  readonly state: ProcessorState;
  readonly memory: PhysicalMemory;
  /** RAM by guest-physical address; a bare machine has none of its own. */
  readonly guestMemory: GuestMemory | undefined;
  /** Runs `look` while `state` shows the guest. */
  asGuest<T>(look: () => T): T;
}

/** What a debugger's look counts as. */
const LOOK: InspectedAccess = { write: false, execute: false, user: false, unchecked: true };

export class MemoryAccess {
  constructor(private readonly parts: MemoryAccessParts) {}

  /** Walks an address without side effects, as an access of `access` would. */
  walk(space: 'linear' | 'guestPhysical', address: bigint, access: InspectedAccess = LOOK): InspectedWalk {
    const { state, memory } = this.parts;
    const read = (physical: bigint): bigint | undefined =>
      memory.contains(Number(physical), 8) ? memory.read64(Number(physical)) : undefined;
    return this.parts.asGuest(() =>
      space === 'linear'
        ? inspectLinear(state, read, address, access)
        : inspectGuestPhysical(state, read, address, access),
    );
  }

  /** Reads up to `length` bytes, fewer from the first byte on that is not there. */
  read(space: AddressSpace, address: bigint, length: number): Uint8Array {
    const out = new Uint8Array(length);
    let done = 0;
    for (const { at, size } of inPages(address, length)) {
      const part = this.readWithinPage(space, at, size);
      if (!part) break;
      out.set(part, done);
      done += size;
    }
    return out.subarray(0, done);
  }

  /** Writes `bytes`; gives the number of bytes written, fewer from the first one on that is not there. */
  write(space: AddressSpace, address: bigint, bytes: Uint8Array): number {
    let done = 0;
    for (const { at, size } of inPages(address, bytes.length)) {
      if (!this.writeWithinPage(space, at, bytes.subarray(done, done + size))) break;
      done += size;
    }
    return done;
  }

  private readWithinPage(space: AddressSpace, address: bigint, length: number): Uint8Array | undefined {
    const found = this.locate(space, address, length);
    if (found === undefined) return undefined;
    return found.space === 'physical'
      ? this.parts.memory.read(found.at, length)
      : this.parts.guestMemory!.read(found.at, length);
  }

  private writeWithinPage(space: AddressSpace, address: bigint, bytes: Uint8Array): boolean {
    const found = this.locate(space, address, bytes.length);
    if (found === undefined) return false;
    if (found.space === 'physical') this.parts.memory.write(found.at, bytes);
    else this.parts.guestMemory!.write(found.at, bytes);
    return true;
  }

  /** Where [address, address + length), within one page, lies: in machine memory, or in RAM that has no frame yet. */
  private locate(
    space: AddressSpace,
    address: bigint,
    length: number,
  ): { readonly space: 'physical' | 'guest'; readonly at: number } | undefined {
    const { memory, guestMemory } = this.parts;
    const machine = (at: number): { space: 'physical'; at: number } | undefined =>
      memory.contains(at, length) ? { space: 'physical', at } : undefined;
    if (space === 'physical') return machine(Number(address));
    const guestPhysical = space === 'guestPhysical' ? address : this.guestPhysicalOf(address);
    if (guestPhysical === undefined) return undefined;
    const at = Number(guestPhysical);
    if (!guestMemory) return machine(at);
    return guestMemory.contains(at, length) ? { space: 'guest', at } : undefined;
  }

  /** Translates through the guest's tables alone: RAM that the EPT does not map yet is there all the same. */
  private guestPhysicalOf(linear: bigint): bigint | undefined {
    const guest = this.parts.guestMemory ?? this.parts.memory;
    const read = (at: bigint): bigint | undefined =>
      guest.contains(Number(at), 8) ? new DataView(guest.read(Number(at), 8).buffer).getBigUint64(0, true) : undefined;
    return this.parts.asGuest(() => inspectLinear(this.parts.state, read, linear, LOOK, 0)).guestPhysical;
  }
}

/** Cuts a range at page boundaries. */
function* inPages(address: bigint, length: number): Generator<{ at: bigint; size: number }> {
  for (let done = 0; done < length;) {
    const at = BigInt.asUintN(64, address + BigInt(done));
    const size = Math.min(length - done, PAGE - Number(at & 0xfffn));
    yield { at, size };
    done += size;
  }
}
