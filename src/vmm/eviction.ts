/**
 * Random EPT eviction, for tests: now and then some 4 KiB entries become not present, so that the guest's next access
 * exits. Half of the choices fall on pages mapped lately, which are those in use. The frames keep their content.
 */
import type { Ept } from './ept';
import { PAGE } from '../memory/plan';
import type { RandomSource } from './ports';

/** How and how often to evict. */
export interface EvictionOptions {
  /** Instructions from one eviction to the next. */
  readonly every: number;
  /** Pages each time. */
  readonly pages: number;
  readonly random: RandomSource;
}

/** What is mapped and when the next eviction comes, as plain data. */
export interface EvictionState {
  readonly mapped: readonly number[];
  readonly next: number;
}

/** Pages mapped most lately that are preferred. */
const RECENT = 64;

export class Eviction {
  private readonly mapped: number[] = [];
  private next: number;

  constructor(
    private readonly ept: Ept,
    private readonly options: EvictionOptions | undefined,
  ) {
    this.next = options?.every ?? Infinity;
  }

  /** Instruction count at which the next eviction is due; Infinity if there is none. */
  get due(): number {
    return this.next;
  }

  /** A 4 KiB entry for guest-physical page `page` was made. */
  noteMapped(page: number): void {
    if (this.options) this.mapped.push(page);
  }

  save(): EvictionState {
    return { mapped: [...this.mapped], next: this.next };
  }

  restore({ mapped, next }: EvictionState): void {
    this.mapped.length = 0;
    for (const page of mapped) this.mapped.push(page);
    // A machine may go on with another policy than the saved one's.
    if (!this.options) this.next = Infinity;
    else this.next = next === Infinity ? this.options.every : next;
  }

  /** Evicts if the count has come. */
  advance(instructions: number): void {
    const { options, mapped } = this;
    if (!options || instructions < this.next) return;
    this.next = instructions + options.every;
    for (let i = 0; i < options.pages && mapped.length > 0; i++) {
      const from = options.random.fraction() < 0.5 ? Math.max(0, mapped.length - RECENT) : 0;
      const chosen = from + Math.floor(options.random.fraction() * (mapped.length - from));
      const page = mapped[chosen]!;
      mapped[chosen] = mapped[mapped.length - 1]!;
      mapped.pop();
      this.ept.unmap(page * PAGE);
    }
  }
}
