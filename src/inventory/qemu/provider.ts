/** The QEMUs of this machine in the tree: processes with QMP sockets, and machine files that say `engine: "qemu"`. */
import { ChangeBatch } from '../change-batch';
import type { Disposable } from '../disposable';
import { machineFilesIn, type ReadMachineFile, readMachineFile } from '../own/machine-files';
import type { ActionRun, DetailSection, EngineEvent, InventoryChange, Item, Metric, Provider } from '../provider';
import { QEMU_ACTIONS, type QemuAction } from './actions';
import { detailsOf } from './details';
import type { Emulator } from './emulator';
import { Emulators, type FindProcesses } from './emulators';
import { gone, noAction } from './errors';
import { feedEvent } from './feed';
import { isLaunchedFrom } from './launch';
import { machineOfEmulator, machineOfFile, type QemuMachine, qmpOf, splitId } from './machine';
import { QemuMetrics } from './metrics';
import { Operations } from './operations';
import type { QmpEvent } from '../../targets/qmp/qmp-client';
import { type BlockInfo, type CpuInfo, cpuRow, diskRow, machineRow, partFolders, snapshotRow, tableRows } from './rows';
import { deleteSnapshot, goBack, listSnapshots } from './snapshots';
import type { SocketAddress } from './socket-address';

const LOOK_MS = 700;

/** The window's side: machine files. */
export interface MachineFilesHost {
  /** The user's own folder of machines. */
  readonly store: string;
  workspaceFiles(): Promise<readonly string[]>;
  openFile(path: string): Promise<void>;
  onFilesChanged(listener: () => void): Disposable;
}

/** What the provider is made with. */
export interface QemuProviderOptions {
  /** QMP sockets that the settings name. */
  readonly addresses?: readonly SocketAddress[];
  readonly files?: MachineFilesHost | undefined;
  readonly processes?: FindProcesses;
}

export class QemuProvider implements Provider {
  readonly id = 'qemu';
  readonly label = 'QEMU';
  readonly kind = 'emulator';
  readonly actions = QEMU_ACTIONS;
  private readonly emulators: Emulators;
  private readonly operations: Operations;
  private readonly figures = new QemuMetrics();
  private readonly batches = new Set<ChangeBatch>();
  private readonly feeds = new Set<(event: EngineEvent) => void>();
  private readonly files: MachineFilesHost | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor({ addresses = [], files, processes }: QemuProviderOptions = {}) {
    this.files = files;
    this.emulators = new Emulators(
      addresses,
      {
        event: (emulator, event) => void this.onEvent(emulator, event),
        changed: () => {
          this.tell('all');
          void this.look();
        },
      },
      processes,
    );
    this.operations = new Operations({
      look: () => this.look(),
      find: async (id) => (await this.machines()).find((machine) => machine.id === id),
      others: ({ emulator }) => this.emulators.all().filter((other) => other !== emulator),
    });
  }

  async connect(): Promise<string> {
    await this.emulators.look();
    const versions = new Set(this.emulators.all().flatMap(({ version }) => version || []));
    return [...versions].sort().join(', ');
  }

  async children(parent: string | undefined, signal: AbortSignal): Promise<readonly Item[]> {
    if (parent === undefined) {
      await Promise.all(this.emulators.all().map((emulator) => emulator.refresh()));
      return (await this.machines()).map(machineRow);
    }
    const [machine, part] = await this.split(parent);
    const { emulator, id } = machine;
    if (!emulator?.isConnected) return [];
    const { qmp } = emulator;
    switch (part) {
      case undefined: {
        const cpus = await qmp.execute<readonly CpuInfo[]>('query-cpus-fast', undefined, { signal });
        return [...cpus.map((cpu) => cpuRow(id, cpu)), ...partFolders(id)];
      }
      case 'disks': {
        const blocks = await qmp.execute<readonly BlockInfo[]>('query-block', undefined, { signal });
        return blocks.map((block) => diskRow(id, block));
      }
      case 'snapshots':
        return (await listSnapshots(qmp, signal)).map((snapshot) => snapshotRow(id, snapshot));
      case 'tables':
        return tableRows(id);
      default:
        return [];
    }
  }

  watch(onChange: (change: InventoryChange) => void): Disposable {
    const batch = new ChangeBatch(onChange);
    this.batches.add(batch);
    const files = this.files?.onFilesChanged(() => batch.addAll());
    this.timer ??= setInterval(() => void this.look(), LOOK_MS);
    return {
      dispose: () => {
        files?.dispose();
        batch.dispose();
        this.batches.delete(batch);
        if (this.batches.size > 0) return;
        clearInterval(this.timer);
        this.timer = undefined;
      },
    };
  }

  async run(action: string, items: readonly string[], run: ActionRun): Promise<void> {
    if (!QEMU_ACTIONS.some(({ id }) => id === action)) throw noAction(action);
    for (const [index, item] of items.entries()) {
      run.signal.throwIfAborted();
      if (items.length > 1) run.progress(`${index + 1} of ${items.length}`, index / items.length);
      const [machine, part] = await this.split(item);
      await this.act(action as QemuAction, machine, part, run).finally(() => this.tell([machine.id]));
    }
  }

  async details(item: string, signal: AbortSignal): Promise<readonly DetailSection[]> {
    const [machine, part] = await this.split(item);
    return detailsOf(machine, part, signal);
  }

  async metrics(item: string, signal: AbortSignal): Promise<readonly Metric[] | undefined> {
    const [{ emulator }, part] = await this.split(item);
    return emulator?.isConnected && part === undefined ? this.figures.of(emulator, signal) : undefined;
  }

  events(listener: (event: EngineEvent) => void): Disposable {
    this.feeds.add(listener);
    return { dispose: () => this.feeds.delete(listener) };
  }

  dispose(): void {
    clearInterval(this.timer);
    for (const batch of this.batches) batch.dispose();
    this.batches.clear();
    this.feeds.clear();
    this.emulators.dispose();
  }

  private async act(action: QemuAction, machine: QemuMachine, part: string | undefined, run: ActionRun): Promise<void> {
    const { operations } = this;
    switch (action) {
      case 'start':
        return operations.start(machine, run, false);
      case 'startDebug':
        return operations.start(machine, run, true);
      case 'pause':
        return operations.command(machine, 'stop', run);
      case 'resume':
        return operations.command(machine, 'cont', run);
      case 'powerButton':
        return operations.command(machine, 'system_powerdown', run);
      case 'wakeUp':
        return operations.command(machine, 'system_wakeup', run);
      case 'attach':
        return operations.attach(machine, run);
      case 'reset':
        return operations.reset(machine, run);
      case 'console':
        return operations.console(machine, run);
      case 'monitorCommand':
        return operations.monitorCommand(machine, run);
      case 'edit':
        return machine.read && this.files?.openFile(machine.read.path);
      case 'snapshot':
        return operations.snapshot(machine, run);
      case 'dumpMemory':
        return operations.dump(machine, run);
      case 'migrate':
        return operations.migrate(machine, run);
      case 'balloon':
        return operations.balloon(machine, run);
      case 'quit':
        return operations.quit(machine, run);
      case 'goBack':
      case 'deleteSnapshot':
        return this.actOnSnapshot(action, machine, tagOf(part), run);
    }
  }

  private async actOnSnapshot(
    action: 'goBack' | 'deleteSnapshot',
    machine: QemuMachine,
    tag: string,
    run: ActionRun,
  ): Promise<void> {
    const qmp = qmpOf(machine);
    const [question, detail, verb] =
      action === 'goBack'
        ? [`Go back to "${tag}"?`, 'What the machine has done since is lost, on its disks as well.', 'Go Back']
        : [`Delete the snapshot "${tag}"?`, 'It goes from all disks of the machine.', 'Delete'];
    if (!(await run.desk.confirm(question, detail, verb))) return;
    await (action === 'goBack' ? goBack(qmp, tag, run) : deleteSnapshot(qmp, tag, run));
  }

  /** Files first, each with the QEMU that was started from it, then all other QEMUs. */
  private async machines(): Promise<readonly QemuMachine[]> {
    const running = this.emulators.all();
    const linked = new Set<Emulator>();
    const filed = (await this.machineFiles()).map((read) => {
      // While one migrates to the other there are two: the machine is still where it was.
      const own = running.filter((emulator) => isLaunchedFrom(read.path, emulator));
      const emulator = own.find(({ status }) => status !== 'inmigrate') ?? own[0];
      if (emulator) linked.add(emulator);
      return machineOfFile(read, emulator);
    });
    return [...filed, ...running.filter((emulator) => !linked.has(emulator)).map(machineOfEmulator)];
  }

  private async machineFiles(): Promise<readonly ReadMachineFile[]> {
    if (!this.files) return [];
    const paths = new Set([...(await this.files.workspaceFiles()), ...machineFilesIn(this.files.store)]);
    return [...paths].map(readMachineFile).filter(({ file }) => file?.engine === 'qemu');
  }

  private async split(item: string): Promise<readonly [QemuMachine, string | undefined]> {
    const [id, part] = splitId(item);
    const machine = (await this.machines()).find((one) => one.id === id);
    if (!machine) throw gone();
    return [machine, part];
  }

  private async look(): Promise<void> {
    const before = new Set(this.emulators.all().map(({ id }) => id));
    if (!(await this.emulators.look())) return;
    for (const { id } of this.emulators.all()) before.delete(id);
    for (const id of before) this.figures.forget(id);
    this.tell('all');
  }

  private async onEvent(emulator: Emulator, event: QmpEvent): Promise<void> {
    const { id, label } = await this.machineOf(emulator);
    for (const feed of this.feeds) feed(feedEvent(id, label, event));
    await emulator.refresh();
    // A shutdown or a migration says which process has a machine.
    this.tell(/^(SHUTDOWN|MIGRATION)$/.test(event.name) ? 'all' : [id, `${id}#snapshots`]);
  }

  private async machineOf(emulator: Emulator): Promise<QemuMachine> {
    const found = (await this.machines()).find((machine) => machine.emulator === emulator);
    return found ?? machineOfEmulator(emulator);
  }

  private tell(change: InventoryChange): void {
    for (const batch of this.batches) {
      if (change === 'all') batch.addAll();
      else batch.add(...change);
    }
  }
}

const tagOf = (part: string | undefined): string => {
  if (!part?.startsWith('snapshot:')) throw gone();
  return part.slice('snapshot:'.length);
};
