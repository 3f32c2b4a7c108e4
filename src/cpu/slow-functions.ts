/**
 * The table of slow functions: each part's function bound to the processor and wrapped, so that faults and exits that it
 * throws become outcomes.
 */
import { Outcome } from '../isa/slow';
import type { SlowFunctionName, SlowFunctions } from '../isa/slow';
import { accessRights } from './access-rights';
import { clearTaskSwitched, loadMachineStatus, readControl, writeControl, xgetbv, xsetbv } from './control-registers';
import type { Core, Width } from './core';
import { cpuid } from './cpuid';
import { readDebug, writeDebug } from './debug-registers';
import { fxrstor, fxsave, loadMxcsr, xrstor, xsave } from './extended-state';
import { deliver } from './delivery';
import { eventOfFault } from './event';
import { farReturn } from './far-return';
import { farCall, farJump } from './far-transfer';
import { interruptReturn } from './interrupt-return';
import { flushLine, invalidateCaches, invalidatePage, invalidatePcid } from './invalidation';
import { STATE } from './layout';
import { rdmsr, readSegmentBase, writeSegmentBase, wrmsr } from './msrs';
import { popFlags } from './pop-flags';
import { ioPermission, portIn, portOut } from './port-io';
import { blockByMovSs, loadSegment, popSegment } from './segment-load';
import { EXIT_SIGNAL, GuestFault, STOP_SIGNAL, TaskFault } from './signals';
import { breakpoint, debugTrap, overflow, softwareInterrupt } from './software-interrupts';
import { syscall, sysenter, sysexit, sysret, swapGs } from './system-calls';
import { loadDescriptorTable, loadSystemSegment, storeDescriptorTable, systemSelector } from './system-segments';
import { random, rdpmc } from './time';
import { halt, monitor, mwait } from './waiting';

/** Selectors and sizes come as i32; records make them small and positive. */
function implementations(cpu: Core): SlowFunctions {
  const size = (bits: number): Width => bits as Width;
  return {
    ...cpu.environment.float,
    ...cpu.vmx.instructions,
    cpuid: (leaf, subleaf) => cpuid(cpu, leaf, subleaf),
    rdpmc: () => rdpmc(),
    rdmsr: (index) => rdmsr(cpu, index),
    wrmsr: (index, value) => wrmsr(cpu, index, value),
    xgetbv: (index) => xgetbv(cpu, index),
    xsetbv: (index, value) => xsetbv(cpu, index, value),
    readControl: (number) => readControl(cpu, number),
    writeControl: (number, value) => writeControl(cpu, number, value),
    readDebug: (number) => readDebug(cpu, number),
    writeDebug: (number, value) => writeDebug(cpu, number, value),
    loadMachineStatus: (source) => loadMachineStatus(cpu, source),
    clearTaskSwitched: () => clearTaskSwitched(cpu),
    halt: () => halt(cpu),
    monitor: (offset, segment) => monitor(cpu, offset, segment),
    mwait: (hints, extensions) => mwait(cpu, hints, extensions),
    invalidatePage: () => invalidatePage(cpu),
    invalidatePcid: (type, segment, offset) => invalidatePcid(cpu, type, segment, offset),
    invalidateCaches: () => invalidateCaches(cpu),
    flushLine: (segment, offset) => flushLine(cpu, segment, offset),
    random: (bits) => random(cpu, size(bits)),
    swapGs: () => swapGs(cpu),
    popFlags: (image, bits) => popFlags(cpu, image, size(bits)),
    storeDescriptorTable: (which, segment, offset) => storeDescriptorTable(cpu, which, segment, offset),
    loadDescriptorTable: (which, segment, offset, bits) => loadDescriptorTable(cpu, which, segment, offset, size(bits)),
    loadSystemSegment: (which, selector) => loadSystemSegment(cpu, which, selector),
    systemSelector: (which) => systemSelector(cpu, which),
    loadSegment: (number, selector) => loadSegment(cpu, number, selector & 0xffff),
    popSegment: (number, selector, bytes) => popSegment(cpu, number, selector & 0xffff, bytes),
    blockByMovSs: () => blockByMovSs(cpu),
    accessRights: (kind, selector) => accessRights(cpu, kind, selector),
    readSegmentBase: (segment) => readSegmentBase(cpu, segment),
    writeSegmentBase: (segment, value) => writeSegmentBase(cpu, segment, value),
    farJump: (selector, offset, bits) => farJump(cpu, selector, offset, size(bits)),
    farCall: (selector, offset, bits) => farCall(cpu, selector, offset, size(bits)),
    farReturn: (bits, release) => farReturn(cpu, size(bits), release & 0xffff),
    interruptReturn: (bits) => interruptReturn(cpu, size(bits)),
    softwareInterrupt: (vector) => softwareInterrupt(cpu, vector),
    breakpoint: () => breakpoint(cpu),
    overflow: () => overflow(cpu),
    debugTrap: () => debugTrap(cpu),
    sysenter: () => sysenter(cpu),
    sysexit: (bits) => sysexit(cpu, size(bits)),
    syscall: () => syscall(cpu),
    sysret: (bits) => sysret(cpu, size(bits)),
    ioPermission: (port, bytes) => ioPermission(cpu, port, bytes),
    portIn: (port, bytes) => portIn(cpu, port, bytes),
    portOut: (port, bytes, value) => portOut(cpu, port, bytes, value),
    fxsave: (segment, offset, flags) => fxsave(cpu, segment, offset, flags),
    fxrstor: (segment, offset, flags) => fxrstor(cpu, segment, offset, flags),
    xsave: (segment, offset, mask, flags) => xsave(cpu, segment, offset, mask, flags),
    xrstor: (segment, offset, mask, flags) => xrstor(cpu, segment, offset, mask, flags),
    loadMxcsr: (value) => loadMxcsr(cpu, value),
  };
}

/** Writes a fault to `STATE.fault*`. */
export function recordFault(cpu: Core, fault: GuestFault): void {
  const { state } = cpu;
  state.setWord(STATE.faultVector, fault.vector);
  state.setWord(STATE.faultHasError, fault.errorCode === undefined ? 0 : 1);
  state.setWord(STATE.faultError, fault.errorCode ?? 0);
  // Of a #PF the address, of a #DB the bits for DR6.
  state.setQuad(STATE.faultAddress, fault.address ?? BigInt(fault.debugStatus ?? 0));
}

/** A task switch is complete, and its new task faults at once. */
function deliverInNewTask(cpu: Core, fault: GuestFault): Outcome {
  return deliver(cpu, eventOfFault(fault)) === 'exit' ? Outcome.Exit : Outcome.JumpedCheck;
}

type Argument = number | bigint;
/** As many parameters as any of them has. */
type AnyFunction = (a: Argument, b: Argument, c: Argument, d: Argument, e: Argument, f: Argument) => Outcome;

/** All slow functions of `cpu`, none of which throws for what the guest does. */
export function slowFunctions(cpu: Core): SlowFunctions {
  const bare = implementations(cpu);
  const wrapped = Object.entries(bare).map(([name, implementation]) => {
    const call = implementation as AnyFunction;
    const slow: AnyFunction = (a, b, c, d, e, f) => {
      try {
        return call(a, b, c, d, e, f);
      } catch (signal) {
        if (signal === EXIT_SIGNAL) return Outcome.Exit;
        if (signal === STOP_SIGNAL) return Outcome.Stop;
        if (signal instanceof TaskFault) return deliverInNewTask(cpu, signal.fault);
        if (!(signal instanceof GuestFault)) throw signal;
        recordFault(cpu, signal);
        return Outcome.Fault;
      }
    };
    return [name as SlowFunctionName, slow];
  });
  return Object.fromEntries(wrapped) as SlowFunctions;
}
