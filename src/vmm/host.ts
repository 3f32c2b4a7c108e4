/**
 * The host: the processor's state in VMX root operation, and the host-state area that VM exits load. The hypervisor's
 * own code is TypeScript, so that the state is legal and otherwise idle: long mode, paging on, nothing mapped.
 * Source: SDM Vol. 3C 24.7, 24.8 (entering VMX operation), 25.5 (host state), 27.2.2 (its checks).
 */
import { assert } from '../common/assert';
import { STATE } from '../cpu/layout';
import { CR0, CR4, EFER, RIGHTS, setSegment } from '../cpu/mode';
import { MSR } from '../cpu/msr-numbers';
import type { VmxUnit } from '../cpu/vmx/unit';
import type { Vmcs } from '../cpu/vmx/vmcs';
import { F } from '../cpu/vmx/vmcs-layout';
import type { ProcessorForVmx } from '../cpu/vmx-hooks';
import { SEGMENT } from '../isa/semantics';
import type { PhysicalMemory } from '../memory/physical-memory';

/** Locked, VMX outside SMX enabled. */
const LOCKED_AND_ENABLED = 5n;
const PAT_AFTER_RESET = 0x0007_0406_0007_0406n;
const CODE = 0x08;
const DATA = 0x10;
const TSS = 0x18;
const HOST_CR0 = (CR0.PE | CR0.ET | CR0.NE | CR0.WP | CR0.PG) >>> 0;
const HOST_CR4 = CR4.PAE | CR4.VMXE;
const HOST_EFER = EFER.LME | EFER.LMA | EFER.NXE | EFER.SCE;
/** Where VM exits would go on if the host were x86 code: any canonical address. */
const HOST_RIP = 0xffff_8000_0000_0000n;

/** Pages of the host's own. */
export interface HostPages {
  readonly vmxon: number;
  readonly vmcs: number;
  /** An empty PML4 table. */
  readonly pml4: number;
}

function succeeded(processor: ProcessorForVmx): boolean {
  return processor.state.word(STATE.result2) === 0;
}

/** Brings the processor into VMX root operation with a clear, current VMCS, which it gives. */
export function enterVmxOperation(
  processor: ProcessorForVmx,
  vmx: VmxUnit,
  memory: PhysicalMemory,
  pages: HostPages,
): Vmcs {
  const { state } = processor;
  state.setQuad(STATE.cr0, BigInt(HOST_CR0));
  state.setQuad(STATE.cr3, BigInt(pages.pml4));
  state.setQuad(STATE.cr4, BigInt(HOST_CR4));
  state.setQuad(STATE.efer, BigInt(HOST_EFER));
  setSegment(state, SEGMENT.CS, { selector: CODE, base: 0n, limit: 0xffff_ffff, rights: 0x809b | RIGHTS.long });
  setSegment(state, SEGMENT.SS, { selector: DATA, base: 0n, limit: 0xffff_ffff, rights: 0xc093 });
  state.rip = HOST_RIP;
  state.rflags = 2;
  processor.setStoredMsr(MSR.FEATURE_CONTROL, LOCKED_AND_ENABLED);
  processor.stateReplaced(true);
  for (const page of [pages.vmxon, pages.vmcs]) memory.write32(page, vmx.capabilities.revisionIdentifier);
  vmx.instructions.vmxon(BigInt(pages.vmxon));
  assert(succeeded(processor), 'VMXON succeeds');
  vmx.instructions.vmclear(BigInt(pages.vmcs));
  assert(succeeded(processor), 'VMCLEAR succeeds');
  vmx.instructions.vmptrld(BigInt(pages.vmcs));
  assert(succeeded(processor) && vmx.current, 'VMPTRLD succeeds');
  return vmx.current;
}

/** Writes the host-state area. */
export function writeHostState(vmcs: Vmcs, pages: HostPages): void {
  vmcs.writeField(F.HOST_CR0, HOST_CR0);
  vmcs.writeField(F.HOST_CR3, pages.pml4 % 2 ** 32, Math.floor(pages.pml4 / 2 ** 32));
  vmcs.writeField(F.HOST_CR4, HOST_CR4);
  vmcs.writeField(F.HOST_EFER, HOST_EFER);
  vmcs.write(F.HOST_PAT.encoding, PAT_AFTER_RESET);
  vmcs.writeField(F.HOST_CS_SELECTOR, CODE);
  for (const field of [F.HOST_SS_SELECTOR, F.HOST_DS_SELECTOR, F.HOST_ES_SELECTOR]) vmcs.writeField(field, DATA);
  vmcs.writeField(F.HOST_TR_SELECTOR, TSS);
  vmcs.write(F.HOST_RIP.encoding, HOST_RIP);
}
