// A debugger leaves no footprint: however a guest is stopped, stepped and looked at, its end is that of the guest that ran
// through, to the instruction and the bit.
import assert from 'node:assert/strict';
import type { Stop } from '../../../src/targets/target';
import { outcomeOf, sampleGuests } from '../../machine/runs';
import { meddled, meddlers, placesOf } from './meddlers';

const NAMES: readonly string[] = [
  'tour',
  'interrupts',
  'exceptions',
  'rep',
  'task-switch',
  'debug-exceptions',
  'smc',
  'v86',
];
const BARE: readonly string[] = ['hypervisor', 'exceptions', 'interrupts'];

describe('a debugger leaves no footprint', function () {
  this.timeout(300_000);
  const guests = [
    ...sampleGuests.filter(({ name }) => NAMES.includes(name)),
    ...sampleGuests.filter(({ name }) => BARE.includes(name)).map((guest) => ({ ...guest, bare: true })),
  ];
  const seen = new Map<string, number>();
  for (const guest of guests) {
    it(`${guest.name}${guest.bare ? ', bare' : ''}`, async () => {
      const plain = outcomeOf(guest);
      const places = placesOf(guest, plain.instructions);
      for (const [name, meddle] of Object.entries(meddlers))
        assert.deepEqual(await meddled(guest, meddle, places, seen), plain, name);
    });
  }

  it('stopped for every reason', () => {
    const reasons: readonly Stop['reason'][] = [
      ...(['step', 'pause', 'address space', 'breakpoint', 'data breakpoint', 'vm exit'] as const),
      ...(['exception', 'entry failure', 'ended'] as const),
    ];
    for (const reason of reasons) assert.ok((seen.get(reason) ?? 0) > 0, `${reason}: ${JSON.stringify([...seen])}`);
  });
});
