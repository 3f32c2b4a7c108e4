// How soon a keystroke in VS Code's editor is seen while machines of ours run beside it: with none, with five paused and
// one running, with five running. From the key's arrival in the browser to the frame that shows it. Asked: 95 of 100
// within 50 ms with one running; at most twice the latency of none with five running.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launchHosted } from '../../src/targets/host/launch';
import type { HostedMachine } from '../../src/targets/host/hosted-machine';
import { Workbench } from '../e2e/workbench-screen';

const KEYS = 150;
const BETWEEN_MS = 90;
const LIMIT_MS = 50;
const ROUNDS = process.argv.includes('--quick') ? 1 : 3;
const VCPU = 1;

// mov dx, 0x3f8; again: mov al, '.'; out dx, al; mov ecx, 2^28; loop32 $; jmp again
const BUSY = [0xba, 0xf8, 0x03, 0xb0, 0x2e, 0xee, 0x66, 0xb9, 0x00, 0x00, 0x00, 0x10, 0x67, 0xe2, 0xfd, 0xeb, 0xf2];

/** Notes how long each key takes to be drawn. Runs in the page. */
const listen = (lines: HTMLElement | SVGElement): void => {
  const times: number[] = [];
  let pressed = 0;
  document.addEventListener('keydown', (event) => (pressed = event.timeStamp), { capture: true });
  new MutationObserver(() => {
    if (pressed === 0) return;
    const from = pressed;
    pressed = 0;
    requestAnimationFrame(() => {
      // The frame is drawn when the next task begins.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => times.push(performance.now() - from);
      port2.postMessage(undefined);
    });
  }).observe(lines, { childList: true, subtree: true, characterData: true });
  Object.assign(globalThis, { keyTimes: times });
};
const taken = (): number[] => (globalThis as unknown as { keyTimes: number[] }).keyTimes.splice(0);

const at = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))]!;

async function type(bench: Workbench): Promise<readonly number[]> {
  const { keyboard } = bench.window;
  for (let key = 0; key < KEYS; key++) {
    await keyboard.press(key % 10 === 9 ? 'Space' : 'abcdefghij'[key % 10]!);
    await sleep(BETWEEN_MS);
  }
  await keyboard.press('Enter');
  await sleep(500);
  return bench.window.evaluate(taken);
}

async function main(): Promise<number> {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const nobody = {
    skip: (): never => {
      throw new Error('skipped: there is no VS Code here');
    },
  };
  const machines: HostedMachine[] = [];
  const bench = await Workbench.open(nobody, (folder) => {
    const source = Array.from({ length: 300 }, (_, line) => `static int value_${line} = ${line}; /* a line */`);
    writeFileSync(join(folder, 'kernel.c'), source.join('\n'));
    writeFileSync(join(folder, 'busy.bin'), Uint8Array.from(BUSY));
  });
  try {
    const { screen, workspace } = bench;
    await bench.showTree();
    await screen.run('Go to File...');
    await screen.page.locator('.quick-input-widget .input').fill('kernel.c');
    await screen.pick('kernel.c');
    await screen.sees(screen.page.locator('.editor-instance .view-line'));
    await screen.page.locator('.editor-instance .view-line').first().click();
    await screen.page.locator('.editor-instance .view-lines').first().evaluate(listen);
    const add = async (runs: boolean): Promise<void> => {
      const settings = {
        kernel: join(workspace, 'busy.bin'),
        flat: '0x7c00:real16',
        memory: '64M',
        name: `busy ${machines.length + 1}`,
      };
      const machine = await launchHosted(settings, 'wall', { program: 'dist/src/cli/main.js', version, keep: true });
      machines.push(machine);
      await machine.resume(VCPU, { kind: 'continue' });
      if (!runs) await machine.pause();
    };
    const end = async (): Promise<void> => {
      for (const machine of machines.splice(0)) await machine.dispose();
    };
    const cases = [
      { name: 'no machine', paused: 0, running: 0 },
      { name: 'five paused, one running', paused: 5, running: 1 },
      { name: 'five running', paused: 0, running: 5 },
    ];
    const results = cases.map(() => [] as number[]);
    for (let round = 0; round < ROUNDS; round++)
      for (const [index, { paused, running }] of cases.entries()) {
        for (let count = 0; count < paused; count++) await add(false);
        for (let count = 0; count < running; count++) await add(true);
        // The tree has them, and their code is compiled.
        await sleep(5000);
        await type(bench);
        results[index]!.push(...(await type(bench)));
        await end();
        await sleep(1000);
      }
    console.log(`keystroke to frame in ms, ${cpus().length} cores, ${ROUNDS} rounds in turn`);
    for (const [index, { name }] of cases.entries()) {
      const values = results[index]!;
      const text = [0.5, 0.95, 0.99].map((part) => at(values, part).toFixed(1).padStart(8)).join('');
      console.log(`${name.padEnd(28)}${text}   (median, 95 %, 99 % of ${values.length})`);
    }
    const [none, one, five] = results.map((values) => at(values, 0.95)) as [number, number, number];
    const isGood = one <= LIMIT_MS && five <= 2 * none;
    console.log(
      isGood ? 'as asked' : `not as asked: ${one.toFixed(1)} ms with one, ${(five / none).toFixed(2)}x with five`,
    );
    return isGood ? 0 : 1;
  } finally {
    for (const machine of machines) await machine.dispose().catch(() => {});
    await bench.close();
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
);
