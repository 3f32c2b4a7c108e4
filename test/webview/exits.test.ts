// The exits page: which exits a filter lets through.
import assert from 'node:assert/strict';
import type { ExitDescription } from '../../src/protocol/exit';
import { asksForRanges, passesExit } from '../../webview/exits/exit-filter';

const EXIT: ExitDescription = {
  number: '7',
  reason: 30,
  name: 'I/O instruction',
  qualification: '0x3f80000',
  qualificationFields: { port: 0x3f8, in: 0 },
  qualificationText: 'OUT to port 0x3f8',
  rip: '0x1000',
  instructionLength: 1,
  instructions: '5',
  ticks: '5',
  action: 'carried out the instruction',
};
const MMIO: ExitDescription = {
  ...EXIT,
  name: 'EPT violation',
  qualification: '0x2',
  qualificationFields: { write: 1 },
  qualificationText: 'write',
  guestPhysical: '0xfee00300',
};

describe('the filter of exits', () => {
  const cases: readonly [string, boolean, boolean][] = [
    ['', true, true],
    ['instruction', true, true],
    ['ept', false, true],
    ['OUT 0x3f8', true, false],
    ['port:0x3f8-0x3ff', true, false],
    ['port:0x3f9', false, false],
    ['memory:0xfee00000-0xfee00fff', false, true],
    ['port:0x3f8 memory:0xfee00300', true, true],
    ['port:0x3f8 nothing', false, false],
  ];
  for (const [filter, io, mmio] of cases)
    it(`"${filter}"`, () => assert.deepEqual([passesExit(EXIT, filter), passesExit(MMIO, filter)], [io, mmio]));

  it('knows when it looks for a device', () => {
    assert.deepEqual(['port:0x60', 'x memory:0x0-0xfff', 'port', 'uart'].map(asksForRanges), [
      true,
      true,
      false,
      false,
    ]);
  });
});
