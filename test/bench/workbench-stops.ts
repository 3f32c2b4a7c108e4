// How soon each page of the workbench shows a stop: from the machine's word that it has stopped to the page's first new
// content. Asked: 200 ms, on a computer that has nothing else to do.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { attachHosted } from '../../src/targets/host/launch';
import type { Resume } from '../../src/targets/target';
import { Workbench } from '../e2e/workbench-screen';

const STOPS = 15;
const LIMIT_MS = 200;
const VCPU = 1;

const PAGES: readonly (readonly [command: string, part: string, how: Resume])[] = [
  ['VMXray: Show Address Explorer', 'table.walk .entry', { kind: 'step' }],
  ['VMXray: Show Memory', 'table.hex td', { kind: 'step' }],
  ['VMXray: Show Devices', '[data-device]', { kind: 'step' }],
  ['VMXray: Show Exit Timeline', 'table.exits tbody tr', { kind: 'stepExit' }],
];

/** Notes when the page's content changes. Runs in the page. */
const observe = (body: HTMLElement | SVGElement): void => {
  const times: number[] = [];
  Object.assign(globalThis, { changeTimes: times });
  const content = body.querySelector('#page > div')!;
  new MutationObserver(() => times.push(Date.now())).observe(content, { childList: true, subtree: true });
};
const taken = (): number[] => (globalThis as unknown as { changeTimes: number[] }).changeTimes.splice(0);

const at = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))]!;

async function main(): Promise<number> {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const nobody = {
    skip: (): never => {
      throw new Error('skipped: there is no VS Code here');
    },
  };
  const bench = await Workbench.open(nobody, (folder) => {
    copyFileSync(join('test', 'guests', 'bin', 'tour.elf'), join(folder, 'tour.elf'));
    writeFileSync(join(folder, 'Tour.vmxray.json'), '{ "kernel": "tour.elf", "memory": "64M" }\n');
  });
  let isGood = true;
  try {
    const { screen } = bench;
    await bench.showTree();
    await bench.press(/Tour/, 'Start with Debugger', screen.page.locator('.debug-toolbar .codicon-debug-continue'));
    const machine = await attachHosted('Tour', version, 'the bench');
    let stopped = 0;
    machine.onEvent(({ kind }) => (stopped = kind === 'stopped' ? Date.now() : stopped));
    for (let exits = 0; exits < 5; exits++) {
      await machine.resume(VCPU, { kind: 'stepExit' });
      await sleep(500);
    }
    await screen.run('View: Hide Panel');
    for (const [command, part, how] of PAGES) {
      await bench.openPage(command, part);
      await bench.page().locator('body').evaluate(observe);
      const waits: number[] = [];
      for (let stop = 0; stop < STOPS; stop++) {
        await sleep(800);
        // What stops bring to the front hides the page: it works on, and is shown again.
        if (!(await bench.page().locator(part).first().isVisible())) await bench.openPage(command, part);
        await sleep(400);
        await bench.page().locator('body').evaluate(taken);
        stopped = 0;
        await machine.resume(VCPU, how);
        await sleep(1200);
        const changes = await bench.page().locator('body').evaluate(taken);
        const first = changes.find((time) => stopped > 0 && time >= stopped);
        if (first !== undefined) waits.push(first - stopped);
      }
      const ninety = at(waits, 0.9);
      isGood &&= waits.length > STOPS / 2 && ninety <= LIMIT_MS;
      console.log(
        `${command.padEnd(34)} median ${at(waits, 0.5)} ms, 90 % ${ninety} ms (${waits.length} stops: ${waits.join(' ')})`,
      );
    }
    await machine.dispose();
  } finally {
    await bench.close();
  }
  return isGood ? 0 : 1;
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
