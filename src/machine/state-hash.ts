/**
 * The state hash: SHA-256 over what the guest can see of the machine, and over nothing else. Two machines with one hash
 * at one instruction go on alike, however their EPT is filled, whatever the hypervisor intercepts, and wherever a page
 * lies in machine memory.
 *
 * Covered: RAM by guest-physical address and content; the registers as the guest reads them; events that wait for it;
 * the devices; the clocks; what RDRAND gives next. Not covered: EPT, VMCS layout, TLB, caches, frames, exit counts.
 */
import type { ArchitecturalRegister } from '../cpu/architectural-registers';
import type { Processor } from '../cpu/processor';
import type { VmxUnit } from '../cpu/vmx/unit';
import { F } from '../cpu/vmx/vmcs-layout';
import type { VmcsField } from '../cpu/vmx/vmcs-layout';
import type { PhysicalMemory } from '../memory/physical-memory';
import { PAGE } from '../memory/plan';
import type { Hypervisor } from '../vmm/hypervisor';
import type { Board } from './board';
import type { MachineClock } from './clock';
import { filledPages, physicalPages } from './pages';
import type { PageContent, PlacedPage } from './pages';
import { encodePlainData } from './plain-data';
import type { Random } from './random';

/** A running SHA-256, given from outside: `node:crypto`'s `createHash('sha256')` is one. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** The 32 bytes of the hash; nothing is updated afterwards. */
  digest(): Uint8Array;
}

/** The parts of a machine that its hash covers. */
export interface HashedParts {
  readonly memory: PhysicalMemory;
  readonly processor: Processor;
  readonly vmx: VmxUnit;
  readonly board: Board;
  readonly clock: MachineClock;
  readonly random: Random;
  /** Absent when the machine is bare. */
  readonly hypervisor: Hypervisor | undefined;
}

/** Pages that go to the hasher in one call: a call costs as much as hashing a few hundred bytes. */
const BATCH = 16;
const RECORD = 4 + PAGE;

/** The hash in lower-case hexadecimal. Changes nothing in the machine. */
export function stateHash(parts: HashedParts, hasher: Hasher): string {
  hashPages(hasher, filledPages(parts.memory, guestPages(parts)));
  hasher.update(encodePlainData(guestState(parts)));
  return [...hasher.digest()].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The guest's RAM by guest-physical page number, ascending; pages without a frame are zero and left out. */
export function* guestPages({ memory, hypervisor }: HashedParts): Generator<PlacedPage> {
  if (!hypervisor) return yield* physicalPages(memory);
  const { frames } = hypervisor;
  for (const page of frames.filled()) yield { page, frame: frames.find(page)! };
}

/** Feeds page number (u32, little-endian) and content of each page, and then a number that no page has. */
function hashPages(hasher: Hasher, pages: Iterable<PageContent>): void {
  const batch = new Uint8Array(BATCH * RECORD);
  const view = new DataView(batch.buffer);
  let filled = 0;
  for (const { page, bytes } of pages) {
    view.setUint32(filled, page, true);
    batch.set(bytes, filled + 4);
    filled += RECORD;
    if (filled < batch.length) continue;
    hasher.update(batch);
    filled = 0;
  }
  hasher.update(batch.subarray(0, filled));
  hasher.update(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
}

/** Everything but RAM, as plain data with names: two machines that differ can be compared field by field. */
export function guestState(parts: HashedParts): Readonly<Record<string, unknown>> {
  const { processor, vmx, board, clock, random, hypervisor } = parts;
  const { devices, nmi } = board.save();
  const waiting = hypervisor?.waiting;
  const seen = vmx.asGuest(() => ({
    registers: registersOf(parts),
    interruptibility: { ...processor.interruptibility },
    pendingDebug: processor.pendingDebug,
    activity: hypervisor?.isHalted ? 'hlt' : processor.activity,
    monitored: processor.monitored,
  }));
  return {
    ...seen,
    event: waiting?.event,
    nmiWaits: nmi || waiting?.nmiWaits === true,
    timeStampCounter: processor.timeStampCounter(),
    // A guest that is its own hypervisor has the unit to itself; ours is none of the guest's business.
    vmx: hypervisor ? undefined : vmx.save(),
    devices,
    clock: clock.save(),
    random: random.save(),
  };
}

/** Guest/host mask and read shadow of the control registers that have them. */
const SHADOWED: Readonly<Record<string, readonly [mask: VmcsField, shadow: VmcsField]>> = {
  CR0: [F.CR0_GUEST_HOST_MASK, F.CR0_READ_SHADOW],
  CR4: [F.CR4_GUEST_HOST_MASK, F.CR4_READ_SHADOW],
};

/** Registers by name, CR0 and CR4 with the read shadows' bits, as MOV from CR gives them. */
function registersOf({ processor, vmx, hypervisor }: HashedParts): Record<string, bigint> {
  const vmcs = hypervisor && vmx.current;
  const seen = ({ name, value }: ArchitecturalRegister): bigint => {
    const fields = SHADOWED[name];
    if (!vmcs || !fields) return value;
    const [mask, shadow] = fields.map((field) => vmcs.get(field)) as [bigint, bigint];
    return (value & ~mask) | (shadow & mask);
  };
  return Object.fromEntries(processor.registers().map((register) => [register.name, seen(register)]));
}
