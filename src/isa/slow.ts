/**
 * Slow functions: the parts of instructions that are plain TypeScript. Declared here by type, implemented in `cpu/`,
 * called by emitted code through `Semantics.call`. Each gives an `Outcome`; results travel in the processor state's
 * `result` slot (64 bits). 64-bit arguments are bigint on the TypeScript side (signed: normalise with asUintN).
 *
 * Functions that give a result, and `loadSegment`, `popSegment`, `popFlags`, `ioPermission`, `vmxOperation` and the VMX
 * instructions, stand in the middle of a meaning: they end `Done`, or leave without having changed anything; the record
 * says `endsBlock` where events or the mode must be looked at. All others come last and may also end `Jumped`,
 * `DoneCheck` or `JumpedCheck`, as VMLAUNCH and VMRESUME may. General registers come in as arguments and go out through
 * `result`: only far transfers (with SYSCALL, SYSENTER and VM entries) and `popSegment` touch them themselves.
 */
import type { ValType } from '../wasm/expr';

/** How a slow function, or an emitted handler, ends. */
export const Outcome = {
  /** Completed: go on with the next instruction. */
  Done: 0,
  /** Completed, and RIP already holds the next instruction's address: look the next block up. */
  Jumped: 1,
  /** Not completed: the exception in `fault*` is raised at this instruction. */
  Fault: 2,
  /** Not completed: a VM exit is due; its fields are set. */
  Exit: 3,
  /** Not completed: the intercept word has this instruction; the processor decides whether it exits. */
  Intercept: 4,
  /** Not completed: the machine or the debugger wants to stop before this instruction. */
  Stop: 5,
  /** Completed; events or the mode must be looked at before the next instruction. RIP advances by the length. */
  DoneCheck: 6,
  /** Completed, RIP already set; events or the mode must be looked at before the next instruction. */
  JumpedCheck: 7,
  /** The budget is spent, at an instruction boundary or between two iterations of a REP instruction. */
  Budget: 8,
} as const;

export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** Parameter types of every slow function. */
export const SLOW_FUNCTIONS = {
  // Processor control (SDM Vol. 2). Values come from and go to `result`.
  cpuid: ['i32', 'i32'], // EAX, ECX -> result EAX, EBX in its high half; result2 ECX, EDX in its high half
  rdpmc: ['i32'], // ECX -> result
  rdmsr: ['i32'], // ECX -> result
  wrmsr: ['i32', 'i64'], // ECX, EDX:EAX
  xgetbv: ['i32'], // ECX -> result
  xsetbv: ['i32', 'i64'], // ECX, EDX:EAX
  readControl: ['i32'], // CR number -> result
  writeControl: ['i32', 'i64'],
  readDebug: ['i32'], // DR number -> result; #DB for DR7.GD. DR4 and DR5 arrive with CR4.DE = 0 only
  writeDebug: ['i32', 'i64'],
  loadMachineStatus: ['i32'], // LMSW
  clearTaskSwitched: [], // CLTS
  halt: [],
  monitor: ['i64', 'i32'], // offset, segment number
  mwait: ['i32', 'i32'], // EAX hints, ECX extensions (#GP(0) if any is unknown)
  invalidatePage: ['i32', 'i64'], // segment number, offset
  invalidatePcid: ['i64', 'i32', 'i64'], // type register, segment number, offset of the descriptor
  invalidateCaches: [], // INVD, WBINVD
  flushLine: ['i32', 'i64'], // CLFLUSH: segment number, offset; translated like a read of a byte, nothing is accessed
  random: ['i32'], // bits: 16, 32, 64 -> result
  swapGs: [],
  popFlags: ['i64', 'i32'], // image, operand size in bits
  // Descriptor tables and segments: segment number, byte offset within it.
  storeDescriptorTable: ['i32', 'i32', 'i64'], // 0 GDTR, 1 IDTR
  loadDescriptorTable: ['i32', 'i32', 'i64', 'i32'], // ..., operand size
  loadSystemSegment: ['i32', 'i32'], // 0 LDTR, 1 TR; selector
  systemSelector: ['i32'], // 0 LDTR, 1 TR -> result
  loadSegment: ['i32', 'i32'], // segment number, selector (MOV, LES ...)
  popSegment: ['i32', 'i32', 'i32'], // segment number, selector; bytes to move the stack pointer by, at SS's old size
  blockByMovSs: [], // MOV SS, POP SS done: no events until after the next instruction (SDM Vol. 3A, 6.8.3)
  accessRights: ['i32', 'i32'], // kind 0 LAR, 1 LSL, 2 VERR, 3 VERW; selector -> result; result2 the new ZF
  readSegmentBase: ['i32'], // RDFSBASE, RDGSBASE: segment number -> result
  writeSegmentBase: ['i32', 'i64'], // #GP(0) unless canonical
  // Control transfer. Operand size in bits.
  farJump: ['i32', 'i64', 'i32'], // selector, offset, size
  farCall: ['i32', 'i64', 'i32'],
  farReturn: ['i32', 'i32'], // size, bytes to release
  interruptReturn: ['i32'],
  softwareInterrupt: ['i32'], // INT n
  breakpoint: [], // INT3
  overflow: [], // INTO with OF set
  debugTrap: [], // INT1
  sysenter: [],
  sysexit: ['i32'],
  syscall: [],
  sysret: ['i32'],
  // Port I/O. Sizes in bytes; the value read is in `result`.
  ioPermission: ['i32', 'i32'], // port, size
  portIn: ['i32', 'i32'],
  portOut: ['i32', 'i32', 'i32'],
  // VMX instructions: register or memory operand already resolved, CPL checked. -> result2 the arithmetic flags of
  // VMsucceed (0), VMfailInvalid (CF) or VMfailValid (ZF, the VM-instruction error field set).
  vmxOperation: ['i32'], // #UD rules, asked before the intercept: 0 VMXON, 1 in VMX operation, 2 and in a legal mode
  vmxon: ['i64'], // physical address from memory
  vmxoff: [],
  vmclear: ['i64'],
  vmptrld: ['i64'],
  vmptrst: [], // -> result
  vmread: ['i64'], // field encoding -> result (if VMsucceed)
  vmwrite: ['i64', 'i64'],
  vmlaunch: [],
  vmresume: [],
  vmcall: [],
  vmfunc: [], // #UD or VM exit
  invept: ['i64', 'i32', 'i64'], // type register, segment number, offset of the descriptor
  invvpid: ['i64', 'i32', 'i64'],
  // Extended state: segment number, byte offset; `i64` the requested-feature mask.
  fxsave: ['i32', 'i64', 'i32'], // ..., 1 with REX.W
  fxrstor: ['i32', 'i64', 'i32'],
  xsave: ['i32', 'i64', 'i64', 'i32'], // ..., bit 0 REX.W, bit 1 XSAVEOPT
  xrstor: ['i32', 'i64', 'i64', 'i32'],
  loadMxcsr: ['i32'],
  // x87 and SSE arithmetic: operation numbers of float-operations.ts.
  // Operation, ST(i), bits 63:0 and 79:64 of a memory operand, its segment (-1: no memory operand) and offset. A store
  // -> result, result2 bits 79:64 of the value, and bit 16 set when it is to be stored; FCOMI and FUCOMI -> result the
  // arithmetic flags, result2 1 when they are to be set.
  x87: ['i32', 'i32', 'i64', 'i32', 'i32', 'i64'],
  x87Environment: ['i32', 'i32', 'i64', 'i32'], // operation, segment, offset, operand size in bits
  // Operation, state offsets of destination and source, immediate. Writes the destination when it is an XMM or MMX
  // register, else -> result; string comparisons -> result the index or mask; COMISS and its kin, and string
  // comparisons -> result2 the arithmetic flags.
  sse: ['i32', 'i32', 'i32', 'i32'],
} as const satisfies Readonly<Record<string, readonly ValType[]>>;

export type SlowFunctionName = keyof typeof SLOW_FUNCTIONS;

type Arguments<T extends readonly ValType[]> = { -readonly [I in keyof T]: T[I] extends 'i64' ? bigint : number };

/** The implementations, as `cpu/` provides them. */
export type SlowFunctions = {
  [K in SlowFunctionName]: (...args: Arguments<(typeof SLOW_FUNCTIONS)[K]>) => Outcome;
};
