// A guest that does one of everything that a VMX control can intercept, takes interrupts and exceptions, and then loops.
// It has no device input, so that it must end in one state whatever is intercepted.
import { createHash } from 'node:crypto';
import { Machine } from '../../src/machine/machine';
import type { ControlChanges } from '../../src/vmm/controls';
import { assembleListing, ORIGIN } from './listing';

const CODE = `
    0f011c25ee001000 lidt [idtr]
    b91b000000 mov ecx, 0x1b
    0f32 rdmsr
    0d000c0000 or eax, 0xc00
    0f30 wrmsr
    b90f080000 mov ecx, 0x80f
    b8ff010000 mov eax, 0x1ff
    31d2 xor edx, edx
    0f30 wrmsr
    31c0 xor eax, eax
    0fa2 cpuid
    0f31 rdtsc
    0f01f9 rdtscp
    31c9 xor ecx, ecx
    0f33 rdpmc
    0f013c2578563412 invlpg [0x12345678]
    b802000000 mov eax, 2
    660f3882042500101000 invpcid rax, [0x101000]
    0f20d8 mov rax, cr3
    0f22d8 mov cr3, rax
    b801000000 mov eax, 1
    440f22c0 mov cr8, rax
    440f20c3 mov rbx, cr8
    0f23c0 mov dr0, rax
    0f21f8 mov rax, dr7
    e480 in al, 0x80
    baf8030000 mov edx, 0x3f8
    ec in al, dx
    b910000000 mov ecx, 0x10
    0f32 rdmsr
    b974010000 mov ecx, 0x174
    0f32 rdmsr
    0f30 wrmsr
    b9820000c0 mov ecx, 0xc0000082
    0f32 rdmsr
    0f30 wrmsr
    f390 pause
    0f09 wbinvd
    0fc7f3 rdrand ebx
    0fc7fb rdseed ebx
    0f01042500111000 sgdt [0x101100]
    0f010c2510111000 sidt [0x101110]
    0f011c2510111000 lidt [0x101110]
    0f00c0 sldt eax
    0f00cb str ebx
    0f0b ud2
    cc int3
    b932080000 mov ecx, 0x832
    b841000000 mov eax, 0x41
    0f30 wrmsr
    b938080000 mov ecx, 0x838
    b8d0070000 mov eax, 2000
    0f30 wrmsr
    b9a00f0000 mov ecx, 4000
    ffc9 spin: dec ecx
    75fc jnz spin
    b93f080000 mov ecx, 0x83f
    b840000000 mov eax, 0x40
    0f30 wrmsr
    fb sti
    90 nop
    fa cli
    b93f080000 mov ecx, 0x83f
    b840000000 mov eax, 0x40
    0f30 wrmsr
    fb sti
    f4 hlt
    fa cli
    ebfe jmp .
    1f04 idtr: limit
    00201000 base
    00000000 base`;

const RETURN = '48cf iretq';
const SKIP_TWO = `
    4883042402 add qword ptr [rsp], 2
    48cf iretq`;
/** A handler of #GP that goes on behind an instruction of two bytes. */
export const SKIP_TWO_BEHIND_ERROR_CODE = `
    4883c408 add rsp, 8
    4883042402 add qword ptr [rsp], 2
    48cf iretq`;
const END_OF_INTERRUPT = `
    b90b080000 mov ecx, 0x80b
    31c0 xor eax, eax
    31d2 xor edx, edx
    0f30 wrmsr
    48cf iretq`;
/** What handles the vectors that a guest expects. */
type Handlers = readonly (readonly [vector: number, code: string])[];
const HANDLERS: Handlers = [
  [3, RETURN],
  [6, SKIP_TWO],
  [13, SKIP_TWO_BEHIND_ERROR_CODE],
  [0x40, END_OF_INTERRUPT],
  [0x41, END_OF_INTERRUPT],
];
const HANDLERS_AT = 0x1800;
/** Offset of the IDT in the image. */
export const IDT_AT = 0x2000;
const CODE_SELECTOR = 0x10;
const INTERRUPT_GATE = 0x8e;
/** Enough for everything before the loop. */
export const INSTRUCTIONS = 12_000;
const NOP = '90';
const MIB = 1 << 20;

/** A guest for `ORIGIN.long64` that runs the listing `code`; its IDT, 4 KiB long, lies at `IDT_AT` in the image. */
export function guestImage(code: string, handlers: Handlers): Uint8Array {
  const bytes = new Uint8Array(0x2500);
  const view = new DataView(bytes.buffer);
  bytes.set(assembleListing(code).bytes);
  handlers.forEach(([vector, code], index) => {
    const at = HANDLERS_AT + index * 32;
    bytes.set(assembleListing(code).bytes, at);
    const gate = IDT_AT + vector * 16;
    view.setUint16(gate, (ORIGIN.long64 + at) & 0xffff, true);
    view.setUint16(gate + 2, CODE_SELECTOR, true);
    view.setUint8(gate + 5, INTERRUPT_GATE);
    view.setUint16(gate + 6, ORIGIN.long64 >> 16, true);
  });
  return bytes;
}

/** The guest with the instruction `without`, if any, replaced by NOPs. */
function image(without: string | undefined): Uint8Array {
  const code = CODE.replace(/^ *([0-9a-f]+) (\w+)(.*)$/gm, (line: string, hex: string, name: string, rest: string) =>
    name === without ? `${NOP.repeat(hex.length / 2)} ${name}${rest}` : line,
  );
  return guestImage(code, HANDLERS);
}

/** What a run of the guest comes to. */
export interface Exercise {
  /** Exits by basic reason. */
  readonly exits: Readonly<Record<number, number>>;
  readonly stateHash: string;
  /** The registers at the end, by name. */
  readonly registers: Readonly<Record<string, bigint>>;
}

/** How a run departs from the hypervisor's choices. */
export interface Toggles {
  readonly controls?: ControlChanges;
  /** Before the first instruction. */
  readonly prepare?: (machine: Machine) => void;
  /** An instruction that the guest does not use. */
  readonly without?: 'rdtscp' | 'invpcid';
}

/** Runs the guest under the hypervisor. */
export function exercise({ without, ...toggles }: Toggles = {}): Exercise {
  return runToggled(image(without), INSTRUCTIONS, toggles);
}

/** Runs `instructions` instructions of a guest made by `guestImage`, which must not end before. */
export function runToggled(kernel: Uint8Array, instructions: number, toggles: Omit<Toggles, 'without'>): Exercise {
  const { controls = {}, prepare } = toggles;
  const machine = new Machine({
    kernel,
    boot: { format: 'flat', flat: { address: ORIGIN.long64, mode: 'long64' } },
    memoryBytes: 4 * MIB,
    hypervisor: { controls },
    onSerial: () => undefined,
  });
  prepare?.(machine);
  const result = machine.run(instructions);
  if (result.reason !== 'budget') throw new Error(`the guest ended: ${result.reason}`);
  const { exits } = machine;
  const counts = Array.from({ length: 69 }, (_, reason) => [reason, exits!.totalOf(reason)] as const);
  return {
    exits: Object.fromEntries(counts.filter(([, count]) => count > 0)),
    stateHash: machine.stateHash(createHash('sha256')),
    registers: machine.asGuest(() =>
      Object.fromEntries(machine.processor.registers().map(({ name, value }) => [name, value])),
    ),
  };
}
