/**
 * One debugger at the machine: what each of its packets does. Knows the target and nothing of sockets. What is not known
 * is answered with an empty packet, what cannot be done with an error, and neither ends the session.
 * Source: "Debugging with GDB", appendix E (remote serial protocol).
 * NOT IMPLEMENTED: non-stop mode, the extended mode's `vRun` and `R`, tracepoints, `vFile`.
 */
import { UserError } from '../common/errors';
import type { Resume, Stop, Target } from '../targets/target';
import { Breakpoints } from './breakpoints';
import { malformed } from '../targets/gdb-wire/errors';
import { stillRuns } from './errors';
import { bytesOf, hexByte, parseCount } from '../targets/gdb-wire/hex';
import { MemoryAccess } from './memory-access';
import { PACKET_BYTES } from '../targets/gdb-wire/packets';
import { Queries } from './queries';
import { RegisterFile } from './register-file';
import type { RegisterLayout } from './register-layout';
import { parseOldResume, parseVCont, VCONT_ACTIONS, type ResumeRequest } from './resume-request';
import { stopReply, stopText } from './stop-reply';

/** Runs a line of the debug console; resolves to what it says. */
export type Monitor = (line: string) => Promise<string>;

/** What a session acts on. */
export interface SessionDoor {
  readonly target: Target;
  readonly layout: RegisterLayout;
  readonly monitor: Monitor;
  /** Sends a payload. */
  send(payload: string): void;
  /** The debugger wants no more acknowledgements once this request is answered. */
  stopAcknowledging(): void;
  /** The debugger lets go of the guest, or wants its end, once this request is answered. */
  leave(how: 'detach' | 'kill'): void;
  /** Something is wrong with VMXray itself. */
  complain(error: Error): void;
}

const THREAD = 1;
const NOTHING = '';
/** Numbers of gdb's own: EPERM, EFAULT, EINVAL. */
const ERROR_NUMBERS: Readonly<Record<string, number>> = { 'gdb/memory': 14, 'gdb/malformed': 22 };
const OTHER_ERROR = 1;
/** Half of a packet's bytes, two digits each, and room for its frame. */
const MOST_TEXT_BYTES = PACKET_BYTES / 2 - 16;

export class GdbSession {
  private readonly breakpoints = new Breakpoints();
  private readonly registers: RegisterFile;
  private readonly memory: MemoryAccess;
  private readonly queries: Queries;
  /** Somebody waits for the stop of the run at hand. */
  private isAwaited = false;
  private onFirstStop: (() => void) | undefined;

  constructor(private readonly door: SessionDoor) {
    const { target, layout } = door;
    this.registers = new RegisterFile(target, THREAD, layout);
    this.memory = new MemoryAccess(target, THREAD);
    this.queries = new Queries({
      target,
      thread: THREAD,
      layout,
      memory: this.memory,
      monitor: (line) => this.monitor(line),
      stopAcknowledging: () => door.stopAcknowledging(),
    });
  }

  /** A debugger that connects finds the guest at rest. */
  async begin(): Promise<void> {
    const { target } = this.door;
    if (!(await target.state()).running) return;
    const stopped = new Promise<void>((resolve) => (this.onFirstStop = resolve));
    await target.pause();
    await stopped;
  }

  /** Takes a request and answers it; the answer to one that lets the guest go on follows with the stop. Never rejects. */
  async receive(payload: string): Promise<void> {
    try {
      const answer = await this.answer(payload);
      if (answer !== undefined) this.door.send(answer);
    } catch (error) {
      this.door.send(this.errorReply(error as Error));
    }
  }

  /** The interrupt byte came: a guest at rest has nothing to interrupt. */
  async interrupt(): Promise<void> {
    await this.door.target.pause();
  }

  /** The guest has stopped. */
  async onStop(stop: Stop): Promise<void> {
    this.onFirstStop?.();
    this.onFirstStop = undefined;
    if (!this.isAwaited) return;
    this.isAwaited = false;
    this.say(stopText(stop));
    this.door.send(await this.replyTo(stop));
  }

  /** Takes the breakpoints away. */
  async end(): Promise<void> {
    await this.door.target.setBreakpoints(new Breakpoints().toSet());
  }

  private async answer(payload: string): Promise<string | undefined> {
    const letter = payload[0];
    const args = payload.slice(1);
    switch (letter) {
      case '?':
        return this.replyTo((await this.door.target.state()).stop);
      case 'g':
        return this.registers.all();
      case 'G':
        await this.registers.writeAll(bytesOf(args));
        return 'OK';
      case 'p':
        return this.registers.one(parseCount(args));
      case 'P':
        return this.writeRegister(args);
      case 'm':
        return this.memory.read(args);
      case 'M':
        return this.memory.write(args);
      case 'X':
        return this.memory.writeBinary(args);
      case 'Z':
      case 'z':
        return this.changeBreakpoint(letter === 'Z', args);
      case 'c':
      case 'C':
      case 's':
      case 'S':
        return this.resume(parseOldResume(letter, args));
      case 'v':
        return this.verbose(payload);
      case 'D':
        this.door.leave('detach');
        return 'OK';
      case 'k':
        this.door.leave('kill');
        return undefined;
      case 'H':
      case 'T':
      case 'q':
      case 'Q':
        return this.queries.answer(payload);
      default:
        return NOTHING;
    }
  }

  private verbose(payload: string): Promise<string | undefined> | string {
    if (payload === 'vCont?') return VCONT_ACTIONS;
    if (payload.startsWith('vCont;')) {
      const request = parseVCont(payload.slice('vCont;'.length));
      if (!request) throw malformed('no action of vCont is for thread 1');
      return this.resume(request);
    }
    if (/^vKill(;|$)/.test(payload)) {
      this.door.leave('kill');
      return 'OK';
    }
    return NOTHING;
  }

  private async writeRegister(args: string): Promise<string> {
    const [number, value] = args.split('=');
    await this.registers.write(parseCount(number), bytesOf(value ?? ''));
    return 'OK';
  }

  private async changeBreakpoint(isSet: boolean, args: string): Promise<string> {
    this.breakpoints.change(isSet, args);
    try {
      await this.door.target.setBreakpoints(this.breakpoints.toSet());
    } catch (error) {
      if (isSet) this.breakpoints.forget(args);
      throw error;
    }
    return 'OK';
  }

  private async resume(request: ResumeRequest): Promise<string | undefined> {
    const { target } = this.door;
    const { running, stop } = await target.state();
    if (request.kind === 'stop') return running ? void (await target.pause()) : this.replyTo(stop);
    if (running) throw stillRuns();
    if (stop?.reason === 'ended') {
      // gdb would take an error for the end of the connection.
      this.say(`The guest cannot go on: ${stop.end.text}\n`);
      return this.replyTo(stop);
    }
    const how = await this.toResume(request);
    this.isAwaited = true;
    try {
      await target.resume(THREAD, how);
    } catch (error) {
      this.isAwaited = false;
      throw error;
    }
    return undefined;
  }

  private async toResume(request: Exclude<ResumeRequest, { readonly kind: 'stop' }>): Promise<Resume> {
    const { target } = this.door;
    if (request.kind === 'range') {
      const { rip, linear } = await target.position(THREAD);
      const [start, end] = [request.start, request.end].map((offset) => BigInt.asUintN(64, offset - rip + linear));
      return { kind: 'stepRange', start: start!, end: end!, over: false };
    }
    if (request.at !== undefined) await target.writeRegister(THREAD, 'General', 'RIP', request.at);
    return { kind: request.kind };
  }

  private async replyTo(stop: Stop | undefined): Promise<string> {
    const registers = await this.registers.expedited(['rbp', 'rsp', 'rip', 'ebp', 'esp', 'eip']);
    const { rip } = await this.door.target.position(THREAD);
    const { breakpoints } = this;
    return stopReply(stop, { thread: THREAD, registers, rip, breakpoints, understood: this.queries.understood });
  }

  private async monitor(line: string): Promise<string> {
    let text: string;
    try {
      text = await this.door.monitor(line);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      text = error.message;
    }
    this.say(text.endsWith('\n') || text === '' ? text : `${text}\n`);
    return 'OK';
  }

  /** Shows a text in the debugger. Only while it waits for a stop, or for the answer to a `monitor`, does it look. */
  private say(text: string | undefined): void {
    for (let rest = Buffer.from(text ?? '', 'utf8'); rest.length > 0; rest = rest.subarray(MOST_TEXT_BYTES))
      this.door.send(`O${rest.toString('hex', 0, Math.min(MOST_TEXT_BYTES, rest.length))}`);
  }

  private errorReply(error: Error): string {
    if (!(error instanceof UserError)) this.door.complain(error);
    if (this.queries.understood.errorText) return `E.${error.message.replaceAll(/[^ -~]|[#$}*]/g, ' ')}`;
    const code = error instanceof UserError ? error.code : '';
    return `E${hexByte(ERROR_NUMBERS[code] ?? OTHER_ERROR)}`;
  }
}
