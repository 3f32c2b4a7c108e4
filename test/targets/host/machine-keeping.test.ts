// What a machine's process keeps for who comes later, and the snapshots that it writes.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../../src/common/errors';
import { decodeSnapshot } from '../../../src/machine/snapshot-file';
import { HostClient } from '../../../src/targets/host/host-client';
import { hostedMachine, type HostedMachine } from '../../../src/targets/host/hosted-machine';
import { hostMachine, type MachineHost } from '../../../src/targets/host/machine-host';
import { makePrivateFolder } from '../../../src/targets/host/private-folder';
import { newMachineId } from '../../../src/targets/host/registry';
import { SerialLog } from '../../../src/targets/host/serial-log';
import { startOwnMachine } from '../../../src/targets/own-machine';
import { ScriptedTarget } from './scripted-target';

const VERSION = '1.2.3';
const KERNEL = join('test', 'guests', 'bin', 'hello.elf');

describe('the log of a serial line', () => {
  const cases: readonly [string, readonly number[], number][] = [
    ['nothing', [], 0],
    ['a few bytes', [3, 4], 7],
    ['more than it keeps', [2 ** 20, 2 ** 20, 10], 2 ** 20],
    ['very many pieces', Array.from({ length: 40_000 }, () => 1), 40_000],
  ];
  for (const [name, lengths, kept] of cases)
    it(`of ${name}`, () => {
      const log = new SerialLog();
      let next = 0;
      for (const length of lengths) log.keep(Uint8Array.from({ length }, () => next++ % 251));
      const bytes = log.bytes();
      assert.equal(bytes.length, kept);
      // The newest, in order, without a gap.
      assert.ok(bytes.every((byte, index) => byte === (next - kept + index) % 251));
    });
});

describe("a machine's process", () => {
  let home: string;
  let folder: string;
  let host: MachineHost;

  const connect = async (who?: string): Promise<HostedMachine> =>
    hostedMachine(await HostClient.connect(host.entry.socket, VERSION, who), host.entry, {
      folder,
      id: host.entry.id,
      kill: () => {},
    });

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'vmxray-keep-'));
    folder = makePrivateFolder([join(home, 'vmxray')]);
  });
  afterEach(async () => {
    await host.close('the test is over');
    rmSync(home, { recursive: true });
  });
  const start = async (target: Parameters<typeof hostMachine>[0]): Promise<void> => {
    host = await hostMachine(target, { version: VERSION, folder, id: newMachineId(), keep: false, graceMs: 5000 });
  };

  it('has what was sent before somebody came, and says who is there', async () => {
    const machine = new ScriptedTarget();
    await start(machine);
    machine.emit({ kind: 'serial', bytes: Uint8Array.of(72) });
    const first = await connect('the first');
    machine.emit({ kind: 'serial', bytes: Uint8Array.of(105) });
    assert.deepEqual(await first.serialLog(), Uint8Array.of(72, 105));
    const second = await connect('x'.repeat(1000));
    const who = (await first.clients()).map((client) => client.who);
    assert.deepEqual(who, ['the first', 'x'.repeat(100)]);
    await second.leave();
    while ((await first.clients()).length > 1);
    await first.leave();
  });

  it('takes snapshots of machines of ours alone', async () => {
    await start(new ScriptedTarget());
    const client = await connect();
    const refused = (error: unknown): boolean => error instanceof UserError && error.code === 'host/call';
    await assert.rejects(client.saveSnapshot(join(home, 'a.vmxsnap')), refused);
    await assert.rejects(client.pressPowerButton(), refused);
    await client.leave();
  });

  it('writes a snapshot whole or not at all, and goes on from it', async () => {
    await start(await startOwnMachine({ kernel: KERNEL, memory: '4M' }, 'free'));
    const client = await connect();
    const path = join(home, 'a.vmxsnap');
    const { bytes, instructions } = await client.saveSnapshot(path);
    assert.equal(readFileSync(path).length, bytes);
    assert.equal(instructions, 0);
    assert.equal(decodeSnapshot(readFileSync(path)).memoryBytes, 4 * 2 ** 20);

    await assert.rejects(client.saveSnapshot('a.vmxsnap'), { code: 'snapshot/path' });
    const taken = join(home, 'taken', 'a.vmxsnap');
    await assert.rejects(client.saveSnapshot(taken), { code: 'snapshot/write' });
    assert.deepEqual(
      readdirSync(home).filter((name) => name.endsWith('.new')),
      [],
    );

    const identity = { name: 'again', kernel: KERNEL, memoryBytes: 4 * 2 ** 20, bare: false };
    const again = await startOwnMachine({ restore: path, identity }, 'free');
    assert.deepEqual(await again.describe(), identity);
    const [before, after] = [await client.position(1), await again.position(1)];
    assert.deepEqual(after, before);
    await again.dispose();
    writeFileSync(path, 'no snapshot');
    await assert.rejects(startOwnMachine({ restore: path }, 'free'), { code: 'snapshot/format' });
    await client.leave();
  });
});
