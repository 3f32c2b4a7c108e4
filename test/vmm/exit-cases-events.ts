/** Exits of events, and those that no control governs (SDM Vol. 3C 26.1.2, 26.2). */
import { PRIMARY, PIN } from '../../src/cpu/vmx/controls';
import { F } from '../../src/cpu/vmx/vmcs-layout';
import { R, setField, fields, catching, setting, NOTHING, sparePage, X2APIC, GDT_WITH_TSS, KEY } from './exit-case';
import type { ExitCase } from './exit-case';

export const events: readonly ExitCase[] = [
  {
    name: '#UD',
    reason: R.EXCEPTION_OR_NMI,
    code: '0f0b ud2 <',
    prepare: catching(6),
    fields: { interruption: 0x80000306, length: 0 },
    off: NOTHING,
  },
  {
    name: 'INT3, a software exception',
    reason: R.EXCEPTION_OR_NMI,
    code: 'cc int3 <',
    prepare: catching(3),
    fields: { interruption: 0x80000603 },
    off: NOTHING,
  },
  {
    name: 'INT1, a privileged software exception',
    reason: R.EXCEPTION_OR_NMI,
    code: 'f1 int1 <',
    prepare: catching(1),
    fields: { interruption: 0x80000501 },
    off: NOTHING,
  },
  {
    name: '#PF: the qualification is the address',
    reason: R.EXCEPTION_OR_NMI,
    code: `
    48bbbc0a000000010000 mov rbx, 0x10000000abc
    8803 mov [rbx], al <`,
    prepare: catching(14),
    fields: { interruption: 0x80000b0e, errorCode: 2, qualification: 0x10000000abcn, length: 0 },
    off: NOTHING,
  },
  {
    name: '#PF by mask and match of the error code',
    reason: R.EXCEPTION_OR_NMI,
    code: `
    48bbbc0a000000010000 mov rbx, 0x10000000abc
    8803 mov [rbx], al <`,
    prepare: fields(
      [F.EXCEPTION_BITMAP, 1n << 14n],
      [F.PAGE_FAULT_ERROR_CODE_MASK, 2n],
      [F.PAGE_FAULT_ERROR_CODE_MATCH, 2n],
    ),
    fields: { interruption: 0x80000b0e, errorCode: 2, qualification: 0x10000000abcn, length: 0 },
    off: {
      prepare: fields(
        [F.EXCEPTION_BITMAP, 1n << 14n],
        [F.PAGE_FAULT_ERROR_CODE_MASK, 2n],
        [F.PAGE_FAULT_ERROR_CODE_MATCH, 0n],
      ),
    },
  },
  {
    name: '#GP with an error code',
    reason: R.EXCEPTION_OR_NMI,
    code: `
    b839000000 mov eax, 0x39
    8ed8 mov ds, eax <`,
    prepare: catching(13),
    fields: { interruption: 0x80000b0d, errorCode: 0x38, length: 0 },
    off: NOTHING,
  },
  {
    name: '#DB: single step',
    reason: R.EXCEPTION_OR_NMI,
    code: `
    9c pushfq
    810c2400010000 or dword ptr [rsp], 0x100
    9d popfq
    90 nop
    90 nop <`,
    prepare: catching(1),
    fields: { interruption: 0x80000301, qualification: 0x4000n, length: 0 },
    off: NOTHING,
  },
  {
    name: 'a key arrives on the serial line',
    reason: R.EXTERNAL_INTERRUPT,
    code: 'ebfe jmp . <',
    then: KEY,
    fields: { length: 0 },
    off: { then: KEY, controls: { pin: { clear: PIN.EXTERNAL_INTERRUPT_EXITING } } },
  },
  { name: '#UD without an IDT', reason: R.TRIPLE_FAULT, code: '0f0b ud2 <', fields: { length: 0 } },
  {
    name: 'STI with an interrupt waiting, behind its shadow',
    reason: R.INTERRUPT_WINDOW,
    code: `${X2APIC}
    b93f080000 mov ecx, 0x83f
    b840000000 mov eax, 0x40
    0f30 wrmsr
    fb sti
    90 nop
    90 nop <`,
    fields: { length: 0 },
  },
  {
    name: 'IRET with an NMI waiting',
    reason: R.NMI_WINDOW,
    mode: 'real16',
    code: `
    c7060800367c mov word ptr [8], offset handler
    66b91b000000 mov ecx, 0x1b
    0f32 rdmsr
    660d000c0000 or eax, 0xc00
    0f30 wrmsr
    66b90f080000 mov ecx, 0x80f
    66b8ff010000 mov eax, 0x1ff
    6631d2 xor edx, edx
    0f30 wrmsr
    66b930080000 mov ecx, 0x830
    66b800440000 mov eax, 0x4400
    0f30 wrmsr
    fa cli <
    0f30 handler: wrmsr
    90 nop
    cf iret`,
    fields: { length: 0 },
  },
  {
    name: 'JMP to a TSS',
    reason: R.TASK_SWITCH,
    mode: 'protected32',
    code: `
    0f01150e001000 lgdt [gdtr]
    ea000000002800 jmp 0x28:0 <${GDT_WITH_TSS}`,
    fields: { qualification: 0x80000028n },
  },
  {
    name: 'CALL of a TSS',
    reason: R.TASK_SWITCH,
    mode: 'protected32',
    code: `
    0f01150e001000 lgdt [gdtr]
    9a000000002800 call 0x28:0 <${GDT_WITH_TSS}`,
    fields: { qualification: 0x28n },
  },
  {
    name: 'monitor trap flag: behind an instruction',
    reason: R.MONITOR_TRAP_FLAG,
    code: `
    31c0 xor eax, eax
    31db xor ebx, ebx <`,
    controls: setting(PRIMARY.MONITOR_TRAP_FLAG),
    fields: { length: 0 },
    off: NOTHING,
  },
  {
    name: 'TPR below threshold: behind MOV to CR8',
    reason: R.TPR_BELOW_THRESHOLD,
    code: `
    b803000000 mov eax, 3
    440f22c0 mov cr8, rax
    90 nop <`,
    controls: { primary: { set: PRIMARY.USE_TPR_SHADOW, clear: PRIMARY.CR8_LOAD_EXITING } },
    prepare: (machine) => {
      machine.memory.write8(sparePage(machine) + 0x80, 0xf0);
      setField(machine, F.VIRTUAL_APIC_ADDRESS, BigInt(sparePage(machine)));
      setField(machine, F.TPR_THRESHOLD, 5n);
    },
    fields: { length: 0 },
    off: { controls: { primary: { clear: PRIMARY.CR8_LOAD_EXITING } } },
  },
  {
    name: "the local APIC's timer is due",
    reason: R.PREEMPTION_TIMER_EXPIRED,
    code: `${X2APIC}
    b932080000 mov ecx, 0x832
    b840000000 mov eax, 0x40
    0f30 wrmsr
    b938080000 mov ecx, 0x838
    b8e8030000 mov eax, 1000
    0f30 wrmsr
    ebfe jmp . <`,
    fields: { length: 0 },
    off: { controls: { pin: { clear: PIN.ACTIVATE_PREEMPTION_TIMER } } },
  },
];

export const always: readonly ExitCase[] = [
  { name: 'CPUID', reason: R.CPUID, code: '0fa2 cpuid <' },
  { name: 'INVD', reason: R.INVD, code: '0f08 invd <' },
  { name: 'VMCALL', reason: R.VMCALL, code: '0f01c1 vmcall <' },
  {
    name: 'VMCLEAR [RAX + RBX*4 + 8]',
    reason: R.VMCLEAR,
    code: '660fc7749808 vmclear [rax+rbx*4+8] <',
    fields: { qualification: 8n, information: 0xd8102 },
  },
  { name: 'VMLAUNCH', reason: R.VMLAUNCH, code: '0f01c2 vmlaunch <' },
  {
    name: 'VMPTRLD of an absolute address',
    reason: R.VMPTRLD,
    code: '0fc7342530621000 vmptrld [0x106230] <',
    fields: { qualification: 0x106230n, information: 0x8418100 },
  },
  {
    name: 'VMPTRST',
    reason: R.VMPTRST,
    code: '0fc73c2530621000 vmptrst [0x106230] <',
    fields: { qualification: 0x106230n, information: 0x8418100 },
  },
  { name: 'VMREAD RBX, RAX', reason: R.VMREAD, code: '0f78c3 vmread rbx, rax <', fields: { information: 0x418 } },
  { name: 'VMRESUME', reason: R.VMRESUME, code: '0f01c3 vmresume <' },
  {
    name: 'VMWRITE RAX, [RSP + 40H]',
    reason: R.VMWRITE,
    code: '0f79442440 vmwrite rax, [rsp+0x40] <',
    fields: { qualification: 0x40n, information: 0x2410100 },
  },
  { name: 'VMXOFF', reason: R.VMXOFF, code: '0f01c4 vmxoff <' },
  { name: 'VMXON [RDI]', reason: R.VMXON, code: 'f30fc737 vmxon [rdi] <', fields: { information: 0x3c18100 } },
  {
    name: 'INVEPT RAX, [RSI + 16]',
    reason: R.INVEPT,
    code: '660f38804610 invept rax, [rsi+16] <',
    fields: { qualification: 16n, information: 0x3418100 },
  },
  {
    name: 'INVVPID R13, [R12]',
    reason: R.INVVPID,
    code: '66450f38812c24 invvpid r13, [r12] <',
    fields: { information: 0xd6418100 },
  },
  {
    name: 'XSETBV',
    reason: R.XSETBV,
    code: `
    0f20e0 mov rax, cr4
    0d00000400 or eax, 0x40000
    0f22e0 mov cr4, rax
    0f01d1 xsetbv <`,
  },
  {
    name: 'invalid guest state: RFLAGS bit 1',
    reason: R.ENTRY_FAILURE_GUEST_STATE,
    failedEntry: true,
    code: '90 nop <',
    prepare: fields([F.GUEST_RFLAGS, 0n]),
    fields: { length: 0 },
    off: NOTHING,
  },
  {
    name: 'invalid guest state: VMCS link pointer',
    reason: R.ENTRY_FAILURE_GUEST_STATE,
    failedEntry: true,
    code: '90 nop <',
    prepare: fields([F.VMCS_LINK_POINTER, 0x1001n]),
    fields: { qualification: 4n, length: 0 },
    off: NOTHING,
  },
  {
    name: 'MSR loading: the second entry is FS_BASE',
    reason: R.ENTRY_FAILURE_MSR_LOADING,
    failedEntry: true,
    code: '90 nop <',
    prepare: (machine) => {
      const area = sparePage(machine);
      machine.memory.write64(area, 0x174n);
      machine.memory.write64(area + 16, 0xc000_0100n);
      setField(machine, F.ENTRY_MSR_LOAD_ADDRESS, BigInt(area));
      setField(machine, F.ENTRY_MSR_LOAD_COUNT, 2n);
    },
    fields: { qualification: 2n, length: 0 },
    off: NOTHING,
  },
];
