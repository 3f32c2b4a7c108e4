/**
 * CPUID: the processor's own table, without what the guest does not have (VMX, MONITOR) and with what depends on the
 * guest's registers. Source: SDM Vol. 2A, CPUID.
 */
import { CR4 } from '../../cpu/mode';
import { MSR } from '../../cpu/msr-numbers';
import { F } from '../../cpu/vmx/vmcs-layout';
import { ExitAction } from '../exit-log';
import type { ExitHandler } from './handler';

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const FEATURES = 1;
const MONITOR_LEAF = 5;
const ECX_MONITOR = 1 << 3;
const ECX_VMX = 1 << 5;
const ECX_OSXSAVE = 1 << 27;
const EDX_APIC = 1 << 9;
const APIC_ENABLED = 0x800n;

export const cpuidExit: ExitHandler = ({ guest, cpuid, msrs }) => {
  const leaf = guest.general32(RAX);
  const row = cpuid(leaf, guest.general32(RCX));
  const [eax, ebx] = row;
  let [, , ecx, edx] = row;
  if (leaf === FEATURES) {
    ecx &= ~(ECX_MONITOR | ECX_VMX | ECX_OSXSAVE);
    if (guest.low(F.GUEST_CR4) & CR4.OSXSAVE) ecx |= ECX_OSXSAVE;
    if (!((msrs.readMsr(MSR.APIC_BASE) || 0n) & APIC_ENABLED)) edx &= ~EDX_APIC;
  }
  const isHidden = leaf === MONITOR_LEAF;
  const { state } = guest;
  state.setGeneral32(RAX, isHidden ? 0 : eax);
  state.setGeneral32(RBX, isHidden ? 0 : ebx);
  state.setGeneral32(RCX, isHidden ? 0 : ecx);
  state.setGeneral32(RDX, isHidden ? 0 : edx);
  guest.complete();
  return ExitAction.Emulated;
};
