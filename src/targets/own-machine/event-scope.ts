/** Where expressions get their operands from: the guest's registers and memory as they are, and the event at hand. */
import type { Machine } from '../../machine/machine';
import type { Scope } from '../../symbols/expression/evaluate';
import { evaluationRegister } from '../inspection/register-names';

/** Values of the event's variables; undefined for one that it does not have. */
export type Variables = (name: string) => bigint | undefined;

/** The event has no such field: a condition that asks for it does not hold. */
class Absent {}
const ABSENT = new Absent();

/** True for what a scope throws where the event has no such field. */
export function isAbsent(error: unknown): boolean {
  return error === ABSENT;
}

/** A scope without an event. */
export function guestScope(machine: Machine): Scope {
  return {
    register: (name) => evaluationRegister(machine, name),
    variable: () => undefined,
    read: (space, address, length) => machine.readMemory(space, address, length),
  };
}

/** A scope with an event's variables, any of which it may be without. */
export function eventScope(machine: Machine, variables: Variables): Scope {
  return {
    ...guestScope(machine),
    variable: (name) => {
      const value = variables(name);
      if (value === undefined) throw ABSENT;
      return value;
    },
  };
}
