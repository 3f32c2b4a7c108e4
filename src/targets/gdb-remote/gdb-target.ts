/**
 * A VM behind a gdb stub as a target: QEMU's first, any other by the same protocol. What a stub cannot tell is said by
 * `describe` and refused with a sentence. NOT IMPLEMENTED: events, the stub's own serial line, reverse execution.
 */
import type { NetConnectOpts } from 'node:net';
import { UserError } from '../../common/errors';
import type { AddressSpace } from '../../protocol/address';
import type { MemoryMapAnswer, MemoryRegion } from '../../protocol/mappings';
import { lacking } from '../foreign-guest/errors';
import { ForeignTarget, NO_COUNTERS } from '../foreign-guest/foreign-target';
import type { GuestView } from '../foreign-guest/guest-view';
import { STUB_LACKS } from '../foreign-guest/lacks';
import { PAGE_BYTES } from '../foreign-guest/paged-memory';
import { keyOf, valueToWrite } from '../foreign-guest/register-values';
import type { BreakpointSet, Resume, Stop, TargetDescription, TargetEvent, TargetState, TargetThread } from '../target';
import { parseEndpoint } from './endpoint';
import { hasEnded, isRunning } from './errors';
import { type Monitor, StubGuest } from './guest';
import { askThroughQmp } from './qmp-monitor';
import { type RunEnd, StubRunner } from './runner';
import { StubStepper } from './stepper';
import { Stub } from './stub';

/** Where a VM's doors are. */
export interface GdbDoors {
  /** The stub: `HOST:PORT` or a socket's path. */
  readonly gdb: string;
  /** QEMU's QMP, for a stub without a monitor. */
  readonly qmp?: string | undefined;
  /** Path of the guest's kernel, if known. */
  readonly kernel?: string | undefined;
  /** Milliseconds that an answer may take; 10 s if left out. */
  readonly timeoutMs?: number | undefined;
}

const ENGINE = 'The gdb stub';

/** Attaches to a VM, which stops. Rejects with UserErrors. */
export async function attachGdb(doors: GdbDoors): Promise<GdbTarget> {
  const place = parseEndpoint('gdb', doors.gdb);
  const qmp = doors.qmp === undefined ? undefined : parseEndpoint('qmp', doors.qmp);
  const stub = await Stub.connect(place, doors.timeoutMs);
  try {
    await stub.lastStop();
    const guest = new StubGuest(stub, monitorOf(stub, qmp), await stub.threads());
    await guest.memoryRegions();
    return new GdbTarget(doors, guest);
  } catch (error) {
    stub.connection.close();
    throw error;
  }
}

/** The stub's own monitor, else the one behind QMP as long as that answers. */
function monitorOf(stub: Stub, door: NetConnectOpts | undefined): Monitor {
  let qmp = door;
  return async (line, cpu) => {
    const said = await stub.monitor(line, cpu);
    if (said !== undefined || !qmp) return said;
    const answer = await askThroughQmp(qmp, line, cpu).catch(() => undefined);
    if (answer === undefined) qmp = undefined;
    return answer;
  };
}

export class GdbTarget extends ForeignTarget {
  private readonly runner: StubRunner;
  private readonly stepper: StubStepper;
  private listener: (event: TargetEvent) => void = () => {};
  private runs = false;
  private isOver = false;
  private lastStop: Stop = { reason: 'pause' };

  constructor(
    private readonly doors: GdbDoors,
    private readonly guest: StubGuest,
  ) {
    super(ENGINE);
    this.runner = new StubRunner(guest, (id, text) => this.emit({ kind: 'log', id, text }));
    this.stepper = new StubStepper(guest, this.runner);
    guest.stub.connection.listen({
      stopped: (reply) => this.runner.onStop(reply),
      closed: (error) => this.onClosed(error),
    });
  }

  async describe(): Promise<TargetDescription> {
    const { gdb, kernel = '' } = this.doors;
    const memoryBytes = (await this.memory()).reduce(
      (sum, { start, end }) => sum + Number(BigInt(end) - BigInt(start)),
      0,
    );
    return { name: gdb, kernel, memoryBytes, bare: true, lacks: STUB_LACKS };
  }

  async state(): Promise<TargetState> {
    return { ...NO_COUNTERS, running: this.runs, ...(!this.runs && { stop: this.lastStop }) };
  }

  async threads(): Promise<readonly TargetThread[]> {
    return this.guest.threads.map((_, index) => ({ id: index + 1, name: `vCPU ${index}` }));
  }

  onEvent(listener: (event: TargetEvent) => void): void {
    this.listener = listener;
  }

  async resume(thread: number, how: Resume): Promise<void> {
    this.guest.nameOf(thread);
    this.requireRest();
    if (this.lastStop.reason === 'ended') throw hasEnded(this.lastStop.end.text);
    if (how.kind === 'stepExit') throw lacking(ENGINE, 'VM exits');
    this.runner.begin();
    this.runs = true;
    try {
      await this.runner.prepare();
    } catch (error) {
      this.runs = false;
      throw error;
    }
    this.emit({ kind: 'running' });
    // The answer to this comes before what follows from it.
    setImmediate(() => void this.run(thread, how));
  }

  async pause(): Promise<void> {
    if (this.runs) await this.runner.pause();
  }

  async setBreakpoints(breakpoints: BreakpointSet): Promise<void> {
    if (breakpoints.events.length > 0) throw lacking(ENGINE, 'events to stop at');
    this.runner.setBreakpoints(breakpoints);
  }

  async writeRegister(thread: number, group: string, name: string, value: bigint): Promise<bigint> {
    this.requireRest();
    const known = await this.registers(thread, group);
    const written = valueToWrite(known, group, name, value, 'the gdb stub does not take it');
    await this.guest.write(thread, keyOf(group, name), written);
    return (await this.registers(thread, group)).find((one) => one.name === name)?.value ?? 0n;
  }

  async writeMemory(thread: number, space: AddressSpace, address: bigint, bytes: Uint8Array): Promise<number> {
    this.requireRest();
    const view = await this.view(thread, 'quick');
    const { stub } = this.guest;
    const present = await view.read(space, address, bytes.length);
    const name = this.guest.nameOf(thread);
    const isTranslated = space === 'linear' && stub.hasPhysical;
    let done = 0;
    while (done < present.length) {
      const at = BigInt.asUintN(64, address + BigInt(done));
      const part = bytes.subarray(done, Math.min(present.length, done + PAGE_BYTES - Number(at % BigInt(PAGE_BYTES))));
      const to = isTranslated ? await view.translate(at) : at;
      if (to === undefined || !(await stub.writeMemory(name, to, part))) break;
      done += part.length;
    }
    this.guest.forget();
    return done;
  }

  async memoryMap(): Promise<MemoryMapAnswer> {
    this.requireRest();
    const regions = await this.guest.memoryRegions();
    if (regions.length === 0) throw lacking(ENGINE, 'what guest-physical memory holds');
    return { regions };
  }

  /** Takes the breakpoints back and lets the VM run on. */
  async detach(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    this.listener = () => {};
    const { connection } = this.guest.stub;
    try {
      if (this.runs) await this.runner.pause();
      await this.runner.clear();
      await this.guest.stub.detach(this.guest.nameOf(1));
    } catch (error) {
      // A stub that is gone, or hangs, has nothing to be tidied.
      if (!(error instanceof UserError)) throw error;
    } finally {
      connection.close();
    }
  }

  /** The VM is its engine's: it is let go. */
  dispose(): Promise<void> {
    return this.detach();
  }

  private async run(thread: number, how: Resume): Promise<void> {
    try {
      const end = await this.stepper.go(thread, how);
      await this.tell(end);
    } catch (error) {
      if (this.isOver) return;
      this.runs = false;
      if (!(error instanceof UserError)) return this.onClosed(error as Error);
      // The guest stands where it was when that went wrong.
      await this.tell({ thread, stop: { reason: 'pause', note: error.message } });
    }
  }

  private async tell({ thread, stop }: RunEnd): Promise<void> {
    if (this.isOver) return;
    if (stop?.reason !== 'ended') await this.runner.withdraw();
    this.lastStop = stop ?? { reason: 'step' };
    this.runs = false;
    this.emit({ kind: 'stopped', thread, stop: this.lastStop });
  }

  private onClosed(error: Error): void {
    this.runner.onClosed(error);
    // A VM that has ended takes its stub along.
    if (this.isOver || this.lastStop.reason === 'ended') return;
    this.isOver = true;
    this.runs = false;
    this.emit({ kind: 'closed', reason: error.message, last: NO_COUNTERS });
  }

  protected async view(thread: number, how: 'quick' | 'full'): Promise<GuestView> {
    this.guest.nameOf(thread);
    this.requireRest();
    return this.guest[how](thread);
  }

  protected canWrite(key: string): boolean {
    return this.guest.canWrite(key);
  }

  private async memory(): Promise<readonly MemoryRegion[]> {
    return !this.runs ? (await this.guest.memoryRegions()).filter(({ kind }) => kind === 'RAM') : [];
  }

  private requireRest(): void {
    if (this.runs) throw isRunning();
  }

  private emit(event: TargetEvent): void {
    this.listener(event);
  }
}
