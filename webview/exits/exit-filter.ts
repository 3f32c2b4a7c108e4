/**
 * Which exits a filter's words let through: `port:0x3f8-0x3ff` and `memory:0xfec00000-0xfec00fff` those that touched one of
 * the ranges, any other word those that have it in their texts or numbers.
 */
import type { ExitDescription } from '../../src/protocol/exit';

const RANGE = /^(port|memory):(0x[0-9a-f]{1,16})(?:-(0x[0-9a-f]{1,16}))?$/i;

/** Whether an exit passes: it touched one of the ranges, if there are any, and has all the other words. */
export function passesExit(exit: ExitDescription, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const ranges = words.flatMap((word) => {
    const match = RANGE.exec(word);
    return match ? [{ space: match[1], low: BigInt(match[2]!), high: BigInt(match[3] ?? match[2]!) }] : [];
  });
  const text = JSON.stringify(exit).toLowerCase();
  if (!words.filter((word) => !RANGE.test(word)).every((word) => text.includes(word))) return false;
  const { port } = exit.qualificationFields;
  return (
    ranges.length === 0 ||
    ranges.some(({ space, low, high }) => {
      const touched = space === 'port' ? port : exit.guestPhysical;
      return touched !== undefined && BigInt(touched) >= low && BigInt(touched) <= high;
    })
  );
}

/** Whether the filter asks for exits that are few among many: then more of the log is read. */
export const asksForRanges = (filter: string): boolean => filter.split(/\s+/).some((word) => RANGE.test(word));
