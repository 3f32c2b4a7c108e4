/**
 * Linux's lists in a guest's memory: a ring of `struct list_head` inside of what is listed. Source: Linux
 * include/linux/list.h. A damaged ring ends where it leaves memory or comes round anywhere.
 */
import type { AggregateType } from '../../symbols/types/type';
import { GuestStruct, type LinuxGuest, offsetOf, structNamed } from './guest-struct';

/** More than any list here has. */
const MOST = 4096;

/** The structures on the list whose head lies at an address, first to last; `member` is the `list_head` in each. */
export async function* readList(
  guest: LinuxGuest,
  head: bigint,
  type: AggregateType,
  member: string,
): AsyncGenerator<GuestStruct> {
  const headType = structNamed(guest, 'list_head');
  const offset = offsetOf(type, member);
  if (!headType || offset === undefined) return;
  const seen = new Set([head]);
  let at = (await GuestStruct.read(guest.read, headType, head))?.number('next');
  while (at && !seen.has(at) && seen.size <= MOST) {
    seen.add(at);
    const structure = await GuestStruct.read(guest.read, type, BigInt.asUintN(64, at - BigInt(offset)));
    if (!structure) return;
    yield structure;
    at = structure.number(`${member}.next`);
  }
}
