// Bytes of the instructions that tests of the engine write most.

/** The four bytes of `value`, low byte first. */
export const le32 = (value: number): number[] => [
  value & 255,
  (value >> 8) & 255,
  (value >> 16) & 255,
  (value >> 24) & 255,
];

/** mov eax, [address] in 64-bit code: seven bytes. */
export const loadFrom = (address: number): number[] => [0x8b, 0x04, 0x25, ...le32(address)];

/** mov [address], eax in 64-bit code: seven bytes. */
export const storeTo = (address: number): number[] => [0x89, 0x04, 0x25, ...le32(address)];
