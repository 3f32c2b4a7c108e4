/** Carries accesses of any length to the memory bus: devices take 1, 2 or 4 bytes at their natural alignment. */
import type { Bus, BusSize } from '../memory/bus';

/** Cuts [address, address + length) into naturally aligned accesses of at most 4 bytes, in ascending order. */
function forEachAccess(
  address: number,
  length: number,
  visit: (at: number, done: number, size: BusSize) => void,
): void {
  for (let done = 0; done < length;) {
    const at = address + done;
    const left = length - done;
    const size = at % 4 === 0 && left >= 4 ? 4 : at % 2 === 0 && left >= 2 ? 2 : 1;
    visit(at, done, size);
    done += size;
  }
}

/** The interpreter's two bus functions over `bus`. Values are little-endian. */
export function busTransfers(bus: Bus) {
  return {
    busRead(address: number, bytes: Uint8Array): void {
      forEachAccess(address, bytes.length, (at, done, size) => {
        const value = bus.read(at, size);
        for (let i = 0; i < size; i++) bytes[done + i] = value >>> (8 * i);
      });
    },
    busWrite(address: number, bytes: Uint8Array): void {
      forEachAccess(address, bytes.length, (at, done, size) => {
        let value = 0;
        for (let i = 0; i < size; i++) value |= bytes[done + i]! << (8 * i);
        bus.write(at, size, value >>> 0);
      });
    },
  };
}
