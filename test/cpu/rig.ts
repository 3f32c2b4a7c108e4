/**
 * A processor over a flat array of memory, with descriptor tables at fixed places: what the processor's unit tests set
 * up and look at. Linear is physical; chosen pages can be made to fault.
 */
import { Processor } from '../../src/cpu/processor';
import { ATTENTION } from '../../src/cpu/attention';
import type { ProcessorEnvironment } from '../../src/cpu/environment';
import type { ProcessorEvent } from '../../src/cpu/event';
import { MODE, STATE } from '../../src/cpu/layout';
import type { AccessKind, LinearMemory } from '../../src/cpu/linear-memory';
import { CR0, CR4, EFER, setSegment } from '../../src/cpu/mode';
import { GuestFault } from '../../src/cpu/signals';
import { ProcessorState } from '../../src/cpu/state';
import type { VmxUnit } from '../../src/cpu/vmx-hooks';
import { Outcome } from '../../src/isa/slow';

export const MEMORY_BYTES = 0x40000;

/** Flat memory. Accesses beyond it, or to `absent` pages, are page faults. */
export class FlatMemory implements LinearMemory {
  readonly bytes = new Uint8Array(MEMORY_BYTES);
  readonly absent = new Set<number>();
  readonly readOnly = new Set<number>();
  flushes = 0;
  readonly rootChanges: [left: bigint, entered: bigint][] = [];
  fetches = 0;
  private readonly view = new DataView(this.bytes.buffer);

  prove(linear: bigint, length: number, write: boolean): void {
    for (let at = linear; at < linear + BigInt(length); at++) {
      const page = Number(at >> 12n);
      const isAbsent = at >= BigInt(MEMORY_BYTES) || this.absent.has(page);
      if (isAbsent || (write && this.readOnly.has(page))) {
        throw new GuestFault(14, (write ? 2 : 0) | (isAbsent ? 0 : 1), at);
      }
    }
  }
  private at(linear: bigint, length: number, write: boolean): number {
    this.prove(linear, length, write);
    return Number(linear);
  }
  read8(linear: bigint): number {
    return this.view.getUint8(this.at(linear, 1, false));
  }
  read16(linear: bigint): number {
    return this.view.getUint16(this.at(linear, 2, false), true);
  }
  read32(linear: bigint): number {
    return this.view.getUint32(this.at(linear, 4, false), true);
  }
  read64(linear: bigint): bigint {
    return this.view.getBigUint64(this.at(linear, 8, false), true);
  }
  write8(linear: bigint, value: number): void {
    this.view.setUint8(this.at(linear, 1, true), value);
  }
  write16(linear: bigint, value: number): void {
    this.view.setUint16(this.at(linear, 2, true), value, true);
  }
  write32(linear: bigint, value: number): void {
    this.view.setUint32(this.at(linear, 4, true), value, true);
  }
  write64(linear: bigint, value: bigint): void {
    this.view.setBigUint64(this.at(linear, 8, true), value, true);
  }
  readBytes(linear: bigint, length: number): Uint8Array {
    const from = this.at(linear, length, false);
    return this.bytes.slice(from, from + length);
  }
  writeBytes(linear: bigint, bytes: Uint8Array, _kind: AccessKind): void {
    this.bytes.set(bytes, this.at(linear, bytes.length, true));
  }
  readGuestPhysical64(guestPhysical: bigint): bigint {
    return this.read64(guestPhysical);
  }
  changeRoot(left: bigint, entered: bigint): void {
    this.rootChanges.push([left, entered]);
  }

  flush(): void {
    this.flushes++;
  }
  nextFetch(): void {
    this.fetches++;
  }
}

/** Where the rig's tables and stacks lie. */
export const PLACE = {
  gdt: 0x1000,
  ldt: 0x1800,
  idt: 0x2000,
  tss: 0x3000,
  tss2: 0x3800,
  /** Tops of stacks: the current one, levels 0 to 2, IST 1. */
  stack: 0x5000,
  stack0: 0x6000,
  stack1: 0x7000,
  ist1: 0x8000,
  /** Offset of every handler. */
  handler: 0x1230,
} as const;

/** Selectors in the rig's GDT. */
export const SELECTOR = {
  code0: 0x08,
  data0: 0x10,
  code3: 0x1b,
  data3: 0x23,
  code64: 0x28,
  code64User: 0x33,
  data64User: 0x3b,
  code16: 0x40,
  data16: 0x48,
  conforming: 0x50,
  tss: 0x58, // 16 bytes in IA-32e mode
  tss2: 0x68,
  callGate: 0x70, // 16 bytes in IA-32e mode
  taskGate: 0x80,
  absentCode: 0x88,
  absentData: 0x90,
  code1: 0x99,
  data1: 0xa1,
  readOnly: 0xa8,
  ldt: 0xb0, // 16 bytes in IA-32e mode
  taskGate2: 0xc0,
} as const;

const GDT_LIMIT = 0xff;

/** An 8-byte descriptor. `rights` in the VMCS format; `limit` in bytes, cut to pages when bit 15 of rights is set. */
export function descriptor(base: number, limit: number, rights: number): bigint {
  const raw = rights & 0x8000 ? limit >>> 12 : limit;
  const low = ((base & 0xffff) * 0x10000 + (raw & 0xffff)) >>> 0;
  const high = ((base & 0xff000000) | ((base >>> 16) & 0xff) | ((rights & 0xf0ff) << 8) | (raw & 0xf0000)) >>> 0;
  return (BigInt(high) << 32n) | BigInt(low);
}

/** An 8-byte gate, or the low half of a 16-byte one. `type` includes P and DPL: 0x8e is a present 32-bit interrupt gate. */
export function gate(selector: number, offset: number, type: number, parameters = 0): bigint {
  const low = (selector * 0x10000 + (offset & 0xffff)) >>> 0;
  const high = ((offset & 0xffff0000) | (type << 8) | parameters) >>> 0;
  return (BigInt(high) << 32n) | BigInt(low);
}

export type RigMode = 'real' | 'virtual' | 'protected0' | 'protected3' | 'long0' | 'long3' | 'compatibility3';

/** VMX outside VMX operation, whose answers a test may replace. */
export function inactiveVmx(): VmxUnit {
  const outside = (): never => {
    throw new Error('outside VMX operation');
  };
  return {
    modeBits: 0,
    instructions: {
      vmxOperation: outside,
      vmxon: outside,
      vmxoff: outside,
      vmclear: outside,
      vmptrld: outside,
      vmptrst: outside,
      vmread: outside,
      vmwrite: outside,
      vmlaunch: outside,
      vmresume: outside,
      vmcall: outside,
      vmfunc: outside,
      invept: outside,
      invvpid: outside,
    },
    eventExits: () => false,
    taskSwitchExits: () => false,
    tripleFaultExits: () => false,
    intercept: () => false,
    boundaryExits: () => false,
    externalInterruptExits: () => false,
    deadline: Infinity,
    carryOutExit: outside,
    controlRegister: () => ({ mask: 0n, shadow: 0n }),
    controlRegisterAllowed: () => true,
    taskPriority: () => undefined,
    setTaskPriority: () => false,
    tscOffset: () => 0n,
    iretUnblocksNmi: () => true,
    readCapabilityMsr: () => undefined,
  };
}

export class Rig {
  readonly memory = new FlatMemory();
  readonly state = new ProcessorState(new ArrayBuffer(0x10000));
  readonly ports: { port: number; size: number; value: number }[] = [];
  readonly processor: Processor;
  instructionLength = 2;
  now = 1000;
  tscOffset = 0n;
  apicBase = 0xfee00900n;
  private readonly apic = {
    taskPriority: 0,
    readMsr: (index: number): bigint | false => (index === 0x1b ? this.apicBase : index === 0x6e0 ? 0n : false),
    writeMsr: (index: number): boolean => index === 0x1b || index === 0x6e0,
    setTscOffset: (offset: bigint): void => {
      this.tscOffset = offset;
    },
  };

  constructor(
    readonly mode: RigMode,
    vmx: VmxUnit = inactiveVmx(),
  ) {
    const float = (): Outcome => Outcome.Done;
    const environment: ProcessorEnvironment = {
      ports: {
        portRead: (port) => port * 3,
        portWrite: (port, size, value) => void this.ports.push({ port, size, value }),
      },
      apic: this.apic,
      instruction: { length: () => this.instructionLength },
      float: { x87: float, x87Environment: float, sse: float },
      ticks: () => this.now,
      random: () => 0x1122334455667788n,
      tlbBase: 0x10000,
    };
    this.processor = new Processor(this.state, this.memory, environment, () => vmx);
    this.enter(mode);
  }

  get taskPriority(): number {
    return this.apic.taskPriority;
  }

  get slow(): Processor['slow'] {
    return this.processor.slow;
  }

  /** Runs a slow function; gives its outcome's name, or the fault as `vector:error`. */
  call(body: (slow: Processor['slow']) => Outcome): string {
    const outcome = body(this.slow);
    if (outcome === Outcome.Fault) return this.fault;
    return Object.entries(Outcome).find(([, value]) => value === outcome)![0];
  }

  /** The recorded fault as `vector` or `vector:error` (hex). */
  get fault(): string {
    const { state } = this;
    const error = state.word(STATE.faultError).toString(16);
    return `${state.word(STATE.faultVector)}${state.word(STATE.faultHasError) ? `:${error}` : ''}`;
  }

  get rsp(): bigint {
    return this.state.general(4);
  }

  /** `count` values of `bytes` bytes at the stack pointer, lowest first, as hex. */
  stack(count: number, bytes: 2 | 4 | 8, top = Number(this.rsp)): string[] {
    return Array.from({ length: count }, (_, index) => {
      const at = BigInt(top + index * bytes);
      const { memory } = this;
      const value = bytes === 8 ? memory.read64(at) : bytes === 4 ? memory.read32(at) : memory.read16(at);
      return value.toString(16);
    });
  }

  /** Selectors of CS and SS, and RIP: where the processor is. */
  get where(): string {
    const { state } = this;
    return `${state.selector(1).toString(16)}:${state.rip.toString(16)} ${state.selector(2).toString(16)}:${this.rsp.toString(16)}`;
  }

  get cpl(): number {
    return this.processor.privilege;
  }

  get attends(): boolean {
    return (this.state.word(STATE.attention) & ~ATTENTION.vmx) !== 0;
  }

  setDescriptor(selector: number, value: bigint): void {
    this.memory.write64(BigInt(PLACE.gdt + (selector & 0xfff8)), value);
  }

  setGate(vector: number, value: bigint): void {
    const size = this.isLong ? 16 : 8;
    this.memory.write64(BigInt(PLACE.idt + vector * size), value);
  }

  deliver(event: Partial<ProcessorEvent> & { vector: number }): string {
    return this.processor.deliver({ kind: 'exception', instructionLength: 0, ...event });
  }

  private get isLong(): boolean {
    return ['long0', 'long3', 'compatibility3'].includes(this.mode);
  }

  private buildTables(): void {
    const flat = 0xffffffff;
    const rows: [number, bigint][] = [
      [SELECTOR.code0, descriptor(0, flat, 0xc09a)],
      [SELECTOR.data0, descriptor(0, flat, 0xc092)],
      [SELECTOR.code3, descriptor(0, flat, 0xc0fa)],
      [SELECTOR.data3, descriptor(0, flat, 0xc0f2)],
      [SELECTOR.code64, descriptor(0, flat, 0xa09a)],
      [SELECTOR.code64User, descriptor(0, flat, 0xa0fa)],
      [SELECTOR.data64User, descriptor(0, flat, 0xc0f2)],
      [SELECTOR.code16, descriptor(0, 0xffff, 0x9a)],
      [SELECTOR.data16, descriptor(0, 0xffff, 0x92)],
      [SELECTOR.conforming, descriptor(0, flat, this.isLong ? 0xa09e : 0xc09e)],
      [SELECTOR.tss, descriptor(PLACE.tss, 0x67, 0x89)],
      [SELECTOR.tss2, descriptor(PLACE.tss2, 0x67, 0x89)],
      [SELECTOR.absentCode, descriptor(0, flat, 0xc01a)],
      [SELECTOR.absentData, descriptor(0, flat, 0xc012)],
      [SELECTOR.code1, descriptor(0, flat, 0xc0ba)],
      [SELECTOR.data1, descriptor(0, flat, 0xc0b2)],
      [SELECTOR.readOnly, descriptor(0, flat, 0xc090)],
      [SELECTOR.ldt, descriptor(PLACE.ldt, 0x1f, 0x82)],
    ];
    for (const [selector, value] of rows) this.setDescriptor(selector, value);
    if (this.isLong) {
      this.setDescriptor(SELECTOR.tss + 8, 0n);
      this.setDescriptor(SELECTOR.ldt + 8, 0n);
    }
  }

  private buildTask(): void {
    const at = (offset: number): bigint => BigInt(PLACE.tss + offset);
    if (this.isLong) {
      this.memory.write64(at(4), BigInt(PLACE.stack0));
      this.memory.write64(at(12), BigInt(PLACE.stack1));
      this.memory.write64(at(36), BigInt(PLACE.ist1));
    } else {
      this.memory.write32(at(4), PLACE.stack0);
      this.memory.write32(at(8), SELECTOR.data0);
      this.memory.write32(at(12), PLACE.stack1);
      this.memory.write32(at(16), SELECTOR.data1);
    }
    this.memory.write16(at(0x66), 0x68);
  }

  private enter(mode: RigMode): void {
    const { state, processor } = this;
    this.buildTables();
    this.buildTask();
    state.setQuad(STATE.gdtr, BigInt(PLACE.gdt));
    state.setWord(STATE.gdtr + 8, GDT_LIMIT);
    state.setQuad(STATE.idtr, mode === 'real' ? 0n : BigInt(PLACE.idt));
    state.setWord(STATE.idtr + 8, mode === 'real' ? 0x3ff : 0xfff);
    state.rip = 0x100n;
    state.setGeneral(4, BigInt(PLACE.stack));
    if (mode !== 'real') state.setQuad(STATE.cr0, state.quad(STATE.cr0) | BigInt(CR0.PE));
    if (this.isLong) {
      state.setQuad(STATE.cr0, state.quad(STATE.cr0) | BigInt(CR0.PG));
      state.setQuad(STATE.cr4, BigInt(CR4.PAE));
      state.setQuad(STATE.efer, BigInt(EFER.LME | EFER.LMA | EFER.SCE));
    }
    const segment = (number: number, selector: number, rights: number): void =>
      setSegment(state, number, { selector, base: 0n, limit: 0xffffffff, rights });
    const data = (selector: number, rights: number): void =>
      [0, 2, 3, 4, 5].forEach((n) => segment(n, selector, rights));
    const base = BigInt(PLACE.tss);
    setSegment(state, 7, { selector: SELECTOR.tss, base, limit: 0x67, rights: 0x8b });
    this.setDescriptor(SELECTOR.tss, descriptor(PLACE.tss, 0x67, 0x8b));
    const flat: Partial<Record<RigMode, readonly [number, number, number, number]>> = {
      protected0: [SELECTOR.code0, 0xc09b, SELECTOR.data0, 0xc093],
      protected3: [SELECTOR.code3, 0xc0fb, SELECTOR.data3, 0xc0f3],
      long0: [SELECTOR.code64, 0xa09b, SELECTOR.data0, 0xc093],
      long3: [SELECTOR.code64User, 0xa0fb, SELECTOR.data64User, 0xc0f3],
      compatibility3: [SELECTOR.code3, 0xc0fb, SELECTOR.data3, 0xc0f3],
    };
    const segments = flat[mode];
    if (segments) {
      segment(1, segments[0], segments[1]);
      data(segments[2], segments[3]);
    }
    if (mode === 'real' || mode === 'virtual') this.enterSegments(mode === 'virtual' ? 0xf3 : 0x93);
    state.rflags = mode === 'virtual' ? 0x20202 : 0x202;
    processor.stateReplaced(false);
  }

  private enterSegments(rights: number): void {
    [0x20, 0x100, 0, 0x30, 0x40, 0x50].forEach((selector, number) =>
      setSegment(this.state, number, { selector, base: BigInt(selector * 16), limit: 0xffff, rights }),
    );
  }

  /** The mode word's code width, 16, 32 or 64. */
  get codeWidth(): number {
    return 16 << (this.state.word(STATE.mode) & MODE.codeMask);
  }
}
