/**
 * What targets over another engine's guest have in common: registers, memory and walks come from its vCPUs' views; what
 * only our own machines can tell is refused with a sentence.
 */
import type { Access, AddressSpace } from '../../protocol/address';
import type { DevicesAnswer } from '../../protocol/devices';
import type { ExitDescription, ExitsAnswer } from '../../protocol/exit';
import type { InterruptsAnswer } from '../../protocol/interrupts';
import type { MappingsAnswer, MappingsQuery, MemoryMapAnswer } from '../../protocol/mappings';
import type { VmcsAnswer } from '../../protocol/vmcs';
import type { WalkAnswer } from '../../protocol/walk';
import type { Expression, Value } from '../../symbols/expression/ast';
import type {
  BreakpointSet,
  Position,
  Register,
  Resume,
  Target,
  TargetDescription,
  TargetEvent,
  TargetState,
  TargetThread,
} from '../target';
import { lacking } from './errors';
import type { GuestView } from './guest-view';
import { groupsIn, registersIn } from './register-values';

/** Counters of a guest whose instructions nobody counts. */
export const NO_COUNTERS = { instructions: 0, ticks: 0, exits: 0 } as const;

export abstract class ForeignTarget implements Target {
  /** `engine` is the engine in words, at the beginning of a sentence. */
  protected constructor(protected readonly engine: string) {}

  abstract describe(): Promise<TargetDescription>;
  abstract state(): Promise<TargetState>;
  abstract threads(): Promise<readonly TargetThread[]>;
  abstract onEvent(listener: (event: TargetEvent) => void): void;
  abstract resume(thread: number, how: Resume): Promise<void>;
  abstract pause(): Promise<void>;
  abstract setBreakpoints(breakpoints: BreakpointSet): Promise<void>;
  abstract writeRegister(thread: number, group: string, name: string, value: bigint): Promise<bigint>;
  abstract writeMemory(thread: number, space: AddressSpace, address: bigint, bytes: Uint8Array): Promise<number>;
  abstract memoryMap(): Promise<MemoryMapAnswer>;
  abstract detach(): Promise<void>;
  abstract dispose(): Promise<void>;

  /** A vCPU at rest; `quick`: general registers, mode and memory are enough. Rejects with a UserError. */
  protected abstract view(thread: number, how: 'quick' | 'full'): Promise<GuestView>;
  /** True if a register (by `GROUP.NAME`) can be written. */
  protected abstract canWrite(key: string): boolean;

  async position(thread: number): Promise<Position> {
    return (await this.view(thread, 'quick')).position();
  }

  async registerGroups(thread: number): Promise<readonly string[]> {
    return groupsIn((await this.view(thread, 'full')).values);
  }

  async registers(thread: number, group: string): Promise<readonly Register[]> {
    const { values } = await this.view(thread, group === 'General' ? 'quick' : 'full');
    return registersIn(values, group, (key) => this.canWrite(key));
  }

  async evaluate(thread: number, expression: Expression): Promise<Value> {
    return (await this.view(thread, 'full')).evaluate(expression);
  }

  async readMemory(thread: number, space: AddressSpace, address: bigint, length: number): Promise<Uint8Array> {
    return (await this.view(thread, 'quick')).read(space, address, length);
  }

  async walk(thread: number, space: 'linear' | 'guestPhysical', address: bigint, access: Access): Promise<WalkAnswer> {
    return (await this.view(thread, 'quick')).walk(space, address, access);
  }

  async mappings(thread: number, query: MappingsQuery): Promise<MappingsAnswer> {
    return (await this.view(thread, 'quick')).mappings(query);
  }

  async lastExit(): Promise<ExitDescription | undefined> {
    return undefined;
  }

  exits(): Promise<ExitsAnswer> {
    return Promise.reject(lacking(this.engine, 'VM exits'));
  }

  vmcs(): Promise<VmcsAnswer> {
    return Promise.reject(lacking(this.engine, 'a VMCS'));
  }

  devices(): Promise<DevicesAnswer> {
    return Promise.reject(lacking(this.engine, "devices' registers"));
  }

  interrupts(): Promise<InterruptsAnswer> {
    return Promise.reject(lacking(this.engine, 'the way of interrupts'));
  }

  sendSerial(): Promise<void> {
    return Promise.reject(lacking(this.engine, 'the serial line'));
  }
}
