// A black-box client of `vmxray dap` debugs Debian's stock kernels: early code, KASLR and symbols, edits that reach the
// hypervisor's own structures.
import assert from 'node:assert/strict';
import { basename, dirname } from 'node:path';
import type { ExitAnswer } from '../../src/protocol/exit';
import type { WalkAnswer } from '../../src/protocol/walk';
import { lab, requireLab } from '../support/lab/lab';
import { type DapClient, DapProcess } from './client';
import { checkWalk, readBytes } from './walk-check';

interface Stopped {
  readonly reason: string;
  readonly text?: string;
  readonly hitBreakpointIds?: readonly number[];
}
interface Frame {
  readonly id: number;
  readonly name: string;
  readonly line: number;
  readonly source?: { readonly path: string };
  readonly instructionPointerReference: string;
}
interface Breakpoint {
  readonly id: number;
  readonly verified: boolean;
  readonly message?: string;
}

const CMDLINE = 'console=ttyS0 panic=-1';

describe('vmxray dap on the Linux boot', function () {
  this.timeout(300_000);
  let dap: DapProcess;
  let client: DapClient;

  beforeEach(() => {
    dap = new DapProcess(120_000);
    client = dap.client;
  });
  afterEach(() => dap.stop());

  async function start(attributes: object, configure?: () => Promise<unknown>): Promise<void> {
    await client.launch({ pace: 'free', cmdline: CMDLINE, stopOnEntry: true, ...attributes }, configure);
    await client.event('stopped');
  }
  async function step(command: string, args: object = {}): Promise<Stopped> {
    await client.request(command, { threadId: 1, ...args });
    return client.event<Stopped>('stopped');
  }
  async function frames(): Promise<Frame[]> {
    return (await client.request<{ stackFrames: Frame[] }>('stackTrace', { threadId: 1 })).stackFrames;
  }
  const breakAt = (instructionReference: string) =>
    client.request<{ breakpoints: Breakpoint[] }>('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference }],
    });
  const evaluate = async (expression: string): Promise<bigint> =>
    BigInt(
      (await client.request<{ result: string }>('evaluate', { expression, format: { hex: true } })).result.split(
        ' ',
      )[0]!,
    );

  it('stops in the 64-bit decompressor, walks, steps to three exits, terminates', async function () {
    const kernel = requireLab(this, await lab.kernel());
    const initrd = requireLab(this, await lab.initrd());
    await start({ kernel: kernel.image, initrd });
    assert.match((await frames())[0]!.name, /64-bit mode, ring 0/);
    // The first instruction brings the loader's page tables into the EPT, which is filled as it is needed.
    assert.equal((await step('stepIn', { granularity: 'instruction' })).reason, 'step');
    const { instructions } = await client.request<{ instructions: { address: string }[] }>('disassemble', {
      memoryReference: (await frames())[0]!.instructionPointerReference,
      instructionCount: 5,
    });
    const target = instructions[4]!.address;
    await breakAt(target);
    assert.equal((await step('continue')).reason, 'instruction breakpoint');
    assert.equal((await frames())[0]!.instructionPointerReference, target);
    assert.equal(await evaluate('$cr0.pg && $efer.lma'), 1n);
    await checkWalk(client, target);

    const numbers: number[] = [];
    for (let count = 0; count < 3; count++) {
      assert.equal((await step('vmxray/stepExit', { reasons: ['CPUID'] })).reason, 'vm exit');
      const { exit } = await client.request<ExitAnswer>('vmxray/exit', { threadId: 1 });
      assert.equal(exit?.name, 'CPUID');
      numbers.push(Number(exit.number));
      await checkWalk(client, (await frames())[0]!.instructionPointerReference);
    }
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
    );
    await client.request('terminate');
    await client.event('terminated');
    await client.request('disconnect');
    assert.deepEqual(await dap.ended(), { code: 0, errors: '' });
  });

  it('breaks at an address of the 32-bit kernel while paging is off', async function () {
    const kernel = requireLab(this, await lab.kernel686());
    await start({ kernel: kernel.image });
    const { instructions } = await client.request<{ instructions: { address: string }[] }>('disassemble', {
      memoryReference: (await frames())[0]!.instructionPointerReference,
      instructionCount: 8,
    });
    await breakAt(instructions[7]!.address);
    assert.equal((await step('continue')).reason, 'instruction breakpoint');
    assert.equal(await evaluate('$cr0.pg'), 0n);
    assert.match((await frames())[0]!.name, /protected mode, 32-bit/);
  });

  it('breaks at a function once KASLR has moved the kernel, by the symbols of its vmlinux', async function () {
    const { image, vmlinux } = requireLab(this, await lab.debugKernel());
    const slides: bigint[] = [];
    for (const seed of [1, 2]) {
      const session = new DapProcess(120_000);
      client = session.client;
      try {
        let asked: readonly Breakpoint[] = [];
        await start({ kernel: image, symbols: vmlinux, seed }, async () => {
          const breakpoints = [{ name: 'start_kernel' }, { name: 'no_such_function' }];
          asked = (await client.request<{ breakpoints: Breakpoint[] }>('setFunctionBreakpoints', { breakpoints }))
            .breakpoints;
        });
        assert.deepEqual(
          asked.map(({ verified }) => verified),
          [false, false],
        );
        assert.match(asked[0]!.message!, /Waits until vmlinux/);
        assert.match(asked[1]!.message!, /no function no_such_function/);
        const stopped = await step('continue');
        assert.deepEqual([stopped.reason, stopped.hitBreakpointIds], ['function breakpoint', [asked[0]!.id]]);
        const [top] = await frames();
        assert.match(top!.name, /^start_kernel/);
        assert.match(top!.source!.path, /init\/main\.c$/);
        slides.push(BigInt(top!.instructionPointerReference) & ~0x1fffffn);
        // The kernel's own words at its own place.
        const banner = await evaluate('&linux_banner');
        assert.match((await readBytes(client, `0x${banner.toString(16)}`, 13)).toString(), /^Linux version/);
        const walk = await checkWalk(client, top!.instructionPointerReference);
        assert.ok(walk.permission?.execute);
      } finally {
        session.stop();
      }
    }
    assert.notEqual(slides[0], slides[1]);
  });

  it('finds the debug file of a kernel by its build-id', async function () {
    const { image, vmlinux } = requireLab(this, await lab.debugKernel());
    await start({ kernel: image, debugFolders: [dirname(dirname(vmlinux))] });
    const { modules } = await client.request<{ modules: { name: string }[] }>('modules', {});
    assert.deepEqual(
      modules.map(({ name }) => name),
      [basename(vmlinux)],
    );
  });

  it('leaves out the vmlinux of another build, and says so', async function () {
    const { vmlinux } = requireLab(this, await lab.debugKernel());
    const kernel = requireLab(this, await lab.kernel686());
    await start({ kernel: kernel.image, symbols: vmlinux });
    assert.match(client.output('console'), /vmlinux-\S+ is of another build than vmlinuz-\S+ and is left out/);
    const { modules } = await client.request<{ modules: { name: string }[] }>('modules', {});
    assert.deepEqual(
      modules.map(({ name }) => name),
      [basename(kernel.image)],
    );
  });

  it('with no debug file at all: breaks by name in a stock kernel, and unwinds through the system call', async function () {
    const kernel = requireLab(this, await lab.kernel());
    const initrd = requireLab(this, await lab.initrd());
    await start({ kernel: kernel.image, initrd }, () =>
      client.request('setFunctionBreakpoints', { breakpoints: [{ name: '__x64_sys_execve' }] }),
    );
    assert.equal((await step('continue')).reason, 'function breakpoint');
    const stack = await frames();
    const names = stack.map(({ name }) => name.split(/[+ ]/)[0]);
    assert.deepEqual(names.slice(0, 3), ['__x64_sys_execve', 'do_syscall_64', 'entry_SYSCALL_64_after_hwframe']);
    // What called the kernel is in user mode.
    assert.equal(stack[3]!.name, 'entered the kernel by entry_SYSCALL_64_after_hwframe');
    assert.equal(names.length, 5);
    assert.match(stack[4]!.name, /^0x[0-9a-f]{1,12} \(ring 3\)$/);
    const filters = { filters: ['panic'] };
    const { breakpoints } = await client.request<{ breakpoints: Breakpoint[] }>('setExceptionBreakpoints', filters);
    assert.deepEqual(
      breakpoints.map(({ verified }) => verified),
      [true],
    );
  });

  it('an EPT entry without W makes the next write exit, and a bit of the exception bitmap its vector', async function () {
    const kernel = requireLab(this, await lab.kernel());
    await start({ kernel: kernel.image });
    for (let count = 0; count < 5; count++) await step('vmxray/stepExit', { reasons: ['CPUID'] });
    // Where the stack is is written soon.
    const stack = await evaluate('$rsp - 8');
    const address = `0x${stack.toString(16)}`;
    const { levels } = await client.request<WalkAnswer>('vmxray/walk', { address, space: 'linear', access: 'write' });
    const leaf = levels.at(-1)!;
    assert.match(leaf.table, /^EPT/);
    const memoryReference = `physical:${leaf.entryAddress}`;
    const write = (entry: bigint) => {
      const data = Buffer.alloc(8);
      data.writeBigUInt64LE(entry);
      return client.request('writeMemory', { memoryReference, data: data.toString('base64') });
    };
    const entry = BigInt(leaf.entry);
    await write(entry & ~2n);
    assert.equal((await readBytes(client, memoryReference, 8)).readBigUInt64LE(), entry & ~2n);
    await step('vmxray/stepExit', { reasons: ['EPT violation'] });
    const { exit } = await client.request<ExitAnswer>('vmxray/exit', { threadId: 1 });
    assert.equal(exit?.name, 'EPT violation');
    // A write; readable and executable, but not writable. SDM Vol. 3C table 28-7.
    assert.equal(BigInt(exit.qualification) & 0x3fn, 0b101010n);

    const { scopes } = await client.request<{ scopes: { name: string; variablesReference: number }[] }>('scopes', {
      frameId: (await frames())[0]!.id,
    });
    const vmcs = scopes.find(({ name }) => name === 'VMCS')!;
    const before = await client.request<{ variables: { name: string; value: string }[] }>('variables', vmcs);
    const field = before.variables.find(({ name }) => /exception bitmap/i.test(name))!;
    const value = `${BigInt(field.value.split(' ')[0]!) | (1n << 14n)}`;
    await client.request('setVariable', { ...vmcs, name: field.name, value });
    await step('vmxray/stepExit', { reasons: ['Exception or non-maskable interrupt (NMI)', '0'] });
    const caught = (await client.request<ExitAnswer>('vmxray/exit', { threadId: 1 })).exit!;
    assert.equal(caught.reason, 0);
    assert.match(caught.qualificationText, /page fault|#PF/i);
  });
});
