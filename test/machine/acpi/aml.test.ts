/** AML encodings against bytes worked out by hand from the grammar in ACPI 6.5, chapter 20. */
import assert from 'node:assert/strict';
import * as aml from '../../../src/machine/acpi/aml';
import { busNumbers, io, irq, memoryWindow, resourceTemplate } from '../../../src/machine/acpi/resources';

const filler = (length: number): aml.Aml => Array<number>(length).fill(0x55);

const cases: readonly [string, aml.Aml, readonly number[]][] = [
  ['Zero', aml.integer(0), [0x00]],
  ['One', aml.integer(1), [0x01]],
  ['byte', aml.integer(0xff), [0x0a, 0xff]],
  ['word', aml.integer(0x100), [0x0b, 0x00, 0x01]],
  ['dword', aml.integer(0xfedcba98), [0x0c, 0x98, 0xba, 0xdc, 0xfe]],
  ['string', aml.string('AB'), [0x0d, 0x41, 0x42, 0]],
  ['padded name', aml.path('_S5'), [0x5f, 0x53, 0x35, 0x5f]],
  ['root', aml.path('\\_SB'), [0x5c, 0x5f, 0x53, 0x42, 0x5f]],
  ['two segments', aml.path('_SB.PCI0'), [0x2e, 0x5f, 0x53, 0x42, 0x5f, 0x50, 0x43, 0x49, 0x30]],
  ['three segments', aml.path('A.B.C').slice(0, 7), [0x2f, 3, 0x41, 0x5f, 0x5f, 0x5f, 0x42]],
  ['PNP0A03', aml.eisaId('PNP0A03'), [0x0c, 0x41, 0xd0, 0x0a, 0x03]],
  ['PNP0000', aml.eisaId('PNP0000'), [0x0b, 0x41, 0xd0]],
  ['PNP0F13', aml.eisaId('PNP0F13'), [0x0c, 0x41, 0xd0, 0x0f, 0x13]],
  ['Name', aml.name('_UID', aml.integer(0)), [0x08, 0x5f, 0x55, 0x49, 0x44, 0x00]],
  ['Package', aml.packageOf(aml.integer(1), aml.integer(9)), [0x12, 0x05, 0x02, 0x01, 0x0a, 0x09]],
  ['Buffer', aml.buffer([7, 8]), [0x11, 0x05, 0x0a, 0x02, 7, 8]],
  ['Device', aml.device('COM1'), [0x5b, 0x82, 0x05, 0x43, 0x4f, 0x4d, 0x31]],
  ['length 63 in one byte', aml.scope('_SB', filler(58)).slice(0, 2), [0x10, 0x3f]],
  ['length 65 in two bytes', aml.scope('_SB', filler(59)).slice(0, 3), [0x10, 0x41, 0x04]],
  ['length 4095 in two bytes', aml.scope('_SB', filler(4089)).slice(0, 3), [0x10, 0x4f, 0xff]],
  ['length 4097 in three bytes', aml.scope('_SB', filler(4090)).slice(0, 4), [0x10, 0x81, 0x00, 0x01]],
  ['ports', io({ start: 0x3f8, length: 8 }), [0x47, 1, 0xf8, 0x03, 0xf8, 0x03, 1, 8]],
  ['interrupt', irq(12), [0x22, 0x00, 0x10]],
  ['bus', busNumbers(0, 0), [0x88, 0x0d, 0, 2, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]],
  [
    'memory',
    memoryWindow({ start: 0xc0000000, length: 0x3ec00000 }),
    [0x87, 0x17, 0, 0, 0x0c, 1, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff, 0xbf, 0xfe, 0, 0, 0, 0, 0, 0, 0xc0, 0x3e],
  ],
  ['template', resourceTemplate(irq(4)), [0x11, 0x08, 0x0a, 0x05, 0x22, 0x10, 0x00, 0x79, 0x00]],
];

describe('acpi: AML encoding', () => {
  for (const [what, actual, expected] of cases) it(what, () => assert.deepEqual(actual, expected));
});
