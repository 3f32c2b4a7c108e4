// The devices page: what its search finds, and which values it compares.
import assert from 'node:assert/strict';
import type { DeviceAnswer } from '../../src/protocol/devices';
import { changesOf, matches, valuesOf } from '../../webview/devices/device-table';
import { waysOf } from '../../webview/devices/interrupt-lines';

const UART: DeviceAnswer = {
  name: 'uart0',
  title: '16550A UART',
  places: ['port 0x3f8-0x3ff', 'IRQ 4'],
  registers: [
    {
      name: 'IER',
      bits: 8,
      value: '0x1',
      fields: [{ name: 'ERBFI', high: 0, low: 0, value: '0x1', meaning: 'received data' }],
    },
    { name: 'LCR', bits: 8, value: '0x3', location: 'port +3' },
  ],
};

describe('the search of devices', () => {
  const cases: readonly [string, boolean][] = [
    ['uart', true],
    ['16550', true],
    ['0x3f8', true],
    ['ier', true],
    ['erbfi', true],
    ['RECEIVED', true],
    ['+3', true],
    ['lapic', false],
  ];
  for (const [text, found] of cases) it(`${text}: ${found}`, () => assert.equal(matches(UART, text), found));
});

describe('the values of devices', () => {
  it('are kept by device, register and place', () => {
    const twice = [UART, { ...UART, name: 'uart1' }];
    assert.deepEqual([...valuesOf(twice).values()], ['0x1', '0x3', '0x1', '0x3']);
  });
});

describe('what has changed in the devices', () => {
  it('is every register whose value was another one', () => {
    const [ier, lcr] = UART.registers;
    const now = { ...UART, registers: [{ ...ier!, value: '0x2' as const }, lcr!] };
    assert.deepEqual(changesOf([now], valuesOf([UART])), [['uart0', 'IER']]);
    assert.deepEqual(changesOf([now], new Map()), [], 'nothing is known of before');
  });
});

describe('the ways of an interrupt', () => {
  const hop = (controller: string) => ({
    controller,
    input: 'x',
    masked: false,
    pending: false,
    inService: false,
    trigger: 'edge',
  });
  const cases: readonly [readonly string[], readonly (readonly string[])[]][] = [
    [
      ['PIC slave', 'PIC master', 'LAPIC', 'I/O APIC'],
      [['PIC slave', 'PIC master', 'LAPIC'], ['I/O APIC']],
    ],
    [['LAPIC'], [['LAPIC']]],
    [['I/O APIC'], [['I/O APIC']]],
  ];
  for (const [controllers, expected] of cases)
    it(controllers.join(', '), () => {
      const ways = waysOf(controllers.map(hop)).map((way) => way.map(({ controller }) => controller));
      assert.deepEqual(ways, expected);
    });
});
