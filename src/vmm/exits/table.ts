/** The handler of every basic exit reason that our processor gives (SDM Vol. 3D appendix C). */
import { EXIT_REASON } from '../../cpu/vmx/exit-reasons';
import { cpuidExit } from './cpuid';
import { controlRegisterExit } from './control-register';
import { eptViolationExit } from './ept';
import type { ExitHandler } from './handler';
import { ioExit } from './io';
import { rdmsrExit, wrmsrExit } from './msr';
import {
  entryFailureExit,
  exceptionExit,
  externalInterruptExit,
  hltExit,
  resume,
  runWithout,
  taskSwitchExit,
  timerExit,
  tripleFaultExit,
  undefinedInstruction,
  vmcallExit,
} from './system';

const R = EXIT_REASON;

const rows: Readonly<Record<number, ExitHandler>> = {
  [R.EXCEPTION_OR_NMI]: exceptionExit,
  [R.EXTERNAL_INTERRUPT]: externalInterruptExit,
  [R.TRIPLE_FAULT]: tripleFaultExit,
  [R.INTERRUPT_WINDOW]: resume,
  [R.NMI_WINDOW]: resume,
  [R.TASK_SWITCH]: taskSwitchExit,
  [R.CPUID]: cpuidExit,
  [R.HLT]: hltExit,
  [R.INVD]: runWithout('INVD'),
  [R.INVLPG]: runWithout('INVLPG'),
  [R.RDPMC]: runWithout('RDPMC'),
  [R.RDTSC]: runWithout('RDTSC'),
  [R.VMCALL]: vmcallExit,
  [R.CONTROL_REGISTER_ACCESS]: controlRegisterExit,
  [R.MOV_DR]: runWithout('DR_ACCESS'),
  [R.IO_INSTRUCTION]: ioExit,
  [R.RDMSR]: rdmsrExit,
  [R.WRMSR]: wrmsrExit,
  [R.ENTRY_FAILURE_GUEST_STATE]: entryFailureExit,
  [R.ENTRY_FAILURE_MSR_LOADING]: entryFailureExit,
  // The guest's CPUID has no MONITOR.
  [R.MWAIT]: undefinedInstruction,
  [R.MONITOR]: undefinedInstruction,
  [R.MONITOR_TRAP_FLAG]: resume,
  [R.PAUSE]: runWithout('PAUSE'),
  [R.TPR_BELOW_THRESHOLD]: resume,
  [R.GDTR_IDTR_ACCESS]: runWithout('DESCRIPTOR_TABLE'),
  [R.LDTR_TR_ACCESS]: runWithout('DESCRIPTOR_TABLE'),
  [R.EPT_VIOLATION]: eptViolationExit,
  [R.RDTSCP]: runWithout('RDTSCP'),
  [R.PREEMPTION_TIMER_EXPIRED]: timerExit,
  [R.WBINVD]: runWithout('WBINVD'),
  [R.XSETBV]: runWithout('XSETBV'),
  [R.RDRAND]: runWithout('RDRAND'),
  [R.INVPCID]: runWithout('INVPCID'),
  [R.RDSEED]: runWithout('RDSEED'),
};
for (const reason of [
  ...[R.VMCLEAR, R.VMLAUNCH, R.VMPTRLD, R.VMPTRST, R.VMREAD, R.VMRESUME],
  ...[R.VMWRITE, R.VMXOFF, R.VMXON, R.INVEPT, R.INVVPID],
])
  Object.assign(rows, { [reason]: undefinedInstruction });

/** The handler of basic exit reason `reason`, or undefined if none can come. */
export const EXIT_HANDLERS: readonly (ExitHandler | undefined)[] = Array.from({ length: 69 }, (_, n) => rows[n]);
