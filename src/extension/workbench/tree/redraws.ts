/**
 * When the tree is drawn anew: its top, or a branch. VS Code must not be told of a change while it asks for rows or takes
 * in those that it was given: it can forget what the rows stand for and show them nevertheless, and a click on one then has
 * no effect, or lose a change, and show a branch without its rows (both seen with 1.139; that the change came too soon is
 * what its code suggests).
 */
import { HOST_CLOCK } from '../../../targets/host-clock';

/** Changes that come together are one. */
const BATCH_MS = 50;
/** Milliseconds that VS Code has to take in rows, and to ask for them once it was told of a change. */
const QUIET_MS = 250;

/** The rows of the branches themselves. */
export const TOP = Symbol('top');

export class Redraws<Branch> {
  private readonly wanted = new Set<Branch | typeof TOP>();
  /** Questions for rows that have no answer yet. */
  private readonly asking = new Map<Branch | typeof TOP, number>();
  /** Until when VS Code is left alone. */
  private readonly quietUntil = new Map<Branch | typeof TOP, number>();
  private callOff: (() => void) | undefined;

  constructor(
    private readonly redraw: (places: readonly (Branch | typeof TOP)[]) => void,
    private readonly clock = HOST_CLOCK,
  ) {}

  /** Something of a branch has changed, or which branches there are. */
  want(place: Branch | typeof TOP): void {
    this.wanted.add(place);
    this.callOff ??= this.clock.after(BATCH_MS, () => this.look());
  }

  /** VS Code asks for rows of a branch, or for the branches, and gets them from `answer`. */
  async asked<Rows>(place: Branch | typeof TOP, answer: () => Promise<Rows>): Promise<Rows> {
    this.asking.set(place, (this.asking.get(place) ?? 0) + 1);
    try {
      return await answer();
    } finally {
      const left = this.asking.get(place)! - 1;
      if (left > 0) this.asking.set(place, left);
      else this.asking.delete(place);
      this.keepQuiet(place);
      if (this.wanted.size > 0) this.look();
    }
  }

  dispose(): void {
    this.callOff?.();
  }

  private keepQuiet(place: Branch | typeof TOP): void {
    this.quietUntil.set(place, this.clock.now() + QUIET_MS);
  }

  /** Until when a place must not be drawn: drawing the top draws all branches. */
  private until(place: Branch | typeof TOP): number {
    const places = place === TOP ? [...this.quietUntil.keys(), ...this.asking.keys()] : [place, TOP as typeof TOP];
    return Math.max(...places.map((one) => (this.asking.has(one) ? Infinity : (this.quietUntil.get(one) ?? 0))), 0);
  }

  private look(): void {
    this.callOff?.();
    this.callOff = undefined;
    const now = this.clock.now();
    const due = [...this.wanted].filter((place) => this.until(place) <= now);
    for (const place of due) {
      this.wanted.delete(place);
      this.keepQuiet(place);
    }
    if (due.length > 0) this.redraw(due);
    const next = Math.min(...[...this.wanted].map((place) => this.until(place)));
    // An answer looks again.
    if (next < Infinity) this.callOff = this.clock.after(next - now, () => this.look());
  }
}
