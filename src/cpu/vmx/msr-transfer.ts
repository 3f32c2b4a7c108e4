/**
 * Carries out the MSR areas: loads at VM entry and VM exit, stores at VM exit. Source: SDM Vol. 3C 27.4, 28.4, 28.6.
 */
import { GuestFault } from '../signals';
import { checkMsrLoad, checkMsrStore, MSR_ENTRY_SIZE } from './msr-areas';
import { MSR } from '../msr-numbers';
import type { VmcsField } from './vmcs-layout';
import type { VmxCore } from './vmx-core';

/** Most entries of an area that are processed, as IA32_VMX_MISC[27:25] = 0 recommends. */
const MAX_ENTRIES = 512;
const X2APIC_ENABLED = 0xc00n;

function withoutFault(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (signal) {
    if (signal instanceof GuestFault) return false;
    throw signal;
  }
}

function forEachEntry(
  core: VmxCore,
  count: VmcsField,
  address: VmcsField,
  visit: (at: number, index: number, reserved: number, isX2apic: boolean) => boolean,
): number {
  const entries = core.vmcs.low(count);
  const isX2apic = (core.processor.readMsr(MSR.APIC_BASE) & X2APIC_ENABLED) === X2APIC_ENABLED;
  const start = core.vmcs.number(address);
  for (let i = 0; i < entries; i++) {
    const at = start + i * MSR_ENTRY_SIZE;
    if (i === MAX_ENTRIES || !core.memory.contains(at, MSR_ENTRY_SIZE)) return i + 1;
    if (!visit(at, core.memory.read32(at), core.memory.read32(at + 4), isX2apic)) return i + 1;
  }
  return 0;
}

/** Loads the MSRs of an area: 0, or the number (from 1) of the entry that failed. */
export function loadMsrs(core: VmxCore, count: VmcsField, address: VmcsField): number {
  if (core.vmcs.low(count) === 0) return 0;
  return forEachEntry(core, count, address, (at, index, reserved, isX2apic) => {
    if (checkMsrLoad(index, reserved, isX2apic)) return false;
    return withoutFault(() => core.processor.writeMsr(index, core.memory.read64(at + 8)));
  });
}

/** Stores the MSRs of an area: 0, or the number (from 1) of the entry that failed. */
export function storeMsrs(core: VmxCore, count: VmcsField, address: VmcsField): number {
  if (core.vmcs.low(count) === 0) return 0;
  return forEachEntry(core, count, address, (at, index, reserved, isX2apic) => {
    if (checkMsrStore(index, reserved, isX2apic)) return false;
    return withoutFault(() => core.memory.write64(at + 8, core.processor.readMsr(index)));
  });
}
