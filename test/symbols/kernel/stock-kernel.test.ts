// Debian's stock kernel without debug files, against the vmlinux of the same build and against the guest that runs it.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { memoryBytes, openSymbolFile, type RandomAccessBytes } from '../../../src/symbols/symbol-file';
import { kallsymsAddress } from '../../../src/symbols/kernel/kallsyms';
import { type KernelSymbolFile, openKernelImage } from '../../../src/symbols/kernel/kernel-symbol-file';
import { orcOfElf } from '../../../src/symbols/kernel/orc';
import { openRunningKernel } from '../../../src/symbols/kernel/running-kernel';
import { unwindStep, type UnwindFrame } from '../../../src/symbols/kernel/unwind';
import { isAggregate, plain, sizeOf } from '../../../src/symbols/types/plain';
import type { AggregateType, Type } from '../../../src/symbols/types/type';
import { typeText } from '../../../src/symbols/types/type-text';
import { createMachine } from '../../../src/targets/create-machine';
import { type DebugKernel, lab, requireLab } from '../../support/lab/lab';

/** A file that is read where it is needed. */
function fileBytes(path: string): RandomAccessBytes & { close(): void } {
  const file = openSync(path, 'r');
  return {
    size: Number.MAX_SAFE_INTEGER,
    read(offset, length) {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
    },
    close: () => closeSync(file),
  };
}

const STRUCTURES = [
  'task_struct',
  'mm_struct',
  'sched_entity',
  'module',
  'sk_buff',
  'net_device',
  'inode',
  'file',
  'page',
];

/** A structure as lines. BTF has one dimension of an array and does not tell none from an open one. */
function described(type: Type): string[] {
  assert.ok(type.kind === 'struct');
  return type.members.map((member) => {
    const text = typeText(member.type, member.name).replace(/(\[\d*\])+/, '[]');
    return `${member.bitOffset}:${member.bitSize ?? ''} ${sizeOf(member.type) || ''} ${text}`;
  });
}

describe("symbols: a stock kernel's own", function () {
  this.timeout(300_000);
  let kernel: DebugKernel;
  let image: KernelSymbolFile;

  before(async function () {
    this.timeout(1_200_000);
    kernel = requireLab(this, await lab.debugKernel());
    const opened = openKernelImage(memoryBytes(readFileSync(kernel.image)));
    assert.ok(opened);
    image = opened;
  });

  it('are those of its System.map', () => {
    const list = readFileSync(kernel.vmlinux.replace('vmlinux-', 'System.map-'), 'latin1').trim().split('\n');
    // In kallsyms, per-CPU data are absolute.
    const key = (address: string, type: string, name: string): string =>
      `${address} ${BigInt(`0x${address}`) < 0x10_0000n ? 'A' : type} ${name}`;
    const wanted = new Set(list.map((line) => key(...(line.split(' ') as [string, string, string]))));
    const { names, types, addresses } = image.kallsyms;
    const found = new Set(
      names.map((name, index) => key(addresses[index]!.toString(16).padStart(16, '0'), types[index]!, name)),
    );
    assert.ok(found.size > 80_000);
    assert.deepEqual(
      [...found].filter((symbol) => !wanted.has(symbol)),
      [],
    );
    // The kernel leaves out a few names that only the linker needs.
    assert.ok([...wanted].filter((symbol) => !found.has(symbol)).length < 30);
  });

  it('lie in the same bytes as the vmlinux has, and have its sizes', () => {
    const bytes = fileBytes(kernel.vmlinux);
    const vmlinux = openSymbolFile(bytes);
    assert.equal(image.buildId, vmlinux.buildId);
    assert.equal(image.entry, vmlinux.entry);
    const withoutPerCpu = vmlinux.segments.filter(({ start }) => start !== 0n);
    assert.deepEqual(image.segments, withoutPerCpu);
    for (const { start, end } of withoutPerCpu) {
      const length = Number(end - start);
      assert.equal(Buffer.compare(image.readInitial(start, length), vmlinux.readInitial(start, length)), 0);
    }
    let sized = 0;
    for (const { address, size, name } of vmlinux.symbolsMatching(({ kind }) => kind === 'function', 2000)) {
      const found = image.symbolsByName(name).find((symbol) => symbol.address === address);
      if (!found || size === 0n) continue;
      // Between functions there is padding, and a function can have names inside.
      const last = image.symbolAt(address + found.size - 1n);
      assert.equal(last?.symbol.address, address);
      if (found.size >= size) sized += 1;
    }
    assert.ok(sized > 1500, `${sized}`);
    bytes.close();
  });

  it('tell its types', () => {
    const types = image.types!;
    let aggregates = 0;
    for (let id = 0; id < types.end; id += 1) {
      const { kind } = types.table.head(id);
      if (kind === 'section' || kind === 'declarationTag') continue;
      const type = types.type(id);
      if (!isAggregate(plain(type)) || type !== plain(type)) continue;
      const { members, size, name } = type as AggregateType;
      if (size === undefined) continue;
      aggregates += 1;
      for (const { bitOffset, bitSize, type: of } of members) {
        const end = bitOffset + (bitSize ?? 8 * (sizeOf(of) ?? 0));
        assert.ok(end <= 8 * size, `${name} ends at bit ${end} of ${8 * size}`);
      }
    }
    assert.ok(aggregates > 9000, `${aggregates}`);
    // A prototype of each function that is in the table, if its variants agree; and per-CPU data where kallsyms has them.
    const schedule = types.typeOfSymbol('wake_up_process');
    assert.equal(schedule && typeText(schedule, 'wake_up_process'), 'int wake_up_process(struct task_struct *)');
    for (const name of ['current_task', 'runqueues', 'cpu_number']) {
      const { offset } = types.perCpuVariable(name)!;
      const [symbol] = image.symbolsByName(name);
      assert.deepEqual([symbol?.isAbsolute, symbol?.address], [true, BigInt(offset)]);
    }
    assert.equal(types.enumerator('MODULE_STATE_GOING')?.value, 2n);
  });

  it('tell types as the debug information does', () => {
    const bytes = fileBytes(kernel.vmlinux);
    const dwarf = openSymbolFile(bytes).types!;
    const types = image.types!;
    for (const name of STRUCTURES) {
      const [told, wanted] = [types, dwarf].map((source) => source.typeNamed('struct', name));
      assert.ok(told && wanted, name);
      assert.deepEqual(described(told), described(wanted), name);
    }
    bytes.close();
  });

  it('are found in the guest too, and its stack is unwound to its end', async () => {
    const machine = createMachine({ kernel: kernel.image, cmdline: 'panic=-1', memory: '128M' }, 'free', () => {});
    const read = (linear: bigint, length: number): Promise<Uint8Array> =>
      Promise.resolve(machine.readMemory('linear', linear, length));
    // The kernel unpacks itself first; then it runs where its seed has put it.
    for (let tries = 0; machine.linearRip() < 0xffff_ffff_8000_0000n; tries += 1) {
      assert.ok(tries < 40);
      assert.equal(machine.run(10_000_000).reason, 'budget');
    }
    const start = machine.linearRip() & ~0x1f_ffffn;
    const running = await openRunningKernel(read, [{ start, end: start + 0x300_0000n }]);
    assert.ok(running);
    const { kallsyms } = running;
    const slide = kallsymsAddress(kallsyms, '_text')! - kallsymsAddress(image.kallsyms, '_text')!;
    assert.notEqual(slide, 0n);
    assert.deepEqual(kallsyms.names, image.kallsyms.names);
    assert.ok(
      kallsyms.addresses.every((address, index) => {
        const link = image.kallsyms.addresses[index]!;
        return address === (index < kallsyms.absolute ? link : link + slide);
      }),
    );

    const linked = orcOfElf(image.elf);
    const loaded = running.orc;
    assert.ok(linked && loaded);
    assert.equal(running.types?.end, image.types?.end);
    assert.equal(running.buildId, image.buildId);
    const [here, there] = [image, running].map((file) => file.symbolsByName('schedule')[0]!);
    assert.deepEqual(there, { ...here, address: here!.address + slide });
    assert.equal(running.symbolAt(there!.address + 3n)?.symbol.name, 'schedule');
    const text = running.sections().find(({ name }) => name === '.text');
    assert.equal(text?.address, image.sections().find(({ name }) => name === '.text')!.address + slide);
    for (let stop = 0; stop < 12; stop += 1) {
      assert.equal(machine.run(2_300_000).reason, 'budget');
      let frame: UnwindFrame | 'end' | undefined = machine.asGuest(() => ({
        ip: machine.linearRip(),
        sp: machine.state.general(4),
        bp: machine.state.general(5),
        isExact: true,
      }));
      const names: string[] = [];
      while (frame && frame !== 'end') {
        assert.ok(names.length < 60);
        names.push(image.symbolAt(frame.ip - slide - (frame.isExact ? 0n : 1n))?.symbol.name ?? '?');
        const next: UnwindFrame | 'end' | undefined = await unwindStep(linked, frame, read, slide);
        assert.deepEqual(await unwindStep(loaded, frame, read), next);
        frame = next;
      }
      assert.equal(frame, 'end', names.join(' < '));
      assert.match(names.join(' < '), / < (start_kernel|x86_64_start_kernel) .*< secondary_startup_64\w*$/);
    }
  });
});

describe('symbols: a 32-bit stock kernel, packed with XZ', function () {
  this.timeout(300_000);
  it('has symbols', async function () {
    const kernel = requireLab(this, await lab.kernel686());
    const image = openKernelImage(memoryBytes(readFileSync(kernel.image)));
    assert.ok(image);
    assert.deepEqual([image.bits, image.types, orcOfElf(image.elf)], [32, undefined, undefined]);
    assert.ok(image.symbols > 40_000, `${image.symbols}`);
    // Code lies where the image has code; what is said of the kernel there is true.
    const code = image.sections().filter(({ name }) => name.includes('.text'));
    const functions = image.symbolsMatching(({ kind, isAbsolute }) => kind === 'function' && !isAbsolute, 100_000);
    const inside = functions.filter(({ address }) =>
      code.some(({ address: start, size }) => start <= address && address < start + size),
    );
    assert.ok(inside.length > 0.99 * functions.length, `${inside.length} of ${functions.length}`);
    // The entry is told as a physical address.
    assert.equal(image.symbolsByName('startup_32')[0]?.address, image.entry + 0xc000_0000n);
  });
});
