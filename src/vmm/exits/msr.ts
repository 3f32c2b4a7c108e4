/**
 * RDMSR and WRMSR: the board's MSRs are carried out here, those of VMX do not exist for the guest, all others run by
 * themselves. Source: SDM Vol. 4, table 2-2.
 */
import { MSR } from '../../cpu/msr-numbers';
import { VECTOR } from '../../isa/semantics';
import { ExitAction } from '../exit-log';
import type { ExitEnvironment, ExitHandler } from './handler';

const RAX = 0;
const RCX = 1;
const RDX = 2;
const isBoards = (index: number): boolean =>
  index === MSR.APIC_BASE || index === MSR.TSC_DEADLINE || (index >= MSR.X2APIC_FIRST && index <= MSR.X2APIC_LAST);
const isHidden = (index: number): boolean =>
  index === MSR.FEATURE_CONTROL || (index >= MSR.VMX_BASIC && index <= MSR.VMX_LAST);

function refuse({ guest }: ExitEnvironment): ExitAction {
  guest.injection.exception(VECTOR.GP, 0);
  return ExitAction.Injected;
}

export const rdmsrExit: ExitHandler = (environment) => {
  const { guest, msrs } = environment;
  const index = guest.general32(RCX);
  if (isHidden(index)) return refuse(environment);
  if (!isBoards(index)) {
    guest.runOne({ checks: ['RDMSR'] });
    return ExitAction.RanOne;
  }
  const value = msrs.readMsr(index);
  if (value === false) return refuse(environment);
  guest.state.setGeneral32(RAX, Number(BigInt.asUintN(32, value)));
  guest.state.setGeneral32(RDX, Number(BigInt.asUintN(32, value >> 32n)));
  guest.complete();
  return ExitAction.Emulated;
};

export const wrmsrExit: ExitHandler = (environment) => {
  const { guest, msrs } = environment;
  const index = guest.general32(RCX);
  if (isHidden(index)) return refuse(environment);
  if (!isBoards(index)) {
    guest.runOne({ checks: ['WRMSR'] });
    return ExitAction.RanOne;
  }
  const value = (BigInt(guest.general32(RDX)) << 32n) | BigInt(guest.general32(RAX));
  if (!msrs.writeMsr(index, value)) return refuse(environment);
  guest.complete();
  return ExitAction.Emulated;
};
