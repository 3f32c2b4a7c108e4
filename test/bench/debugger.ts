// How fast the debugger answers on a Linux boot, as a client of `vmxray dap` sees it: a pause, a stop with its stack and
// first scope, a step. Medians of five; each is the time from the request to the last answer.
import { type DapClient, DapProcess } from '../dap/client';
import { lab } from '../support/lab/lab';
import { isAbsent } from '../support/lab/missing';

const ROUNDS = 5;
const STEPS_PER_ROUND = 200;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Milliseconds of something. */
async function timed(what: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await what();
  return performance.now() - start;
}

const report = (what: string, values: readonly number[]): void =>
  console.log(
    `${what.padEnd(44)}${median(values).toFixed(2).padStart(9)} ms  (${values.map((value) => value.toFixed(2)).join(', ')})`,
  );

/** What VS Code asks for at a stop: the frames, the scopes, the first one's variables. */
async function look(client: DapClient): Promise<void> {
  const { stackFrames } = await client.request<{ stackFrames: { id: number }[] }>('stackTrace', {
    threadId: 1,
    startFrame: 0,
    levels: 20,
  });
  const { scopes } = await client.request<{ scopes: { variablesReference: number }[] }>('scopes', {
    frameId: stackFrames[0]!.id,
  });
  await client.request('variables', scopes[0]);
}

async function main(): Promise<void> {
  const kernel = await lab.debugKernel();
  const initrd = await lab.initrd();
  if (isAbsent(kernel) || isAbsent(initrd)) {
    console.log('skipped: the kernel is not there');
    return;
  }
  const dap = new DapProcess(60_000);
  const { client } = dap;
  try {
    await client.request('initialize');
    await client.request('launch', {
      ...{ kernel: kernel.image, symbols: kernel.vmlinux, initrd, cmdline: 'console=ttyS0 panic=-1', pace: 'free' },
    });
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'start_kernel' }] });
    await client.request('configurationDone');
    await client.event('stopped');
    await client.request('setFunctionBreakpoints', { breakpoints: [] });
    const pauses: number[] = [];
    const looks: number[] = [];
    const steps: number[] = [];
    const lines: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await client.request('continue', { threadId: 1 });
      await new Promise((resolve) => setTimeout(resolve, 700));
      pauses.push(
        await timed(async () => {
          await client.request('pause', { threadId: 1 });
          await client.event('stopped');
        }),
      );
      looks.push(await timed(() => look(client)));
      const step = (granularity: string) => async (): Promise<void> => {
        await client.request('stepIn', { threadId: 1, granularity });
        await client.event('stopped');
      };
      const ofRound: number[] = [];
      for (let count = 0; count < STEPS_PER_ROUND; count++) ofRound.push(await timed(step('instruction')));
      steps.push(median(ofRound));
      const ofLines: number[] = [];
      for (let count = 0; count < STEPS_PER_ROUND / 10; count++) ofLines.push(await timed(step('line')));
      lines.push(median(ofLines));
    }
    report('pause to stopped', pauses);
    report('stack, scopes, first scope', looks);
    report('instruction step to stopped', steps);
    report('line step to stopped', lines);
    await client.request('disconnect', { terminateDebuggee: true });
  } finally {
    dap.stop();
  }
}

void main();
