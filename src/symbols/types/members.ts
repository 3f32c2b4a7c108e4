/**
 * Members of structures and unions by name: those of a member without a name count as the outer one's own. Source:
 * ISO/IEC 9899:2018 6.7.2.1. Bounded against damaged debug information, in which a structure can contain itself.
 */
import { isAggregate, plain } from './plain';
import type { AggregateType, Member } from './type';

const MAX_DEPTH = 16;
const MAX_MEMBERS = 20_000;

/** A member and where it begins in the value that was asked, in bits. */
export interface FoundMember {
  readonly member: Member;
  readonly bitOffset: number;
}

/** All members with a name in the order of their declaration, those of members without a name in their place. */
export function* namedMembers(aggregate: AggregateType): Generator<FoundMember & { readonly name: string }> {
  let seen = 0;
  function* within(outer: AggregateType, base: number, depth: number): ReturnType<typeof namedMembers> {
    for (const member of outer.members) {
      if (++seen > MAX_MEMBERS) return;
      const bitOffset = base + member.bitOffset;
      if (member.name !== undefined) {
        yield { name: member.name, member, bitOffset };
        continue;
      }
      const inner = plain(member.type);
      if (isAggregate(inner) && depth < MAX_DEPTH) yield* within(inner, bitOffset, depth + 1);
    }
  }
  yield* within(aggregate, 0, 0);
}

/** The member of that name; undefined if there is none. */
export function memberNamed(aggregate: AggregateType, name: string): FoundMember | undefined {
  for (const found of namedMembers(aggregate)) if (found.name === name) return found;
  return undefined;
}
