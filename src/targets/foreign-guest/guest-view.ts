/**
 * One vCPU of another engine's guest at rest: its registers, and memory through its own page tables, walked here by the
 * walker that our own machine's debugger uses. There is no EPT to be seen. Source: SDM Vol. 3A chapter 4.
 * NOT IMPLEMENTED: 5-level paging (refused), EPT of a hypervisor that runs in the guest.
 */
import { MODE, PAGING, STATE } from '../../cpu/layout';
import {
  inspectGuestPhysical,
  inspectLinear,
  type InspectedAccess,
  type PhysicalReader,
} from '../../cpu/paging/inspect';
import type { ProcessorState } from '../../cpu/state';
import { SEGMENT } from '../../isa/semantics';
import type { Access, AddressSpace } from '../../protocol/address';
import type { MappingsAnswer, MappingsQuery } from '../../protocol/mappings';
import type { WalkAnswer } from '../../protocol/walk';
import type { Expression, Value } from '../../symbols/expression/ast';
import { evaluate, type Scope } from '../../symbols/expression/evaluate';
import { mappingsOf } from '../inspection/mappings-answer';
import { walkAnswer } from '../inspection/walk-answer';
import { modeName } from '../mode-name';
import { codeBits } from '../own-machine/frame';
import type { Position } from '../target';
import { fiveLevels, noPhysicalMemory } from './errors';
import { PAGE_BYTES, type PagedMemory } from './paged-memory';
import { processorView } from './processor-view';
import { registerNamed, type RegisterValues } from './register-values';

/** What the views of one engine's guest share. */
export interface GuestMemory {
  /** The engine in words, for errors: `The gdb stub`. */
  readonly engine: string;
  readonly pages: PagedMemory;
  /** Physical memory can be read; else linear memory alone, which the engine translates itself. */
  readonly hasPhysical: boolean;
  /** Bytes of guest-physical memory, if known. */
  readonly bytes: number;
}

const PAE_PAGING = 2;
const PDPTE_BYTES = 8;
const CR4_LA57 = 0x1000;
const PAGE = BigInt(PAGE_BYTES);
const READ: InspectedAccess = { write: false, execute: false, user: false, unchecked: true };
const RSP = 4;
const RBP = 5;

export class GuestView {
  private readonly translations = new Map<bigint, bigint | undefined>();
  private readonly readQuad: PhysicalReader;

  private constructor(
    readonly values: RegisterValues,
    readonly state: ProcessorState,
    private readonly memory: GuestMemory,
  ) {
    this.readQuad = (physical) => {
      const bytes = memory.pages.read('physical', physical, 8);
      return bytes.length === 8 ? new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true) : undefined;
    };
  }

  /**
   * The vCPU with these registers; what is `assumed` counts where the engine does not tell it, and is not shown. PAE
   * paging's registers are taken from the memory that CR3 names.
   */
  static async of(values: RegisterValues, memory: GuestMemory, assumed?: RegisterValues): Promise<GuestView> {
    const state = processorView(assumed ? new Map([...assumed, ...values]) : values);
    if ((state.word(STATE.paging) & PAGING.modeMask) === PAE_PAGING && memory.hasPhysical) {
      const table = state.quad(STATE.cr3) & 0xffff_ffe0n;
      const bytes = await memory.pages.settle(() => memory.pages.read('physical', table, 4 * PDPTE_BYTES));
      state.u8.set(bytes, STATE.pdpte);
    }
    return new GuestView(values, state, memory);
  }

  /** Linear address of the next instruction. */
  get linear(): bigint {
    const { state } = this;
    const { rip } = state;
    return this.codeBits === 64 ? rip : BigInt.asUintN(32, state.segmentBase(SEGMENT.CS) + rip);
  }

  get codeBits(): 16 | 32 | 64 {
    return codeBits(this.state.word(STATE.mode));
  }

  position(): Position {
    const { state } = this;
    return {
      rip: state.rip,
      linear: this.linear,
      codeBits: this.codeBits,
      mode: modeName(state.word(STATE.mode)),
      rsp: state.general(RSP),
      rbp: state.general(RBP),
      stackBase: this.codeBits === 64 ? 0n : state.segmentBase(SEGMENT.SS),
      instructions: 0,
      ticks: 0,
    };
  }

  /** Where expressions get their operands from; only inside a look of the memory's. */
  scope(): Scope {
    return {
      register: (name) => registerNamed(this.values, name),
      variable: () => undefined,
      read: (space, address, length) => this.look(space, address, length),
    };
  }

  evaluate(expression: Expression): Promise<Value> {
    return this.settle(() => evaluate(expression, this.scope()));
  }

  /** Up to `length` bytes, fewer where memory ends. */
  read(space: AddressSpace, address: bigint, length: number): Promise<Uint8Array> {
    return this.settle(() => this.look(space, address, length));
  }

  walk(space: 'linear' | 'guestPhysical', address: bigint, access: Access): Promise<WalkAnswer> {
    this.requireTables();
    const { state } = this;
    const user = ((state.word(STATE.mode) >> MODE.cplShift) & 3) === 3;
    const kind = { write: access === 'write', execute: access === 'execute', user };
    const inspect = space === 'linear' ? inspectLinear : inspectGuestPhysical;
    return this.settle(() => walkAnswer(inspect(state, this.readQuad, address, kind)));
  }

  mappings(query: MappingsQuery): Promise<MappingsAnswer> {
    this.requireTables();
    const guest = {
      state: this.state,
      memoryBytes: this.memory.bytes,
      read: (space: AddressSpace, address: bigint, length: number) => this.look(space, address, length),
    };
    return this.settle(() => mappingsOf(guest, query));
  }

  /** The guest-physical address of a linear one; undefined where nothing is mapped. */
  translate(linear: bigint): Promise<bigint | undefined> {
    this.requireTables();
    return this.settle(() => this.page(linear));
  }

  /** Makes a synchronous look until all that it needs is here. */
  settle<T>(look: () => T): Promise<T> {
    return this.memory.pages.settle(look);
  }

  private look(space: AddressSpace, address: bigint, length: number): Uint8Array {
    const { pages, hasPhysical } = this.memory;
    const isPaged = (this.state.word(STATE.paging) & PAGING.modeMask) !== 0;
    if (!hasPhysical) {
      if (space !== 'linear' && isPaged) throw noPhysicalMemory(this.memory.engine);
      return pages.read('linear', address, length);
    }
    if (space !== 'linear') return pages.read('physical', address, length);
    this.requireTables();
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const at = BigInt.asUintN(64, address + BigInt(done));
      const part = Math.min(length - done, Number(PAGE - (at % PAGE)));
      const physical = this.page(at);
      if (physical === undefined) {
        // What comes behind a page that is not here yet is wanted, too.
        if (!pages.isIncomplete) return bytes.subarray(0, done);
      } else {
        const found = pages.read('physical', physical, part);
        bytes.set(found, done);
        if (found.length < part) return bytes.subarray(0, done + found.length);
      }
      done += part;
    }
    return bytes;
  }

  private page(linear: bigint): bigint | undefined {
    const offset = linear % PAGE;
    const number = linear - offset;
    if (!this.translations.has(number)) {
      const { guestPhysical } = inspectLinear(this.state, this.readQuad, number, READ);
      if (this.memory.pages.isIncomplete) return guestPhysical === undefined ? undefined : guestPhysical + offset;
      this.translations.set(number, guestPhysical);
    }
    const found = this.translations.get(number);
    return found === undefined ? undefined : found + offset;
  }

  private requireTables(): void {
    const { state } = this;
    const isPaged = (state.word(STATE.paging) & PAGING.modeMask) !== 0;
    if (isPaged && !this.memory.hasPhysical) throw noPhysicalMemory(this.memory.engine);
    if (isPaged && state.word(STATE.mode) & MODE.long && state.word(STATE.cr4) & CR4_LA57) throw fiveLevels();
  }
}
