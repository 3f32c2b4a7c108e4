/**
 * The machine's physical memory: a part of the WebAssembly memory, written by the processor, the hypervisor, devices
 * and debuggers. Every write from TypeScript goes through here, so that pages that somebody depends on (decoded code,
 * paging structures, watchpoints) are noticed. Physical addresses are byte addresses below `size`; values are
 * little-endian. Addresses are the callers' to check: one out of range is a bug.
 */
import { assert } from '../common/assert';
import { PAGE } from './plan';
import type { MemoryPlan } from './plan';

/** Told before `length` bytes at `physical`, all in one page with flags, change to `bytes`. */
export type WriteObserver = (physical: number, bytes: Uint8Array, flags: number) => void;

export class PhysicalMemory {
  /** Bytes of physical memory. */
  readonly size: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly flags: Uint8Array;
  private observer: WriteObserver | undefined;

  constructor(
    /** The WebAssembly memory's buffer. */
    readonly buffer: ArrayBuffer,
    readonly plan: MemoryPlan,
  ) {
    this.size = plan.physicalBytes;
    this.bytes = new Uint8Array(buffer, plan.physical, this.size);
    this.view = new DataView(buffer, plan.physical, this.size);
    this.flags = new Uint8Array(buffer, plan.pageFlags, this.size / PAGE);
  }

  /** Sets who is told of writes to flagged pages. */
  observe(observer: WriteObserver): void {
    this.observer = observer;
  }

  /** Flag byte of a page, by physical page number. */
  pageFlags(page: number): number {
    return this.flags[page]!;
  }

  /** Whether [physical, physical + length) lies in memory. */
  contains(physical: number, length: number): boolean {
    return physical >= 0 && physical + length <= this.size;
  }

  read8(physical: number): number {
    return this.view.getUint8(physical);
  }

  read16(physical: number): number {
    return this.view.getUint16(physical, true);
  }

  read32(physical: number): number {
    return this.view.getUint32(physical, true);
  }

  read64(physical: number): bigint {
    return this.view.getBigUint64(physical, true);
  }

  /** A copy of `length` bytes. */
  read(physical: number, length: number): Uint8Array {
    return this.bytes.slice(physical, physical + length);
  }

  /** The bytes themselves, for readers that look once and quickly (hashing, decoding). Never write through it. */
  window(physical: number, length: number): Uint8Array {
    return this.bytes.subarray(physical, physical + length);
  }

  write8(physical: number, value: number): void {
    if (this.flags[Math.floor(physical / PAGE)] === 0) this.view.setUint8(physical, value);
    else this.write(physical, Uint8Array.of(value));
  }

  write32(physical: number, value: number): void {
    if (this.flags[Math.floor(physical / PAGE)] === 0 && (physical & 3) === 0)
      this.view.setUint32(physical, value, true);
    else this.write(physical, new Uint8Array(Uint32Array.of(value).buffer));
  }

  write64(physical: number, value: bigint): void {
    if (this.flags[Math.floor(physical / PAGE)] === 0 && (physical & 7) === 0)
      this.view.setBigUint64(physical, value, true);
    else this.write(physical, new Uint8Array(BigUint64Array.of(value).buffer));
  }

  /** Writes `bytes`, page by page, telling the observer of pages with flags. */
  write(physical: number, bytes: Uint8Array): void {
    assert(this.contains(physical, bytes.length), 'write outside physical memory');
    for (let done = 0; done < bytes.length;) {
      const at = physical + done;
      const length = Math.min(bytes.length - done, PAGE - (at % PAGE));
      const part = bytes.subarray(done, done + length);
      const flags = this.flags[Math.floor(at / PAGE)]!;
      if (flags !== 0) this.observer?.(at, part, flags);
      this.bytes.set(part, at);
      done += length;
    }
  }

  /** Marks a page as not RAM: accesses to it go to the bus. For the board's holes, before the machine runs. */
  setDevicePage(page: number, flag: number): void {
    this.flags[page]! |= flag;
  }
}
