/**
 * The guest's RAM by guest-physical address, for loaders, devices that do DMA, and debuggers. A page that the guest has
 * never touched reads as zeros and takes no frame; reading changes nothing.
 */
import { assert } from '../common/assert';
import type { PhysicalMemory } from '../memory/physical-memory';
import { PAGE } from '../memory/plan';
import type { GuestFrames } from './memory';

export class GuestMemory {
  constructor(
    private readonly memory: PhysicalMemory,
    private readonly frames: GuestFrames,
  ) {}

  /** End (exclusive) of the highest RAM. */
  get size(): number {
    return Math.max(...this.frames.ram.map(({ start, length }) => start + length));
  }

  /** True if all of [guestPhysical, guestPhysical + length) is RAM. */
  contains(guestPhysical: number, length: number): boolean {
    return this.frames.ram.some(
      (range) => guestPhysical >= range.start && guestPhysical + length <= range.start + range.length,
    );
  }

  /** A copy of `length` bytes; where no RAM is, zeros. */
  read(guestPhysical: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    forEachPart(guestPhysical, length, (at, done, part) => {
      const frame = this.frames.find(Math.floor(at / PAGE));
      if (frame !== undefined) bytes.set(this.memory.window(frame * PAGE + (at % PAGE), part), done);
    });
    return bytes;
  }

  /** Writes `bytes`, which must fall into RAM. */
  write(guestPhysical: number, bytes: Uint8Array): void {
    forEachPart(guestPhysical, bytes.length, (at, done, part) => {
      assert(this.frames.has(Math.floor(at / PAGE)), 'guest memory is written where RAM is');
      this.memory.write(
        this.frames.frame(Math.floor(at / PAGE)) * PAGE + (at % PAGE),
        bytes.subarray(done, done + part),
      );
    });
  }
}

function forEachPart(start: number, length: number, visit: (at: number, done: number, part: number) => void): void {
  for (let done = 0; done < length;) {
    const at = start + done;
    const part = Math.min(length - done, PAGE - (at % PAGE));
    visit(at, done, part);
    done += part;
  }
}
