/**
 * A machine for tests of the hypervisor: processor, interpreter, VMX unit, the real board, and a guest that is given as an
 * image or as bytes.
 */
import { CR4_BITS, EFER_BITS } from '../../src/cpu/control-registers';
import { createFpu } from '../../src/cpu/fpu/fpu';
import { STATE } from '../../src/cpu/layout';
import { DEBUGCTL_BITS } from '../../src/cpu/msr-table';
import { PHYSICAL_BITS } from '../../src/cpu/paging/ept-walker';
import { Processor } from '../../src/cpu/processor';
import { ProcessorState } from '../../src/cpu/state';
import { vmxCapabilities } from '../../src/cpu/vmx/capabilities';
import { VmxUnit } from '../../src/cpu/vmx/unit';
import { Interpreter } from '../../src/engine/interpreter';
import { Vcpu } from '../../src/engine/vcpu';
import { INSTRUCTIONS } from '../../src/isa/records/index';
import { Board } from '../../src/machine/board';
import { MachineClock } from '../../src/machine/clock';
import { Random } from '../../src/machine/random';
import type { BusSize } from '../../src/memory/bus';
import { PhysicalMemory } from '../../src/memory/physical-memory';
import { planMemory } from '../../src/memory/plan';
import { HostLine } from '../../src/vmm/host-line';
import { Hypervisor } from '../../src/vmm/hypervisor';
import type { HypervisorOptions } from '../../src/vmm/hypervisor';
import { machineBytes } from '../../src/vmm/memory';

const MIB = 1 << 20;
export const RAM_BYTES = 16 * MIB;
const ramRanges = (bytes: number): HypervisorOptions['ram'] => [
  { start: 0, length: 0xa0000 },
  { start: 0xe0000, length: bytes - 0xe0000 },
];

export const capabilities = vmxCapabilities({
  physicalAddressWidth: PHYSICAL_BITS,
  cr4Bits: CR4_BITS,
  eferBits: EFER_BITS,
  debugctlBits: DEBUGCTL_BITS,
});

export interface Rig {
  readonly hypervisor: Hypervisor;
  readonly state: ProcessorState;
  readonly processor: Processor;
  readonly vmx: VmxUnit;
  readonly memory: PhysicalMemory;
  readonly clock: MachineClock;
  readonly board: Board;
  readonly vcpu: Vcpu;
  /** What the guest wrote to COM1. */
  serial(): string;
  /** What it wrote to isa-debug-exit. */
  debugExit(): number | undefined;
}

/** A machine with `ramBytes` of RAM whose guest has not begun. */
export function makeRig(options: Partial<HypervisorOptions> = {}, ramBytes = RAM_BYTES): Rig {
  const plan = planMemory(machineBytes(ramBytes));
  const wasm = new WebAssembly.Memory({ initial: plan.wasmPages, maximum: plan.wasmPages });
  const memory = new PhysicalMemory(wasm.buffer, plan);
  const state = new ProcessorState(wasm.buffer);
  const clock = new MachineClock();
  const random = new Random(1n);
  let serial = '';
  let debugExit: number | undefined;
  const parts: { processor?: Processor; hypervisor?: Hypervisor } = {};
  const stop = (): void => parts.hypervisor?.requestStop();
  const board = new Board({ rtcSeconds: 0, ramBytes }, clock, {
    serial: (byte) => (serial += String.fromCharCode(byte)),
    powerOff: stop,
    reset: stop,
    debugExit: (value) => {
      debugExit = value;
      stop();
    },
    interrupt: () => undefined,
  });
  const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const interpreter: Interpreter = new Interpreter(wasm, memory, state, INSTRUCTIONS, {
    slow: () => parts.processor!.slow,
    busRead: (address, bytes) => {
      for (let i = 0; i < bytes.length;) {
        const size = bytes.length - i >= 4 ? 4 : 1;
        const value = board.mmio.read(address + i, size);
        if (size === 4) view(bytes).setUint32(i, value, true);
        else bytes[i] = value;
        i += size;
      }
    },
    busWrite: (address, bytes) => {
      for (let i = 0; i < bytes.length;) {
        const size = bytes.length - i >= 4 ? 4 : 1;
        board.mmio.write(address + i, size, size === 4 ? view(bytes).getUint32(i, true) : bytes[i]!);
        i += size;
      }
    },
    breakpointHit: () => false,
  });
  const instruction = { length: () => interpreter.currentLength };
  const processor = new Processor(
    state,
    interpreter,
    {
      ports: {
        portRead: (port, size) => board.ports.read(port, size as BusSize),
        portWrite: (port, size, value) => board.ports.write(port, size as BusSize, value),
      },
      apic: board.lapic,
      instruction,
      float: createFpu(state, interpreter, instruction),
      ticks: () => clock.ticks,
      random: () => random.next(),
      tlbBase: plan.tlb,
    },
    (p) => new VmxUnit(p, memory, capabilities, true),
  );
  const vmx = processor.vmx as VmxUnit;
  parts.processor = processor;
  const line = new HostLine();
  const vcpu = new Vcpu({
    state,
    processor,
    vmx,
    interpreter,
    clock,
    interrupts: line,
    nativeHost: true,
    deadline: () => Infinity,
  });
  const hypervisor = new Hypervisor(
    {
      memory,
      processor,
      vmx,
      engine: vcpu,
      clock,
      ports: board.ports,
      interrupts: {
        pending: () => board.interruptPending(),
        acknowledge: () => board.acknowledge(),
        takeNmi: () => board.takeNmi(),
      },
      msrs: board.lapic,
      cpuid: (leaf, subleaf) => {
        processor.slow.cpuid(leaf, subleaf);
        return [
          state.word(STATE.result),
          state.word(STATE.result + 4),
          state.word(STATE.result2),
          state.word(STATE.result2 + 4),
        ];
      },
      line,
    },
    {
      ram: ramRanges(ramBytes),
      openBus: { start: 0xc0000, length: 0x20000 },
      policy: 'lazy4k',
      sleep: 'skip',
      ...options,
    },
  );
  parts.hypervisor = hypervisor;
  return {
    hypervisor,
    state,
    processor,
    vmx,
    memory,
    clock,
    board,
    vcpu,
    serial: () => serial,
    debugExit: () => debugExit,
  };
}
