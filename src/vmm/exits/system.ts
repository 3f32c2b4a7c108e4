/**
 * The other exits: sleeping, events, task switches, instructions that the guest does not have, and those that simply run
 * with their interception off. Source: SDM Vol. 3C 26.1 to 26.5, 32.8.
 */
import { STATE } from '../../cpu/layout';
import { taskSwitchQualification, TASK_SWITCH_SOURCE } from '../../cpu/vmx/exit-qualification';
import { decodeInterruption, INTERRUPTION_TYPE } from '../../cpu/vmx/interruption-information';
import { F } from '../../cpu/vmx/vmcs-layout';
import type { ExitCheck } from '../../isa/exits';
import { VECTOR } from '../../isa/semantics';
import { ExitAction } from '../exit-log';
import { mapFilledRam } from './ept';
import type { ExitHandler } from './handler';

const DR6_SETTABLE = 0x600fn;
/** What KVM answers to a hypercall that it does not know: -KVM_ENOSYS. Our CPUID carries KVM's signature. */
const UNKNOWN_HYPERCALL = BigInt.asUintN(64, -1000n);

/** Lets the instruction run without `checks`. */
export const runWithout =
  (...checks: ExitCheck[]): ExitHandler =>
  ({ guest }) => {
    guest.runOne({ checks });
    return ExitAction.RanOne;
  };

export const resume: ExitHandler = () => ExitAction.Resumed;

export const undefinedInstruction: ExitHandler = ({ guest }) => {
  guest.injection.exception(VECTOR.UD);
  return ExitAction.Injected;
};

export const hltExit: ExitHandler = ({ guest }) => {
  guest.complete();
  guest.isHalted = true;
  return ExitAction.Halted;
};

export const vmcallExit: ExitHandler = ({ guest }) => {
  guest.state.setGeneral(0, UNKNOWN_HYPERCALL);
  guest.complete();
  return ExitAction.Emulated;
};

export const tripleFaultExit: ExitHandler = ({ guest }) => {
  guest.stop('triple-fault', 'The guest took a triple fault.');
  return ExitAction.Stopped;
};

/** Outside input came; what it brought is looked at before the next entry. */
export const externalInterruptExit: ExitHandler = ({ line }) => {
  line.lower();
  return ExitAction.ServedBoard;
};

/** The board's deadline: alarms that are due run before the next entry. */
export const timerExit: ExitHandler = () => ExitAction.ServedBoard;

/** An exception that a changed exception bitmap intercepts goes to the guest, as it would have without. */
export const exceptionExit: ExitHandler = ({ guest }) => {
  const event = decodeInterruption(guest.low(F.EXIT_INTERRUPTION_INFORMATION))!;
  if (event.type === INTERRUPTION_TYPE.NMI) return ExitAction.Resumed;
  const qualification = guest.read(F.EXIT_QUALIFICATION);
  if (!guest.injection.reflect()) {
    guest.stop('triple-fault', 'The guest took a triple fault.');
    return ExitAction.Stopped;
  }
  if (event.vector === VECTOR.PF) guest.state.setQuad(STATE.cr2, qualification);
  if (event.vector === VECTOR.DB) {
    const dr6 = guest.state.quad(STATE.dr6);
    guest.state.setQuad(STATE.dr6, (dr6 & ~0xfn) | (qualification & DR6_SETTABLE));
  }
  return ExitAction.Injected;
};

/**
 * The processor's own task switch does the work; a task gate's event is delivered again for it. Past its point of no
 * return (the new task's stack takes an error code) it could not be cut off and begun again, so that the guest's memory is
 * mapped before.
 */
export const taskSwitchExit: ExitHandler = (environment) => {
  const { guest } = environment;
  mapFilledRam(environment);
  const { source } = taskSwitchQualification.decode(guest.low(F.EXIT_QUALIFICATION));
  guest.runOne({ taskSwitch: true, deliveryOnly: source === TASK_SWITCH_SOURCE.TASK_GATE && guest.injection.hasEvent });
  return ExitAction.RanOne;
};

export const entryFailureExit: ExitHandler = ({ guest }) => {
  guest.stop('entry-failure', 'VM entry refuses the guest state.');
  return ExitAction.Stopped;
};
