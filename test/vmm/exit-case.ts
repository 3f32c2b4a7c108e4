/** What one exit's test says, and the small parts that the cases share. */
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

export const R = EXIT_REASON;

export function setField(machine: Machine, field: VmcsField, value: bigint): void {
  machine.vmx.current!.write(field.encoding, value);
}

export const fields =
  (...values: readonly (readonly [VmcsField, bigint])[]) =>
  (machine: Machine): void => {
    for (const [field, value] of values) setField(machine, field, value);
  };
export const catching = (vector: number): Circumstances['prepare'] =>
  fields([F.EXCEPTION_BITMAP, 1n << BigInt(vector)]);
export const setting = (primary: number): ControlChanges => ({ primary: { set: primary } });
export const clearing = (primary: number): ControlChanges => ({ primary: { clear: primary } });
export const secondary = (set: number): ControlChanges => ({ secondary: { set } });
export const NOTHING: Circumstances = {};

/** The last page of machine memory: the frame of a page that no tiny guest touches. */
export const sparePage = (machine: Machine): number => machine.memory.size - 0x1000;

/** Clears the bit of a low MSR (0-1FFFH) in the read (`at` 0) or write (`at` 2048) bitmap. */
export const passMsr =
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

export const X2APIC = `
    b91b000000 mov ecx, 0x1b
    0f32 rdmsr
    0d000c0000 or eax, 0xc00
    0f30 wrmsr
    b90f080000 mov ecx, 0x80f
    b8ff010000 mov eax, 0x1ff
    31d2 xor edx, edx
    0f30 wrmsr`;
export const GDT_WITH_TSS = `
    2f00 gdtr: limit
    14001000 base
    0000000000000000 gdt: null
    0000000000000000 null
    ffff0000009bcf00 10H: code
    ffff00000093cf00 18H: data
    67000000008b0000 20H: busy TSS
    6700002010890000 28H: available TSS`;

export const KEY: Circumstances['then'] = { after: 1000, act: (machine) => machine.sendSerial(0x41) };
