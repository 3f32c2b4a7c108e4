/**
 * The guest behind a stub while it is at rest: each vCPU's registers and all memory that was looked at, fetched once a
 * stop. What QEMU's stub leaves out of the registers its monitor tells. Device memory is never read: reading it would
 * change the device.
 */
import type { MemoryRegion } from '../../protocol/mappings';
import { type GuestMemory, GuestView } from '../foreign-guest/guest-view';
import { PAGE_BYTES, PagedMemory, type PageSpace } from '../foreign-guest/paged-memory';
import { keyOf, type RegisterValues } from '../foreign-guest/register-values';
import { isRunning, noThread, refused } from './errors';
import { registersInText, regionsInText } from './monitor-text';
import { ALIASES, KEYS } from './register-names';
import type { Stub } from './stub';

/** What a monitor prints for a line, asked of a vCPU (from 0); undefined where there is no monitor. */
export type Monitor = (line: string, cpu: number) => Promise<string | undefined>;

const EFER = keyOf('Control', 'EFER');
const RIP = keyOf('General', 'RIP');
const LONG_MODE_ACTIVE = 0x400n;
const FOUR_GIB = 1n << 32n;
const PAGE = BigInt(PAGE_BYTES);

export class StubGuest {
  private regions: readonly MemoryRegion[] = [];
  private areRegionsFresh = false;
  private readonly quickViews = new Map<number, Promise<GuestView>>();
  private readonly fullViews = new Map<number, Promise<GuestView>>();
  private readonly memories = new Map<number, GuestMemory>();
  /** False while the guest runs: nothing can be asked then. */
  isAtRest = true;

  constructor(
    readonly stub: Stub,
    private readonly monitor: Monitor,
    /** The vCPUs' names in the protocol, by id minus 1. */
    readonly threads: readonly string[],
  ) {}

  /** The thread id of a vCPU by its name in the protocol; the first one's for a name that is not known. */
  threadOf(name: string | undefined): number {
    return Math.max(0, this.threads.indexOf(name ?? '')) + 1;
  }

  /** A vCPU's name in the protocol. Throws a UserError if there is no such vCPU. */
  nameOf(thread: number): string {
    const name = this.threads[thread - 1];
    if (name === undefined) throw noThread(thread, this.threads.length);
    return name;
  }

  /** What is known counts no more: the guest goes on, or was edited. */
  forget(): void {
    this.quickViews.clear();
    this.fullViews.clear();
    for (const { pages } of this.memories.values()) pages.forget();
    this.areRegionsFresh = false;
  }

  /** A vCPU with what the stub tells, and the monitor if the mode cannot be known without. */
  async quick(thread: number): Promise<GuestView> {
    return this.kept(this.quickViews, thread, async () => {
      const values = await this.stubValues(thread);
      // Compatibility mode has no addresses above 4 GiB.
      const isSure = ((values.get(EFER) ?? 0n) & LONG_MODE_ACTIVE) !== 0n && (values.get(RIP) ?? 0n) >= FOUR_GIB;
      return isSure ? GuestView.of(values, this.memoryOf(thread)) : this.full(thread);
    });
  }

  /** A vCPU with everything that can be known. */
  async full(thread: number): Promise<GuestView> {
    return this.kept(this.fullViews, thread, async () => {
      const values = await this.stubValues(thread);
      const text = (await this.monitor('info registers', thread - 1)) ?? '';
      const merged = withAliases(new Map([...registersInText(text), ...values]));
      return GuestView.of(merged, this.memoryOf(thread));
    });
  }

  /** What guest-physical memory holds, in ascending order; empty if nobody says. */
  async memoryRegions(): Promise<readonly MemoryRegion[]> {
    if (!this.areRegionsFresh) {
      this.areRegionsFresh = true;
      this.regions = regionsInText((await this.monitor('info mtree -f', 0)) ?? '');
    }
    return this.regions;
  }

  /** True if a register (by key) can be written. */
  canWrite(key: string): boolean {
    return this.stub.registerLayout.some(({ name }) => KEYS.get(name) === key);
  }

  /** Writes a register. Rejects with a UserError. */
  async write(thread: number, key: string, value: bigint): Promise<void> {
    this.requireRest();
    const register = this.stub.registerLayout.find(({ name }) => KEYS.get(name) === key);
    if (!register) throw refused(`write ${key}`, '');
    await this.stub.writeRegister(this.nameOf(thread), register, value);
    this.forget();
  }

  /** Throws a UserError while the guest runs. */
  requireRest(): void {
    if (!this.isAtRest) throw isRunning();
  }

  private kept(
    views: Map<number, Promise<GuestView>>,
    thread: number,
    make: () => Promise<GuestView>,
  ): Promise<GuestView> {
    this.requireRest();
    let view = views.get(thread);
    if (!view) {
      view = make();
      views.set(thread, view);
      view.catch(() => views.delete(thread));
    }
    return view;
  }

  private async stubValues(thread: number): Promise<RegisterValues> {
    const values = new Map<string, bigint>();
    for (const [name, value] of await this.stub.registers(this.nameOf(thread))) {
      const key = KEYS.get(name);
      if (key !== undefined) values.set(key, value);
    }
    return withAliases(values);
  }

  /** Physical memory is all vCPUs'; what a stub translates itself belongs to the vCPU that it was asked of. */
  private memoryOf(thread: number): GuestMemory {
    const { hasPhysical } = this.stub;
    const owner = hasPhysical ? 0 : thread;
    let memory = this.memories.get(owner);
    if (!memory) {
      const pages = new PagedMemory((space, numbers) => this.fetch(space, thread, numbers));
      const bytes = this.regions.reduce(
        (sum, { kind, start, end }) => (kind === 'RAM' ? sum + Number(BigInt(end) - BigInt(start)) : sum),
        0,
      );
      memory = { engine: 'The gdb stub', pages, hasPhysical, bytes };
      this.memories.set(owner, memory);
    }
    return memory;
  }

  private async fetch(
    space: PageSpace,
    thread: number,
    numbers: readonly bigint[],
  ): Promise<readonly (Uint8Array | undefined)[]> {
    if (space === 'linear') return this.stub.readPages(space, this.nameOf(thread), numbers);
    const isKnown = (number: bigint): boolean =>
      this.regions.length === 0 ||
      this.regions.some(
        ({ kind, start, end }) => kind !== 'device' && number * PAGE >= BigInt(start) && number * PAGE < BigInt(end),
      );
    if (!numbers.every(isKnown)) await this.memoryRegions();
    const known = numbers.filter(isKnown);
    const pages = await this.stub.readPages(space, this.nameOf(thread), known);
    const found = new Map(known.map((number, index) => [number, pages[index]]));
    return numbers.map((number) => found.get(number));
  }
}

function withAliases(values: Map<string, bigint>): RegisterValues {
  for (const [key, msr] of ALIASES) {
    const value = values.get(key);
    if (value !== undefined) values.set(msr, value);
  }
  return values;
}
