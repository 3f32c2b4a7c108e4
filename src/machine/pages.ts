/** Pages of the machine by content: those that are not all zero. */
import type { PhysicalMemory } from '../memory/physical-memory';
import { PAGE } from '../memory/plan';

/** One page: 4096 bytes, a view into the machine's memory that is good until the machine runs on. */
export interface PageContent {
  /** Page number, in the address space that the maker names. */
  readonly page: number;
  readonly bytes: Uint8Array;
}

/** A page of an address space and the physical page that holds it. */
export interface PlacedPage {
  readonly page: number;
  readonly frame: number;
}

/** Of `pages`, in their order, those that hold anything but zeros. */
export function* filledPages(memory: PhysicalMemory, pages: Iterable<PlacedPage>): Generator<PageContent> {
  const words = new Int32Array(memory.buffer, memory.plan.physical, memory.size / 4);
  for (const { page, frame } of pages) {
    if (!isZero(words, frame)) yield { page, bytes: memory.window(frame * PAGE, PAGE) };
  }
}

/** Every page of physical memory, at its own place. */
export function* physicalPages(memory: PhysicalMemory): Generator<PlacedPage> {
  for (let page = 0; page < memory.size / PAGE; page++) yield { page, frame: page };
}

function isZero(words: Int32Array, frame: number): boolean {
  const end = (frame + 1) * (PAGE / 4);
  for (let at = frame * (PAGE / 4); at < end; at++) if (words[at] !== 0) return false;
  return true;
}
