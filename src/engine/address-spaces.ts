/**
 * Which root (CR3) each TLB set holds translations of, so that they are still there when the guest comes back to a root:
 * Linux changes to an address space of its own and back whenever it patches its code. All else that translations depend
 * on empties every set when it changes.
 */
import { TLB_SETS } from '../memory/plan';

export class AddressSpaces {
  /** Roots by set, that of the set in use as of its last change. */
  private readonly roots: (bigint | undefined)[] = Array<undefined>(TLB_SETS).fill(undefined);
  /** Sets, the one that was left last in front. */
  private readonly order = Array.from({ length: TLB_SETS }, (_, set) => set);

  /**
   * The set to use for root `entered` when that in use, `set`, holds translations of `left`; `isNew`: it holds those of
   * another root.
   */
  change(set: number, left: bigint, entered: bigint): { readonly set: number; readonly isNew: boolean } {
    const { roots, order } = this;
    roots[set] = left;
    order.splice(order.indexOf(set), 1);
    order.unshift(set);
    const known = roots.indexOf(entered);
    const next = known >= 0 ? known : order.at(-1)!;
    roots[next] = entered;
    return { set: next, isNew: known < 0 };
  }
}
