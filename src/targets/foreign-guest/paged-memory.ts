/**
 * The memory of a guest that another engine has, page by page: what was fetched once is kept until the guest goes on. Looks
 * at it (walks, tables, expressions) are synchronous, as they are for our own machine: a look that meets a page which is
 * not here yet is made again once that page, and all others that it met, were fetched together.
 */

/** Bytes of a page here, whatever the guest's own pages are. */
export const PAGE_BYTES = 4096;

/** Which addresses the engine reads: the guest's physical ones, or linear ones as the stopped vCPU has them. */
export type PageSpace = 'physical' | 'linear';

/** Fetches pages by their numbers, in order; undefined for one that is not there. */
export type FetchPages = (space: PageSpace, pages: readonly bigint[]) => Promise<readonly (Uint8Array | undefined)[]>;

const PAGE = BigInt(PAGE_BYTES);
/** Pages that are kept: 128 MiB. */
const MOST_PAGES = 32_768;
/** Pages that one look may want at once, and looks in a row that want more. */
const MOST_WANTED = 8192;
const MOST_LOOKS = 64;
/** Stands for a page that is not here yet: the look is made again anyway. */
const BLANK = new Uint8Array(PAGE_BYTES);

export class PagedMemory {
  private readonly pages = {
    physical: new Map<bigint, Uint8Array | undefined>(),
    linear: new Map<bigint, Uint8Array | undefined>(),
  };
  private wanted = { physical: new Set<bigint>(), linear: new Set<bigint>() };

  constructor(private readonly fetch: FetchPages) {}

  /** True if the look at hand has met a page that is not here: what it gives does not count. */
  get isIncomplete(): boolean {
    return this.wanted.physical.size + this.wanted.linear.size > 0;
  }

  /** Forgets everything: the guest goes on. */
  forget(): void {
    this.pages.physical.clear();
    this.pages.linear.clear();
  }

  /** Makes a look until all pages that it meets are here; rejects as it throws, or as the engine does. */
  async settle<T>(look: () => T): Promise<T> {
    for (let looks = 0; ; looks++) {
      const outcome = this.attempt(look);
      if (!this.isIncomplete || looks === MOST_LOOKS) {
        this.clearWanted();
        if ('error' in outcome) throw outcome.error;
        return outcome.value;
      }
      await this.fetchWanted();
    }
  }

  /** Up to `length` bytes, fewer where memory ends. Only inside a look. */
  read(space: PageSpace, address: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const at = address + BigInt(done);
      const offset = Number(at % PAGE);
      const page = this.page(space, at / PAGE);
      if (!page) return bytes.subarray(0, done);
      const part = page.subarray(offset, offset + length - done);
      bytes.set(part, done);
      done += part.length;
      if (offset + part.length < PAGE_BYTES) break;
    }
    return bytes;
  }

  private page(space: PageSpace, number: bigint): Uint8Array | undefined {
    const pages = this.pages[space];
    if (pages.has(number)) return pages.get(number);
    if (this.wanted[space].size < MOST_WANTED) this.wanted[space].add(number);
    return BLANK;
  }

  private attempt<T>(look: () => T): { readonly value: T } | { readonly error: unknown } {
    try {
      return { value: look() };
    } catch (error) {
      return { error };
    }
  }

  private async fetchWanted(): Promise<void> {
    const { wanted } = this;
    this.clearWanted();
    for (const space of ['physical', 'linear'] as const) {
      const numbers = [...wanted[space]];
      if (numbers.length === 0) continue;
      const pages = this.pages[space];
      if (pages.size + numbers.length > MOST_PAGES) pages.clear();
      const found = await this.fetch(space, numbers);
      numbers.forEach((number, index) => pages.set(number, found[index]));
    }
  }

  private clearWanted(): void {
    this.wanted = { physical: new Set(), linear: new Set() };
  }
}
