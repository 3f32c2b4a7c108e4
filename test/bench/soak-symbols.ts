// Symbols of Debian's kernel with its vmlinux, judged by gdb at random stops of a boot: functions, chains of inlined
// calls, lines, the numbers in parameters and locals; without it, by the kernel's own data, judged by the vmlinux's. Then
// the time from opening that vmlinux to the first place of a source breakpoint, against gdb's. `--quick`: 20 stops instead
// of 200; `--all`: every difference; `--seed=N`: other stops. Ends with 1 if a difference has no reason.
import { Images } from '../../src/dap/images/images';
import { runTo } from '../machine/runs';
import { findCommand } from '../support/lab/command';
import { lab } from '../support/lab/lab';
import { isAbsent } from '../support/lab/missing';
import { compareStacks, Findings, judgeLines, REASONS } from './soak-symbols/compare';
import { GdbTeller, MOST_FRAMES } from './soak-symbols/gdb-teller';
import { randomMoments, startGuest, type GuestFiles } from './soak-symbols/guest';
import { measureOpening, openHere } from './soak-symbols/opening';
import { ourStack } from './soak-symbols/our-stack';
import { StockKernel } from './soak-symbols/stock';

const STOPS = 200;
const QUICK_STOPS = 20;
const SEED = 5;
const MOST_EXAMPLES = 4;
const has = (option: string): boolean => process.argv.includes(option);

const seed = process.argv.find((argument) => argument.startsWith('--seed='))?.slice('--seed='.length);

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

function report({ differences, frames, inlined, lines, variables, numbers, known }: Findings): number {
  const counts = { frames, inlined, lines, variables, numbers, known };
  console.log(
    `compared: ${Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ')}`,
  );
  let unexplained = 0;
  for (const [kind, texts] of differences) {
    const reason = (REASONS as Readonly<Record<string, string>>)[kind];
    if (!reason) unexplained += texts.length;
    console.log(`${texts.length} x ${kind}: ${reason ?? 'NOT EXPLAINED'}`);
    for (const text of has('--all') ? texts : texts.slice(0, MOST_EXAMPLES)) console.log(`    ${text}`);
  }
  return unexplained;
}

async function judgeStops(gdb: string, files: GuestFiles, vmlinux: string): Promise<number> {
  const moments = randomMoments(files, has('--quick') ? QUICK_STOPS : STOPS, Number(seed ?? SEED));
  const { machine, target, server } = startGuest(files);
  runTo(machine, moments[0]!);
  const images = new Images();
  images.load({ kernel: files.kernel, symbols: [vmlinux] });
  const stock = new StockKernel(target, machine, images, files.kernel);
  const findings = new Findings();
  const times: number[] = [];
  let inUserMode = 0;
  const teller = await GdbTeller.start(gdb, vmlinux, await server.listen(0));
  try {
    for (const moment of moments) {
      runTo(machine, moment);
      await images.place(target, 1);
      const { linear, mode } = await target.position(1);
      if (mode.endsWith('ring 3')) inUserMode += 1;
      const begin = performance.now();
      const ours = await ourStack(target, machine, images, MOST_FRAMES);
      ours[0]?.scope?.variables();
      times.push(performance.now() - begin);
      const where = `${moment} 0x${linear.toString(16)}`;
      compareStacks(where, await teller.stack(), ours, images, findings);
      await stock.compare(where, findings);
    }
  } finally {
    await teller.end();
    await server.close();
    await target.dispose();
    images.close();
    stock.images.close();
  }
  console.log(`${moments.length} stops from ${moments[0]} to ${moments.at(-1)}, ${inUserMode} of them in user mode`);
  console.log(
    `our ${MOST_FRAMES} frames with the innermost one's variables: ${median(times).toFixed(1)} ms at the median`,
  );
  console.log(
    `without debug files: ${stock.symbols} symbols, ${stock.frames} frames, ${stock.fields} numbers of tasks`,
  );
  const addr2line = findCommand('addr2line');
  if (addr2line) judgeLines(addr2line, vmlinux, findings);
  else findings.disputed.forEach(({ text }) => findings.note('line', text));
  return report(findings);
}

async function main(): Promise<void> {
  const [kernel, initrd, gdb] = [await lab.debugKernel(), await lab.initrd(), await lab.gdb()];
  for (const thing of [kernel, initrd, gdb]) {
    if (!isAbsent(thing)) continue;
    console.log(`skipped: ${thing.missing}`);
    return;
  }
  if (isAbsent(kernel) || isAbsent(initrd) || isAbsent(gdb)) return;
  const unexplained = await judgeStops(gdb.command, { kernel: kernel.image, initrd }, kernel.vmlinux);
  await measureOpening(gdb.command, kernel.vmlinux, median);
  process.exitCode = unexplained > 0 ? 1 : 0;
}

const opened = process.argv[process.argv.indexOf('--open') + 1];
if (has('--open')) openHere(opened!, has('--keep'));
else
  main().catch((error: Error) => {
    console.error(error.stack);
    process.exitCode = 1;
  });
