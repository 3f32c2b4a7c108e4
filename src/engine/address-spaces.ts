/**
 * Which root (CR3) each TLB set holds translations of, so that they are still there when the guest comes back to a root:
 * a boot of Linux goes from one root to another and back thousands of times. All else that translations depend on empties
 * every set when it changes.
 */
import { TLB_SETS } from '../memory/plan';

export class AddressSpaces {
  /** Roots by set, as each was left; that of the set in use is not looked at. */
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
    return known >= 0 ? { set: known, isNew: false } : { set: order.at(-1)!, isNew: true };
  }
}
