/**
 * Memory as a debugger reads and writes it: packets `m`, `M`, `X`. Addresses are linear, through the paging of the
 * moment, or guest-physical once the debugger has asked for that as it asks QEMU (`Qqemu.PhyMemMode:1`).
 * Source: "Debugging with GDB", E.2 (packets); QEMU, "GDB usage", on PhyMemMode.
 */
import type { AddressSpace } from '../protocol/address';
import type { Target } from '../targets/target';
import { malformed } from '../targets/gdb-wire/errors';
import { noMemory } from './errors';
import { bytesOf, hexOf, parseCount, parseNumber } from '../targets/gdb-wire/hex';
import { binaryOf, PACKET_BYTES } from '../targets/gdb-wire/packets';

/** What fits into a packet, two digits a byte, with its frame. */
const MOST_BYTES = PACKET_BYTES / 2 - 4;

export class MemoryAccess {
  /** Addresses are guest-physical. */
  isPhysical = false;

  constructor(
    private readonly target: Target,
    private readonly thread: number,
  ) {}

  /** `m address,length`: the bytes that there are, as digits; fewer than asked for where memory ends. */
  async read(args: string): Promise<string> {
    const [address, length] = place(args);
    const bytes = await this.target.readMemory(this.thread, this.space, address, Math.min(length, MOST_BYTES));
    if (bytes.length === 0 && length > 0) throw noMemory(address);
    return hexOf(bytes);
  }

  /** `M address,length:digits`. */
  write(args: string): Promise<string> {
    const { where, what } = halves(args);
    return this.put(where, bytesOf(what));
  }

  /** `X address,length:bytes`. */
  writeBinary(args: string): Promise<string> {
    const { where, what } = halves(args);
    return this.put(where, binaryOf(what));
  }

  private get space(): AddressSpace {
    return this.isPhysical ? 'guestPhysical' : 'linear';
  }

  private async put(where: string, bytes: Uint8Array): Promise<string> {
    const [address, length] = place(where);
    if (length !== bytes.length) throw malformed(`it says ${length} bytes and holds ${bytes.length}`);
    // gdb asks with a length of 0 whether there is an X packet at all.
    if (length === 0) return 'OK';
    const written = await this.target.writeMemory(this.thread, this.space, address, bytes);
    if (written < length) throw noMemory(address + BigInt(written));
    return 'OK';
  }
}

function place(text: string): [address: bigint, length: number] {
  const [address, length] = text.split(',');
  return [parseNumber(address), parseCount(length)];
}

function halves(args: string): { readonly where: string; readonly what: string } {
  const colon = args.indexOf(':');
  if (colon < 0) throw malformed('a colon is missing');
  return { where: args.slice(0, colon), what: args.slice(colon + 1) };
}
