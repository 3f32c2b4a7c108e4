/** Members that are there only sometimes: the variants of Rust's enumerations. Source: DWARF version 5, 5.7.10. */
import { sizeOf } from '../../symbols/types/plain';
import type { Member } from '../../symbols/types/type';
import { bitsIn, type Contents } from './contents';

/** The members that a value has; all variants where the one that it has cannot be told. */
export function presentMembers(members: readonly Member[], contents: Contents, bitOffset: number): readonly Member[] {
  if (!members.some(({ onlyIf }) => onlyIf)) return members;
  const holds = ({ onlyIf }: Member): boolean | undefined => {
    if (!onlyIf) return true;
    if (onlyIf.value === undefined) return undefined;
    const { type, bitOffset: at, bitSize } = onlyIf.discriminant;
    const size = bitSize ?? (sizeOf(type) ?? 0) * 8;
    const bits = size === 0 ? '' : bitsIn(contents, bitOffset + at, size);
    return typeof bits === 'string' ? true : bits === BigInt.asUintN(size, onlyIf.value);
  };
  const isTold = members.some((member) => member.onlyIf && holds(member));
  return members.filter((member) => holds(member) ?? !isTold);
}
