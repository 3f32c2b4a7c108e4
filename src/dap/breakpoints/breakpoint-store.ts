/** All breakpoints of a session: the client's lists as wishes, and what they come to for the target. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ExpressionNames } from '../../symbols/expression/names';
import type { BreakpointSet } from '../../targets/target';
import { type Resolved, resolveWish, type Wish, type WishKind } from './wish';

/** A wish before it has a number. */
export type NewWish = Omit<Wish, 'id'>;

/** Breakpoints by list: one list per source file, one for functions, and so on. */
export class BreakpointStore {
  private readonly lists = new Map<string, readonly Wish[]>();
  private readonly resolved = new Map<number, Resolved>();
  private ids = 0;

  /** Replaces a list; gives what to tell of each. Wishes that were there before keep their numbers. */
  replace(list: string, wishes: readonly NewWish[], names: ExpressionNames): DebugProtocol.Breakpoint[] {
    const before = [...(this.lists.get(list) ?? [])];
    const after = wishes.map((wish): Wish => {
      const index = before.findIndex(({ key }) => key === wish.key);
      const id = index >= 0 ? before.splice(index, 1)[0]!.id : ++this.ids;
      return { ...wish, id };
    });
    before.forEach(({ id }) => this.resolved.delete(id));
    this.lists.set(list, after);
    return after.map((wish) => this.resolve(wish, names));
  }

  /** Resolves everything again; gives the breakpoints of which the client must be told something else now. */
  refresh(names: ExpressionNames): DebugProtocol.Breakpoint[] {
    return this.wishes().flatMap((wish) => {
      const before = JSON.stringify(this.resolved.get(wish.id)?.told);
      const told = this.resolve(wish, names);
      return JSON.stringify({ ...told, id: undefined }) === before ? [] : [told];
    });
  }

  /** What the target gets. */
  toSet(): Omit<BreakpointSet, 'addressSpaces'> {
    const all = [...this.resolved.values()];
    return {
      code: all.flatMap(({ code }) => code ?? []),
      data: all.flatMap(({ data }) => data ?? []),
      events: all.flatMap(({ events }) => events ?? []),
    };
  }

  /** What the breakpoint with this number is. */
  kindOf(id: number): WishKind | undefined {
    return this.wishes().find((wish) => wish.id === id)?.kind;
  }

  /** True if the list was never replaced. */
  isUntouched(list: string): boolean {
    return !this.lists.has(list);
  }

  private resolve(wish: Wish, names: ExpressionNames): DebugProtocol.Breakpoint {
    const resolved = resolveWish(wish, names);
    this.resolved.set(wish.id, resolved);
    return { ...resolved.told, id: wish.id };
  }

  private wishes(): Wish[] {
    return [...this.lists.values()].flat();
  }
}
