/** VM exits of the machine's log as the protocol has them. Which fields an exit has: SDM Vol. 3C 28.2.1. */
import { UserError } from '../../common/errors';
import { decodeQualification, controlRegisterQualification, CR_ACCESS } from '../../cpu/vmx/exit-qualification';
import { ENTRY_FAILURE_BIT, EXIT_REASON, EXIT_REASONS } from '../../cpu/vmx/exit-reasons';
import type { Hex } from '../../protocol/address';
import type { ExitDescription } from '../../protocol/exit';
import { ExitAction, type ExitEntry } from '../../vmm/exit-log';

const hex = (value: bigint): Hex => `0x${value.toString(16)}`;

const ACTIONS: Readonly<Record<ExitAction, string>> = {
  [ExitAction.Resumed]: 'resumed the guest',
  [ExitAction.Emulated]: 'carried out the instruction',
  [ExitAction.RanOne]: 'let the instruction run once without this interception',
  [ExitAction.Mapped]: 'filled in an EPT entry',
  [ExitAction.Injected]: 'gave the guest an exception',
  [ExitAction.Halted]: 'let the guest sleep',
  [ExitAction.ServedBoard]: 'served the devices',
  [ExitAction.Stopped]: 'stopped the machine',
};

const STRING_IO = 1n << 4n;
const LINEAR_VALID = 1n << 7n;
const LMSW_MEMORY = 1n << 6n;

/** The exit for the wire. */
export function describeExit(exit: ExitEntry): ExitDescription {
  const reason = exit.reason & 0xffff;
  const failed = (exit.reason & ENTRY_FAILURE_BIT) !== 0;
  const name = EXIT_REASONS[reason]?.name ?? `Exit reason ${reason}`;
  const { fields, text } = decodeQualification(exit.reason, exit.qualification, exit.interruption);
  const { linear, physical } = addressesOf(reason, exit.qualification);
  return {
    number: String(exit.number),
    reason,
    name: failed && !name.startsWith('VM-entry') ? `${name} (failed VM entry)` : name,
    qualification: hex(exit.qualification),
    qualificationFields: fields,
    qualificationText: text,
    rip: hex(exit.rip),
    instructionLength: exit.instructionLength,
    ...(linear && { guestLinear: hex(exit.guestLinear) }),
    ...(physical && { guestPhysical: hex(exit.guestPhysical) }),
    instructions: String(exit.instructions),
    ticks: String(exit.ticks),
    action: ACTIONS[exit.action],
  };
}

/** Which address fields an exit with this basic reason and qualification has. */
export function addressesOf(reason: number, qualification: bigint): { linear: boolean; physical: boolean } {
  switch (reason) {
    case EXIT_REASON.EPT_VIOLATION:
      return { linear: (qualification & LINEAR_VALID) !== 0n, physical: true };
    case EXIT_REASON.EPT_MISCONFIGURATION:
      return { linear: false, physical: true };
    case EXIT_REASON.IO_INSTRUCTION:
      return { linear: (qualification & STRING_IO) !== 0n, physical: false };
    case EXIT_REASON.CONTROL_REGISTER_ACCESS: {
      const { accessType } = controlRegisterQualification.decode(Number(BigInt.asUintN(32, qualification)));
      return { linear: accessType === CR_ACCESS.LMSW && (qualification & LMSW_MEMORY) !== 0n, physical: false };
    }
    default:
      return { linear: false, physical: false };
  }
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

const NUMBERS = new Map<string, number>([
  ...EXIT_REASONS.flatMap(({ number, name }): [string, number][] => [
    [plain(name), number],
    [String(number), number],
  ]),
  ...Object.entries(EXIT_REASON).map(([name, number]): [string, number] => [plain(name), number]),
]);

/** Basic exit reasons by the SDM's names or by number. Throws a UserError for one that is neither. */
export function exitReasonNumbers(reasons: readonly string[]): ReadonlySet<number> {
  return new Set(
    reasons.map((reason) => {
      const number = NUMBERS.get(plain(reason));
      if (number !== undefined) return number;
      throw new UserError(
        'exit/reason',
        `There is no exit reason "${reason.slice(0, 60)}": use the SDM's name, such as "EPT violation", or a number from 0 to 68.`,
      );
    }),
  );
}
