// Which files of a folder are guests, and what is found for them.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { builtKernel, distinct, guest } from '../../src/extension/guest-files';

/** The parts of the headers that are looked at; the rest is zeros. */
const bzImage = (): Buffer => {
  const image = Buffer.alloc(0x400);
  image.write('HdrS', 0x202, 'latin1');
  return image;
};
const elf = (machine: number): Buffer => {
  const header = Buffer.alloc(64);
  header.write('\x7fELF', 'latin1');
  header.writeUInt16LE(machine, 18);
  return header;
};

describe('guests in a folder', () => {
  let folder: string;
  const path = (name: string): string => join(folder, name);
  function put(files: Readonly<Record<string, Buffer>>): void {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), content);
    }
  }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vmxray-guests-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const none = Buffer.alloc(0);
  const cases: readonly [string, Readonly<Record<string, Buffer>>, string, object | undefined][] = [
    ['an x86-64 ELF', { 'a.elf': elf(62) }, 'a.elf', { isLinux: false, initrds: [] }],
    ['an i386 ELF', { 'a.elf': elf(3) }, 'a.elf', { isLinux: false, initrds: [] }],
    ['no ELF of another machine', { 'a.elf': elf(40) }, 'a.elf', undefined],
    ['no file that only has the name', { bzImage: Buffer.alloc(0x400) }, 'bzImage', undefined],
    ['no short file', { 'a.elf': elf(62).subarray(0, 10) }, 'a.elf', undefined],
    ['no file that is not there', {}, 'a.elf', undefined],
    ['a bzImage alone', { bzImage: bzImage() }, 'bzImage', { isLinux: true, initrds: [] }],
    [
      'a bzImage with symbols and a RAM disk beside it',
      { bzImage: bzImage(), vmlinux: elf(62), 'rootfs.cpio.gz': none },
      'bzImage',
      { isLinux: true, symbols: 'vmlinux', initrds: ['rootfs.cpio.gz'] },
    ],
    [
      "of several RAM disks the one of the kernel's version",
      { 'vmlinuz-6.1': bzImage(), 'initrd.img-6.1': none, 'initrd.img-5.9': none },
      'vmlinuz-6.1',
      { isLinux: true, initrds: ['initrd.img-6.1'] },
    ],
    [
      'all RAM disks where none has the version',
      { 'vmlinuz-6.1': bzImage(), 'initrd.gz': none, 'initramfs.img': none },
      'vmlinuz-6.1',
      { isLinux: true, initrds: ['initrd.gz', 'initramfs.img'] },
    ],
  ];
  for (const [name, files, kernel, expected] of cases) {
    it(`finds ${name}`, async () => {
      put(files);
      const found = await guest(path(kernel));
      const relative = found && JSON.parse(JSON.stringify(found).replaceAll(`${folder}/`, ''));
      assert.deepEqual(relative, expected && { kernel, ...expected });
    });
  }

  it("finds a kernel tree's bzImage, vmlinux at its top, and a RAM disk there", async () => {
    put({ 'arch/x86/boot/bzImage': bzImage(), vmlinux: elf(62), 'initramfs.cpio': none });
    assert.deepEqual(await builtKernel(folder), {
      kernel: path('arch/x86/boot/bzImage'),
      isLinux: true,
      symbols: path('vmlinux'),
      initrds: [path('initramfs.cpio')],
    });
  });

  it('finds no kernel in a tree that is not built', async () => {
    put({ 'arch/x86/boot/Makefile': none });
    assert.equal(await builtKernel(folder), undefined);
  });

  it('takes two names of one file for one', async () => {
    put({ 'arch/x86/boot/bzImage': bzImage() });
    symlinkSync(join('x86', 'boot'), path('arch/x86_64'));
    const both = [path('arch/x86_64/bzImage'), path('arch/x86/boot/bzImage')];
    assert.deepEqual(await distinct(both), [path('arch/x86/boot/bzImage')]);
  });
});
