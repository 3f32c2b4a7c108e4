// Snapshots as bytes: what is written is read back, and anything else is refused with a sentence.
import assert from 'node:assert/strict';
import { UserError } from '../../src/common/errors';
import { crc32 } from '../../src/machine/crc32';
import { Machine } from '../../src/machine/machine';
import { decodePlainData, encodePlainData } from '../../src/machine/plain-data';
import type { MachineState } from '../../src/machine/snapshot';
import { decodeSnapshot, encodeSnapshot } from '../../src/machine/snapshot-file';
import { randomFrom, runTo, sampleGuests, start } from './runs';

type Fields = Record<string, unknown>;

const HEADER = 16;
const guest = { ...sampleGuests.find(({ name }) => name === 'interrupts')!, memoryBytes: 4 << 20 };

describe('snapshot file', function () {
  this.timeout(300_000);
  let state: MachineState;
  let file: Uint8Array;

  before(() => {
    const machine = start(guest);
    runTo(machine, 20_000);
    state = machine.save();
    file = encodeSnapshot(state);
  });

  const refused = (bytes: Uint8Array, code: string): void =>
    assert.throws(
      () => Machine.restore({ onSerial: () => {} }, decodeSnapshot(bytes)),
      (error) => error instanceof UserError && error.code === code && /: \w/.test(error.message),
      code,
    );

  /** The file with its data changed and its checksum right. */
  function changed(change: (fields: Fields) => void): Uint8Array {
    const data = structuredClone(decodePlainData(file.subarray(HEADER))) as Fields;
    change(data);
    return sealed(encodePlainData(data));
  }

  function sealed(data: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(HEADER + data.length);
    bytes.set(file.subarray(0, HEADER));
    bytes.set(data, HEADER);
    new DataView(bytes.buffer).setUint32(12, crc32(data), true);
    return bytes;
  }

  it('gives back what was saved', () => assert.deepEqual(decodeSnapshot(file), state));

  it('is the same for a machine that was restored from it', () => {
    const again = Machine.restore({ onSerial: () => {} }, decodeSnapshot(file)).save();
    assert.deepEqual(encodeSnapshot(again), file);
  });

  it('is refused when it is something else', () => {
    refused(new Uint8Array(0), 'snapshot/format');
    refused(Buffer.from('\x7fELF and so on and on'), 'snapshot/format');
    refused(file.subarray(0, 15), 'snapshot/format');
  });

  it('is refused from another format', () => {
    const other = file.slice();
    other[8] = 2;
    refused(other, 'snapshot/version');
  });

  it('is refused when cut off or damaged, wherever that is', () => {
    const random = randomFrom(3);
    for (let i = 0; i < 20; i++) {
      const place = HEADER + Math.floor(random() * (file.length - HEADER));
      refused(file.subarray(0, place), 'snapshot/damaged');
      const damaged = file.slice();
      damaged[place]! ^= 1 << Math.floor(random() * 8);
      refused(damaged, 'snapshot/damaged');
    }
  });

  const at = (fields: Fields, ...path: string[]): Fields => path.reduce((inner, name) => inner[name] as Fields, fields);
  const MALFORMED: Readonly<Record<string, (fields: Fields) => void>> = {
    'without a clock': (fields) => delete fields.clock,
    'with a field that nobody knows': (fields) => (fields.more = 1),
    'of another version': (fields) => (fields.version = 2),
    'with too much memory': (fields) => (fields.memoryBytes = 2 ** 40),
    'with half a page of memory': (fields) => (fields.memoryBytes = (4 << 20) + 2048),
    'bare with a hypervisor': (fields) => (fields.bare = true),
    'not bare without one': (fields) => (fields.hypervisor = undefined),
    'with a page outside memory': (fields) => (at(fields, 'pages', '0').page = 1 << 20),
    'with a short page': (fields) => (at(fields, 'pages', '0').bytes = new Uint8Array(4095)),
    'with a clock of no number': (fields) => (at(fields, 'clock').instructions = NaN),
    'with a frame outside memory': (fields) =>
      ((at(fields, 'hypervisor', 'frames').frames as Uint32Array)[3] = 1 << 30),
    'with too few frames': (fields) => (at(fields, 'hypervisor', 'frames').frames = new Uint32Array(1)),
    'with an EPT outside memory': (fields) => (at(fields, 'vmx').eptRoot = 0xfffff000),
    'with a VMCS outside memory': (fields) => (at(fields, 'vmx').currentVmcs = 1 << 30),
    'with a mode that does not exist': (fields) => (at(fields, 'vmx').modeBits = 7),
    'with a wide register': (fields) => (at(fields, 'processor', 'registers').RAX = 1),
    'with an activity that does not exist': (fields) => (at(fields, 'processor').activity = 'asleep'),
    'without a device': (fields) => delete at(fields, 'board', 'devices').lapic,
    'with a device of numbers only': (fields) => (at(fields, 'board', 'devices', 'lapic').irr = 5),
    'with a text for a 64-bit number': (fields) => (at(fields, 'board', 'devices', 'lapic').apicBase = 'x'),
  };
  for (const [name, change] of Object.entries(MALFORMED))
    it(`is refused ${name}`, () => refused(changed(change), 'snapshot/malformed'));

  it('is refused with a device of another version', () =>
    refused(
      changed((fields) => (at(fields, 'board', 'devices', 'uart').version = 9)),
      'snapshot-version',
    ));

  it('whole with any byte of its data changed is refused or runs as some guest', () => {
    const random = randomFrom(17);
    const data = file.subarray(HEADER);
    // Pages are most of the file: leave them out, any content is a page.
    const [first, last] = [Buffer.from(data).indexOf('clock'), data.length];
    const end = Buffer.from(data).indexOf('\x05\0\0\0pages');
    const inside = Buffer.from(data).indexOf('processor');
    assert.ok(first > 0 && end > first && inside > end);
    for (let i = 0; i < 60; i++) {
      const copy = data.slice();
      const [from, to] = i % 2 ? [0, end] : [inside, last];
      copy[from + Math.floor(random() * (to - from))] = Math.floor(random() * 256);
      try {
        Machine.restore({ onSerial: () => {} }, decodeSnapshot(sealed(copy))).run(1000);
      } catch (error) {
        assert.ok(error instanceof UserError, String((error as Error).stack));
      }
    }
  });
});
