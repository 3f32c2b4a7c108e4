/**
 * CR0 and CR4 under guest/host masks and read shadows: what the guest reads, what its writes leave in the register, and
 * which accesses cause VM exits. Source: SDM Vol. 3C 25.6.6, 25.6.7, 26.1.3 and 26.3.
 *
 * Values are 64 bits, unsigned.
 */

/** The fields that govern one control register. */
export interface MaskAndShadow {
  /** Guest/host mask: 1 means that the bit belongs to the host. */
  readonly mask: bigint;
  /** Read shadow: what the guest reads in the host's bits. */
  readonly shadow: bigint;
}

const PE = 1n;
const TS = 8n;

/** What MOV from CR0 or CR4 and SMSW give: the shadow in the host's bits, the register in the others. */
export function guestReads(register: bigint, { mask, shadow }: MaskAndShadow): bigint {
  return (register & ~mask) | (shadow & mask);
}

/** True if MOV of `value` to CR0 or CR4 exits: it would change a bit of the host's as the guest sees it. */
export function movToCrExits(value: bigint, { mask, shadow }: MaskAndShadow): boolean {
  return ((value ^ shadow) & mask) !== 0n;
}

/** The register after a write of `value` that did not exit: the host's bits keep theirs. */
export function guestWrites(register: bigint, value: bigint, { mask }: MaskAndShadow): bigint {
  return (register & mask) | (value & ~mask);
}

/** True if CLTS exits. If TS is the host's and 0 in the shadow, CLTS neither exits nor changes CR0. */
export function cltsExits({ mask, shadow }: MaskAndShadow): boolean {
  return (mask & shadow & TS) !== 0n;
}

/** True if LMSW with the source operand `source` (16 bits) exits. LMSW cannot clear PE, so clearing it never exits. */
export function lmswExits(source: number, { mask, shadow }: MaskAndShadow): boolean {
  const value = BigInt(source);
  const setsPe = (mask & PE & value & ~shadow) !== 0n;
  return setsPe || ((value ^ shadow) & mask & 0xen) !== 0n;
}

/** The value that LMSW asks of CR0 given its present value: bits 3:0 of `source`, PE only to be set. */
export function lmswValue(register: bigint, source: number): bigint {
  return (register & ~0xen) | BigInt(source & 0xf);
}

/** True if MOV to CR3 exits while "CR3-load exiting" is 1: `value` is none of the CR3-target values in use. */
export function movToCr3Exits(value: bigint, targets: readonly bigint[]): boolean {
  return !targets.includes(value);
}
