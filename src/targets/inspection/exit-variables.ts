/**
 * The names that a condition on VM exits can use: fields of the exit, and the SDM's exit reasons as constants. Which exit
 * has which field: SDM Vol. 3C 28.2.
 */
import { STATE } from '../../cpu/layout';
import { controlRegisterQualification, CR_ACCESS } from '../../cpu/vmx/exit-qualification';
import { eptViolationQualification, ioQualification } from '../../cpu/vmx/exit-qualification';
import { EXIT_REASON } from '../../cpu/vmx/exit-reasons';
import { decodeInterruption } from '../../cpu/vmx/interruption-information';
import type { Machine } from '../../machine/machine';
import type { ExitEntry } from '../../vmm/exit-log';
import { addressesOf } from './exit-description';

const RCX = 1;

const REASONS: ReadonlyMap<string, bigint> = new Map(
  Object.entries(EXIT_REASON).map(([name, number]) => [name, BigInt(number)]),
);

/** The basic exit reason that `name` (`EPT_VIOLATION`) stands for; undefined for no reason of our processor. */
export function exitConstant(name: string): bigint | undefined {
  return REASONS.get(name);
}

/** All names that `exitConstant` knows. */
export const EXIT_CONSTANTS: readonly string[] = [...REASONS.keys()];

/** Values of `write`, `port`, `size` of the exits that have them. */
function accessOf(reason: number, qualification: bigint): Readonly<Record<string, number>> {
  const word = Number(BigInt.asUintN(32, qualification));
  switch (reason) {
    case EXIT_REASON.IO_INSTRUCTION: {
      const { port, sizeMinusOne, in: isIn } = ioQualification.decode(word);
      return { port, size: sizeMinusOne + 1, write: 1 - isIn };
    }
    case EXIT_REASON.EPT_VIOLATION:
      return { write: eptViolationQualification.decode(word).write };
    case EXIT_REASON.CONTROL_REGISTER_ACCESS:
      return { write: Number(controlRegisterQualification.decode(word).accessType !== CR_ACCESS.MOV_FROM_CR) };
    case EXIT_REASON.RDMSR:
      return { write: 0 };
    case EXIT_REASON.WRMSR:
      return { write: 1 };
    default:
      return {};
  }
}

/**
 * The variables of a condition on the exit that the machine has just carried out: `reason`, `qualification`, `gpa`, `gla`,
 * `vector` (of the exception, NMI or interrupt), `port`, `size` (bytes of a port access), `write`, `msr`. Gives undefined
 * for what this exit does not have.
 */
export function exitVariables(machine: Machine, exit: ExitEntry): (name: string) => bigint | undefined {
  const reason = exit.reason & 0xffff;
  const { qualification } = exit;
  const addresses = addressesOf(reason, qualification);
  const isMsr = reason === EXIT_REASON.RDMSR || reason === EXIT_REASON.WRMSR;
  const access = accessOf(reason, qualification);
  return (name) => {
    switch (name) {
      case 'reason':
        return BigInt(reason);
      case 'qualification':
        return qualification;
      case 'gpa':
        return addresses.physical ? exit.guestPhysical : undefined;
      case 'gla':
        return addresses.linear ? exit.guestLinear : undefined;
      case 'vector': {
        const vector = decodeInterruption(exit.interruption)?.vector;
        return vector === undefined ? undefined : BigInt(vector);
      }
      case 'msr':
        return isMsr ? BigInt(machine.state.word(STATE.general + RCX * 8)) : undefined;
      case 'port':
      case 'size':
      case 'write': {
        const value = access[name];
        return value === undefined ? undefined : BigInt(value);
      }
      default:
        return undefined;
    }
  };
}
