// Every basic exit reason that our processor gives, provoked by a tiny guest under our hypervisor, and what the SDM
// says that the exit's fields hold (Vol. 3C 28.2 and its tables; appendix C). A field that a case leaves out is 0;
// the instruction length is that of the marked line unless the case says otherwise.
import { PRIMARY, PIN, SECONDARY } from '../../src/cpu/vmx/controls';
import { EXIT_REASON } from '../../src/cpu/vmx/exit-reasons';
import { F } from '../../src/cpu/vmx/vmcs-layout';
import type { VmcsField } from '../../src/cpu/vmx/vmcs-layout';
import type { Machine } from '../../src/machine/machine';
import type { ControlChanges } from '../../src/vmm/controls';
import type { GuestMode } from './listing';

/** The fields of an exit. */
export interface ExitFields {
  readonly qualification: bigint;
  readonly length: number;
  readonly linear: bigint;
  readonly physical: bigint;
  readonly interruption: number;
  readonly errorCode: number;
  readonly vectoring: number;
  readonly information: number;
}

/** How a run differs from the hypervisor's own choices. */
export interface Circumstances {
  readonly controls?: ControlChanges;
  /** Before the first instruction. */
  readonly prepare?: (machine: Machine) => void;
  /** Once that many instructions are complete. */
  readonly then?: { readonly after: number; act(machine: Machine): void };
}

/** One exit. */
export interface ExitCase extends Circumstances {
  readonly name: string;
  readonly reason: number;
  /** The exit-reason field has bit 31. */
  readonly failedEntry?: boolean;
  readonly mode?: GuestMode;
  readonly code: string;
  readonly fields?: Partial<ExitFields>;
  /** Without the control or bit that asks for the exit; left out where the exit comes unconditionally. */
  readonly off?: Circumstances;
}

const R = EXIT_REASON;

export function setField(machine: Machine, field: VmcsField, value: bigint): void {
  machine.vmx.current!.write(field.encoding, value);
}

const fields =
  (...values: readonly (readonly [VmcsField, bigint])[]) =>
  (machine: Machine): void => {
    for (const [field, value] of values) setField(machine, field, value);
  };
const catching = (vector: number): Circumstances['prepare'] => fields([F.EXCEPTION_BITMAP, 1n << BigInt(vector)]);
const setting = (primary: number): ControlChanges => ({ primary: { set: primary } });
const clearing = (primary: number): ControlChanges => ({ primary: { clear: primary } });
const secondary = (set: number): ControlChanges => ({ secondary: { set } });
const NOTHING: Circumstances = {};

/** The last page of machine memory: the frame of a page that no tiny guest touches. */
export const sparePage = (machine: Machine): number => machine.memory.size - 0x1000;

/** Clears the bit of a low MSR (0-1FFFH) in the read (`at` 0) or write (`at` 2048) bitmap. */
const passMsr =
  (at: 0 | 2048, msr: number) =>
  (machine: Machine): void => {
    const address = machine.vmx.current!.number(F.MSR_BITMAPS) + at + (msr >> 3);
    const byte = machine.memory.read(address, 1)[0]!;
    machine.memory.write8(address, byte & ~(1 << (msr & 7)));
  };

/** Replaces the permissions (bits 2:0) of the EPT entry that maps `guestPhysical`. */
export function permit(machine: Machine, guestPhysical: bigint, permissions: bigint): void {
  const entry = machine.walk('guestPhysical', guestPhysical).levels.at(-1)!;
  const at = Number(entry.entryAddress);
  machine.memory.write64(at, (machine.memory.read64(at) & ~7n) | permissions);
}

const X2APIC = `
    b91b000000 mov ecx, 0x1b
    0f32 rdmsr
    0d000c0000 or eax, 0xc00
    0f30 wrmsr
    b90f080000 mov ecx, 0x80f
    b8ff010000 mov eax, 0x1ff
    31d2 xor edx, edx
    0f30 wrmsr`;
const GDT_WITH_TSS = `
    2f00 gdtr: limit
    14001000 base
    0000000000000000 gdt: null
    0000000000000000 null
    ffff0000009bcf00 10H: code
    ffff00000093cf00 18H: data
    67000000008b0000 20H: busy TSS
    6700002010890000 28H: available TSS`;

const KEY: Circumstances['then'] = { after: 1000, act: (machine) => machine.sendSerial(0x41) };
const events: readonly ExitCase[] = [
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

const always: readonly ExitCase[] = [
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

const byControl: readonly ExitCase[] = [
  { name: 'HLT', reason: R.HLT, code: 'f4 hlt <', off: { controls: clearing(PRIMARY.HLT_EXITING) } },
  {
    name: 'INVLPG: the qualification is the address',
    reason: R.INVLPG,
    code: '0f013c2578563412 invlpg [0x12345678] <',
    controls: setting(PRIMARY.INVLPG_EXITING),
    fields: { qualification: 0x12345678n },
    off: NOTHING,
  },
  {
    name: 'RDPMC',
    reason: R.RDPMC,
    code: '0f33 rdpmc <',
    controls: setting(PRIMARY.RDPMC_EXITING),
    off: NOTHING,
  },
  {
    name: 'RDTSC',
    reason: R.RDTSC,
    code: '0f31 rdtsc <',
    controls: setting(PRIMARY.RDTSC_EXITING),
    off: NOTHING,
  },
  {
    name: 'RDTSCP',
    reason: R.RDTSCP,
    code: '0f01f9 rdtscp <',
    controls: setting(PRIMARY.RDTSC_EXITING),
    off: NOTHING,
  },
  {
    name: 'PAUSE',
    reason: R.PAUSE,
    code: 'f390 pause <',
    controls: setting(PRIMARY.PAUSE_EXITING),
    off: NOTHING,
  },
  {
    name: 'MONITOR',
    reason: R.MONITOR,
    code: '0f01c8 monitor <',
    off: { controls: clearing(PRIMARY.MONITOR_EXITING) },
  },
  {
    name: 'MWAIT, nothing armed',
    reason: R.MWAIT,
    code: '0f01c9 mwait <',
    off: { controls: clearing(PRIMARY.MWAIT_EXITING) },
  },
  {
    name: 'MWAIT behind MONITOR',
    reason: R.MWAIT,
    code: `
    b800002000 mov eax, 0x200000
    0f01c8 monitor
    31c0 xor eax, eax
    0f01c9 mwait <`,
    controls: clearing(PRIMARY.MONITOR_EXITING),
    fields: { qualification: 1n },
    off: { controls: clearing(PRIMARY.MONITOR_EXITING | PRIMARY.MWAIT_EXITING) },
  },
  {
    name: 'WBINVD',
    reason: R.WBINVD,
    code: '0f09 wbinvd <',
    controls: secondary(SECONDARY.WBINVD_EXITING),
    off: NOTHING,
  },
  {
    name: 'RDRAND EBX',
    reason: R.RDRAND,
    code: '0fc7f3 rdrand ebx <',
    controls: secondary(SECONDARY.RDRAND_EXITING),
    fields: { information: 0x818 },
    off: NOTHING,
  },
  {
    name: 'RDSEED R11',
    reason: R.RDSEED,
    code: '490fc7fb rdseed r11 <',
    controls: secondary(SECONDARY.RDSEED_EXITING),
    fields: { information: 0x1058 },
    off: NOTHING,
  },
  {
    name: 'INVPCID RAX, absolute address',
    reason: R.INVPCID,
    code: '660f3882042530621000 invpcid rax, [0x106230] <',
    controls: setting(PRIMARY.INVLPG_EXITING),
    fields: { qualification: 0x106230n, information: 0x8418100 },
    off: NOTHING,
  },
  {
    name: 'SGDT of an absolute address',
    reason: R.GDTR_IDTR_ACCESS,
    code: '0f01042530621000 sgdt [0x106230] <',
    controls: secondary(SECONDARY.DESCRIPTOR_TABLE_EXITING),
    fields: { qualification: 0x106230n, information: 0x8418100 },
    off: NOTHING,
  },
  {
    name: 'SGDT [BX + 4] in real-address mode',
    reason: R.GDTR_IDTR_ACCESS,
    mode: 'real16',
    code: '0f014704 sgdt [bx+4] <',
    controls: secondary(SECONDARY.DESCRIPTOR_TABLE_EXITING),
    fields: { qualification: 4n, information: 0x1c18000 },
    off: NOTHING,
  },
  {
    name: 'LIDT [RSP - 16]',
    reason: R.GDTR_IDTR_ACCESS,
    code: '0f015c24f0 lidt [rsp-16] <',
    controls: secondary(SECONDARY.DESCRIPTOR_TABLE_EXITING),
    fields: { qualification: 0xffff_ffff_ffff_fff0n, information: 0x32410100 },
    off: NOTHING,
  },
  {
    name: 'SLDT ECX',
    reason: R.LDTR_TR_ACCESS,
    code: '0f00c1 sldt ecx <',
    controls: secondary(SECONDARY.DESCRIPTOR_TABLE_EXITING),
    fields: { information: 0x408 },
    off: NOTHING,
  },
  {
    name: 'STR of an absolute address',
    reason: R.LDTR_TR_ACCESS,
    code: '0f000c2530621000 str word ptr [0x106230] <',
    controls: secondary(SECONDARY.DESCRIPTOR_TABLE_EXITING),
    fields: { qualification: 0x106230n, information: 0x18418100 },
    off: NOTHING,
  },
  {
    name: 'LTR DX',
    reason: R.LDTR_TR_ACCESS,
    code: '0f00da ltr dx <',
    controls: secondary(SECONDARY.DESCRIPTOR_TABLE_EXITING),
    fields: { information: 0x30000410 },
    off: NOTHING,
  },
  {
    name: 'MOV DR7, RCX',
    reason: R.MOV_DR,
    code: '0f23f9 mov dr7, rcx <',
    controls: setting(PRIMARY.MOV_DR_EXITING),
    fields: { qualification: 0x107n },
    off: NOTHING,
  },
  {
    name: 'MOV R10, DR6',
    reason: R.MOV_DR,
    code: '410f21f2 mov r10, dr6 <',
    controls: setting(PRIMARY.MOV_DR_EXITING),
    fields: { qualification: 0xa16n },
    off: NOTHING,
  },
  {
    name: 'RDMSR',
    reason: R.RDMSR,
    code: `
    b91b000000 mov ecx, 0x1b
    0f32 rdmsr <`,
    off: { prepare: passMsr(0, 0x1b) },
  },
  {
    name: 'WRMSR',
    reason: R.WRMSR,
    code: `
    b91b000000 mov ecx, 0x1b
    0f32 rdmsr
    0f30 wrmsr <`,
    off: { prepare: passMsr(2048, 0x1b) },
  },
  {
    name: 'RDMSR outside the bitmaps exits always',
    reason: R.RDMSR,
    code: `
    b900200000 mov ecx, 0x2000
    0f32 rdmsr <`,
  },
];

const controlRegisters: readonly ExitCase[] = [
  {
    name: 'MOV CR0, RAX that changes NE',
    reason: R.CONTROL_REGISTER_ACCESS,
    code: `
    0f20c0 mov rax, cr0
    0c20 or al, 0x20
    0f22c0 mov cr0, rax <`,
    off: { prepare: fields([F.CR0_GUEST_HOST_MASK, 0n]) },
  },
  {
    name: 'MOV CR4, RAX that sets VMXE',
    reason: R.CONTROL_REGISTER_ACCESS,
    code: `
    0f20e0 mov rax, cr4
    80cc20 or ah, 0x20
    0f22e0 mov cr4, rax <`,
    fields: { qualification: 4n },
    off: { prepare: fields([F.CR4_GUEST_HOST_MASK, 0n]) },
  },
  {
    name: 'CLTS of a masked TS',
    reason: R.CONTROL_REGISTER_ACCESS,
    code: '0f06 clts <',
    prepare: fields([F.CR0_GUEST_HOST_MASK, 0x28n], [F.CR0_READ_SHADOW, 0x80000019n]),
    fields: { qualification: 0x20n },
    off: NOTHING,
  },
  {
    name: 'LMSW AX that sets a masked MP',
    reason: R.CONTROL_REGISTER_ACCESS,
    code: `
    66b80300 mov ax, 3
    0f01f0 lmsw ax <`,
    prepare: fields([F.CR0_GUEST_HOST_MASK, 0x22n]),
    fields: { qualification: 0x0003_0030n },
    off: NOTHING,
  },
  {
    name: 'LMSW of memory',
    reason: R.CONTROL_REGISTER_ACCESS,
    code: `
    66c70425100020000300 mov word ptr [0x200010], 3
    0f01342510002000 lmsw word ptr [0x200010] <`,
    prepare: fields([F.CR0_GUEST_HOST_MASK, 0x22n]),
    fields: { qualification: 0x0003_0070n, linear: 0x200010n },
    off: NOTHING,
  },
  {
    name: 'MOV CR3, RAX',
    reason: R.CONTROL_REGISTER_ACCESS,
    code: `
    0f20d8 mov rax, cr3
    0f22d8 mov cr3, rax <`,
    controls: setting(PRIMARY.CR3_LOAD_EXITING),
    fields: { qualification: 3n },
    off: NOTHING,
  },
  {
    name: 'MOV CR3, RAX of a value that is not the CR3 target',
    reason: R.CONTROL_REGISTER_ACCESS,
    code: `
    0f20d8 mov rax, cr3
    0f22d8 mov cr3, rax <`,
    controls: setting(PRIMARY.CR3_LOAD_EXITING),
    prepare: fields([F.CR3_TARGET_COUNT, 1n], [F.CR3_TARGET_VALUE_0, 0x5000n]),
    fields: { qualification: 3n },
    off: {
      controls: setting(PRIMARY.CR3_LOAD_EXITING),
      prepare: (machine) => {
        setField(machine, F.CR3_TARGET_COUNT, 1n);
        setField(machine, F.CR3_TARGET_VALUE_0, machine.vmx.current!.get(F.GUEST_CR3));
      },
    },
  },
  {
    name: 'MOV RDX, CR3',
    reason: R.CONTROL_REGISTER_ACCESS,
    code: '0f20da mov rdx, cr3 <',
    controls: setting(PRIMARY.CR3_STORE_EXITING),
    fields: { qualification: 0x213n },
    off: NOTHING,
  },
  {
    name: 'MOV CR8, RAX',
    reason: R.CONTROL_REGISTER_ACCESS,
    code: '440f22c0 mov cr8, rax <',
    fields: { qualification: 8n },
    off: { controls: clearing(PRIMARY.CR8_LOAD_EXITING) },
  },
  {
    name: 'MOV RCX, CR8',
    reason: R.CONTROL_REGISTER_ACCESS,
    code: '440f20c1 mov rcx, cr8 <',
    fields: { qualification: 0x118n },
    off: { controls: clearing(PRIMARY.CR8_STORE_EXITING) },
  },
];

const NO_IO_EXITS: Circumstances = { controls: clearing(PRIMARY.UNCONDITIONAL_IO_EXITING) };
const io: readonly ExitCase[] = [
  {
    name: 'IN AL, 80H',
    reason: R.IO_INSTRUCTION,
    code: 'e480 in al, 0x80 <',
    fields: { qualification: 0x0080_0048n },
    off: NO_IO_EXITS,
  },
  {
    name: 'OUT DX, EAX',
    reason: R.IO_INSTRUCTION,
    code: `
    ba80000000 mov edx, 0x80
    ef out dx, eax <`,
    fields: { qualification: 0x0080_0003n },
    off: NO_IO_EXITS,
  },
  {
    name: 'INSB',
    reason: R.IO_INSTRUCTION,
    code: `
    ba80000000 mov edx, 0x80
    bf00012000 mov edi, 0x200100
    6c insb <`,
    fields: { qualification: 0x0080_0018n, linear: 0x200100n, information: 0x100 },
    off: NO_IO_EXITS,
  },
  {
    name: 'REP OUTSW with an FS override',
    reason: R.IO_INSTRUCTION,
    code: `
    ba80000000 mov edx, 0x80
    be00012000 mov esi, 0x200100
    b902000000 mov ecx, 2
    6466f36f rep outsw fs <`,
    fields: { qualification: 0x0080_0031n, linear: 0x200100n, information: 0x20100 },
    off: NO_IO_EXITS,
  },
  {
    name: 'OUTSB in real-address mode',
    reason: R.IO_INSTRUCTION,
    mode: 'real16',
    code: '6e outsb <',
    fields: { qualification: 0x10n, information: 0x18000 },
    off: NO_IO_EXITS,
  },
];

const WRITE_TWICE = `
    bbf00f2000 mov ebx, 0x200ff0
    ff03 inc dword ptr [rbx]
    ff03 inc dword ptr [rbx] <`;
const ept: readonly ExitCase[] = [
  {
    name: 'the first fetch',
    reason: R.EPT_VIOLATION,
    mode: 'protected32',
    code: '90 nop <',
    fields: { qualification: 0x184n, linear: 0x100000n, physical: 0x100000n, length: 0 },
  },
  {
    name: "the guest's PML4, whose flags the walk may set",
    reason: R.EPT_VIOLATION,
    code: '90 nop <',
    fields: { qualification: 0x83n, linear: 0x100000n, physical: 0x1000n, length: 0 },
  },
  {
    name: 'a read',
    reason: R.EPT_VIOLATION,
    mode: 'protected32',
    code: 'a023012000 mov al, [0x200123] <',
    fields: { qualification: 0x181n, linear: 0x200123n, physical: 0x200123n, length: 0 },
  },
  {
    name: 'a write across pages: its second page',
    reason: R.EPT_VIOLATION,
    mode: 'protected32',
    code: `
    a0000f2000 mov al, [0x200f00]
    a3fe0f2000 mov [0x200ffe], eax <`,
    fields: { qualification: 0x182n, linear: 0x201000n, physical: 0x201000n, length: 0 },
  },
  {
    name: "a read of the local APIC's registers",
    reason: R.EPT_VIOLATION,
    code: `
    b82000e0fe mov eax, 0xfee00020
    8b00 mov eax, [rax] <`,
    fields: { qualification: 0x181n, linear: 0xfee00020n, physical: 0xfee00020n, length: 0 },
  },
  {
    // Whether a read-modify-write also counts as a read is the implementation's choice: ours does not.
    name: 'a read-modify-write without W',
    reason: R.EPT_VIOLATION,
    code: WRITE_TWICE,
    then: { after: 2, act: (machine) => permit(machine, 0x200000n, 5n) },
    fields: { qualification: 0x1aan, linear: 0x200ff0n, physical: 0x200ff0n, length: 0 },
    off: NOTHING,
  },
  {
    name: 'the IVT while INT 40H is delivered',
    reason: R.EPT_VIOLATION,
    mode: 'real16',
    code: 'cd40 int 0x40 <',
    fields: { qualification: 0x181n, linear: 0x100n, physical: 0x100n, vectoring: 0x80000440 },
  },
  {
    name: 'writable but not readable',
    reason: R.EPT_MISCONFIGURATION,
    code: WRITE_TWICE,
    then: { after: 2, act: (machine) => permit(machine, 0x200000n, 2n) },
    fields: { physical: 0x200ff0n, length: 0 },
  },
];

export const EXIT_CASES: readonly ExitCase[] = [...events, ...always, ...byControl, ...controlRegisters, ...io, ...ept];
