/**
 * How addresses and counts travel: addresses and 64-bit values as hex strings ("0xffffffff81000000", lower case, no
 * padding), counts as decimal strings, so that no client rounds them to 53 bits.
 */

/** A hex string with its `0x`. */
export type Hex = `0x${string}`;

/** Linear (after segmentation), guest-physical (after the guest's paging) or physical (the machine's own memory). */
export type AddressSpace = 'linear' | 'guestPhysical' | 'physical';

/** What an access wants to do. */
export type Access = 'read' | 'write' | 'execute';
