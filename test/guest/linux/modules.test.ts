// Modules of Debian's stock kernel as the guest loads them, against what the guest says of them itself.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LinuxGuest } from '../../../src/guest/linux/guest-struct';
import { ModuleSymbolFile, readModuleContents } from '../../../src/guest/linux/module-symbol-file';
import { type LinuxModule, MODULE_EVENTS, moduleAt, readModules } from '../../../src/guest/linux/modules';
import type { Machine } from '../../../src/machine/machine';
import { type KernelSymbolFile, openKernelImage } from '../../../src/symbols/kernel/kernel-symbol-file';
import { orcOfElf, type OrcTable } from '../../../src/symbols/kernel/orc';
import { unwindStep, type UnwindFrame } from '../../../src/symbols/kernel/unwind';
import { memoryBytes } from '../../../src/symbols/symbol-file';
import { typeText } from '../../../src/symbols/types/type-text';
import { createMachine } from '../../../src/targets/create-machine';
import { lab, requireLab } from '../../support/lab/lab';

const MODULE = 'hangcheck_timer';
const INIT = `#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
insmod /lib/nls_utf8.ko
insmod /lib/hangcheck-timer.ko
cat /proc/modules
cd /sys/module/${MODULE}
for section in .text .data .bss; do echo "section $section $(cat sections/$section)"; done
echo "notes $(xxd -p notes/.note.gnu.build-id | tr -d '\\n')"
tail -n 60 /proc/kallsyms | grep hangcheck_timer
echo LOADED
rmmod ${MODULE}
echo UNLOADED
poweroff -f
`;

describe("guest: Linux's modules", function () {
  this.timeout(240_000);
  let image: KernelSymbolFile;
  let orc: OrcTable;
  let machine: Machine;
  let slide: bigint;
  let guest: LinuxGuest;
  let coming: ModuleSymbolFile;
  let serial = '';

  before(async function () {
    this.timeout(1_200_000);
    const kernel = requireLab(this, await lab.kernel());
    const file = (path: string): Uint8Array => readFileSync(join(kernel.modules, 'kernel', path));
    const modules = {
      'lib/nls_utf8.ko': file('fs/nls/nls_utf8.ko'),
      'lib/hangcheck-timer.ko': file('drivers/char/hangcheck-timer.ko'),
    };
    const initrd = requireLab(this, await lab.initrd(INIT, 'amd64', modules));
    image = openKernelImage(memoryBytes(readFileSync(kernel.image)))!;
    orc = orcOfElf(image.elf)!;
    const settings = {
      kernel: kernel.image,
      initrd,
      cmdline: 'console=ttyS0 quiet panic=-1',
      memory: '128M',
      jit: 'on',
    } as const;
    machine = createMachine(settings, 'free', (byte) => (serial += String.fromCharCode(byte)));
  });

  /** Runs until a breakpoint, or until the guest has written a text. */
  function run(until: string): void {
    for (let slices = 0; slices < 400; slices += 1) {
      const { reason } = machine.run(10_000_000);
      if (reason === until || serial.includes(until)) return;
      assert.equal(reason, 'budget', serial);
    }
    assert.fail(`${until} does not come: ${serial}`);
  }

  const argument = (): bigint => machine.asGuest(() => machine.state.general(7));

  async function symbolFile(module: LinuxModule): Promise<ModuleSymbolFile> {
    const contents = await readModuleContents(module, { orc, types: image.types });
    assert.ok(contents);
    return new ModuleSymbolFile(module, contents);
  }

  it('are told when they come, and unwound through', async () => {
    while (machine.linearRip() < 0xffff_ffff_8000_0000n) machine.run(10_000_000);
    slide = slideOf(machine, image);
    const kernelSymbol = (name: string): bigint | undefined => {
      const address = image.symbolsByName(name)[0]?.address;
      return address === undefined ? undefined : address + slide;
    };
    guest = {
      read: (linear, length) => Promise.resolve(machine.readMemory('linear', linear, length)),
      types: image.types!,
      symbol: kernelSymbol,
    };
    assert.deepEqual(await readModules(guest), []);
    machine.setBreakpoints([kernelSymbol(MODULE_EVENTS.loaded)!]);
    for (const name of ['nls_utf8', MODULE]) {
      run('breakpoint');
      const module = await moduleAt(guest, argument());
      assert.deepEqual([module?.name, module?.state], [name, 'coming']);
      const all = await readModules(guest);
      assert.equal(all?.[0]?.key, module?.key);
    }
    const module = await symbolFile((await moduleAt(guest, argument()))!);
    coming = module;
    const [start] = module.symbolsByName('hangcheck_init');
    assert.ok(start);
    machine.setBreakpoints([start.address]);
    run('breakpoint');
    machine.setBreakpoints([]);
    for (let stop = 0; stop < 10; stop += 1) {
      const names = await stack(module);
      assert.match(
        names.join(' < '),
        /(^| < )hangcheck_init < do_one_initcall < do_init_module < .*finit_module < do_syscall_64 < entry_SYSCALL_64_after_hwframe < user$/,
      );
      machine.run(37);
    }
  });

  it('are what the guest says that they are', async () => {
    machine.setBreakpoints([guest.symbol(MODULE_EVENTS.unloading)!]);
    run('breakpoint');
    machine.setBreakpoints([]);
    const going = await moduleAt(guest, argument());
    assert.deepEqual([going?.name, going?.state], [MODULE, 'going']);
    const lines = serial.split(/\r?\n/);
    const modules = (await readModules(guest))!;
    const listed = modules.map(({ name, parts }) => {
      const size = parts.reduce((sum, { start, end }) => sum + (end - start), 0n);
      return `${name} ${size} 0 - Live 0x${parts[0]!.start.toString(16)}`;
    });
    assert.deepEqual(
      listed,
      lines.filter((line) => line.includes(' - Live ')).map((line) => line.trim()),
    );
    const [module] = modules;
    const file = await symbolFile(module!);
    const { names, types, addresses } = file.kallsyms;
    const shown = names.map((name, index) => `${addresses[index]!.toString(16)} ${types[index]} ${name}\t[${MODULE}]`);
    const wanted = lines.filter((line) => line.includes(`\t[${MODULE}]`));
    assert.ok(wanted.length > 20);
    assert.deepEqual(shown.sort(), wanted.sort());
    for (const line of lines.filter((one) => one.startsWith('section '))) {
      const [, name, address] = line.split(' ');
      assert.equal(file.sections().find((section) => section.name === name)?.address, BigInt(address!));
    }
    assert.ok(file.buildId && lines.some((line) => line.startsWith('notes ') && line.endsWith(file.buildId!)));
  });

  it('have unwind data and types of their own', () => {
    const file = coming;
    for (const name of ['hangcheck_fire', 'hangcheck_exit']) {
      const { address } = file.symbolsByName(name)[0]!;
      assert.deepEqual(file.symbolAt(address + 1n)?.symbol.name, name);
      const { type, spRegister, spOffset } = file.orc!.at(address)!;
      assert.deepEqual([type, spRegister, spOffset], ['call', 'rsp', 8]);
    }
    const fire = file.types!.typeOfSymbol('hangcheck_fire');
    assert.equal(fire && typeText(fire, 'hangcheck_fire'), 'void hangcheck_fire(struct timer_list *)');
    assert.equal(image.types!.typeOfSymbol('hangcheck_fire'), undefined);
    assert.equal(file.types!.typeNamed('struct', 'task_struct'), image.types!.typeNamed('struct', 'task_struct'));
  });

  it('are gone when they are', async () => {
    run('UNLOADED');
    assert.deepEqual(
      (await readModules(guest))?.map(({ name, state }) => [name, state]),
      [['nls_utf8', 'live']],
    );
  });

  /** The names of the functions on the stack, the innermost first; `user` for the program's. */
  async function stack(module: ModuleSymbolFile): Promise<string[]> {
    const names: string[] = [];
    let frame: UnwindFrame | 'end' | undefined = machine.asGuest(() => ({
      ip: machine.linearRip(),
      sp: machine.state.general(4),
      bp: machine.state.general(5),
      isExact: true,
    }));
    while (frame && frame !== 'end' && names.length < 60) {
      const at = frame.ip - (frame.isExact ? 0n : 1n);
      const inModule = module.module.covers(at);
      const symbol = inModule ? module.symbolAt(at) : image.symbolAt(at - slide);
      names.push(frame.isUser ? 'user' : (symbol?.symbol.name ?? '?'));
      frame = inModule
        ? await unwindStep(module.orc!, frame, guest.read)
        : await unwindStep(orc, frame, guest.read, slide);
    }
    assert.equal(frame, 'end', names.join(' < '));
    return names;
  }
});

/** How far the kernel lies from where it is linked: a multiple of 2 MiB. */
function slideOf(machine: Machine, image: KernelSymbolFile): bigint {
  const [banner] = image.symbolsByName('linux_banner');
  for (let slide = 0n; slide < 0x4000_0000n; slide += 0x20_0000n) {
    const bytes = machine.readMemory('linear', banner!.address + slide, 14);
    if (Buffer.from(bytes).toString('latin1') === 'Linux version ') return slide;
  }
  return assert.fail('no kernel');
}
