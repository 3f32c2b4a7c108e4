/**
 * The hypervisor's division of machine memory: its own region at the bottom (VMCS, VMXON region, bitmaps, EPT tables),
 * then frames for the guest's RAM. Guest-physical pages get frames when they are first needed, so that a page of the
 * guest lies anywhere; only 2 MiB mappings ask for aligned runs of 512 frames.
 *
 * NOT IMPLEMENTED: giving frames back (ballooning), sharing frames.
 */
import { assert } from '../common/assert';
import { PAGE } from '../memory/plan';

/** Bytes of a large page. */
export const LARGE_PAGE = 2 * 1024 * 1024;
/** Pages in a large page. */
export const PAGES_PER_LARGE = LARGE_PAGE / PAGE;

/** A range of guest-physical addresses: bytes [start, start + length), both multiples of 4096. */
export interface RamRange {
  readonly start: number;
  readonly length: number;
}

const toLarge = (bytes: number): number => Math.ceil(bytes / LARGE_PAGE) * LARGE_PAGE;

/** Pages besides EPT page tables: VMXON region, VMCS, bitmaps, upper EPT levels. */
const FIXED_PAGES = 64;

/** Bytes of the hypervisor's region for guest RAM whose last byte is below `top`, a multiple of 2 MiB. */
export function hypervisorBytes(top: number): number {
  return toLarge((FIXED_PAGES + Math.ceil(top / LARGE_PAGE)) * PAGE);
}

/** Bytes of machine memory that a guest with RAM below `top` needs, a multiple of 2 MiB. */
export function machineBytes(top: number): number {
  return hypervisorBytes(top) + toLarge(top);
}

/** Hands out zeroed pages of the hypervisor's region; freed pages are used again, lowest address last freed first. */
export class PageAllocator {
  private readonly free: number[] = [];
  private next: number;

  constructor(
    start: number,
    private readonly end: number,
  ) {
    this.next = start;
  }

  /** Physical address of a page of 4096 bytes; its content is the last user's. */
  allocate(): number {
    const page = this.free.pop() ?? this.next;
    if (page === this.next) this.next += PAGE;
    assert(page < this.end, "the hypervisor's region is full");
    return page;
  }

  release(page: number): void {
    this.free.push(page);
  }

  save(): { readonly next: number; readonly free: readonly number[] } {
    return { next: this.next, free: [...this.free] };
  }

  restore({ next, free }: { readonly next: number; readonly free: readonly number[] }): void {
    this.next = next;
    this.free.length = 0;
    for (const page of free) this.free.push(page);
  }
}

/** Which physical frame holds each page of the guest's RAM. */
export class GuestFrames {
  /** Physical page numbers by guest-physical page number; 0: no frame yet. */
  private readonly frames: Uint32Array;
  private readonly isRam: Uint8Array;
  private nextFrame: number;
  private nextLarge: number;

  /** Frames come from [start, end) in machine memory, both multiples of 2 MiB, as large as RAM's top rounded up. */
  constructor(
    readonly ram: readonly RamRange[],
    start: number,
    private readonly end: number,
  ) {
    const top = Math.max(...ram.map((range) => range.start + range.length));
    this.frames = new Uint32Array(toLarge(top) / PAGE);
    this.isRam = new Uint8Array(this.frames.length);
    for (const range of ram) this.isRam.fill(1, range.start / PAGE, (range.start + range.length) / PAGE);
    this.nextFrame = start / PAGE;
    this.nextLarge = start / PAGE;
  }

  /** True if the guest-physical page is RAM. */
  has(page: number): boolean {
    return this.isRam[page] === 1;
  }

  /** Physical page number of a guest page, or undefined if it has no frame. */
  find(page: number): number | undefined {
    return this.frames[page] || undefined;
  }

  /** Physical page number of a page of RAM, given a frame now if it had none. */
  frame(page: number): number {
    const known = this.frames[page]!;
    if (known) return known;
    if (this.nextFrame === this.nextLarge) {
      this.nextLarge += PAGES_PER_LARGE;
      assert(this.nextLarge * PAGE <= this.end, 'more frames than guest RAM');
    }
    return (this.frames[page] = this.nextFrame++);
  }

  /**
   * First physical page number of 512 aligned frames for the 2 MiB of guest RAM that begin at `page`, or undefined if
   * not all of that is RAM, or some of it has frames elsewhere already.
   */
  largeFrame(page: number): number | undefined {
    const first = this.frames[page]!;
    for (let i = 0; i < PAGES_PER_LARGE; i++) {
      const expected = first ? first + i : 0;
      if (!this.has(page + i) || this.frames[page + i] !== expected) return undefined;
    }
    if (first) return first % PAGES_PER_LARGE === 0 ? first : undefined;
    const frame = this.nextLarge;
    if ((frame + PAGES_PER_LARGE) * PAGE > this.end) return undefined;
    this.nextLarge += PAGES_PER_LARGE;
    if (this.nextFrame === frame) this.nextFrame = this.nextLarge;
    for (let i = 0; i < PAGES_PER_LARGE; i++) this.frames[page + i] = frame + i;
    return frame;
  }

  /** Guest-physical page numbers that have frames, ascending. */
  *filled(): Iterable<number> {
    for (let page = 0; page < this.frames.length; page++) if (this.frames[page]) yield page;
  }

  save(): { readonly frames: Uint32Array; readonly nextFrame: number; readonly nextLarge: number } {
    return { frames: this.frames.slice(), nextFrame: this.nextFrame, nextLarge: this.nextLarge };
  }

  restore(state: ReturnType<GuestFrames['save']>): void {
    this.frames.set(state.frames);
    this.nextFrame = state.nextFrame;
    this.nextLarge = state.nextLarge;
  }
}

/** Maps all RAM at once: 2 MiB pages where RAM is whole and aligned, 4 KiB pages elsewhere. */
export function populateEagerly(
  frames: GuestFrames,
  ept: { map4k(guestPhysical: number, physical: number): void; map2m(guestPhysical: number, physical: number): void },
): void {
  for (const { start, length } of frames.ram) {
    const end = (start + length) / PAGE;
    for (let page = start / PAGE; page < end;) {
      const large = page % PAGES_PER_LARGE === 0 ? frames.largeFrame(page) : undefined;
      if (large === undefined) ept.map4k(page * PAGE, frames.frame(page) * PAGE);
      else ept.map2m(page * PAGE, large * PAGE);
      page += large === undefined ? 1 : PAGES_PER_LARGE;
    }
  }
}
