/** Exits that a control of their own asks for (SDM Vol. 3C 26.1.3). */
import { PRIMARY, SECONDARY } from '../../src/cpu/vmx/controls';
import { F } from '../../src/cpu/vmx/vmcs-layout';
import { R, setField, fields, setting, clearing, secondary, NOTHING, passMsr } from './exit-case';
import type { ExitCase } from './exit-case';

export const byControl: readonly ExitCase[] = [
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

export const controlRegisters: readonly ExitCase[] = [
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
