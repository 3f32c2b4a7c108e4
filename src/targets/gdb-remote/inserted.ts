/**
 * The breakpoints that the stub has: code by `Z0`, or `Z1` where it takes no `Z0`; data by `Z2` to `Z4`. Source: "Debugging
 * with GDB", E.2 (packets `z`, `Z`).
 */
import type { DataBreakpoint } from '../target';
import { cannotBreak } from './errors';
import type { Stub } from './stub';

/** What a software breakpoint's length is on x86. */
const CODE_LENGTH = 1;
const WATCH_TYPE = { write: 2, read: 3, readWrite: 4 } as const;

const watchArguments = ({ linear, length, access }: DataBreakpoint): string =>
  `${WATCH_TYPE[access]},${linear.toString(16)},${length.toString(16)}`;

export class Inserted {
  /** The `Z` packet's arguments by address. */
  private readonly code = new Map<bigint, string>();
  private readonly data = new Map<string, DataBreakpoint>();

  constructor(private readonly stub: Stub) {}

  /** True if there is a breakpoint at this linear address. */
  has(linear: bigint): boolean {
    return this.code.has(linear);
  }

  /** Makes the code breakpoints these. Rejects with a UserError for one that the stub does not take. */
  async setCode(addresses: ReadonlySet<bigint>): Promise<void> {
    for (const linear of [...this.code.keys()]) if (!addresses.has(linear)) await this.remove(linear);
    for (const linear of addresses) await this.insert(linear);
  }

  /** Makes the data breakpoints these. Rejects with a UserError for one that the stub does not take. */
  async setData(watches: readonly DataBreakpoint[]): Promise<void> {
    const wanted = new Map(watches.map((watch) => [watchArguments(watch), watch]));
    for (const key of [...this.data.keys()]) {
      if (wanted.has(key)) continue;
      this.data.delete(key);
      await this.stub.breakpoint(false, key);
    }
    for (const [key, watch] of wanted) {
      if (this.data.has(key)) continue;
      const reply = await this.stub.breakpoint(true, key);
      if (reply !== 'OK') throw cannotBreak(`watch of ${watch.length} bytes`, watch.linear, reply);
      this.data.set(key, watch);
    }
  }

  /** Takes the breakpoint at an address back, if there is one. */
  async remove(linear: bigint): Promise<void> {
    const args = this.code.get(linear);
    if (args === undefined) return;
    this.code.delete(linear);
    await this.stub.breakpoint(false, args);
  }

  /** Sets one at an address. */
  async insert(linear: bigint): Promise<void> {
    if (this.code.has(linear)) return;
    let reply = '';
    for (const type of [0, 1]) {
      const args = `${type},${linear.toString(16)},${CODE_LENGTH}`;
      reply = await this.stub.breakpoint(true, args);
      if (reply !== 'OK') continue;
      this.code.set(linear, args);
      return;
    }
    throw cannotBreak('breakpoint', linear, reply);
  }

  /** Takes all of them back. */
  async clear(): Promise<void> {
    await this.setCode(new Set());
    await this.setData([]);
  }
}
