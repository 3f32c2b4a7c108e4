/**
 * Assignment to an expression: to a register of a group, a part of one (`eax`, `zf`, `cr0.pg`: the other bits stay), or memory in any of
 * the three spaces, little-endian.
 */
import type { Expression, Value } from '../../symbols/expression/ast';
import { sizeOf, unsignedOf } from '../../symbols/expression/types';
import { registerPlace } from '../../targets/inspection/register-names';
import type { Register, Target } from '../../targets/target';
import { noSuch, notWritable, partlyWritten } from './errors';

/**
 * Writes `value`, cut to the place's width, to what `to` names; gives the value that is there then. Rejects with a
 * UserError for what is no place, and for what the target refuses.
 */
export async function assign(target: Target, thread: number, to: Expression, value: bigint): Promise<Value> {
  if (to.kind === 'register') return assignRegister(target, thread, to.name, value);
  if (to.kind !== 'dereference') throw notWritable();
  const { type, place } = await target.evaluate(thread, to);
  if (!place) throw notWritable();
  const bytes = littleEndian(value, sizeOf(type));
  const written = await target.writeMemory(thread, place.space, place.address, bytes);
  if (written < bytes.length) throw partlyWritten(written, bytes.length);
  return target.evaluate(thread, to);
}

async function assignRegister(target: Target, thread: number, name: string, value: bigint): Promise<Value> {
  const place = registerPlace(name);
  const register = place && (await findRegister(target, thread, place));
  if (!register) throw noSuch('register', `$${name}`, '"regs all" lists those that there are now');
  const low = BigInt(place.low);
  const mask = ((1n << BigInt(place.bits)) - 1n) << low;
  const whole = (register.value & ~mask) | ((value << low) & mask);
  const held = await target.writeRegister(thread, register.group, register.name, whole);
  const type = unsignedOf(place.bits);
  return { value: BigInt.asUintN(place.bits, held >> low), type };
}

/** A register as it is now; undefined if the target does not have it. */
export async function findRegister(
  target: Target,
  thread: number,
  { group, register }: { readonly group: string; readonly register: string },
): Promise<Register | undefined> {
  if (!(await target.registerGroups(thread)).includes(group)) return undefined;
  return (await target.registers(thread, group)).find(({ name }) => name === register);
}

function littleEndian(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
}
