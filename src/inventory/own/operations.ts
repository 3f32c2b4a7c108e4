/** What is done to our own machines, one method for each action. */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostedMachine } from '../../targets/host/hosted-machine';
import type { ActionRun } from '../provider';
import { compareMoments, type Moment } from './compare';
import { askName, unusedName, writeMachineFile } from './create';
import { badMachine, noFile, notRunning, isRunning } from './errors';
import type { LiveMachine, LiveMachines } from './live-machines';
import { debugSettingsOf, limitsOf, MACHINE_FILE_SUFFIX, type MachineFile, settingsOf } from './machine-file';
import { readFacts, readKeptFacts, writeFacts } from './machine-facts';
import { labelOf, type OwnMachineRow } from './machine-item';
import type { MachineState, SnapshotEntry } from './machine-state';

const VCPU = 1;
/** How debuggers call themselves, in this window, another one or a terminal. */
const DEBUGGER = /^process \d+$/;
const PAUSE_MS = 10_000;
const LONGEST_NAME = 100;

/** A machine with a file that is good, and what is kept beside it. */
interface Filed {
  readonly path: string;
  readonly file: MachineFile;
  readonly state: MachineState;
}

export class Operations {
  constructor(
    private readonly live: LiveMachines,
    private readonly stateOf: (path: string) => MachineState,
  ) {}

  /** Starts a machine, or what it was suspended to; it runs unless a debugger shall have it first. */
  async start(row: OwnMachineRow, run: ActionRun, debug: boolean): Promise<void> {
    const filed = this.requireFile(row);
    if (row.live) await this.live.kill(row.live.entry.id);
    run.progress('Starting');
    const suspended = filed.state.suspended();
    const live = suspended ? await this.restore(filed, suspended) : await this.boot(filed);
    // Whoever goes on from it leaves it behind.
    if (suspended) filed.state.setSuspended(undefined);
    const target = requireTarget(live, row);
    if (debug) return this.debug(row, live, run);
    await target.resume(VCPU, { kind: 'continue' });
  }

  /** Boots another file from now on: the one that the machine file names is not there. */
  async chooseKernel({ path, file }: OwnMachineRow, run: ActionRun): Promise<void> {
    const kernel = await run.desk.chooseFile('Which kernel shall the machine boot?', {});
    if (path === undefined || !file || kernel === undefined) return;
    writeFileSync(path, `${JSON.stringify({ ...file, kernel }, undefined, 2)}\n`);
  }

  /** Attaches a debug session; one that is not the first is told so before. */
  async debug(row: OwnMachineRow, live: LiveMachine | undefined, run: ActionRun): Promise<void> {
    if (!live) throw notRunning(labelOf(row));
    const { path, file } = row;
    const others = ((await live.target?.clients()) ?? []).filter(({ who }) => DEBUGGER.test(who));
    if (others[0]) {
      const question = `${labelOf(row)} is being debugged already. Debug it too?`;
      const who = others.map(({ who, since }) => `${who} since ${since.slice(11, 19)}`).join(', ');
      const detail = `By ${who}. Every debugger sees every stop and each other's edits, and has breakpoints of its own.`;
      if (!(await run.desk.confirm(question, detail, 'Debug Too'))) return;
    }
    return run.desk.debug({
      request: 'attach',
      name: labelOf(row),
      machine: live.entry.id,
      ...(path !== undefined && file && debugSettingsOf(path, file)),
    });
  }

  async pause(row: OwnMachineRow, signal: AbortSignal): Promise<void> {
    await paused(requireTarget(row.live, row), signal);
  }

  async resume(row: OwnMachineRow): Promise<void> {
    await requireTarget(row.live, row).resume(VCPU, { kind: 'continue' });
  }

  async pressPowerButton(row: OwnMachineRow): Promise<void> {
    await requireTarget(row.live, row).pressPowerButton();
  }

  /** Ends the machine's process and boots it anew; one that was paused stays so. */
  async reset(row: OwnMachineRow, run: ActionRun): Promise<void> {
    const filed = this.requireFile(row);
    if (!row.live) throw notRunning(labelOf(row));
    const wasRunning = row.live.state?.running === true;
    const lost = 'Its memory and its registers are lost, and debuggers that are attached to it lose it.';
    if (!(await run.desk.confirm(`Reset ${labelOf(row)}?`, lost, 'Reset'))) return;
    await this.live.kill(row.live.entry.id);
    const target = requireTarget(await this.boot(filed), row);
    if (wasRunning) await target.resume(VCPU, { kind: 'continue' });
  }

  async kill(row: OwnMachineRow, run: ActionRun): Promise<void> {
    const name = labelOf(row);
    const { path, live } = row;
    const isOver = live?.state?.stop?.reason === 'ended' && !live.state.running;
    const lost = live
      ? 'Its memory and its registers are lost; snapshots stay.'
      : 'What it was suspended to is deleted; snapshots stay.';
    if (!isOver && !(await run.desk.confirm(`Kill ${name}?`, lost, 'Kill'))) return;
    if (live) await this.live.kill(live.entry.id);
    if (path === undefined) return;
    const state = this.stateOf(path);
    state.setSuspended(undefined);
    state.setRun({});
  }

  /** Deletes a machine with all that is kept of it. */
  async delete(row: OwnMachineRow, run: ActionRun): Promise<void> {
    const { path, live, snapshots } = row;
    if (path === undefined) throw noFile(labelOf(row));
    if (live) throw isRunning(labelOf(row));
    const also = snapshots > 0 ? ` and its ${snapshots === 1 ? 'snapshot' : `${snapshots} snapshots`}` : '';
    const goes = `The machine file ${path}${also} are deleted. Its kernel and other files stay.`;
    if (!(await run.desk.confirm(`Delete ${labelOf(row)}?`, also ? goes : goes.replace(' are ', ' is '), 'Delete')))
      return;
    rmSync(path, { force: true });
    this.stateOf(path).remove();
  }

  async clone(row: OwnMachineRow, run: ActionRun): Promise<void> {
    const { path, file } = this.requireFile(row);
    const folder = dirname(path);
    const name = await askName(
      run.desk,
      `What shall the clone of ${labelOf(row)} be called?`,
      folder,
      unusedName(folder, labelOf(row)),
    );
    if (name === undefined) return;
    const { name: _, ...rest } = file;
    writeMachineFile(join(folder, `${name}${MACHINE_FILE_SUFFIX}`), rest);
  }

  /** Saves the machine's state to disk and ends its process. */
  async suspend(row: OwnMachineRow, run: ActionRun): Promise<void> {
    const { state } = this.requireFile(row);
    if (!row.live) throw notRunning(labelOf(row));
    const target = requireTarget(row.live, row);
    const wasRunning = await paused(target, run.signal);
    run.progress('Writing');
    try {
      state.setSuspended(await this.save(state, row, target, 'suspended'));
    } catch (error) {
      if (wasRunning) await target.resume(VCPU, { kind: 'continue' });
      throw error;
    }
    await this.live.kill(row.live.entry.id);
    const { machine: _, ...rest } = state.run();
    state.setRun(rest);
  }

  async takeSnapshot(row: OwnMachineRow, run: ActionRun): Promise<void> {
    const { state } = this.requireFile(row);
    const target = requireTarget(row.live, row);
    const check = (text: string): string | undefined =>
      text.trim() === '' || text.length > LONGEST_NAME
        ? `Give it a name of 1 to ${LONGEST_NAME} characters.`
        : undefined;
    const value = `Snapshot ${state.snapshots().length + 1}`;
    const name = await run.desk.ask('What shall the snapshot be called?', { value, check });
    if (name === undefined) return;
    const wasRunning = await paused(target, run.signal);
    run.progress('Writing');
    try {
      const entry = await this.save(state, row, target, name);
      state.addSnapshot(entry);
      state.setRun({ ...state.run(), snapshot: entry.id });
    } finally {
      if (wasRunning) await target.resume(VCPU, { kind: 'continue' });
    }
  }

  /** Makes the machine what it was when the snapshot was taken; it is paused then. */
  async goBack(row: OwnMachineRow, id: string, run: ActionRun): Promise<void> {
    const filed = this.requireFile(row);
    const entry = filed.state.snapshot(id);
    const lost = 'What it has done since its last snapshot is lost, and debuggers that are attached to it lose it.';
    if (row.live && !(await run.desk.confirm(`Go back to "${entry.name}"?`, lost, 'Go Back'))) return;
    if (row.live) await this.live.kill(row.live.entry.id);
    filed.state.setSuspended(undefined);
    run.progress('Reading');
    await this.restore(filed, entry);
  }

  async deleteSnapshot(row: OwnMachineRow, id: string, run: ActionRun): Promise<void> {
    const { state } = this.requireFile(row);
    const { name } = state.snapshot(id);
    if (!(await run.desk.confirm(`Delete the snapshot "${name}"?`, 'Its file is deleted.', 'Delete'))) return;
    state.removeSnapshot(id);
  }

  /** Shows what differs between a snapshot and another one, or the machine as it is. */
  async compare(row: OwnMachineRow, id: string, run: ActionRun): Promise<void> {
    const { state } = this.requireFile(row);
    const entry = state.snapshot(id);
    const target = row.live?.target;
    const others = state.snapshots().filter((other) => other.id !== id);
    const present = target ? [{ label: 'The machine as it is', description: 'it pauses for a moment', value: '' }] : [];
    const other = await run.desk.choose(`Compare "${entry.name}" with what?`, [
      ...present,
      ...others.map(({ id: value, name, taken }) => ({ label: name, description: taken, value })),
    ]);
    if (other === undefined) return;
    run.progress('Comparing');
    const temporary = join(tmpdir(), `vmxray-${randomBytes(8).toString('hex')}.vmxsnap`);
    try {
      const kept = (path: string): Moment => ({ path, facts: readKeptFacts(path) });
      const present = other === '' ? await this.present(row, temporary, run) : kept(state.pathOf(other));
      const [left, right] = compareMoments(kept(state.pathOf(id)), present);
      const name = others.find((one) => one.id === other)?.name ?? 'now';
      await run.desk.compare(`${entry.name} and ${name}`, 'plaintext', left, right);
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  /** The machine as it is, in a file of its own; one that runs goes on afterwards. */
  private async present(row: OwnMachineRow, path: string, run: ActionRun): Promise<Moment> {
    const machine = requireTarget(row.live, row);
    const wasRunning = await paused(machine, run.signal);
    try {
      await machine.saveSnapshot(path);
      return { path, facts: await readFacts(machine) };
    } finally {
      if (wasRunning) await machine.resume(VCPU, { kind: 'continue' });
    }
  }

  private async boot({ path, file, state }: Filed): Promise<LiveMachine> {
    const live = await this.live.launch(settingsOf(path, file), file.pace ?? 'wall');
    state.setRun({ machine: live.entry.id });
    return live;
  }

  private async restore({ file, state }: Filed, { id, identity }: SnapshotEntry): Promise<LiveMachine> {
    const live = await this.live.launch(
      { restore: state.pathOf(id), identity, limits: limitsOf(file) },
      file.pace ?? 'wall',
    );
    const isSnapshot = state.snapshots().some((entry) => entry.id === id);
    state.setRun({ machine: live.entry.id, snapshot: isSnapshot ? id : state.run().snapshot });
    return live;
  }

  private async save(
    state: MachineState,
    row: OwnMachineRow,
    target: HostedMachine,
    name: string,
  ): Promise<SnapshotEntry> {
    const id = state.newSnapshotId();
    const facts = await target.saveSnapshot(state.pathOf(id));
    try {
      writeFacts(state.pathOf(id), await readFacts(target));
    } catch (error) {
      state.removeFile(id);
      throw error;
    }
    const identity = { ...(await target.describe()), name: labelOf(row) };
    return { id, name, parent: state.run().snapshot, taken: new Date().toISOString(), ...facts, identity };
  }

  private requireFile(row: OwnMachineRow): Filed {
    const { path, file, problems } = row;
    if (path === undefined) throw noFile(labelOf(row));
    if (!file || problems[0]) throw badMachine(path, problems[0]?.message ?? readFileSync(path, 'utf8').slice(0, 60));
    return { path, file, state: this.stateOf(path) };
  }
}

function requireTarget(live: LiveMachine | undefined, row: OwnMachineRow): HostedMachine {
  if (!live?.target) throw notRunning(labelOf(row));
  return live.target;
}

/** Pauses a machine and waits until it stands; gives whether it ran. */
async function paused(target: HostedMachine, signal: AbortSignal): Promise<boolean> {
  const wasRunning = (await target.state()).running;
  if (!wasRunning) return false;
  await target.pause();
  for (const deadline = Date.now() + PAUSE_MS; (await target.state()).running; await sleep(10)) {
    signal.throwIfAborted();
    if (Date.now() > deadline) throw new Error('The machine does not pause.');
  }
  return true;
}
