/**
 * RESET and INIT: the state that each leaves.
 *
 * Source: SDM Vol. 3A table 9-1 and 9.1.1; rights as in RESET_STATE of the boot code: the VMCS cannot hold a TR that is
 * not busy.
 */
import { SEGMENT } from '../isa/semantics';
import { DR6_RESET, DR7_RESET } from './debug-registers';
import type { Core } from './core';
import { PROCESSOR_SIGNATURE } from './cpuid';
import { initialiseExtendedState } from './extended-state';
import { STATE } from './layout';
import { CR0 } from './mode';
import { resetMsrs } from './msrs';

const RDX = 2;
/** CR0.CD, NW and ET. */
const CR0_RESET = 0x60000010n;
/** x87 after RESET: FCW 0040H, tags all "zero", that is not empty (table 9-1); INIT leaves it alone. */
const FCW_RESET = 0x40;

/** What RESET and INIT share. */
function resetCommon(cpu: Core): void {
  const { state } = cpu;
  for (let number = 0; number < 16; number++) state.setGeneral(number, 0n);
  state.setGeneral(RDX, BigInt(PROCESSOR_SIGNATURE));
  state.rip = 0xfff0n;
  const data = { selector: 0, base: 0n, limit: 0xffff, rights: 0x93 };
  for (let number = 0; number < 6; number++) cpu.setSegment(number, data);
  cpu.setSegment(SEGMENT.CS, { ...data, selector: 0xf000, base: 0xffff0000n });
  cpu.setSegment(SEGMENT.LDTR, { ...data, rights: 0x82 });
  cpu.setSegment(SEGMENT.TR, { ...data, rights: 0x8b });
  for (const table of [STATE.gdtr, STATE.idtr]) {
    state.setQuad(table, 0n);
    state.setWord(table + 8, 0xffff);
  }
  for (const register of [STATE.cr2, STATE.cr3, STATE.cr4, STATE.efer]) state.setQuad(register, 0n);
  for (let index = 0; index < 4; index++) {
    state.setQuad(STATE.pdpte + index * 8, 0n);
    state.setQuad(STATE.debug + index * 8, 0n);
  }
  state.setQuad(STATE.dr6, DR6_RESET);
  state.setQuad(STATE.dr7, DR7_RESET);
  Object.assign(cpu.interruptibility, { sti: false, movSs: false, nmi: false });
  cpu.activity = 'active';
  cpu.pendingDebug = 0;
  cpu.vectoring = undefined;
  cpu.held = undefined;
  cpu.nmiUnblockedByIret = false;
  cpu.monitored = undefined;
  cpu.setFlags(2);
  cpu.updateShadow();
  cpu.memory.flush();
  cpu.memory.nextFetch();
}

/** Power-up and RESET. The VMX unit and the local APIC are reset by their owners. */
export function reset(cpu: Core): void {
  const { state } = cpu;
  state.setQuad(STATE.cr0, CR0_RESET);
  state.setQuad(STATE.xcr0, 1n);
  initialiseExtendedState(cpu);
  state.setWord(STATE.fpuControl, FCW_RESET);
  state.setWord(STATE.fpuTag, 0xff);
  resetMsrs(cpu);
  resetCommon(cpu);
}

/** INIT: caches' CD and NW, x87, SSE, XCR0 and the MSRs stay, EFER does not. */
export function init(cpu: Core): void {
  const { state } = cpu;
  state.setQuad(STATE.cr0, (state.quad(STATE.cr0) & BigInt(CR0.CD + CR0.NW)) | BigInt(CR0.ET));
  resetCommon(cpu);
}
