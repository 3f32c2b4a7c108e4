/** The exception filters: few, and a condition narrows each of them. */
import type { EventKind } from '../../targets/target';

/** One filter as `initialize` announces it. */
export interface EventFilter {
  readonly id: EventKind | 'panic';
  readonly label: string;
  readonly description: string;
  readonly isDefault: boolean;
  readonly conditionDescription: string;
  /** Names that its condition can use besides registers and symbols. */
  readonly variables: ReadonlySet<string>;
}

const EXIT_NAMES = ['reason', 'qualification', 'gpa', 'gla', 'vector', 'port', 'size', 'write', 'msr'];

const filter = (
  id: EventFilter['id'],
  label: string,
  description: string,
  example: string,
  variables: readonly string[] = [],
  isDefault = false,
): EventFilter => ({
  id,
  label,
  description,
  isDefault,
  conditionDescription:
    variables.length > 0 ? `Such as ${example}. Names: ${variables.join(', ')}.` : `Such as ${example}.`,
  variables: new Set(variables),
});

/** All filters, in the order in which they are shown. */
export const FILTERS: readonly EventFilter[] = [
  filter(
    'exit',
    'VM exit',
    'Stops after every VM exit that the condition lets through.',
    'reason == EPT_VIOLATION && gpa == 0xfee00000',
    EXIT_NAMES,
  ),
  filter('entryFailure', 'Failed VM entry', 'Stops when a VM entry breaks a rule of the SDM.', 'rax != 0'),
  filter(
    'exception',
    'Guest exception',
    'Stops when the guest raises an exception, before it is delivered.',
    'vector in (13, 14)',
    ['vector', 'error', 'address'],
  ),
  filter('tripleFault', 'Triple fault', 'Stops when the processor shuts down.', 'cr3 != 0', [], true),
  filter('reset', 'Reset', 'Stops when the guest resets the machine.', 'cr3 != 0', [], true),
  filter(
    'panic',
    'Kernel panic or oops',
    "Stops where Linux panics or reports an oops; needs the kernel's symbols.",
    'rdi != 0',
  ),
  filter('mmio', 'MMIO', "Stops after each access to a device's memory.", 'gpa == 0xfec00000 && write', EXIT_NAMES),
  filter('portIo', 'Port I/O', 'Stops after each port access that exits.', 'port == 0x3f8 && write', EXIT_NAMES),
  filter('msr', 'MSR', 'Stops after each RDMSR and WRMSR.', 'msr == 0xc0000082 && write', EXIT_NAMES),
];

/** Where Linux ends when something is wrong: kernel/panic.c, arch/x86/kernel/dumpstack.c. */
export const PANIC_FUNCTIONS: readonly string[] = ['panic', 'oops_enter'];
