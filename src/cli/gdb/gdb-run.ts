/** `vmxray run --gdb`: a guest whose run debuggers steer by the gdb remote protocol, its serial line in this terminal. */
import { GdbServer, type GdbEnd } from '../../gdb/server';
import type { Machine } from '../../machine/machine';
import { createMachine } from '../../targets/create-machine';
import { DEFAULT_MEMORY, parseSize, type MachineSettings, type RestoredSettings } from '../../targets/machine-settings';
import { OwnMachine } from '../../targets/own-machine';
import type { TargetDescription } from '../../targets/target';
import { CLOSED_PIPE, EXIT_CODE, SIGNALS } from '../exit-codes';
import { openRecords } from '../records';
import type { RunPlan } from '../run-options';
import { openSerialLine } from '../serial-line';
import { architectureOfKernel } from './architecture';
import { Audience } from './audience';
import type { GdbPlan } from './gdb-options';
import { consoleMonitor } from './monitor';

/** How the run came to its end: by what happened to the guest, or because this program is to end. */
type Ending = GdbEnd | { readonly kind: 'quit'; readonly code: number };

const VCPU = 1;

const say = (sentence: string): void => void process.stderr.write(`vmxray: ${sentence}\n`);

/** Runs one guest. Resolves to the exit code; rejects with UserErrors for everything that the user has wrong. */
export async function runUnderGdb(plan: RunPlan, { port, architecture, stop }: GdbPlan): Promise<number> {
  let machine: Machine | undefined;
  const records = openRecords(plan);
  const make = (onSerial: (byte: number) => void): Machine =>
    (machine = createMachine(plan.machine, plan.pace, onSerial, records.profile));
  const target = new OwnMachine(make, describe(plan.machine));
  const audience = new Audience(target);
  const server = new GdbServer({
    target: audience.steering(),
    architecture: architecture ?? ('restore' in plan.machine ? 'x86-64' : architectureOfKernel(plan.machine.kernel)),
    monitor: consoleMonitor(audience.looking()),
    keepsStopped: stop,
    log: say,
  });
  let quit = (_code: number): void => {};
  const quitting = new Promise<Ending>((resolve) => (quit = (code) => resolve({ kind: 'quit', code })));
  for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => quit(code));
  const serial = openSerialLine(plan.serial, {
    onBytes: (bytes) => void target.sendSerial(bytes),
    onQuit: () => quit(EXIT_CODE.ended),
    onEnd: () => {},
  });
  audience.join((event) => {
    if (event.kind !== 'serial') return;
    event.bytes.forEach((byte) => serial.put(byte));
    // The only way to fail: who read our output is gone.
    serial.flush().catch(() => quit(CLOSED_PIPE));
  });
  try {
    say(`gdb is let in: target remote 127.0.0.1:${await server.listen(port)}`);
    if (!stop) await target.resume(VCPU, { kind: 'continue' });
    const ending = await Promise.race([server.over, quitting]);
    await server.close();
    await target.dispose();
    const end = ending.kind === 'ended' ? ending.end : undefined;
    records.write(machine!, end?.reason ?? 'stop requested', end?.debugExit);
    return exitCode(ending);
  } finally {
    serial.close();
  }
}

function exitCode(ending: Ending): number {
  switch (ending.kind) {
    case 'quit':
      return ending.code;
    case 'killed':
      return EXIT_CODE.ended;
    case 'closed':
      throw new Error(ending.reason);
    case 'ended': {
      const { reason, text } = ending.end;
      if (reason === 'powered off' || reason === 'debug exit') return EXIT_CODE.ended;
      say(text);
      return EXIT_CODE.crashed;
    }
  }
}

function describe(settings: MachineSettings | RestoredSettings): TargetDescription {
  if ('restore' in settings) return { name: 'snapshot', kernel: settings.restore, memoryBytes: 0, bare: false };
  const { kernel, memory = DEFAULT_MEMORY, bare = false } = settings;
  return { name: kernel.split(/[\\/]/).at(-1) ?? kernel, kernel, memoryBytes: parseSize(memory), bare };
}
