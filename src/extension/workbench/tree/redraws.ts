/**
 * When branches of the tree are drawn anew. VS Code must not be told of a change while it still takes in the rows that it
 * has just been given: it can forget what those rows stand for and show them nevertheless, and a click on one then has no
 * effect (seen with 1.139; that the change came too soon behind the rows is what its code suggests).
 */
import { HOST_CLOCK } from '../../../targets/host-clock';

/** Changes that come together are one. */
const BATCH_MS = 50;
/** Milliseconds that VS Code has to take in the rows of a branch. */
const QUIET_MS = 250;

export class Redraws<Branch> {
  private readonly wanted = new Set<Branch>();
  /** When VS Code was last given rows of a branch. */
  private readonly givenAt = new Map<Branch, number>();
  private callOff: (() => void) | undefined;

  constructor(
    private readonly redraw: (branches: readonly Branch[]) => void,
    private readonly clock = HOST_CLOCK,
  ) {}

  /** Something of a branch has changed. */
  want(branch: Branch): void {
    this.wanted.add(branch);
    this.callOff ??= this.clock.after(BATCH_MS, () => this.look());
  }

  /** VS Code has just been given rows of a branch. */
  given(branch: Branch): void {
    this.givenAt.set(branch, this.clock.now());
  }

  dispose(): void {
    this.callOff?.();
  }

  private look(): void {
    this.callOff = undefined;
    const now = this.clock.now();
    const waits = (branch: Branch): number => (this.givenAt.get(branch) ?? -QUIET_MS) + QUIET_MS - now;
    const due = [...this.wanted].filter((branch) => waits(branch) <= 0);
    for (const branch of due) this.wanted.delete(branch);
    if (due.length > 0) this.redraw(due);
    if (this.wanted.size === 0) return;
    this.callOff = this.clock.after(Math.min(...[...this.wanted].map(waits)), () => this.look());
  }
}
