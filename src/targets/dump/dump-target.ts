/**
 * A memory dump as a target that never goes on: registers, memory, walks, symbols and stacks as they were. Where a dump has
 * no system registers (a kdump's), the kernel's own page tables are walked, which VMCOREINFO names.
 * Source: Linux Documentation/admin-guide/kdump/vmcoreinfo.rst (phys_base, init_top_pgt or swapper_pg_dir).
 */
import { CR0, CR4, EFER } from '../../cpu/mode';
import type { Hex } from '../../protocol/address';
import type { MemoryMapAnswer } from '../../protocol/mappings';
import { ForeignTarget, NO_COUNTERS } from '../foreign-guest/foreign-target';
import { type GuestMemory, GuestView } from '../foreign-guest/guest-view';
import { DUMP_LACKS } from '../foreign-guest/lacks';
import { PagedMemory } from '../foreign-guest/paged-memory';
import { keyOf, type RegisterValues } from '../foreign-guest/register-values';
import type { Stop, TargetDescription, TargetState, TargetThread } from '../target';
import { openDumpBytes } from './dump-bytes';
import type { DumpContents } from './dump-contents';
import { isElf, readElfCore } from './elf-core';
import { damagedDump, isAtRest, notADump, noVcpu } from './errors';
import { isKdump, readKdump } from './kdump';

/** Which dump. */
export interface DumpPlace {
  /** The path of its file. */
  readonly dump: string;
  /** Path of the guest's kernel, if known. */
  readonly kernel?: string | undefined;
}

const STOP: Stop = { reason: 'pause', note: 'This is a memory dump: it shows the guest as it was.' };
/** Where Linux links its text: arch/x86/include/asm/page_64_types.h, `__START_KERNEL_map`. */
const START_KERNEL_MAP = 0xffff_ffff_8000_0000n;
const LA57 = 0x1000;
const CONTROL_BITS = { CR0: CR0.PE | CR0.WP, CR4: CR4.PAE };

/** Opens a dump. Rejects with UserErrors. */
export async function openDump({ dump, kernel = '' }: DumpPlace): Promise<DumpTarget> {
  const file = openDumpBytes(dump);
  try {
    const head = file.read(0, 8);
    if (!isElf(head) && !isKdump(head)) throw notADump(dump);
    const contents = isElf(head) ? readElfCore(file) : readKdump(file);
    if (contents.processors.length === 0) throw damagedDump(dump, 'it has no processors');
    return new DumpTarget(contents, kernel);
  } catch (error) {
    file.close();
    throw error;
  }
}

export class DumpTarget extends ForeignTarget {
  private readonly memory: GuestMemory;
  private readonly views = new Map<number, Promise<GuestView>>();
  private isClosed = false;

  constructor(
    private readonly contents: DumpContents,
    private readonly kernel: string,
  ) {
    super('A memory dump');
    const pages = new PagedMemory((_, numbers) =>
      Promise.resolve(numbers.map((page) => (page >> 52n ? undefined : contents.readPage(Number(page))))),
    );
    const bytes = contents.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    this.memory = { engine: 'A memory dump', pages, hasPhysical: true, bytes };
  }

  async describe(): Promise<TargetDescription> {
    const { contents, kernel, memory } = this;
    return { name: contents.file.path, kernel, memoryBytes: memory.bytes, bare: true, lacks: DUMP_LACKS };
  }

  async state(): Promise<TargetState> {
    return { ...NO_COUNTERS, running: false, stop: STOP };
  }

  async threads(): Promise<readonly TargetThread[]> {
    return this.contents.processors.map((_, index) => ({ id: index + 1, name: `vCPU ${index}` }));
  }

  /** Nothing ever happens. */
  onEvent(): void {}

  resume(): Promise<void> {
    return Promise.reject(isAtRest());
  }

  async pause(): Promise<void> {}

  setBreakpoints(): Promise<void> {
    return Promise.reject(isAtRest());
  }

  writeRegister(): Promise<bigint> {
    return Promise.reject(isAtRest());
  }

  writeMemory(): Promise<number> {
    return Promise.reject(isAtRest());
  }

  async memoryMap(): Promise<MemoryMapAnswer> {
    const hex = (value: number): Hex => `0x${value.toString(16)}`;
    const regions = this.contents.ranges.map(({ start, end }) => ({
      start: hex(start),
      end: hex(end),
      kind: 'RAM',
      name: 'in the dump',
    }));
    return { regions };
  }

  async detach(): Promise<void> {
    if (!this.isClosed) this.contents.file.close();
    this.isClosed = true;
  }

  dispose(): Promise<void> {
    return this.detach();
  }

  protected view(thread: number): Promise<GuestView> {
    const { processors } = this.contents;
    const values = processors[thread - 1];
    if (!values) return Promise.reject(noVcpu(thread, processors.length));
    let view = this.views.get(thread);
    if (!view) this.views.set(thread, (view = GuestView.of(withMsrs(values), this.memory, this.assumed(values))));
    return view;
  }

  protected canWrite(): boolean {
    return false;
  }

  /** What the dump does not tell of a processor, but what must have been so. */
  private assumed(values: RegisterValues): RegisterValues {
    const { hasSystemRegisters, machine } = this.contents;
    const efer = (isLong: boolean): [string, bigint] => [
      keyOf('Control', 'EFER'),
      BigInt(EFER.NXE | (isLong ? EFER.SCE | EFER.LME | EFER.LMA : 0)),
    ];
    if (hasSystemRegisters) {
      const [cr0, cr4] = ['CR0', 'CR4'].map((name) => Number(values.get(keyOf('Control', name)) ?? 0n)) as [
        number,
        number,
      ];
      const isPaged = (cr0 & CR0.PG) !== 0;
      return new Map([efer(machine === 'x86-64' && isPaged && (cr4 & CR4.PAE) !== 0)]);
    }
    const table = this.kernelTable();
    if (table === undefined) return new Map([efer(machine === 'x86-64')]);
    const cr4 = CONTROL_BITS.CR4 | (this.contents.kernel.get('NUMBER(pgtable_l5_enabled)') === '1' ? LA57 : 0);
    return new Map([
      efer(true),
      [keyOf('Control', 'CR0'), BigInt(CONTROL_BITS.CR0) | BigInt(CR0.PG)],
      [keyOf('Control', 'CR3'), table],
      [keyOf('Control', 'CR4'), BigInt(cr4)],
    ]);
  }

  /** Guest-physical address of the kernel's own top table, as VMCOREINFO tells it. */
  private kernelTable(): bigint | undefined {
    const { kernel } = this.contents;
    const linear = kernel.get('SYMBOL(init_top_pgt)') ?? kernel.get('SYMBOL(swapper_pg_dir)');
    const base = kernel.get('NUMBER(phys_base)');
    if (!/^[0-9a-f]{1,16}$/i.test(linear ?? '') || !/^-?[0-9]{1,18}$/.test(base ?? '')) return undefined;
    return BigInt.asUintN(52, BigInt(`0x${linear}`) - START_KERNEL_MAP + BigInt(base!));
  }
}

function withMsrs(values: RegisterValues): RegisterValues {
  const all = new Map(values);
  for (const name of ['FS', 'GS']) {
    const base = values.get(keyOf('Segments', `${name} base`));
    if (base !== undefined) all.set(keyOf('MSRs', `IA32_${name}_BASE`), base);
  }
  return all;
}
