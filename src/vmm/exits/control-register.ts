/**
 * Accesses to control registers: CR0.NE and CR4.VMXE are the host's, CR8 is the board's local APIC. Source: SDM Vol. 3C
 * Table 28-3, 25.6.6; CR8: Vol. 3A 11.8.6.
 */
import { CR0, CR4 } from '../../cpu/mode';
import { CR_ACCESS, controlRegisterQualification } from '../../cpu/vmx/exit-qualification';
import { F } from '../../cpu/vmx/vmcs-layout';
import { VECTOR } from '../../isa/semantics';
import { ExitAction } from '../exit-log';
import type { ExitEnvironment, ExitHandler } from './handler';

const HIGHEST_PRIORITY = 15n;
const LONG_MODE = 0x400;

function refuse({ guest }: ExitEnvironment): ExitAction {
  guest.injection.exception(VECTOR.GP, 0);
  return ExitAction.Injected;
}

/** MOV to CR0: the guest's idea of NE goes to the shadow; then the instruction no longer exits and does the rest. */
function moveToCr0({ guest }: ExitEnvironment, value: bigint): ExitAction {
  const old = guest.read(F.CR0_READ_SHADOW);
  const ne = BigInt(CR0.NE);
  guest.write(F.CR0_READ_SHADOW, (old & ~ne) | (value & ne));
  guest.runOne({ checks: ['CR_ACCESS'], undo: [{ encoding: F.CR0_READ_SHADOW.encoding, value: Number(old) }] });
  return ExitAction.RanOne;
}

function accessCr8(environment: ExitEnvironment, isWrite: boolean, register: number): ExitAction {
  const { guest, msrs } = environment;
  if (isWrite) {
    const value = guest.state.general(register);
    if (value > HIGHEST_PRIORITY) return refuse(environment);
    msrs.taskPriority = Number(value) << 4;
  } else {
    guest.state.setGeneral(register, BigInt(msrs.taskPriority >> 4));
  }
  guest.complete();
  return ExitAction.Emulated;
}

export const controlRegisterExit: ExitHandler = (environment) => {
  const { guest } = environment;
  const { number, accessType, register } = controlRegisterQualification.decode(guest.low(F.EXIT_QUALIFICATION));
  const isWrite = accessType === CR_ACCESS.MOV_TO_CR;
  if (number === 8 && accessType <= CR_ACCESS.MOV_FROM_CR) return accessCr8(environment, isWrite, register);
  const isLong = (guest.low(F.GUEST_EFER) & LONG_MODE) !== 0;
  const value = isLong ? guest.state.general(register) : BigInt(guest.general32(register));
  if (isWrite && number === 0) return moveToCr0(environment, value);
  // The guest's processor has no VMX: CR4.VMXE is a reserved bit.
  if (isWrite && number === 4 && value & BigInt(CR4.VMXE)) return refuse(environment);
  guest.runOne({ checks: ['CR_ACCESS'] });
  return ExitAction.RanOne;
};
