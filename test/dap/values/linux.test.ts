// A black-box client of `vmxray dap` looks at a running Linux by its types: with no debug files at all by BTF, and by the
// DWARF of its vmlinux.
import assert from 'node:assert/strict';
import { lab, requireLab } from '../../support/lab/lab';
import { type DapClient, DapProcess } from '../client';

interface Shown {
  readonly name: string;
  readonly value: string;
  readonly result: string;
  readonly type?: string;
  readonly evaluateName?: string;
  readonly variablesReference: number;
  readonly indexedVariables?: number;
}

const CMDLINE = 'console=ttyS0 panic=-1';

describe('vmxray dap: a Linux by its types', function () {
  this.timeout(300_000);
  let dap: DapProcess;
  let client: DapClient;

  beforeEach(() => {
    dap = new DapProcess(120_000);
    client = dap.client;
  });
  afterEach(() => dap.stop());

  async function run(attributes: object): Promise<void> {
    await client.launch({ pace: 'free', cmdline: CMDLINE, stopOnEntry: true, ...attributes }, () =>
      client.request('setFunctionBreakpoints', { breakpoints: [{ name: '__x64_sys_execve' }] }),
    );
    await client.event('stopped');
    await client.request('continue', { threadId: 1 });
    await client.event('stopped');
  }
  const evaluate = (expression: string): Promise<Shown> =>
    client.request<Shown>('evaluate', { expression, frameId: 1000 });
  const opened = async (expression: string, more: object = {}): Promise<Shown[]> => {
    const { variablesReference } = await evaluate(expression);
    return (await client.request<{ variables: Shown[] }>('variables', { variablesReference, ...more })).variables;
  };

  const check = async (): Promise<void> => {
    const shown = async (expression: string): Promise<string> => (await evaluate(expression)).result;
    assert.equal(await shown('$current->pid > 1 && $current->pid == $current->tgid'), '1');
    assert.equal((await evaluate('$current')).type, 'struct task_struct *');
    assert.match(await shown('$current->comm'), /^"(init|sh|busybox)"$/);
    assert.equal(await shown('init_task.comm'), '"swapper/0"');
    assert.equal(await shown('$current->real_parent->real_parent == &init_task'), '1');
    assert.equal(await shown('((struct task_struct *)$current)->tgid == (*(struct task_struct *)$current).pid'), '1');
    assert.equal(await shown('container_of(&$current->tasks, struct task_struct, tasks) == $current'), '1');
    assert.match(await shown('$current->sched_class'), /^0xf+[0-9a-f]+ <fair_sched_class>$/);
    const tasks = await opened('list(init_task.tasks, struct task_struct, tasks)', { start: 0, count: 3 });
    assert.deepEqual(
      tasks.map(({ name, type }) => [name, type]),
      [0, 1, 2].map((index) => [`[${index}]`, 'struct task_struct']),
    );
    const pids = await Promise.all(tasks.map(({ evaluateName }) => shown(`(${evaluateName}).pid`)));
    assert.deepEqual(pids, ['1', '2', '3']);
    assert.equal(await shown(`(${tasks[1]!.evaluateName}).comm`), '"kthreadd"');
    // A process's id leads through a radix tree to itself.
    const ids = await opened('xarray(init_pid_ns.idr.idr_rt, struct pid)', { start: 0, count: 2 });
    assert.deepEqual(
      ids.map(({ name }) => name),
      ['[1]', '[2]'],
    );
    assert.match(await shown('this_cpu(cpu_number)'), /^0$/);
    assert.match(await shown('sizeof(struct page)'), /^64 \(0x40\)$/);
    assert.match(await shown('offsetof(struct task_struct, comm) % 8'), /^0$/);
    const members = await opened('$current->tasks');
    assert.deepEqual(
      members.map(({ name }) => name),
      ['next', 'prev', '[length]', '[entries]'],
    );
    await assert.rejects(evaluate('$current->comn'), /`struct task_struct` has no member `comn`.*did you mean `comm`/);
  };

  it('with no debug files: by BTF', async function () {
    const kernel = requireLab(this, await lab.kernel());
    const initrd = requireLab(this, await lab.initrd());
    await run({ kernel: kernel.image, initrd });
    await check();
  });

  it('by DWARF', async function () {
    const { image, vmlinux } = requireLab(this, await lab.debugKernel());
    const initrd = requireLab(this, await lab.initrd());
    await run({ kernel: image, symbols: vmlinux, initrd });
    await check();
    const { scopes } = await client.request<{ scopes: { name: string; variablesReference: number }[] }>('scopes', {
      frameId: 1000,
    });
    const { variables } = await client.request<{ variables: Shown[] }>('variables', {
      variablesReference: scopes[0]!.variablesReference,
    });
    assert.deepEqual(
      variables.map(({ name, type }) => [scopes[0]!.name, name, type]),
      [['Locals', 'regs', 'const struct pt_regs *']],
    );
    const name = await evaluate('(char *)regs->di,s');
    assert.match(name.result, /^0x[0-9a-f]+ "\/proc\/self\/exe"$/);
    assert.equal((await evaluate('system_state')).result, 'SYSTEM_RUNNING');
  });
});
