/** The machines of ours that run, each with a connection of its own, and what is known of them without asking. */
import { readdirSync, statSync } from 'node:fs';
import { candidateFolders } from '../../targets/host/private-folder';
import { attachHosted, launchHosted, type HostLaunch } from '../../targets/host/launch';
import type { HostedMachine } from '../../targets/host/hosted-machine';
import { listMachines } from '../../targets/host/registry';
import type { MachineEntry } from '../../protocol/host';
import type { MachineSettings, Pace, RestoredSettings } from '../../targets/machine-settings';
import type { EndReason, Stop, TargetDescription, TargetEvent, TargetState } from '../../targets/target';

/** A machine that runs, as far as it is known. */
export interface LiveMachine {
  readonly entry: MachineEntry;
  /** Absent where it could not be connected to; `trouble` says why. */
  readonly target?: HostedMachine;
  readonly trouble?: string;
  readonly description?: TargetDescription;
  state?: TargetState | undefined;
}

/** What the machines tell. */
export interface LiveListener {
  /** This machine is new, has stopped, or goes on. */
  changed(machine: string): void;
  /** A machine is gone; `died` if its process said no word. */
  gone(machine: string, reason: string, died: boolean): void;
  /** What a guest sent on its serial line. */
  serial(machine: string, bytes: Uint8Array): void;
  /** Something has happened to a machine, in a sentence. */
  happened(machine: string, text: string, isWarning: boolean): void;
}

/** How this process says who it is to a machine. */
export const WHO = `VS Code window, process ${process.pid}`;

export class LiveMachines {
  private readonly machines = new Map<string, LiveMachine>();
  private looking: Promise<void> | undefined;
  private seen = '';

  constructor(
    private readonly how: HostLaunch,
    private readonly listener: LiveListener,
  ) {}

  /** Those known now. */
  all(): readonly LiveMachine[] {
    return [...this.machines.values()];
  }

  get(machine: string): LiveMachine | undefined {
    return this.machines.get(machine);
  }

  /** Looks for machines that have come, and forgets those that went unheard. One look at a time. */
  look(): Promise<void> {
    return (this.looking ??= this.lookOnce().finally(() => (this.looking = undefined)));
  }

  /** The same, but only if the folders that list machines have changed. */
  async lookAgain(): Promise<void> {
    if (listedNow() !== this.seen || this.all().some(({ trouble }) => trouble)) await this.look();
  }

  /** Starts a machine that outlives this process; it has not run yet. Rejects with UserErrors. */
  async launch(settings: MachineSettings | RestoredSettings, pace: Pace): Promise<LiveMachine> {
    const target = await launchHosted(settings, pace, { ...this.how, keep: true, who: WHO });
    return this.add(target);
  }

  /** Hangs up on all of them, which changes nothing for them. */
  async close(): Promise<void> {
    const open = this.all();
    this.machines.clear();
    await Promise.all(open.map(async ({ target }) => target?.leave()));
  }

  /** Ends a machine. */
  async kill(machine: string): Promise<void> {
    const target = this.machines.get(machine)?.target;
    this.machines.delete(machine);
    await target?.dispose();
  }

  private async lookOnce(): Promise<void> {
    this.seen = listedNow();
    const listed = await listMachines();
    const ids = new Set(listed.map(({ id }) => id));
    for (const { entry, target } of this.all()) {
      // One with a connection says itself when it goes.
      if (target || ids.has(entry.id)) continue;
      this.machines.delete(entry.id);
      this.listener.gone(entry.id, 'it has ended.', false);
    }
    await Promise.all(
      listed
        .filter(({ id }) => !this.machines.get(id)?.target)
        .map(async (entry) => {
          try {
            const target = await attachHosted(entry.id, this.how.version, WHO);
            if (this.machines.get(entry.id)?.target) await target.leave();
            else await this.add(target);
          } catch (error) {
            this.machines.set(entry.id, { entry, trouble: (error as Error).message });
          }
          this.listener.changed(entry.id);
        }),
    );
  }

  private async add(target: HostedMachine): Promise<LiveMachine> {
    const { id } = target.entry;
    const events: TargetEvent[] = [];
    let live: LiveMachine | undefined = undefined;
    target.onEvent((event) => (live ? this.take(live, event) : events.push(event)));
    const [description, state] = await Promise.all([target.describe(), target.state()]);
    live = { entry: target.entry, target, description, state };
    this.machines.set(id, live);
    for (const event of events) this.take(live, event);
    return live;
  }

  /** How far it has come is not in the event. */
  private async readState(live: LiveMachine): Promise<void> {
    try {
      live.state = (await live.target?.state()) ?? live.state;
    } catch {
      // It is gone, which is told by itself.
      return;
    }
    this.listener.changed(live.entry.id);
  }

  private take(live: LiveMachine, event: TargetEvent): void {
    const { id } = live.entry;
    const { state } = live;
    switch (event.kind) {
      case 'serial':
        this.listener.serial(id, event.bytes);
        return;
      case 'running':
        if (state) live.state = { ...state, running: true };
        this.listener.happened(id, 'Runs.', false);
        this.listener.changed(id);
        return;
      case 'stopped':
        if (state) live.state = { ...state, running: false, stop: event.stop };
        this.listener.happened(id, sayStop(event.stop), isTrouble(event.stop));
        void this.readState(live);
        return;
      case 'closed':
        if (!this.machines.delete(id)) return;
        this.listener.gone(id, event.reason, event.died === true);
        return;
      case 'edited':
        this.listener.happened(id, 'A debugger has edited its state.', false);
        this.listener.changed(id);
        return;
      case 'log':
        return;
    }
  }
}

/** Ends that the guest wanted. */
export const WANTED_ENDS: readonly EndReason[] = ['powered off', 'debug exit'];

const isTrouble = (stop: Stop): boolean =>
  stop.reason === 'entry failure' || (stop.reason === 'ended' && !WANTED_ENDS.includes(stop.end.reason));

/** Why it has stopped, in a sentence. */
function sayStop(stop: Stop): string {
  switch (stop.reason) {
    case 'ended':
      return stop.end.text;
    case 'entry failure':
      return stop.text;
    case 'vm exit':
      return `Stopped after a VM exit: ${stop.exit.name}.`;
    case 'exception':
      return `Stopped at an exception: ${stop.exception.name}.`;
    case 'breakpoint':
    case 'data breakpoint':
      return `Stopped at a ${stop.reason} (0x${stop.linear.toString(16)}).`;
    case 'pause':
      return 'Paused.';
    case 'step':
    case 'address space':
      return 'Stopped after a step.';
  }
}

/** The names in the folders that list machines, and when these last changed: cheap to ask for. */
function listedNow(): string {
  return candidateFolders()
    .map((folder) => {
      try {
        return `${statSync(folder).mtimeMs} ${readdirSync(folder).join(' ')}`;
      } catch {
        return '';
      }
    })
    .join('\n');
}
