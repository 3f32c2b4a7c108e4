/** What the actions do to QEMUs. */
import { join } from 'node:path';
import { makePrivateFolder } from '../../targets/host/private-folder';
import { parseSize } from '../../targets/machine-settings';
import type { ActionRun } from '../provider';
import { SharedStreams } from '../shared-streams';
import { attachConfiguration } from './debug';
import type { Emulator } from './emulator';
import { noSerial, runsAlready } from './errors';
import { launch, type LaunchOptions, removeSockets } from './launch';
import { fileOf, type QemuMachine, qmpOf } from './machine';
import { dumpMemory } from './memory-dump';
import { migrate } from './migration';
import { QmpClient } from '../../targets/qmp/qmp-client';
import { serialStream } from './serial-stream';
import { listSnapshots, takeSnapshot } from './snapshots';
import { addressText } from './socket-address';

const LONGEST_NAME = 100;
const QUIT_MS = 5000;

/** What the operations need of the provider. */
export interface OperationsHost {
  /** Looks for QEMUs at once. */
  look(): Promise<unknown>;
  /** The machine as it is now. */
  find(id: string): Promise<QemuMachine | undefined>;
  /** Other QEMUs that run. */
  others(machine: QemuMachine): readonly Emulator[];
}

export class Operations {
  private readonly lines = new SharedStreams();

  constructor(private readonly host: OperationsHost) {}

  async start(machine: QemuMachine, run: ActionRun, isDebugged: boolean): Promise<void> {
    if (machine.emulator) throw runsAlready(machine.label);
    const { path } = fileOf(machine);
    removeSockets(path);
    await this.launch(machine, run, { paused: isDebugged });
    const started = await this.host.find(machine.id);
    if (isDebugged && started) await this.attach(started, run);
  }

  async attach(machine: QemuMachine, { desk, signal }: ActionRun): Promise<void> {
    await desk.debug(await attachConfiguration(machine, signal));
  }

  /** Commands that need no more than their name. */
  async command(machine: QemuMachine, command: string, { signal }: ActionRun): Promise<void> {
    await qmpOf(machine).execute(command, undefined, { signal });
  }

  async reset(machine: QemuMachine, run: ActionRun): Promise<void> {
    const lost = 'What its guest has not written to disk is lost.';
    if (await run.desk.confirm(`Reset ${machine.label}?`, lost, 'Reset'))
      await this.command(machine, 'system_reset', run);
  }

  async quit(machine: QemuMachine, run: ActionRun): Promise<void> {
    const lost = 'Its process ends at once, as if the power were cut; disks and their snapshots stay.';
    if (!(await run.desk.confirm(`Quit QEMU of ${machine.label}?`, lost, 'Quit'))) return;
    await quitAndWait(qmpOf(machine));
    await this.host.look();
  }

  console({ id, label, emulator }: QemuMachine, { desk }: ActionRun): void {
    const line = emulator?.place.process?.line.serials[0];
    if (!line) throw noSerial(label);
    const find = async () => (await this.host.find(id))?.emulator?.place.process?.line.serials[0];
    // With its log a terminal shows all again that it has shown.
    const stream = this.lines.stream(id, () => serialStream(find));
    desk.openTerminal(label, stream, line.log !== undefined);
  }

  async monitorCommand(machine: QemuMachine, { desk, signal }: ActionRun): Promise<void> {
    const qmp = qmpOf(machine);
    const command = await desk.ask('Which command of the human monitor?', { placeholder: 'info qtree' });
    if (command === undefined || command.trim() === '') return;
    const text = await qmp.monitor(command, { signal });
    await desk.openDocument(`${machine.label}: ${command}`, 'plaintext', text.replaceAll('\r', ''));
  }

  async snapshot(machine: QemuMachine, run: ActionRun): Promise<void> {
    const qmp = qmpOf(machine);
    const known = (await listSnapshots(qmp, run.signal)).map(({ tag }) => tag);
    const value = `snapshot-${known.length + 1}`;
    const check = (text: string): string | undefined => {
      if (text.trim() === '' || text.length > LONGEST_NAME) return `Give it a name of 1 to ${LONGEST_NAME} characters.`;
      return known.includes(text) ? 'There is a snapshot of this name already.' : undefined;
    };
    const tag = await run.desk.ask('What shall the snapshot be called?', { value, check });
    if (tag !== undefined) await takeSnapshot(qmp, machine.label, tag, run);
  }

  async dump(machine: QemuMachine, run: ActionRun): Promise<void> {
    const path = await dumpMemory(qmpOf(machine), run);
    if (path !== undefined) run.desk.tell(`The memory of ${machine.label} is in ${path}.`);
  }

  async balloon(machine: QemuMachine, { desk, signal }: ActionRun): Promise<void> {
    const qmp = qmpOf(machine);
    const { actual } = await qmp.execute<{ actual: number }>('query-balloon', undefined, { signal });
    const value = `${Math.round(actual / 2 ** 20)}M`;
    const size = await desk.ask('How much memory shall the guest keep?', { value, check: sizeProblem });
    if (size !== undefined) await qmp.execute('balloon', { value: parseSize(size) }, { signal });
  }

  /** Migrates to a copy that is started for it, to a QEMU that waits, or to an address. */
  async migrate(machine: QemuMachine, run: ActionRun): Promise<void> {
    const { desk } = run;
    const qmp = qmpOf(machine);
    const waiting = this.host
      .others(machine)
      .filter(({ status, isConnected }) => isConnected && status === 'inmigrate');
    const copy = machine.read?.file ? [{ label: 'A new QEMU process here', value: 'copy' as const }] : [];
    const others = waiting.map((value) => ({
      label: value.place.name,
      description: `waits: ${value.place.process?.line.incoming ?? 'inmigrate'}`,
      value,
    }));
    const target = await desk.choose<'copy' | 'address' | Emulator>(`Migrate ${machine.label} to where?`, [
      ...copy,
      ...others,
      { label: 'An address...', value: 'address' },
    ]);
    if (target === undefined) return;
    if (target === 'copy') return this.migrateToCopy(machine, run);
    const uri = target === 'address' ? await askAddress(desk) : await incomingAddress(target);
    if (uri !== undefined) await migrate(qmp, uri, run);
  }

  private async migrateToCopy(machine: QemuMachine, run: ActionRun): Promise<void> {
    const source = qmpOf(machine);
    const sockets = await this.launch(machine, run, { incoming: true });
    // Not the connection that the tree holds: this one goes with the copy if the migration fails.
    const copy = await QmpClient.open({ path: sockets.debuggerQmp }, machine.label, run.signal);
    try {
      const uri = `unix:${sockets.qmp}.in`;
      await copy.execute('migrate-incoming', { uri });
      await migrate(source, uri, run);
    } catch (error) {
      await quitAndWait(copy).catch(() => undefined);
      throw error;
    } finally {
      copy.dispose();
    }
    await quitAndWait(source);
    await this.host.look();
  }

  private async launch(machine: QemuMachine, run: ActionRun, options: LaunchOptions) {
    const { path, file } = fileOf(machine);
    run.progress('Starting QEMU');
    const sockets = await launch(path, file, options);
    await this.host.look();
    return sockets;
  }
}

/** Ends a QEMU; resolves when its monitor is gone. */
async function quitAndWait(qmp: QmpClient): Promise<void> {
  const gone = new Promise<void>((resolve) => qmp.onClose(resolve));
  // The connection may end before the answer.
  await Promise.race([gone, qmp.execute('quit', undefined, { limitMs: QUIT_MS }).then(() => gone)]);
}

const askAddress = (desk: ActionRun['desk']): Promise<string | undefined> =>
  desk.ask('The address at which the other QEMU waits', {
    placeholder: 'tcp:host:port or unix:/path',
    check: (text) => (/^(tcp:[^:]+:\d+|unix:.+)$/.test(text) ? undefined : 'Write tcp:host:port or unix:/path.'),
  });

/** Where a waiting QEMU takes a migration; one that has not been told yet is told now. */
async function incomingAddress({ qmp, place }: Emulator): Promise<string> {
  const incoming = place.process?.line.incoming ?? 'defer';
  if (incoming !== 'defer') return incoming;
  const address = { kind: 'unix', path: join(makePrivateFolder(), `${place.process?.pid ?? 0}.in`) } as const;
  await qmp.execute('migrate-incoming', { uri: addressText(address) });
  return addressText(address);
}

function sizeProblem(text: string): string | undefined {
  try {
    parseSize(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
