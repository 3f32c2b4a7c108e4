// A black-box client of `vmxray dap` debugs Debian's stock kernel in QEMU: from the first instruction after reset on, with
// two vCPUs, walks held against the monitor's own, and a dump that shows what the stopped VM did.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { MappingsAnswer } from '../../src/protocol/mappings';
import type { WalkAnswer } from '../../src/protocol/walk';
import { lab, requireLab } from '../support/lab/lab';
import type { DapClient, DapProcess } from './client';
import { attach, QemuVm } from './qemu-vm';
import type { Breakpoint, Frame, Stopped } from './source-script';
import { checkWalk, readBytes } from './walk-check';

const CMDLINE = 'console=ttyS0 panic=-1';
const ADDRESSES = 1000;
/** Sleeps again and again. */
const INIT = '#!/bin/sh\nexport PATH=/bin\nwhile true; do sleep 0.1; done\n';

interface Variable {
  readonly name: string;
  readonly value: string;
  readonly variablesReference: number;
}

/** Holds walks against the monitor's, spread over all that is mapped and what lies behind each range, mapped or not. */
async function checkWalks(client: DapClient, vm: QemuVm, count: number): Promise<void> {
  const { ranges } = await client.request<MappingsAnswer>('vmxray/mappings', { space: 'linear', count: 10_000 });
  assert.ok(ranges.length > 20);
  const addresses = Array.from({ length: count }, (_, index) => {
    const { start, end } = ranges[index % ranges.length]!;
    const length = BigInt(end) - BigInt(start);
    const offset = index % 7 === 6 ? length : (length * BigInt(Math.floor(index / ranges.length) * 31)) / 997n;
    return BigInt.asUintN(64, BigInt(start) + (offset % (length + 1n)));
  });
  const said = await vm.monitor(...addresses.map((address) => `gva2gpa 0x${address.toString(16)}`));
  const expected = said.map((text) => /gpa: (0x[0-9a-f]+|0)/.exec(text)?.[1]).map((text) => text && BigInt(text));
  let mapped = 0;
  for (const [index, address] of addresses.entries()) {
    const args = { address: `0x${address.toString(16)}`, space: 'linear', threadId: 1, access: 'read' };
    const { fault, guestPhysical } = await client.request<WalkAnswer>('vmxray/walk', args);
    const wanted = expected[index];
    // The monitor asks whether something is mapped there, not who may read it.
    if (fault && fault.bit !== 'P') assert.notEqual(wanted, undefined, args.address);
    else assert.equal(guestPhysical === undefined ? undefined : BigInt(guestPhysical), wanted, args.address);
    if (guestPhysical !== undefined) mapped++;
  }
  assert.ok(mapped > count / 2, String(mapped));
}

describe('vmxray dap on Linux in QEMU', function () {
  this.timeout(600_000);
  let vm: QemuVm;
  let dap: DapProcess | undefined;
  let client: DapClient;
  let kernel: string;

  before(async function () {
    const { command } = requireLab(this, await lab.qemu());
    kernel = requireLab(this, await lab.kernel()).image;
    const initrd = requireLab(this, await lab.initrd(INIT));
    vm = await QemuVm.start({
      ...{ command, kernel, initrd, cmdline: CMDLINE, cpus: 2, stopped: true },
      more: ['-serial', 'null'],
    });
  });
  after(() => vm?.end());
  afterEach(async () => {
    await client?.request('disconnect', {}).catch(() => {});
    dap?.stop();
    // Whoever lets go lets the guest go on.
    assert.match((await vm.monitor('info status'))[0]!, /running/);
  });

  async function attached(attributes: object = {}): Promise<void> {
    dap = await attach({ gdb: vm.gdb, kernel, ...attributes });
    client = dap.client;
    await client.event('stopped');
  }
  async function step(command: string, args: object = {}, threadId = 1): Promise<Stopped & { threadId: number }> {
    await client.request(command, { threadId, ...args });
    return client.event<Stopped & { threadId: number }>('stopped');
  }
  async function frames(threadId = 1): Promise<Frame[]> {
    return (await client.request<{ stackFrames: Frame[] }>('stackTrace', { threadId })).stackFrames;
  }
  const functionsOf = (found: readonly Frame[]): string[] => found.map(({ name }) => name.split(/[+ ]/)[0]!);
  async function registers(frameId: number): Promise<ReadonlyMap<string, string>> {
    const { scopes } = await client.request<{ scopes: Variable[] }>('scopes', { frameId });
    const lists: Variable[] = [];
    for (const { name, variablesReference } of scopes) {
      if (!/^(General|Flags|Segments|Control|MSRs|SSE)$/.test(name)) continue;
      lists.push(...(await client.request<{ variables: Variable[] }>('variables', { variablesReference })).variables);
    }
    return new Map(lists.map(({ name, value }) => [name, value]));
  }
  async function breakAt(...names: readonly string[]): Promise<readonly Breakpoint[]> {
    const breakpoints = names.map((name) => ({ name }));
    return (await client.request<{ breakpoints: Breakpoint[] }>('setFunctionBreakpoints', { breakpoints })).breakpoints;
  }
  /** Lets the guest go on for this long. */
  async function runFor(ms: number): Promise<Stopped> {
    await client.request('continue', { threadId: 1 });
    await new Promise((resolve) => setTimeout(resolve, ms));
    await client.request('pause', { threadId: 1 });
    return client.event<Stopped>('stopped');
  }

  it('shows real mode at reset, says what the stub lacks, and finds the kernel once it has moved itself', async () => {
    await attached();
    const [{ capabilities }] = client.events<{ capabilities: Record<string, unknown> }>('capabilities') as [
      { capabilities: Record<string, unknown> },
    ];
    assert.equal(capabilities['supportsRestartRequest'], false);
    assert.deepEqual(
      (capabilities['exceptionBreakpointFilters'] as { filter: string }[]).map(({ filter }) => filter),
      ['panic'],
    );
    const [top] = await frames();
    assert.deepEqual([top!.instructionPointerReference, /real mode/.test(top!.name)], ['0xfffffff0', true]);
    const values = await registers(top!.id);
    assert.equal(BigInt(values.get('CS')!.split(' ')[0]!), 0xf000n);
    assert.equal(BigInt(values.get('CS base')!.split(' ')[0]!), 0xffff0000n);
    assert.equal(BigInt(values.get('RIP')!), 0xfff0n);
    assert.doesNotMatch(values.get('CR0')!, /PE|PG/);
    assert.equal((await readBytes(client, '0xfffffff0', 1))[0], 0xea);
    // The far jump at reset.
    assert.equal((await step('stepIn', { granularity: 'instruction' })).reason, 'step');
    assert.equal((await frames())[0]!.instructionPointerReference, '0xfe05b');

    const filters = await client.request<{ breakpoints: Breakpoint[] }>('setExceptionBreakpoints', {
      filters: ['exit', 'panic'],
    });
    assert.match(filters.breakpoints[0]!.message!, /cannot stop at such events/);
    for (const command of ['vmxray/exits', 'vmxray/vmcs', 'vmxray/devices', 'vmxray/interrupts'])
      await assert.rejects(client.request(command, { threadId: 1 }), /does not tell/);
    await assert.rejects(client.request('vmxray/stepExit', { threadId: 1 }), /does not tell VM exits/);

    await client.request('continue', { threadId: 1 });
    for (let waits = 0; !/ lies /.test(client.output('console')); waits++) {
      assert.ok(waits < 600, client.output('console'));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await client.request('pause', { threadId: 1 });
    assert.equal((await client.event<Stopped>('stopped')).reason, 'pause');
    // Its init ticks a while later.
    assert.equal((await runFor(5_000)).reason, 'pause');
  });

  it('stops at a function, steps, and shows the stack through the system call', async () => {
    await attached();
    const [breakpoint] = await breakAt('hrtimer_nanosleep');
    assert.ok(breakpoint!.verified, breakpoint!.message);
    const { reason, threadId, hitBreakpointIds } = await step('continue');
    assert.deepEqual([reason, hitBreakpointIds], ['function breakpoint', [breakpoint!.id]]);
    const found = await frames(threadId);
    assert.match(found[0]!.name, /^hrtimer_nanosleep \(64-bit mode, ring 0\)/);
    const names = functionsOf(found);
    assert.ok(names.includes('do_syscall_64'), names.join());
    assert.ok(
      found.some(({ name }) => name.startsWith('entered the kernel by entry_SYSCALL_64')),
      names.join(),
    );
    const values = await registers(found[0]!.id);
    assert.equal(values.get('RIP'), found[0]!.instructionPointerReference);
    assert.match(values.get('CR0')!, /PG/);
    assert.match(values.get('EFER')!, /LMA/);
    assert.match(values.get('CS access rights')!, /L/);
    await checkWalk(client, found[0]!.instructionPointerReference);

    await breakAt();
    const instruction = { granularity: 'instruction' };
    const { instructions } = await client.request<{ instructions: { address: string }[] }>('disassemble', {
      memoryReference: found[0]!.instructionPointerReference,
      instructionCount: 2,
    });
    assert.equal((await step('next', instruction, threadId)).reason, 'step');
    assert.equal((await frames(threadId))[0]!.instructionPointerReference, instructions[1]!.address);
    assert.equal((await step('stepOut', {}, threadId)).reason, 'step');
    assert.equal(functionsOf(await frames(threadId))[0], names[1]);
  });

  it('finds the kernel in memory when nobody names it, with its symbols, types and stacks', async () => {
    await attached({ kernel: undefined });
    assert.match(client.output('console'), /vmlinux lies where its symbols say/);
    const [breakpoint] = await breakAt('hrtimer_nanosleep');
    assert.ok(breakpoint!.verified, breakpoint!.message);
    const { reason, threadId } = await step('continue');
    assert.equal(reason, 'function breakpoint');
    const names = functionsOf(await frames(threadId));
    assert.ok(names.includes('do_syscall_64'), names.join());
    const { result } = await client.request<{ result: string }>('evaluate', {
      expression: 'sizeof(struct task_struct)',
    });
    assert.ok(Number(result.split(' ')[0]) > 4000, result);
    await breakAt();
  });

  it('has every vCPU as a thread, with registers of its own', async () => {
    await attached();
    const { threads } = await client.request<{ threads: { id: number; name: string }[] }>('threads');
    assert.deepEqual(threads, [
      { id: 1, name: 'vCPU 0' },
      { id: 2, name: 'vCPU 1' },
    ]);
    const [first, second] = [(await frames(1))[0]!, (await frames(2))[0]!];
    const bases = [await registers(first.id), await registers(second.id)].map((values) => values.get('GS base'));
    assert.notEqual(bases[0], bases[1]);
    await assert.rejects(client.request('continue', { threadId: 3 }), /no thread 3/);
  });

  it('stops at data that is written, and computes conditions, hit counts and log points', async () => {
    await attached();
    const { dataId } = await client.request<{ dataId: string }>('dataBreakpointInfo', { name: 'jiffies_64' });
    await client.request('setDataBreakpoints', { breakpoints: [{ dataId, accessType: 'write' }] });
    const stopped = await step('continue');
    assert.equal(stopped.reason, 'data breakpoint');
    const names = functionsOf(await frames(stopped.threadId));
    assert.ok(
      names.some((name) => /jiffies|do_timer|tick/.test(name)),
      names.join(),
    );
    await client.request('setDataBreakpoints', { breakpoints: [] });
    const { breakpoints } = await client.request<{ breakpoints: Breakpoint[] }>('setFunctionBreakpoints', {
      breakpoints: [{ name: 'hrtimer_nanosleep', condition: '$rip != 0 && *(u8*)$rip != 0', hitCondition: '3' }],
    });
    assert.equal((await step('continue')).hitBreakpointIds?.[0], breakpoints[0]!.id);
    await breakAt();
  });

  it('walks as the monitor does, at 1,000 addresses', async () => {
    await attached();
    await checkWalks(client, vm, ADDRESSES);
  });

  it('a QEMU that hangs ends the session with a sentence, and can be attached to again', async () => {
    await attached();
    vm.freeze(true);
    try {
      const next = client.request('next', { threadId: 1, granularity: 'instruction' });
      await assert.rejects(next, /gdb stub at .* did not answer for 10 s/);
      await client.event('terminated');
      assert.match(client.output('stderr'), /did not answer/);
    } finally {
      vm.freeze(false);
    }
    dap?.stop();
    await attached();
    assert.ok((await frames()).length > 0);
  });

  it('a dump shows the registers, stacks and walks that the stopped VM did', async () => {
    await attached();
    await breakAt('hrtimer_nanosleep');
    const { threadId } = await step('continue');
    const look = async () => {
      const shown = [];
      for (const thread of [1, 2]) {
        const rows = await frames(thread);
        const values = await registers(rows[0]!.id);
        const walk = await client.request<WalkAnswer>('vmxray/walk', {
          address: rows[0]!.instructionPointerReference,
          space: 'linear',
          threadId: thread,
          access: 'execute',
        });
        const stack = await readBytes(client, values.get('RSP')!, 64);
        shown.push({ names: rows.map(({ name }) => name), values, walk, stack: stack.toString('hex') });
      }
      return shown;
    };
    const live = await look();
    assert.ok(functionsOf(await frames(threadId)).includes('do_syscall_64'));
    const dumps: [string, object][] = [
      ['memory.elf', {}],
      ['memory.kdump', { format: 'kdump-zlib' }],
    ];
    const path = (name: string): string => join(vm.folder, name);
    await vm.execute(
      dumps.map(([name, more]) => ({
        execute: 'dump-guest-memory',
        arguments: { paging: false, protocol: `file:${path(name)}`, ...more },
      })),
    );
    await client.request('disconnect', {});
    dap?.stop();
    for (const [name] of dumps) {
      dap = await attach({ dump: path(name), kernel });
      client = dap.client;
      await client.event('stopped');
      const dead = await look();
      for (const [index, one] of dead.entries()) {
        const there = live[index]!;
        assert.deepEqual(one.names, there.names, name);
        assert.deepEqual([one.walk, one.stack], [there.walk, there.stack], name);
        // The dump has no EFER, no CR8 and no SSE registers; what it has is the same.
        assert.ok(one.values.size >= 50, `${name}: ${one.values.size} registers`);
        for (const [register, value] of one.values)
          assert.equal(value, there.values.get(register), `${name}: ${register}`);
      }
      await assert.rejects(client.request('continue', { threadId: 1 }), /does not run/);
      const [refused] = await breakAt('hrtimer_nanosleep');
      assert.deepEqual([refused!.verified, /does not run/.test(refused!.message!)], [false, true]);
      await assert.rejects(
        client.request('setExpression', { expression: '$rax', value: '1' }),
        /cannot be written|changed/,
      );
      await client.request('disconnect', {});
      dap.stop();
    }
  });
});

describe('vmxray dap on 32-bit Linux in QEMU', function () {
  this.timeout(600_000);

  it('finds the kernel, stops at a function, shows its stack and walks its tables', async function () {
    const { command } = requireLab(this, await lab.qemu());
    const { image } = requireLab(this, await lab.kernel686());
    const initrd = requireLab(this, await lab.initrd(INIT, 'i386'));
    const vm = await QemuVm.start({ command, kernel: image, initrd, cmdline: CMDLINE, stopped: true });
    let dap: DapProcess | undefined;
    try {
      dap = await attach({ gdb: vm.gdb, kernel: image });
      const { client } = dap;
      await client.event('stopped');
      await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'hrtimer_nanosleep' }] });
      await client.request('continue', { threadId: 1 });
      assert.equal((await client.event<Stopped>('stopped')).reason, 'function breakpoint');
      const { stackFrames } = await client.request<{ stackFrames: Frame[] }>('stackTrace', { threadId: 1 });
      assert.match(stackFrames[0]!.name, /^hrtimer_nanosleep \(protected mode, 32-bit, ring 0\)/);
      assert.ok(stackFrames.some(({ name }) => name.startsWith('do_fast_syscall_32')));
      await checkWalks(client, vm, 200);
      await client.request('disconnect', {});
    } finally {
      dap?.stop();
      await vm.end();
    }
  });
});
