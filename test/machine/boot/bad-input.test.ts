/** Everything that can be wrong with images and options: one UserError with its code and one sentence. */
import assert from 'node:assert/strict';
import { UserError } from '../../../src/common/errors';
import { load } from '../../../src/machine/boot/load';
import type { BootOptions } from '../../../src/machine/boot/options';
import {
  buildElf,
  buildLinux,
  buildNote,
  concat,
  multiboot2Header,
  multibootHeader,
  PT_NOTE,
  type SegmentSpec,
} from './images';
import { TestMemory } from './test-memory';

const MIB = 1 << 20;
const CODE = new Uint8Array(32);

/** A sentence says what is wrong and what to do, and is only one. */
function checkSentence(message: string): void {
  assert.match(message, /^(The|A) .*\.$/);
  assert.ok(!/[.] [A-Z]/.test(message), message);
  assert.ok(!/NaN|undefined|Infinity/.test(message), message);
}

function check(code: string, image: Uint8Array, options: BootOptions = {}, size = 4 * MIB): void {
  assert.throws(
    () => load(image, options, new TestMemory(size)),
    (error: unknown) => {
      assert.ok(error instanceof UserError, String(error));
      assert.equal(error.code, code, error.message);
      checkSentence(error.message);
      return true;
    },
  );
}

const elf = (...segments: SegmentSpec[]): Uint8Array => buildElf({ entry: 0x200000, segments });
const good: SegmentSpec = { physical: 0x200000, bytes: CODE };
const patched = (image: Uint8Array, offset: number, ...bytes: number[]): Uint8Array => {
  const copy = image.slice();
  copy.set(bytes, offset);
  return copy;
};
const mb = (...args: Parameters<typeof multibootHeader>): Uint8Array => concat(multibootHeader(...args), CODE);
const mb2 = (...args: Parameters<typeof multiboot2Header>): Uint8Array => concat(multiboot2Header(...args), CODE);
const FF8 = Array<number>(8).fill(0xff);
const kludge = (...addresses: number[]): Uint8Array => mb(0x10000, addresses);

const cases: readonly [string, string, Uint8Array, BootOptions?, number?][] = [
  // Not bootable at all.
  ['empty file', 'boot/empty', new Uint8Array(0)],
  ['text', 'boot/unknown-format', Uint8Array.from('#!/bin/sh\n', (c) => c.charCodeAt(0))],
  ['one byte', 'boot/unknown-format', Uint8Array.of(0x7f)],
  ['gzip', 'boot/compressed', Uint8Array.of(0x1f, 0x8b, 8, 0)],
  ['xz', 'boot/compressed', Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)],
  ['a format that it is not', 'boot/format-mismatch', elf(good), { format: 'linux' }],
  ['a format that it is not', 'boot/format-mismatch', elf(good), { format: 'pvh' }],
  ['a format that it is not', 'boot/format-mismatch', buildLinux(), { format: 'elf' }],
  ['a format that it is not', 'boot/format-mismatch', elf(good), { format: 'multiboot' }],
  ['a format that it is not', 'boot/format-mismatch', elf(good), { format: 'multiboot2' }],
  // Memory.
  ['no memory', 'memory/size', elf(good), {}, 0],
  ['memory that is no page', 'memory/size', elf(good), {}, 4 * MIB + 1],
  // ELF.
  ['ELF magic only', 'boot/truncated', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46)],
  ['class', 'boot/malformed', patched(elf(good), 4, 3)],
  ['big-endian', 'boot/unsupported', patched(elf(good), 5, 2)],
  ['another processor', 'boot/unsupported', buildElf({ entry: 0, machine: 183, segments: [good] })],
  ['an object file', 'boot/unsupported', buildElf({ entry: 0, type: 1, segments: [good] })],
  ['a user program', 'boot/unsupported', elf(good, { type: 3, physical: 0, bytes: CODE })],
  ['program headers beyond the file', 'boot/truncated', patched(elf(good), 32, ...FF8)],
  ['65535 program headers', 'boot/truncated', patched(elf(good), 56, 0xff, 0xff)],
  ['a wrong program header size', 'boot/malformed', patched(elf(good), 54, 1)],
  ['no segments', 'boot/malformed', elf()],
  [
    '65 segments',
    'boot/malformed',
    elf(...Array.from({ length: 65 }, (_, i) => ({ ...good, physical: 0x200000 + i * 32 }))),
  ],
  ['segment offset beyond the file', 'boot/truncated', patched(elf(good), 64 + 8, ...FF8)],
  ['truncated segment', 'boot/truncated', elf(good).subarray(0, -1)],
  ['file size above memory size', 'boot/malformed', elf({ ...good, memorySize: 31 })],
  ['address that wraps', 'boot/outside-memory', patched(elf(good), 64 + 24, ...FF8)],
  ['memory size that wraps', 'boot/outside-memory', patched(elf(good), 64 + 40, ...FF8)],
  ['segment in the low hole', 'boot/outside-memory', elf({ ...good, physical: 0xb8000 })],
  ['segment in the ACPI tables', 'boot/outside-memory', elf({ ...good, physical: 0xe0000 })],
  ['segment across the low hole', 'boot/outside-memory', elf({ ...good, physical: 0x9fbf0 })],
  ['segment above RAM', 'boot/memory', elf({ ...good, physical: 0x3ffff0 })],
  ['BSS above RAM', 'boot/memory', elf({ ...good, memorySize: 0x200001 })],
  ['segment in the PCI window', 'boot/outside-memory', elf({ ...good, physical: 0xfee00000 })],
  ['overlapping segments', 'boot/overlap', elf(good, { ...good, physical: 0x20001f })],
  ['entry outside', 'boot/malformed', elf({ ...good, physical: 0x200001 })],
  ['low memory full', 'boot/does-not-fit', elf(good, { physical: 0, bytes: CODE, memorySize: 0x9fc00 })],
  ['initrd for a plain ELF', 'boot/not-taken', elf(good), { initrd: CODE }],
  ['modules for a plain ELF', 'boot/not-taken', elf(good), { modules: [{ bytes: CODE, cmdline: '' }] }],
  ['command line for a plain ELF', 'boot/not-taken', elf(good), { cmdline: 'x' }],
  // Linux.
  ['bzImage cut in its header', 'boot/truncated', buildLinux().subarray(0, 0x230)],
  ['bzImage cut in its payload', 'boot/truncated', buildLinux().subarray(0, 0x1000)],
  ['bzImage without payload', 'boot/malformed', patched(buildLinux(), 0x1f4, 0, 0, 0, 0)],
  ['absurd syssize', 'boot/truncated', patched(buildLinux(), 0x1f4, 0xff, 0xff, 0xff, 0xff)],
  ['absurd setup_sects', 'boot/truncated', patched(buildLinux(), 0x1f1, 0xff)],
  ['old protocol', 'boot/unsupported', buildLinux({ version: 0x0205 })],
  ['zImage', 'boot/unsupported', buildLinux({ loadFlags: 0 })],
  ['short header', 'boot/malformed', patched(buildLinux(), 0x201, 0x61)],
  ['long header', 'boot/malformed', patched(buildLinux(), 0x201, 0xff)],
  ['64-bit entry asked, not there', 'boot/unsupported', buildLinux({ xloadFlags: 0 }), { linuxEntry: 64 }],
  ['64-bit entry behind the end', 'boot/malformed', buildLinux({ payloadBytes: 0x200 })],
  ['kernel larger than memory', 'boot/memory', buildLinux({ payloadBytes: 0x400000 })],
  ['kernel that unpacks beyond memory', 'boot/memory', buildLinux({ initSize: 0x200001 })],
  ['absurd init_size', 'boot/outside-memory', buildLinux({ initSize: 0xffffffff })],
  ['initrd larger than memory', 'boot/does-not-fit', buildLinux(), { initrd: new Uint8Array(5 * MIB) }],
  ['initrd without a place', 'boot/does-not-fit', buildLinux({ initrdAddressMax: 0 }), { initrd: CODE }],
  ['command line too long', 'boot/cmdline-too-long', buildLinux(), { cmdline: 'x'.repeat(256) }],
  ['command line too long in UTF-8', 'boot/cmdline-too-long', buildLinux(), { cmdline: '\u00fc'.repeat(128) }],
  ['command line with NUL', 'boot/cmdline-nul', buildLinux(), { cmdline: 'a\0b' }],
  ['modules for Linux', 'boot/not-taken', buildLinux(), { modules: [{ bytes: CODE, cmdline: '' }] }],
  // PVH.
  [
    'PVH entry outside',
    'boot/malformed',
    elf(good, { type: PT_NOTE, physical: 0, bytes: buildNote('Xen', 18, 0x300000) }),
  ],
  [
    'note that leaves its segment',
    'boot/malformed',
    elf(good, { type: PT_NOTE, physical: 0, bytes: buildNote('Xen', 18, 0).fill(0xff, 4, 8) }),
  ],
  ['1025 notes', 'boot/malformed', elf(good, { type: PT_NOTE, physical: 0, bytes: new Uint8Array(12 * 1025) })],
  // Multiboot.
  ['video mode', 'boot/unsupported', mb(4)],
  ['unknown flags', 'boot/unsupported', mb(8)],
  ['no addresses and no ELF', 'boot/unsupported', mb(0)],
  ['header below the load address', 'boot/malformed', kludge(0x100000, 0x100010, 0, 0, 0x100020)],
  ['load address far below', 'boot/malformed', kludge(0x200000, 0x100000, 0, 0, 0x100020)],
  ['load end below the start', 'boot/malformed', kludge(0x100000, 0x100000, 0xfffff, 0, 0x100020)],
  ['load end beyond the file', 'boot/truncated', kludge(0x100000, 0x100000, 0x200000, 0, 0x100020)],
  ['BSS end beyond RAM', 'boot/outside-memory', kludge(0x100000, 0x100000, 0, 0xffffffff, 0x100020)],
  ['kludge entry outside', 'boot/malformed', kludge(0x100000, 0x100000, 0, 0, 0x110000)],
  ['header cut', 'boot/truncated', multibootHeader(0x10000)],
  [
    'module larger than memory',
    'boot/does-not-fit',
    kludge(0x100000, 0x100000, 0, 0, 0x100000),
    { modules: [{ bytes: new Uint8Array(4 * MIB), cmdline: '' }] },
  ],
  [
    'module command line',
    'boot/cmdline-too-long',
    kludge(0x100000, 0x100000, 0, 0, 0x100000),
    { modules: [{ bytes: CODE, cmdline: 'x'.repeat(4096) }] },
  ],
  // Multiboot 2.
  ['no end tag', 'boot/malformed', mb2([], false)],
  ['tag of size 0', 'boot/malformed', patched(mb2([{ type: 2 }]), 20, 0)],
  ['tag beyond the header', 'boot/malformed', patched(mb2([{ type: 2 }]), 20, 0xff, 0xff, 0xff, 0xff)],
  ['short address tag', 'boot/malformed', mb2([{ type: 2, fields: [1] }])],
  ['addresses without an entry', 'boot/malformed', mb2([{ type: 2, fields: [0x100000, 0x100000, 0, 0] }])],
  ['framebuffer', 'boot/unsupported', mb2([{ type: 5, fields: [0, 0, 0] }])],
  ['console', 'boot/unsupported', mb2([{ type: 4, fields: [1] }])],
  ['unknown tag', 'boot/unsupported', mb2([{ type: 99 }])],
  ['unknown information', 'boot/unsupported', mb2([{ type: 1, fields: [8] }])],
  ['header for MIPS', 'boot/unsupported', patched(mb2([]), 4, 4, 0, 0, 0, 0x18, 0, 0, 0, 0x0e, 0xaf, 0xad, 0x17)],
  ['header length beyond the file', 'boot/truncated', patched(mb2([]), 8, 0, 0, 1, 0, 0x2a, 0xaf, 0xac, 0x17)],
  // Flat.
  ['no placement', 'boot/flat', CODE, { format: 'flat' }],
  ['fractional address', 'boot/flat', CODE, { flat: { address: 0.5, mode: 'long64' } }],
  ['negative address', 'boot/flat', CODE, { flat: { address: -1, mode: 'long64' } }],
  ['address NaN', 'boot/flat', CODE, { flat: { address: NaN, mode: 'long64' } }],
  ['real mode above 1M', 'boot/flat', CODE, { flat: { address: 0x100000, mode: 'real16' } }],
  ['address in the hole', 'boot/outside-memory', CODE, { flat: { address: 0xf0000, mode: 'real16' } }],
  ['address above RAM', 'boot/memory', CODE, { flat: { address: 4 * MIB, mode: 'long64' } }],
  ['initrd for a flat binary', 'boot/not-taken', CODE, { initrd: CODE, flat: { address: 0, mode: 'long64' } }],
];

describe('boot: bad input', () => {
  for (const [what, code, image, options, size] of cases)
    it(`${what}: ${code}`, () => check(code, image, options, size));

  it('more than 3G of memory: memory/too-large', () => {
    const memory = { size: 0xc0001000, write: () => assert.fail('nothing is written') };
    assert.throws(() => load(buildLinux(), {}, memory), { code: 'memory/too-large' });
  });
});
