// The remote protocol's framing as data: bytes in, what they are; bytes out.
import assert from 'node:assert/strict';
import { escapeBinary, PACKET_BYTES, packet, PacketReader, type Incoming } from '../../src/targets/gdb-wire/packets';

const of = (payload: string): Incoming => ({ kind: 'packet', payload });
const [ack, nak, interrupt, damaged] = (['ack', 'nak', 'interrupt', 'damaged'] as const).map((kind) => ({ kind }));

function read(pieces: readonly string[], checksEverything = true): Incoming[] {
  const reader = new PacketReader();
  reader.checksEverything = checksEverything;
  return pieces.flatMap((piece) => [...reader.push(Buffer.from(piece, 'latin1'))]);
}

describe('gdb packets', () => {
  const cases: readonly [name: string, text: string, items: readonly (Incoming | undefined)[]][] = [
    ['a packet', '$?#3f', [of('?')]],
    ['an empty one', '$#00', [of('')]],
    ['a checksum in capitals', '$vCont?#49$qC#B4', [of('vCont?'), of('qC')]],
    ['signs around it', '+$g#67-\x03+', [ack, of('g'), nak, interrupt, ack]],
    ['noise between packets', 'noise\r\n$g#67noise', [of('g')]],
    ['a wrong checksum', '$g#68$g#67', [damaged, of('g')]],
    ['a checksum that is none', '$g#zz', [damaged]],
    ['a packet cut off by the next one', '$m12$g#67', [of('g')]],
    ['a packet cut off in its checksum', '$m12#$g#67', [of('g')]],
    ['escapes', '$X0,2:}\x03}\x04#21', [of('X0,2:#$')]],
    ['the interrupt byte inside a packet', `${packet('X0,1:\x03')}`, [of('X0,1:\x03')]],
    ['every byte', packet(escapeBinary(Uint8Array.from({ length: 256 }, (_, byte) => byte))), [of(allBytes())]],
    ['the longest packet', packet('x'.repeat(PACKET_BYTES)), [of('x'.repeat(PACKET_BYTES))]],
    ['one that is too long', `${packet('x'.repeat(PACKET_BYTES + 1))}$g#67`, [damaged, of('g')]],
  ];
  for (const [name, text, items] of cases) {
    it(`reads ${name}, in whatever pieces it comes`, () => {
      assert.deepEqual(read([text]), items);
      assert.deepEqual(read([...text]), items);
    });
  }

  it('reads nothing into a checksum once there are no acknowledgements', () => {
    assert.deepEqual(read(['$g#00'], false), [of('g')]);
  });

  it('writes a packet', () => {
    assert.equal(packet('OK'), '$OK#9a');
    assert.equal(escapeBinary(Buffer.from('a#$}*b')), 'a}\x03}\x04}]}\nb');
  });
});

function allBytes(): string {
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');
}
