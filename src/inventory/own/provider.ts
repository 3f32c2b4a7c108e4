/**
 * Our own machines in the tree: machine files of the workspace and of the user's store, and whatever else of ours runs.
 * Each runs in a process of its own, which outlives the window.
 */
import { existsSync } from 'node:fs';
import type { Disposable } from '../disposable';
import type { ActionRun, DetailSection, EngineEvent, InventoryChange, Item, Metric, Provider } from '../provider';
import { OWN_ACTIONS, type OwnAction } from './actions';
import { createMachine } from './create';
import { detailsOf } from './details';
import { isBusy, noAction, noItem, notRunning } from './errors';
import type { OwnHost } from './host';
import { LiveMachines, WANTED_ENDS, WHO } from './live-machines';
import { limitsOf } from './machine-file';
import { machineFilesIn, readMachineFile } from './machine-files';
import {
  clientItem,
  deviceItem,
  folderItem,
  labelOf,
  machineItem,
  type OwnMachineRow,
  snapshotItem,
  vcpuItem,
} from './machine-item';
import { MachineState } from './machine-state';
import { Operations } from './operations';
import { SerialStreams } from './serial-streams';
import { Usage } from './usage';
import { candidateFolders } from '../../targets/host/private-folder';
import { entryPath } from '../../targets/host/registry';

const LOOK_MS = 1500;
/** Actions that change nothing of a machine. */
const ONLY_LOOKS: readonly OwnAction[] = ['attach', 'console', 'edit', 'clone'];

interface Watcher {
  onChange(change: InventoryChange): void;
}

export class OwnProvider implements Provider {
  readonly id = 'own';
  readonly label = 'VMXray';
  readonly kind = 'emulator';
  readonly actions = OWN_ACTIONS;
  private readonly watchers = new Set<Watcher>();
  private readonly streams = new SerialStreams();
  private readonly busy = new Set<string>();
  private readonly usage = new Usage();
  private readonly listeners = new Set<(event: EngineEvent) => void>();
  private readonly live: LiveMachines;
  private readonly operations: Operations;
  private timer: NodeJS.Timeout | undefined;
  private seen = '';

  constructor(private readonly host: OwnHost) {
    const { program, version } = host;
    this.live = new LiveMachines(
      { program, version },
      {
        changed: (machine) => this.onChanged(machine),
        gone: (machine, reason, died) => this.onGone(machine, reason, died),
        serial: (machine, bytes) => this.streams.pass(machine, bytes),
        happened: (machine, text, isWarning) => void this.onHappened(machine, text, isWarning),
      },
    );
    this.operations = new Operations(this.live, (path) => this.stateOf(path));
  }

  async connect(): Promise<string> {
    const running = await this.runsWithFiles();
    // What a process that died without a word has left is gone after the first look.
    const left = new Set(
      running.flatMap(({ machine }) =>
        candidateFolders().some((folder) => existsSync(entryPath(folder, machine))) ? [machine] : [],
      ),
    );
    await this.live.look();
    for (const { path, machine } of running) {
      if (this.live.get(machine)) continue;
      const { machine: _, ...rest } = this.stateOf(path).run();
      const crash = left.has(machine) ? 'Its process has ended without a word while no window looked.' : undefined;
      this.stateOf(path).setRun({ ...rest, ...(crash && { crash }) });
    }
    return this.host.version;
  }

  async children(parent: string | undefined): Promise<readonly Item[]> {
    if (parent === undefined) return (await this.rows()).map((row) => machineItem(row));
    const [id, part] = split(parent);
    const row = await this.row(id);
    if (part === 'devices') return this.devicesOf(row);
    if (part === 'snapshots' || part?.startsWith('snapshot:'))
      return this.snapshotsOf(row, part === 'snapshots' ? undefined : part.slice('snapshot:'.length));
    if (part !== undefined) return [];
    const { live, path, snapshots } = row;
    const target = live?.target;
    const parts: Item[] = [];
    if (target) {
      const threads = await target.threads();
      for (const thread of threads) parts.push(vcpuItem(id, thread, await target.position(thread.id)));
      parts.push(folderItem(`${id}#devices`, 'Devices', 'chip'));
    }
    if (path !== undefined && snapshots > 0) parts.push(folderItem(`${id}#snapshots`, 'Snapshots', 'device-camera'));
    const clients = target ? (await target.clients()).filter(({ who }) => who !== WHO) : [];
    return [...parts, ...clients.map((client, index) => clientItem(id, client, index))];
  }

  watch(onChange: (change: InventoryChange) => void): Disposable {
    const watcher: Watcher = { onChange };
    this.watchers.add(watcher);
    const files = this.host.onFilesChanged(() => onChange('all'));
    this.timer ??= setInterval(() => void this.lookAgain(), LOOK_MS);
    return {
      dispose: () => {
        files.dispose();
        this.watchers.delete(watcher);
        if (this.watchers.size > 0) return;
        clearInterval(this.timer);
        this.timer = undefined;
      },
    };
  }

  async run(action: string, items: readonly string[], run: ActionRun): Promise<void> {
    if (action === 'create') {
      const path = await createMachine(this.host, run.desk);
      if (path !== undefined) this.tell('all');
      return;
    }
    if (!OWN_ACTIONS.some(({ id }) => id === action)) throw noAction(action);
    for (const [index, item] of items.entries()) {
      run.signal.throwIfAborted();
      if (items.length > 1) run.progress(`${index + 1} of ${items.length}`, index / items.length);
      const [id, part] = split(item);
      await this.alone(id, action as Exclude<OwnAction, 'create'>, part, run);
    }
    this.tell('all');
  }

  /** One thing at a time is done to a machine, but for what only looks at it. */
  private async alone(
    id: string,
    action: Exclude<OwnAction, 'create'>,
    part: string | undefined,
    run: ActionRun,
  ): Promise<void> {
    const row = await this.row(id);
    if (ONLY_LOOKS.includes(action)) return this.act(action, row, part, run);
    if (this.busy.has(id)) throw isBusy(labelOf(row));
    this.busy.add(id);
    this.tell('all');
    try {
      await this.act(action, row, part, run);
    } finally {
      this.busy.delete(id);
    }
  }

  async details(item: string): Promise<readonly DetailSection[]> {
    const [id, part] = split(item);
    const row = await this.row(id);
    return detailsOf(row, part, row.path === undefined ? undefined : this.stateOf(row.path));
  }

  async metrics(item: string): Promise<readonly Metric[] | undefined> {
    const [id, part] = split(item);
    if (part !== undefined) return undefined;
    const { live, file } = await this.row(id);
    if (!live?.target) return undefined;
    return this.usage.metrics(live.entry.id, live.entry.pid, await live.target.state(), file && limitsOf(file));
  }

  events(listener: (event: EngineEvent) => void): Disposable {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  }

  dispose(): void {
    clearInterval(this.timer);
    this.watchers.clear();
    void this.live.close();
  }

  private async act(
    action: Exclude<OwnAction, 'create'>,
    row: OwnMachineRow,
    part: string | undefined,
    run: ActionRun,
  ): Promise<void> {
    const { operations, live } = this;
    const snapshot = part?.startsWith('snapshot:') ? part.slice('snapshot:'.length) : '';
    switch (action) {
      case 'start':
        return operations.start(row, run, false);
      case 'startDebug':
        return operations.start(row, run, true);
      case 'chooseKernel':
        return operations.chooseKernel(row, run);
      case 'pause':
        return operations.pause(row, run.signal);
      case 'resume':
        return operations.resume(row);
      case 'attach':
        return operations.debug(row, row.live, run);
      case 'powerButton':
        return operations.pressPowerButton(row);
      case 'reset':
        return operations.reset(row, run);
      case 'suspend':
        return operations.suspend(row, run);
      case 'console': {
        const entry = row.live && live.get(row.live.entry.id);
        if (!entry?.target) throw notRunning(labelOf(row));
        run.desk.openTerminal(labelOf(row), this.streams.stream(entry.entry.id, entry.target), true);
        return;
      }
      case 'edit':
        if (row.path !== undefined) await this.host.openFile(row.path);
        return;
      case 'snapshot':
        return operations.takeSnapshot(row, run);
      case 'clone':
        return operations.clone(row, run);
      case 'kill':
        return operations.kill(row, run);
      case 'delete':
        return operations.delete(row, run);
      case 'goBack':
        return operations.goBack(row, snapshot, run);
      case 'compare':
        return operations.compare(row, snapshot, run);
      case 'deleteSnapshot':
        return operations.deleteSnapshot(row, snapshot, run);
    }
  }

  private async devicesOf({ id, live }: OwnMachineRow): Promise<readonly Item[]> {
    if (!live?.target) return [];
    return (await live.target.devices()).devices.map((device) => deviceItem(id, device));
  }

  private snapshotsOf({ id, path }: OwnMachineRow, parent: string | undefined): readonly Item[] {
    if (path === undefined) return [];
    const state = this.stateOf(path);
    const all = state.snapshots();
    const isTop = (of: string | undefined): boolean => !all.some((entry) => entry.id === of);
    const current = state.run().snapshot;
    return all
      .filter((entry) => (parent === undefined ? isTop(entry.parent) : entry.parent === parent))
      .map((entry) =>
        snapshotItem(
          id,
          entry,
          all.some((other) => other.parent === entry.id),
          entry.id === current,
        ),
      );
  }

  private async rows(): Promise<readonly OwnMachineRow[]> {
    const rows = (await this.paths()).flatMap((path): OwnMachineRow[] => {
      const { file, problems } = readMachineFile(path);
      // QEMU's branch has it.
      if (file?.engine === 'qemu') return [];
      const state = this.stateOf(path);
      const run = state.run();
      const live = run.machine === undefined ? undefined : this.live.get(run.machine);
      const isSuspended = state.suspended() !== undefined;
      const id = `file:${path}`;
      const isBusy = this.busy.has(id);
      return [{ id, isBusy, path, file, problems, run, live, snapshots: snapshotCount(state), isSuspended }];
    });
    const linked = new Set(rows.flatMap(({ live }) => live?.entry.id ?? []));
    const others = this.live
      .all()
      .filter(({ entry }) => !linked.has(entry.id))
      .map((live): OwnMachineRow => {
        const id = `live:${live.entry.id}`;
        return { id, problems: [], run: {}, live, snapshots: 0, isSuspended: false, isBusy: this.busy.has(id) };
      });
    return [...rows, ...others];
  }

  private async row(id: string): Promise<OwnMachineRow> {
    const row = (await this.rows()).find((one) => one.id === id);
    if (!row) throw noItem();
    return row;
  }

  private async paths(): Promise<readonly string[]> {
    return [...new Set([...(await this.host.workspaceFiles()), ...machineFilesIn(this.host.store)])];
  }

  private stateOf(path: string): MachineState {
    return new MachineState(this.host.store, path);
  }

  private async runsWithFiles(): Promise<readonly { readonly path: string; readonly machine: string }[]> {
    return (await this.paths()).flatMap((path) => {
      const { machine } = this.stateOf(path).run();
      return machine === undefined ? [] : [{ path, machine }];
    });
  }

  private onChanged(machine: string): void {
    this.tell('all');
    const live = this.live.get(machine);
    const stop = live?.state?.running === false ? live.state.stop : undefined;
    if (stop?.reason === 'ended' && WANTED_ENDS.includes(stop.end.reason)) void this.letGoOf(machine);
  }

  /** A guest that has ended as it wished leaves nothing to look at, unless somebody else is there. */
  private async letGoOf(machine: string): Promise<void> {
    const target = this.live.get(machine)?.target;
    const file = (await this.runsWithFiles()).find((run) => run.machine === machine);
    if (!target || !file) return;
    try {
      if ((await target.clients()).some(({ who }) => who !== WHO)) return;
      await this.live.kill(machine);
      this.onGone(machine, 'The guest has ended.', false);
    } catch {
      // It is gone by itself.
      return;
    }
  }

  private onGone(machine: string, reason: string, died: boolean): void {
    this.streams.end(machine, reason);
    this.usage.forget(machine);
    const said = this.onHappened(machine, died ? `Its process has died: ${reason}` : `Ended: ${reason}`, died);
    void said.then(() => this.noteEnd(machine, died ? reason : undefined)).finally(() => this.tell('all'));
  }

  /** Tells of something that has happened to a machine, under the id of its row. */
  private async onHappened(machine: string, text: string, isWarning: boolean): Promise<void> {
    if (this.listeners.size === 0) return;
    const time = new Date().toISOString();
    const file = (await this.runsWithFiles()).find((run) => run.machine === machine);
    const event = { time, item: file ? `file:${file.path}` : `live:${machine}`, text, isWarning };
    for (const listener of this.listeners) listener(event);
  }

  private async noteEnd(machine: string, crash: string | undefined): Promise<void> {
    for (const { path, machine: own } of await this.runsWithFiles()) {
      if (own !== machine) continue;
      const { snapshot } = this.stateOf(path).run();
      this.stateOf(path).setRun({ snapshot, crash });
    }
  }

  private async lookAgain(): Promise<void> {
    await this.live.lookAgain();
    const now = machineFilesIn(this.host.store).join('\n');
    if (now === this.seen) return;
    this.seen = now;
    this.tell('all');
  }

  private tell(change: InventoryChange): void {
    for (const watcher of this.watchers) watcher.onChange(change);
  }
}

/** A machine's id, and what names a part of it. A path may have any character. */
const ID = /^(file:.*\.vmxray\.json|live:[0-9a-f]+)(?:#(.*))?$/s;

function split(id: string): readonly [string, string | undefined] {
  const match = ID.exec(id);
  if (!match) throw noItem();
  return [match[1]!, match[2]];
}

function snapshotCount(state: MachineState): number {
  try {
    return state.snapshots().length;
  } catch {
    return 0;
  }
}
