// A black-box client of `vmxray dap` debugs the tour guest in QEMU, by its gdb stub: the script that our own machine
// passes, less what a stub lacks.
import { join } from 'node:path';
import type { Context } from 'mocha';
import { lab, requireLab, type Program } from '../support/lab/lab';
import { attach, QemuVm } from './qemu-vm';
import { debugsTheTour } from './source-script';

const KERNEL = join('test', 'guests', 'bin', 'tour.elf');

let qemu: Program;
before(async function (this: Context) {
  this.timeout(600_000);
  qemu = requireLab(this, await lab.qemu());
});

debugsTheTour('vmxray dap on QEMU, on sources', {
  hasEvents: false,
  canRestart: false,
  checksEdits: false,
  start: async () => {
    const vm = await QemuVm.start({
      command: qemu.command,
      kernel: KERNEL,
      stopped: true,
      more: ['-cpu', 'max,vendor=GenuineIntel', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
    });
    const dap = await attach({ gdb: vm.gdb, kernel: KERNEL });
    await dap.client.event('stopped');
    return {
      client: dap.client,
      stop: async () => {
        dap.stop();
        await vm.end();
      },
    };
  },
});
