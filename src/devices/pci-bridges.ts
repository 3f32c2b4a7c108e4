/**
 * The two bridges of the board: the Intel 82441FX host bridge and the ISA function of the 82371SB (PIIX3).
 * Source: Intel 82441FX data sheet (290549), 3.2; Intel 82371SB data sheet (290550), 2.2.
 *
 * NOT IMPLEMENTED: what the stored bits would steer: PAM and SMRAM windows, PIRQ routing (the board wires INTx).
 */
import type { PciIdentity } from './pci-config';

const pam = Array.from({ length: 7 }, (_, i) => [0x59 + i, 0, i === 0 ? 0xf0 : 0xff] as const);
const pirq = Array.from({ length: 4 }, (_, i) => [0x60 + i, 0x80, 0x8f] as const);

/** 82441FX (PMC), device 0 function 0. */
export const HOST_BRIDGE: PciIdentity = {
  name: 'pci-host',
  title: 'Intel 82441FX host bridge',
  vendor: 0x8086,
  device: 0x1237,
  revision: 2,
  classCode: 0x060000,
  command: 0x0006,
  bytes: [[0x07, 0x02, 0], ...pam, [0x72, 0x02, 0x70]],
  registers: [
    ...pam.map(([offset], i) => ({ name: `PAM${i}`, offset, meaning: 'shadow RAM attributes (stored)' })),
    { name: 'SMRAM', offset: 0x72, meaning: 'SMM RAM control (stored)' },
  ],
};

/** 82371SB (PIIX3), function 0: the bridge to ISA. */
export const ISA_BRIDGE: PciIdentity = {
  name: 'pci-isa',
  title: 'Intel 82371SB (PIIX3) ISA bridge',
  vendor: 0x8086,
  device: 0x7000,
  revision: 0,
  classCode: 0x060100,
  command: 0x0007,
  bytes: [[0x07, 0x02, 0], [0x4c, 0x4d, 0xff], [0x4e, 0x03, 0xff], ...pirq, [0x82, 0x00, 0x0f]],
  registers: [
    ...pirq.map(([offset], i) => ({ name: `PIRQRC${'ABCD'[i]}`, offset, meaning: 'PIRQ route (stored)' })),
    { name: 'DLC', offset: 0x82, meaning: 'deterministic latency control' },
  ],
};
