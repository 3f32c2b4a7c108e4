/**
 * A gdb stub's requests as calls. What it offers is asked once, and nothing is used that it does not offer: reverse
 * execution never (QEMU without a recording ends at `bs` and `bc`). Source: "Debugging with GDB", E.2, E.4 (general query
 * packets); QEMU, "GDB usage", on PhyMemMode and sstep.
 */
import type { NetConnectOpts } from 'node:net';
import { fromLittleEndian, hexOf, hexOfText, bytesOf, littleEndian } from '../gdb-wire/hex';
import { PAGE_BYTES, type PageSpace } from '../foreign-guest/paged-memory';
import { StubConnection } from './connection';
import { notTheProtocol, refused } from './errors';
import { readDescription, type StubRegister, usualLayout } from './target-xml';

const ASKED = 'qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;error-message+;xmlRegisters=i386';
const DEFAULT_PACKET = 400;
const LARGEST_PACKET = 2 ** 19;
const MOST_ANNEX = 2 ** 20;
const MOST_PIECES = 1000;
const MOST_THREADS = 1024;
/** What goes around a packet's data: `$Maddress,length:` and the checksum. */
const FRAME = 48;
/** Requests under way at once, of a stub that is known to answer one after the other. */
const DEPTH = 64;
const SINGLE_STEP = { enable: 1, noInterrupts: 2, noTimers: 4 } as const;

export class Stub {
  /** It reads guest-physical memory. */
  hasPhysical = false;
  /** `vCont` is there, with which steps can be of one vCPU. */
  hasVCont = false;
  private readBytes = DEFAULT_PACKET / 2;
  private writeBytes = DEFAULT_PACKET / 4;
  private selected: string | undefined;
  /** The vCPU that the monitor is about; not known at first: a debugger before this one may have chosen. */
  private monitored: number | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private hasStepBits = false;
  private steps: boolean | undefined;
  /** The last answer to `g`, if some of it is unknown. */
  private unknownDigits = '';
  private layout: readonly StubRegister[] = [];

  private constructor(readonly connection: StubConnection) {}

  /** Connects and learns what there is. Rejects with a UserError. */
  static async connect(options: NetConnectOpts, timeoutMs?: number): Promise<Stub> {
    const stub = new Stub(await StubConnection.open(options, timeoutMs));
    try {
      await stub.negotiate();
    } catch (error) {
      stub.connection.close();
      throw error;
    }
    return stub;
  }

  /** The registers that it has. */
  get registerLayout(): readonly StubRegister[] {
    return this.layout;
  }

  /** Why the guest is stopped: a stop reply. */
  async lastStop(): Promise<string> {
    return (await this.connection.converse('?', true)).reply;
  }

  /** The vCPUs' names in the protocol, in order. */
  async threads(): Promise<readonly string[]> {
    const threads: string[] = [];
    for (let request = 'qfThreadInfo'; threads.length < MOST_THREADS; request = 'qsThreadInfo') {
      const reply = await this.connection.ask(request);
      if (!reply.startsWith('m')) break;
      threads.push(
        ...reply
          .slice(1)
          .split(',')
          .filter((one) => /^p?[0-9a-f.]+$/i.test(one)),
      );
    }
    return threads.length > 0 ? threads : ['1'];
  }

  /** A thread's registers by the stub's names, unsigned. */
  async registers(thread: string): Promise<ReadonlyMap<string, bigint>> {
    const bytes = await this.alone(thread, () => this.registerBytes());
    const values = new Map<string, bigint>();
    for (const { name, bytes: size, offset } of this.layout) {
      const own = bytes.subarray(offset, offset + size);
      // What a stub does not know it writes as `x`.
      if (own.length === size && !this.unknown(offset, size)) values.set(name, fromLittleEndian(own));
    }
    return values;
  }

  /** Writes one register. Rejects with a UserError if the stub refuses. */
  async writeRegister(thread: string, { name, number, bytes }: StubRegister, value: bigint): Promise<void> {
    const digits = hexOf(littleEndian(value, bytes * 8));
    const reply = await this.alone(thread, () => this.connection.ask(`P${number.toString(16)}=${digits}`));
    if (reply !== 'OK') throw refused(`write ${name}`, reply);
  }

  /** Pages by number, of guest-physical memory or of the selected thread's linear memory; undefined where there is none. */
  async readPages(space: PageSpace, thread: string, pages: readonly bigint[]): Promise<(Uint8Array | undefined)[]> {
    return space === 'linear' ? this.alone(thread, () => this.pagesAt(pages)) : this.pagesAt(pages);
  }

  private async pagesAt(pages: readonly bigint[]): Promise<(Uint8Array | undefined)[]> {
    const found: (Uint8Array | undefined)[] = [];
    const perPage = Math.ceil(PAGE_BYTES / this.readBytes);
    const atOnce = this.hasPhysical ? Math.max(1, Math.floor(DEPTH / perPage)) : 1;
    for (let first = 0; first < pages.length; first += atOnce) {
      const group = pages.slice(first, first + atOnce).map((page) => this.readPage(page * BigInt(PAGE_BYTES)));
      found.push(...(await Promise.all(group)));
    }
    return found;
  }

  /** Writes memory; false where there is none. */
  writeMemory(thread: string, address: bigint, bytes: Uint8Array): Promise<boolean> {
    return this.alone(thread, () => this.writeParts(address, bytes));
  }

  private async writeParts(address: bigint, bytes: Uint8Array): Promise<boolean> {
    for (let done = 0; done < bytes.length; done += this.writeBytes) {
      const part = bytes.subarray(done, done + this.writeBytes);
      const at = (address + BigInt(done)).toString(16);
      if ((await this.connection.ask(`M${at},${part.length.toString(16)}:${hexOf(part)}`)) !== 'OK') return false;
    }
    return true;
  }

  /** What the monitor prints, asked of a vCPU (from 0); undefined if the stub has none. */
  monitor(line: string, cpu: number): Promise<string | undefined> {
    const say = async (words: string): Promise<string | undefined> => {
      const { reply, text } = await this.connection.converse(`qRcmd,${hexOfText(words)}`);
      return reply === 'OK' ? text : undefined;
    };
    return this.inTurn(async () => {
      if (cpu !== this.monitored) await say(`cpu ${cpu}`);
      this.monitored = cpu;
      return say(line);
    });
  }

  /** Sets or takes back a breakpoint: a `Z` packet's type and arguments. Gives the reply: `OK`, empty if not offered. */
  breakpoint(isSet: boolean, args: string): Promise<string> {
    return this.connection.ask(`${isSet ? 'Z' : 'z'}${args}`);
  }

  /** Lets all vCPUs go on. A stop follows. */
  continue(): void {
    this.connection.go(this.hasVCont ? 'vCont;c' : 'c');
    this.selected = undefined;
  }

  /** One instruction of one vCPU, the others at rest where that can be had; with `interrupts` they come in between. */
  async step(thread: string, interrupts: boolean): Promise<void> {
    if (this.hasStepBits && this.steps !== interrupts) {
      const { enable, noInterrupts, noTimers } = SINGLE_STEP;
      await this.connection.ask(`Qqemu.sstep=${interrupts ? enable : enable | noInterrupts | noTimers}`);
      this.steps = interrupts;
    }
    if (this.hasVCont) this.connection.go(`vCont;s:${thread}`);
    else {
      await this.connection.ask(`Hc${thread}`);
      this.connection.go('s');
    }
    this.selected = undefined;
  }

  /** Lets go of the guest, which runs on; `thread` is one of its vCPUs. */
  async detach(thread: string): Promise<void> {
    if (this.hasPhysical) await this.connection.ask('Qqemu.PhyMemMode:0');
    if (this.steps) await this.connection.ask('Qqemu.sstep=7');
    // With several processes the one that is meant must be named.
    const process = /^p([0-9a-f]+)\./i.exec(thread)?.[1];
    await this.connection.ask(process === undefined ? 'D' : `D;${process}`);
  }

  private async negotiate(): Promise<void> {
    const { connection } = this;
    const offered = (await connection.ask(ASKED)).split(';');
    const packetSize = parseInt(offered.find((one) => one.startsWith('PacketSize='))?.slice(11) ?? '', 16);
    const packet = packetSize >= DEFAULT_PACKET ? Math.min(packetSize, LARGEST_PACKET) : DEFAULT_PACKET;
    if (offered.includes('QStartNoAckMode+') && (await connection.ask('QStartNoAckMode')) === 'OK')
      connection.stopAcknowledging();
    const canSwitch = /^[01]$/.test(await connection.ask('qqemu.PhyMemMode'));
    this.hasPhysical = canSwitch && (await connection.ask('Qqemu.PhyMemMode:1')) === 'OK';
    this.hasStepBits = (await connection.ask('qqemu.sstepbits')).startsWith('ENABLE=');
    // QEMU counts a reply without its frame.
    this.readBytes = Math.min(PAGE_BYTES, Math.floor(this.hasPhysical ? packet / 2 : (packet - FRAME) / 2));
    this.writeBytes = Math.min(PAGE_BYTES, Math.floor((packet - FRAME) / 2));
    const actions = await connection.ask('vCont?');
    this.hasVCont = /^vCont(;\w)*;c(;|$)/.test(actions) && /;s(;|$)/.test(actions);
    const bytes = await this.registerBytes();
    if (bytes.length === 0) throw notTheProtocol(connection.place, 'it has no registers');
    this.layout = offered.includes('qXfer:features:read+') ? await this.describe() : usualLayout(bytes.length);
  }

  private describe(): Promise<readonly StubRegister[]> {
    const { connection } = this;
    const malformed = (why: string) => notTheProtocol(connection.place, why);
    const fetch = async (annex: string): Promise<string> => {
      if (!/^[\w.-]{1,100}$/.test(annex)) throw malformed('its target description includes what is no file');
      let text = '';
      for (let pieces = 0; pieces < MOST_PIECES && text.length < MOST_ANNEX; pieces++) {
        const piece = Math.max(16, this.readBytes).toString(16);
        const reply = await connection.ask(`qXfer:features:read:${annex}:${text.length.toString(16)},${piece}`);
        text += reply.slice(1);
        if (reply.startsWith('l')) return text;
        if (!reply.startsWith('m') || reply.length === 1) break;
      }
      throw malformed(`it does not give its target description ${annex}`);
    };
    return readDescription(fetch, malformed);
  }

  private unknown(offset: number, size: number): boolean {
    return this.unknownDigits.slice(offset * 2, (offset + size) * 2).includes('x');
  }

  private async registerBytes(): Promise<Uint8Array> {
    const digits = await this.connection.ask('g');
    if (!/^([0-9a-f]{2}|xx)*$/i.test(digits)) throw refused('tell its registers', digits);
    this.unknownDigits = digits.includes('x') ? digits : '';
    return bytesOf(digits.replaceAll('x', '0'));
  }

  /** Asks something of a thread, which is selected apart from the question: nobody else may ask in between. */
  private alone<T>(thread: string, work: () => Promise<T>): Promise<T> {
    return this.inTurn(async () => {
      if (this.selected !== thread) {
        const reply = await this.connection.ask(`Hg${thread}`);
        if (reply !== 'OK' && reply !== '') throw refused(`select vCPU ${thread}`, reply);
        this.selected = thread;
      }
      return work();
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }

  private async readPage(address: bigint): Promise<Uint8Array | undefined> {
    const parts: Promise<string>[] = [];
    for (let offset = 0; offset < PAGE_BYTES; offset += this.readBytes) {
      const length = Math.min(this.readBytes, PAGE_BYTES - offset).toString(16);
      parts.push(this.connection.ask(`m${(address + BigInt(offset)).toString(16)},${length}`));
    }
    const digits = (await Promise.all(parts)).join('');
    const isWhole = digits.length === PAGE_BYTES * 2 && /^[0-9a-f]*$/i.test(digits);
    return isWhole ? bytesOf(digits) : undefined;
  }
}
