/**
 * What the kernel keeps of a module's file for /sys/module/NAME/sections and notes. Source: Linux kernel/module/sysfs.c:
 * up to 6.13 the arrays say their length, from 6.14 on a list of pointers that ends with a null does.
 */
import { unlessDamaged } from '../../symbols/byte-reader';
import { buildIdIn } from '../../symbols/elf/build-id';
import { readAll } from '../../symbols/kernel/linear-memory';
import { isAggregate, plain } from '../../symbols/types/plain';
import { decodeUtf8 } from '../../symbols/utf8';
import { arrayIn, GuestStruct, type LinuxGuest, offsetOf, pointerSize, structBehind } from './guest-struct';

/** A section, or what one of notes holds. */
export interface ModuleAttribute {
  readonly name: string;
  /** Linear address. */
  readonly address: bigint;
  /** Bytes; means nothing for a section that holds no notes. */
  readonly size: number;
}

const MOST_ATTRIBUTES = 512;
const MAX_NAME = 128;
const MAX_NOTES = 0x1_0000;

/** The attributes behind `sect_attrs` or `notes_attrs` of a `struct module`; none if they cannot be read. */
export async function readAttributes(
  guest: LinuxGuest,
  module: GuestStruct,
  member: 'sect_attrs' | 'notes_attrs',
): Promise<ModuleAttribute[]> {
  const start = module.number(member);
  const type = structBehind(guest, module.type, member);
  const holder = start && type && (await GuestStruct.read(guest.read, type, start));
  const array = holder ? arrayIn(holder.type, 'attrs') : undefined;
  const element = array && plain(array.of);
  if (!holder || !element || !isAggregate(element) || !element.size) return [];
  const first = holder.address + BigInt(offsetOf(holder.type, 'attrs') ?? 0);
  const count = Number(holder.number('nsections') ?? holder.number('notes') ?? (await countListed(guest, holder)));
  const found: ModuleAttribute[] = [];
  for (let index = 0; index < Math.min(count, MOST_ATTRIBUTES); index += 1) {
    const one = await GuestStruct.read(guest.read, element, first + BigInt(index * element.size));
    const inner = one?.number('battr.attr.name') === undefined ? '' : 'battr.';
    const name = one?.number(`${inner}attr.name`);
    const address = one?.number('address') ?? one?.number(`${inner}private`);
    if (!one || !name || address === undefined) break;
    const size = Math.min(Number(one.number(`${inner}size`) ?? 0n), MAX_NOTES);
    found.push({ name: await readText(guest, name), address, size });
  }
  return found;
}

/** The build id among some notes. */
export async function readBuildId(guest: LinuxGuest, notes: ModuleAttribute): Promise<string | undefined> {
  const bytes = await readAll(guest.read, notes.address, notes.size);
  return bytes && unlessDamaged(() => buildIdIn(bytes));
}

/** The pointers before the null of a group of attributes. */
async function countListed(guest: LinuxGuest, holder: GuestStruct): Promise<number> {
  const list = holder.number('grp.bin_attrs');
  const size = pointerSize(guest);
  if (!list) return 0;
  const bytes = await guest.read(list, size * MOST_ATTRIBUTES);
  let count = 0;
  while (bytes.subarray(size * count, size * (count + 1)).some((byte) => byte !== 0)) count += 1;
  return count;
}

/** A text that ends with a zero byte; cut at the end of memory or where it is too long. */
async function readText(guest: LinuxGuest, address: bigint): Promise<string> {
  const bytes = await guest.read(address, MAX_NAME);
  const end = bytes.indexOf(0);
  return decodeUtf8(end < 0 ? bytes : bytes.subarray(0, end));
}
