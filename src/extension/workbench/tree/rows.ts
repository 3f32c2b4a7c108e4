/** The rows that the tree has given, by key: rows that are gone are forgotten, with all below them. */
export class Rows<Row extends object> {
  private readonly rows = new Map<string, Row>();
  private readonly parents = new Map<string, string>();
  private readonly children = new Map<string, { readonly turn: number; readonly keys: readonly string[] }>();
  private turns = 0;

  get(key: string): Row | undefined {
    return this.rows.get(key);
  }

  has(key: string): boolean {
    return this.rows.has(key);
  }

  values(): Iterable<Row> {
    return this.rows.values();
  }

  /** Notes what a row is now. It stays the same object. */
  keep(key: string, row: Row): Row {
    const known = this.rows.get(key);
    if (known) return Object.assign(known, row);
    this.rows.set(key, row);
    return row;
  }

  /** A number for the question what is below a row, asked now: see `below`. */
  turn(): number {
    return ++this.turns;
  }

  /**
   * `keys` are all rows below `parent`, shown or not: others that were there are forgotten, if they went nowhere else. An
   * answer that a later question has overtaken (`turn`) says nothing.
   */
  below(parent: string, turn: number, keys: readonly string[]): void {
    const before = this.children.get(parent);
    if (before && before.turn > turn) return;
    this.children.set(parent, { turn, keys });
    for (const key of keys) this.parents.set(key, parent);
    const now = new Set(keys);
    for (const key of before?.keys ?? []) if (!now.has(key) && this.parents.get(key) === parent) this.forget(key);
  }

  private forget(key: string): void {
    this.rows.delete(key);
    this.parents.delete(key);
    const below = this.children.get(key)?.keys ?? [];
    this.children.delete(key);
    for (const child of below) if (this.parents.get(child) === key) this.forget(child);
  }
}
