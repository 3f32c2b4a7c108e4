// Several debuggers on one machine in a process of its own, that process's death, and who outlives whom.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DapClient, DapProcess } from './client';

interface Stopped {
  readonly reason: string;
  readonly hitBreakpointIds?: readonly number[];
}

describe('vmxray dap, attached', function () {
  this.timeout(180_000);
  let folder: string;
  let processes: DapProcess[] = [];

  beforeEach(() => {
    // A folder of machines that nobody else sees.
    folder = mkdtempSync(join(tmpdir(), 'vmxray-attach-'));
  });
  afterEach(() => {
    processes.forEach((dap) => dap.stop());
    processes = [];
    rmSync(folder, { recursive: true, force: true });
  });

  function newDap(): DapClient {
    const dap = new DapProcess(30_000, { XDG_RUNTIME_DIR: folder, TMPDIR: folder });
    processes.push(dap);
    return dap.client;
  }
  async function launched(): Promise<DapClient> {
    const client = newDap();
    await client.request('initialize');
    await client.request('launch', { kernel: join('test', 'guests', 'bin', 'tour.elf'), stopOnEntry: true });
    await client.request('configurationDone');
    await client.event('stopped');
    return client;
  }
  async function attached(): Promise<DapClient> {
    const client = newDap();
    await client.request('initialize');
    await client.request('attach', { machine: String(machinePid()) });
    await client.request('configurationDone');
    return client;
  }
  /** The process of the only machine. */
  function machinePid(): number {
    const within = join(folder, 'vmxray');
    const entry = readdirSync(within).find((name) => name.endsWith('.json'));
    return (JSON.parse(readFileSync(join(within, entry!), 'utf8')) as { pid: number }).pid;
  }
  const breakAt = (client: DapClient, name: string) =>
    client.request<{ breakpoints: { id: number; verified: boolean }[] }>('setFunctionBreakpoints', {
      breakpoints: [{ name }],
    });

  it('both see what either does, and each stops at its own breakpoints', async () => {
    const first = await launched();
    const second = await attached();
    assert.equal((await second.event<Stopped>('stopped')).reason, 'entry');
    const [own] = (await breakAt(second, 'start_timer')).breakpoints;
    assert.ok(own!.verified);
    await first.request('continue', { threadId: 1 });
    await second.event('continued');
    const seen = await second.event<Stopped>('stopped');
    assert.deepEqual([seen.reason, seen.hitBreakpointIds], ['function breakpoint', [own!.id]]);
    const foreign = await first.event<Stopped>('stopped');
    assert.deepEqual(foreign.hitBreakpointIds ?? [], []);
    await second.request('setExpression', { expression: 'ticks', value: '77' });
    await first.event('invalidated');
    assert.equal((await first.request('evaluate', { expression: 'ticks' }))['result'], '77 (0x4d)');
    // Who attached leaves it as it is; who launched ends it.
    await second.request('disconnect', {});
    await first.request('continue', { threadId: 1 });
    assert.equal((await first.event('exited'))['exitCode'], 0);
    await first.request('disconnect', {});
  });

  it('a launched machine can be left running, and found again', async () => {
    const first = await launched();
    await first.request('disconnect', { terminateDebuggee: false });
    const second = await attached();
    await second.event('stopped');
    assert.match(String((await second.request('evaluate', { expression: 'rip' }))['result']), /0x100018/);
    await second.request('disconnect', { terminateDebuggee: true });
    assert.throws(machinePid);
  });

  it('the death of its process ends a session with the reason and the last counters', async () => {
    const client = await launched();
    await client.request('continue', { threadId: 1 });
    process.kill(machinePid(), 'SIGKILL');
    await client.event('terminated');
    assert.match(client.output('stderr'), /SIGKILL.* instructions and \d+ VM exits/s);
    await assert.rejects(client.request('continue', { threadId: 1 }), /machine is gone/);
    await client.request('disconnect', {});
  });

  it('refuses a machine that is not there', async () => {
    const client = newDap();
    await client.request('initialize');
    await assert.rejects(client.request('attach', { machine: 'nobody' }), /No machine runs/);
    await assert.rejects(client.request('attach', {}), /"machine" must be the name/);
  });
});
