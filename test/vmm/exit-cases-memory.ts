/** Exits of port accesses and of the EPT (SDM Vol. 3C 26.1.3, 29.3.3). */
import { PRIMARY } from '../../src/cpu/vmx/controls';
import { R, clearing, NOTHING, permit } from './exit-case';
import type { Circumstances, ExitCase } from './exit-case';

const NO_IO_EXITS: Circumstances = { controls: clearing(PRIMARY.UNCONDITIONAL_IO_EXITING) };
export const io: readonly ExitCase[] = [
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
export const ept: readonly ExitCase[] = [
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
