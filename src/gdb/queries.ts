/**
 * What a debugger asks and settles besides running: features, threads, descriptions, monitor commands. Source:
 * "Debugging with GDB", E.4 (general query packets); the names that begin with `qemu` are QEMU's ("GDB usage").
 */
import { UserError } from '../common/errors';
import type { Target } from '../targets/target';
import { malformed } from '../targets/gdb-wire/errors';
import { noThread } from './errors';
import { hexOfText, parseCount, parseNumber, textOf } from '../targets/gdb-wire/hex';
import type { MemoryAccess } from './memory-access';
import { LINEAR_MAP, physicalMap } from './memory-map';
import { memoryRegion } from './memory-regions';
import { escapeBinary, PACKET_BYTES } from '../targets/gdb-wire/packets';
import type { RegisterLayout } from './register-layout';
import { describeTarget } from './target-description';

/** What queries are about. */
export interface QueryDoor {
  readonly target: Target;
  readonly thread: number;
  readonly layout: RegisterLayout;
  readonly memory: MemoryAccess;
  /** Runs a line, shows what it says, and resolves to the answer. */
  monitor(line: string): Promise<string>;
  stopAcknowledging(): void;
}

const NOTHING = '';
/** Any byte of a binary answer may need an escape. */
const MOST_PIECE = PACKET_BYTES / 2 - 8;

const FEATURES = [
  `PacketSize=${PACKET_BYTES.toString(16)}`,
  'QStartNoAckMode+',
  'qXfer:features:read+',
  'qXfer:memory-map:read+',
  'swbreak+',
  'hwbreak+',
  'vContSupported+',
  'multiprocess-',
].join(';');

export class Queries {
  /** What the debugger has said that it understands. */
  readonly understood = { swbreak: false, hwbreak: false, errorText: false };
  private description: string | undefined;

  constructor(private readonly door: QueryDoor) {}

  /** Answers a packet that begins with `q`, `Q`, `H` or `T`. Throws UserErrors. */
  async answer(payload: string): Promise<string> {
    if (payload.startsWith('H') || payload.startsWith('T')) return this.thread(payload);
    const [, name = payload, args = ''] = /^([^:;,]+)[:;,]?(.*)$/s.exec(payload) ?? [];
    switch (name) {
      case 'qSupported':
        return this.supported(args);
      case 'QStartNoAckMode':
        this.door.stopAcknowledging();
        return 'OK';
      case 'qXfer':
        return this.transfer(args);
      case 'qC':
        return `QC${this.id}`;
      case 'qfThreadInfo':
        return `m${this.id}`;
      case 'qsThreadInfo':
        return 'l';
      case 'qThreadExtraInfo':
        return this.extraInfo(args);
      case 'qMemoryRegionInfo':
        return memoryRegion(this.door.target, this.door.thread, parseNumber(args));
      case 'qAttached':
        return '1';
      case 'qSymbol':
        return 'OK';
      case 'qRcmd':
        return this.door.monitor(textOf(args));
      case 'qqemu.PhyMemMode':
        return this.door.memory.isPhysical ? '1' : '0';
      case 'Qqemu.PhyMemMode':
        return this.setPhysical(args);
      default:
        return NOTHING;
    }
  }

  private get id(): string {
    return this.door.thread.toString(16);
  }

  private supported(args: string): string {
    const said = new Set(args.split(';'));
    this.understood.swbreak = said.has('swbreak+');
    this.understood.hwbreak = said.has('hwbreak+');
    this.understood.errorText = said.has('error-message+');
    return this.understood.errorText ? `${FEATURES};error-message+` : FEATURES;
  }

  /** `Hg`, `Hc`: which thread what follows is about; `T`: whether it is alive. There is one; 0 is any, -1 is all. */
  private thread(payload: string): string {
    const isChoice = payload.startsWith('H');
    const id = payload.slice(isChoice ? 2 : 1);
    if (!(isChoice && (id === '-1' || parseCount(id) === 0))) this.requireThread(id);
    return 'OK';
  }

  private requireThread(id: string): void {
    if (parseCount(id) !== this.door.thread) throw noThread(id);
  }

  private async extraInfo(id: string): Promise<string> {
    this.requireThread(id);
    const { target, thread } = this.door;
    const name = (await target.threads()).find((one) => one.id === thread)?.name ?? 'vCPU';
    return hexOfText(`${name}, ${(await target.position(thread)).mode}`);
  }

  /** `object:read:annex:offset,length`. */
  private async transfer(args: string): Promise<string> {
    const [object, verb, annex, window = ''] = args.split(':');
    if (verb !== 'read') return NOTHING;
    if (object === 'features') {
      if (annex !== 'target.xml') throw new UserError('gdb/annex', 'The only description is target.xml.');
      const { target, thread, layout } = this.door;
      return piece((this.description ??= await describeTarget(target, thread, layout)), window);
    }
    return object === 'memory-map' ? piece(await this.memoryMap(), window) : NOTHING;
  }

  private async memoryMap(): Promise<string> {
    const { target, memory } = this.door;
    return memory.isPhysical ? physicalMap((await target.memoryMap()).regions) : LINEAR_MAP;
  }

  private setPhysical(value: string): string {
    if (value !== '0' && value !== '1') throw malformed('PhyMemMode is 0 or 1');
    this.door.memory.isPhysical = value === '1';
    return 'OK';
  }
}

/** The part of a text that is asked for, with whether more follows. */
function piece(text: string, window: string): string {
  const [offset, length] = window.split(',');
  const bytes = Buffer.from(text, 'utf8');
  const start = parseCount(offset);
  const end = start + Math.min(parseCount(length), MOST_PIECE);
  return (end < bytes.length ? 'm' : 'l') + escapeBinary(bytes.subarray(start, end));
}
