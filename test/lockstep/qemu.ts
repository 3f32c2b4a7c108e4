// QEMU's TCG under the control of its gdb stub, stopped at the first instruction of an image.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GdbClient } from './gdb-client';
import { GENERAL, stubRegister, stubRegisters, toStub } from './registers';
import type { Registers } from './registers';
import type { StartImage } from './start-image';

/** Bytes of memory per packet: QEMU takes packets of 4096 characters. */
const CHUNK = 1024;

/** QEMU's guest has shut down: a triple fault, since nothing else ends it under lockstep. */
export class QemuEnded extends Error {}

export class Qemu {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly stub: GdbClient,
  ) {}

  /** Starts QEMU (`program`) on `image`; its processor is in the image's state. */
  static async start(program: string, image: StartImage, memoryBytes: number): Promise<Qemu> {
    const folder = mkdtempSync(join(tmpdir(), 'vmxray-lockstep-'));
    const socket = join(folder, 'gdb');
    writeFileSync(join(folder, 'bios'), image.bios);
    const loaders = image.ranges.flatMap(({ start, bytes }) => {
      writeFileSync(join(folder, `ram-${start}`), bytes);
      return ['-device', `loader,file=${join(folder, `ram-${start}`)},addr=${start},force-raw=on`];
    });
    const child = spawn(
      program,
      [
        ...['-M', 'pc,smm=off,accel=tcg', '-cpu', 'max,vendor=GenuineIntel', '-m', `${memoryBytes >> 20}`],
        ...['-bios', join(folder, 'bios'), ...loaders, '-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
        ...['-display', 'none', '-nodefaults', '-no-reboot', '-S', '-gdb', `unix:${socket},server=on,wait=off`],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    for (let tries = 0; !existsSync(socket); tries++) {
      if (tries === 1000 || child.exitCode !== null) throw new Error(`${program} did not start`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const qemu = new Qemu(child, folder, await GdbClient.connect(socket));
    await qemu.enter(image);
    return qemu;
  }

  /** Executes one instruction (or one iteration, or the delivery of its fault), and gives the registers. */
  async step(): Promise<Registers> {
    const stop = await this.stub.request('s').catch((error: unknown) => {
      throw this.stub.isClosed ? new QemuEnded() : error;
    });
    if (!/^[ST]/.test(stop)) throw new QemuEnded();
    return this.registers();
  }

  async registers(): Promise<Registers> {
    return stubRegisters(await this.stub.request('g'));
  }

  async write(name: string, value: bigint): Promise<void> {
    const { number, bytes } = stubRegister(name);
    await this.stub.request(`P${number.toString(16)}=${toStub(value, bytes)}`);
  }

  /** Writes guest-physical memory. */
  async writePhysical(start: number, bytes: Uint8Array): Promise<void> {
    await this.stub.request('Qqemu.PhyMemMode:1');
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const part = Buffer.from(bytes.subarray(at, at + CHUNK));
      await this.stub.request(`M${(start + at).toString(16)},${part.length.toString(16)}:${part.toString('hex')}`);
    }
    await this.stub.request('Qqemu.PhyMemMode:0');
  }

  stop(): void {
    this.stub.close();
    this.child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async enter({ state, waitsAt }: StartImage): Promise<void> {
    const MANY = 200;
    for (let steps = 0; (await this.step()).rip !== waitsAt; steps++) {
      if (steps === MANY) throw new Error('the BIOS of ours does not come to its end');
    }
    for (const name of GENERAL) await this.write(name, state.registers[name as keyof typeof state.registers]);
    await this.write('eflags', state.rflags | 2n);
    await this.write('rip', state.rip);
  }
}
