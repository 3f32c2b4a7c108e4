/** Amounts as rows and tables show them. Sizes on disk are decimal, as the engines' own programs print them. */

const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes on disk or on the wire, in powers of 1000: `2.03 MB`. */
export const diskSize = (bytes: number): string => scaled(bytes, 1000, DECIMAL);

/** Bytes of memory, in powers of 1024: `256 MiB`. */
export const memorySize = (bytes: number): string => scaled(bytes, 1024, BINARY);

function scaled(amount: number, base: number, units: readonly string[]): string {
  let unit = 0;
  while (amount >= base && unit < units.length - 1) {
    amount /= base;
    unit += 1;
  }
  return `${Number(amount.toPrecision(3))} ${units[unit]}`;
}

/** How long ago `then` was, both in milliseconds since 1970: `3 minutes ago`. A time ahead reads `just now`. */
export function ago(then: number, now: number): string {
  const seconds = Math.floor((now - then) / 1000);
  const steps: readonly [number, string][] = [
    [365 * 86400, 'year'],
    [30 * 86400, 'month'],
    [86400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ];
  for (const [length, name] of steps) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${name}${count === 1 ? '' : 's'} ago`;
  }
  return 'just now';
}

/** `3 containers`, `1 container`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
