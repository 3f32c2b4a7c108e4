// Mutated packets: whatever comes, the server goes on, says nothing of a bug, and answers the next question.
import assert from 'node:assert/strict';
import { PACKET_BYTES } from '../../src/targets/gdb-wire/packets';
import { randomFrom } from '../machine/runs';
import { tiny } from '../targets/own-machine/tiny';
import { frame, serve, type TestClient } from './client';

const SEEDS: readonly string[] = [
  'qSupported:multiprocess+;swbreak+;hwbreak+;error-message+',
  'qXfer:features:read:target.xml:0,ffb',
  'qXfer:memory-map:read::0,1000',
  'qRcmd,68656c70',
  'qThreadExtraInfo,1',
  'qMemoryRegionInfo:100000',
  'Qqemu.PhyMemMode:1',
  'QStartNoAckMode',
  'Hg1',
  'T1',
  '?',
  'g',
  `G${'00'.repeat(100)}`,
  'p10',
  'P10=0000100000000000',
  'P3c=1100000000000000',
  'm100000,40',
  'M200000,4:01020304',
  'X200000,4:abcd',
  'Z0,100000,1',
  'Z2,200000,8',
  'z0,100000,1',
  'vCont?',
  'vCont;c',
  'vCont;s:1;c',
  'vCont;r100000,100010:1',
  'C05;100000',
  's',
  'vKill;1',
  'D',
];
const BYTES = '0123456789abcdef,;:=-+$#}*pPmMXzZgGvqQ?\x00\x03\xff';
const PACKETS = 2000;
const BATCH = 20;

/** A packet with a few changes. */
function mutate(random: () => number): string {
  const pick = (length: number): number => Math.floor(random() * length);
  let text = SEEDS[pick(SEEDS.length)]!;
  for (let changes = 1 + pick(3); changes > 0; changes--) {
    const at = pick(text.length + 1);
    const byte = BYTES[pick(BYTES.length)]!;
    const kinds = [
      () => text.slice(0, at) + byte + text.slice(at + 1),
      () => text.slice(0, at) + byte + text.slice(at),
      () => text.slice(0, at) + text.slice(at + 1 + pick(4)),
      () => text + SEEDS[pick(SEEDS.length)]!,
      () => text.slice(0, at) + 'f'.repeat(pick(40)) + text.slice(at),
      () => text.slice(0, at) + byte.repeat(random() < 0.1 ? PACKET_BYTES : 10),
    ];
    text = kinds[pick(kinds.length)]!();
  }
  const kind = random();
  if (kind < 0.8) return frame(text.replaceAll(/[$#]/g, '.'));
  return kind < 0.9 ? frame(text) : text;
}

describe('gdb server, fuzzed', function () {
  this.timeout(180_000);

  it(`${PACKETS} mutated packets leave it in order`, async () => {
    const guest = tiny('90 nop\n90 nop\nebfc jmp 0x100000');
    const opened = await serve(guest);
    const random = randomFrom(7);
    let client: TestClient | undefined;
    let connections = 0;
    for (let sent = 0; sent < PACKETS; sent += BATCH) {
      if (!client || client.isClosed) {
        client = await opened.connect();
        client.raw('+');
        connections++;
      }
      for (let index = 0; index < BATCH; index++) client.raw(mutate(random));
      // What was cut off ends here.
      client.raw(`${frame('')}\x03${frame('qC')}`);
      try {
        while ((await client.next()) !== 'QC1');
      } catch (error) {
        // A packet that detaches or kills is obeyed.
        assert.match((error as Error).message, /hung up/);
        client = undefined;
      }
    }
    await client?.leave();
    assert.deepEqual(
      opened.log.filter((sentence) => /bug/.test(sentence)),
      [],
    );
    const last = await opened.connect();
    assert.equal(await last.ask('qC'), 'QC1');
    assert.match(await last.ask('?'), /^T/);
    assert.ok(connections > 1);
    await opened.server.close();
    await guest.target.dispose();
  });
});
