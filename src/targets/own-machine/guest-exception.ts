/** Exceptions of the guest in the debugger's words. Source: SDM Vol. 3A 6.3.1, table 6-1. */
import type { ProcessorEvent } from '../../cpu/event';
import { VECTOR } from '../../isa/semantics';
import type { GuestException } from '../target';
import type { Variables } from './event-scope';

const NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(VECTOR).map(([name, vector]): [number, string] => [vector, `#${name}`]),
  [VECTOR.NMI, 'NMI'],
]);

/** The exception that is about to be delivered. */
export function guestException({ vector, errorCode, address }: ProcessorEvent): GuestException {
  return {
    vector,
    name: NAMES.get(vector) ?? `exception ${vector}`,
    ...(errorCode !== undefined && { errorCode }),
    ...(vector === VECTOR.PF && address !== undefined && { address }),
  };
}

/** `vector`, `error` and, of a page fault, `address`. */
export function exceptionVariables({ vector, errorCode, address }: ProcessorEvent): Variables {
  return (name) => {
    switch (name) {
      case 'vector':
        return BigInt(vector);
      case 'error':
        return errorCode === undefined ? undefined : BigInt(errorCode);
      case 'address':
        return vector === VECTOR.PF ? address : undefined;
      default:
        return undefined;
    }
  };
}
