/**
 * `vmxray run`: runs a guest to its end. The guest's serial line is on standard output and nothing else is: what the
 * program itself has to say goes to standard error.
 */
import { createMachine } from '../targets/create-machine';
import { describeEnd, MachineLoop, type LoopEnd } from '../targets/machine-loop';
import { SerialInput } from '../targets/serial-input';
import { describeOptions, parseOptions } from './options';
import { planRun, RUN_OPTIONS } from './run-options';
import { runUnderGdb } from './gdb/gdb-run';
import { openRecords } from './records';
import { CLOSED_PIPE, EXIT_CODE, SIGNALS } from './exit-codes';
import { openSerialLine, SerialClosed } from './serial-line';
import { optimizeLater } from './v8-flags';

/** The text of `vmxray run --help`. */
export const RUN_HELP = `Usage: vmxray run --kernel FILE [OPTIONS]

Options:
${describeOptions(RUN_OPTIONS.filter(({ testing }) => !testing))}

Testing:
${describeOptions(RUN_OPTIONS.filter(({ testing }) => testing))}

The end of standard input does not stop the guest. Exit codes: 0 the guest powered off or wrote to isa-debug-exit, or
you quit; 1 it crashed or can never wake; 2 a mistake in the options or files; 3 the limit of instructions was reached.
`;

/** Runs one guest. Resolves to the exit code; UserErrors for everything that the user has wrong. */
export async function runGuest(args: readonly string[]): Promise<number> {
  optimizeLater();
  const plan = planRun(parseOptions('run', RUN_OPTIONS, args));
  if (plan.gdb) return runUnderGdb(plan, plan.gdb);
  // Serial output before the line is open cannot be: the machine only runs below.
  let put = (_byte: number): void => {};
  const records = openRecords(plan);
  const machine = createMachine(plan.machine, plan.pace, (byte) => put(byte), records.profile);
  let keysCanCome = plan.serial.kind === 'stdio';
  const loop = new MachineLoop(machine, () => keysCanCome);
  const input = new SerialInput(machine);
  let stopCode: number | undefined;
  const stop = (code: number): void => {
    stopCode ??= code;
    loop.stop();
  };
  const serial = openSerialLine(plan.serial, {
    onBytes: (bytes) => {
      input.push(bytes);
      loop.wake();
    },
    onQuit: () => stop(EXIT_CODE.ended),
    onEnd: () => {
      keysCanCome = false;
      loop.wake();
    },
  });
  put = (byte) => serial.put(byte);
  for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => stop(code));

  let end: LoopEnd;
  try {
    end = await loop.run(plan.maxInstructions - machine.instructions, async () => {
      const fed = input.feed();
      await serial.flush();
      return fed;
    });
    await serial.flush();
  } catch (error) {
    if (!(error instanceof SerialClosed)) throw error;
    return CLOSED_PIPE;
  } finally {
    serial.close();
  }

  const { reason, sentence, debugExit } = describeEnd(machine, end);
  records.write(machine, reason, debugExit);
  if (stopCode !== undefined) return stopCode;
  if (end.reason === 'powered off' || end.reason === 'debug exit') return EXIT_CODE.ended;
  process.stderr.write(`vmxray: ${sentence}\n`);
  return end.reason === 'limit' ? EXIT_CODE.limit : EXIT_CODE.crashed;
}
