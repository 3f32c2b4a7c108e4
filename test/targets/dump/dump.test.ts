// Memory dumps, whole and damaged: each kind of file, and what nobody should trust in it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { UserError } from '../../../src/common/errors';
import { type DumpTarget, openDump } from '../../../src/targets/dump/dump-target';
import { elfCore, flattened, kdump, linuxNote, note, PAGE, qemuNote } from './make-dump';

const RIP = 0xffff_ffff_8100_0010n;
const TABLES = [0x1000, 0x2000, 0x3000] as const;

/** Four pages: code, and tables that map it at 0xffffffff81000000 with a 2-MiB page from physical 0 on. */
function memory(): Buffer {
  const bytes = Buffer.alloc(4 * PAGE);
  bytes.write('the code at hand', 16);
  const [pml4, pdpt, pd] = TABLES;
  bytes.writeBigUInt64LE(BigInt(pdpt) | 3n, pml4 + 511 * 8);
  bytes.writeBigUInt64LE(BigInt(pd) | 3n, pdpt + 510 * 8);
  bytes.writeBigUInt64LE(0x83n, pd + 8 * 8);
  return bytes;
}
const cpu = (rip: bigint): Buffer =>
  qemuNote({ rip, rsp: 0x123n, cr0: 0x8005_0033n, cr3: BigInt(TABLES[0]), cr4: 0x20n, cs: 0x10 });
const INFO = `PHYS=1\nSYMBOL(init_top_pgt)=ffffffff82610000\nNUMBER(phys_base)=${TABLES[0] - 0x261_0000}\n`;

describe('memory dumps', () => {
  let folder: string;
  let opened: DumpTarget[] = [];

  before(() => (folder = mkdtempSync(join(tmpdir(), 'vmxray-dump-'))));
  after(() => rmSync(folder, { recursive: true }));
  afterEach(async () => {
    for (const target of opened) await target.dispose();
    opened = [];
  });

  let count = 0;
  async function open(bytes: Uint8Array): Promise<DumpTarget> {
    const path = join(folder, `dump-${count++ % 100}`);
    writeFileSync(path, bytes);
    const target = await openDump({ dump: path });
    opened.push(target);
    return target;
  }

  const notes = Buffer.concat([linuxNote(RIP), cpu(RIP), cpu(RIP + 1n)]);
  const kinds: Readonly<Record<string, () => Buffer>> = {
    'an ELF file': () => elfCore({ notes, memory: memory() }),
    'an ELF file with many program headers': () => elfCore({ notes, memory: memory(), manyHeaders: true }),
    'a compressed kdump': () => kdump({ notes, memory: memory(), pack: (page) => [deflateSync(page), 1] }),
    'a kdump with pages as they are': () => kdump({ notes, memory: memory(), pack: (page) => [page, 0] }),
    'a flattened kdump': () => flattened(kdump({ notes, memory: memory(), pack: (page) => [deflateSync(page), 1] })),
    'a flattened ELF file': () => flattened(elfCore({ notes, memory: memory() })),
  };
  for (const [title, make] of Object.entries(kinds)) {
    it(`${title}: registers, memory and walks`, async () => {
      const target = await open(make());
      assert.deepEqual(
        (await target.threads()).map(({ name }) => name),
        ['vCPU 0', 'vCPU 1'],
      );
      const { linear, mode, rsp } = await target.position(1);
      assert.deepEqual([linear, mode, rsp], [RIP, '64-bit mode, ring 0', 0x123n]);
      assert.equal((await target.position(2)).rip, RIP + 1n);
      const text = Buffer.from(await target.readMemory(1, 'linear', RIP, 16)).toString();
      assert.equal(text, 'the code at hand');
      const walk = await target.walk(1, 'linear', RIP, 'execute');
      assert.deepEqual(
        [walk.guestPhysical, walk.levels.map(({ table }) => table)],
        ['0x10', ['PML4E', 'PDPTE', 'PDE']],
      );
      assert.equal((await target.walk(1, 'linear', 0x1000n, 'read')).fault?.bit, 'P');
      assert.equal((await target.readMemory(1, 'physical', BigInt(4 * PAGE - 8), 64)).length, 8);
      const control = await target.registers(1, 'Control');
      assert.deepEqual(
        control.map(({ name }) => name),
        ['CR0', 'CR2', 'CR3', 'CR4'],
      );
      assert.ok(control.every(({ readOnly }) => readOnly));
      await assert.rejects(target.resume(), /does not run/);
      await assert.rejects(target.writeMemory(), /nothing of it can be changed/);
      await assert.rejects(target.position(3), /vCPUs 1 to 2/);
    });
  }

  it("a vmcore has the kernel's own tables, by VMCOREINFO", async () => {
    const own = Buffer.concat([linuxNote(RIP), note('VMCOREINFO', 0, Buffer.from(INFO))]);
    for (const bytes of [
      elfCore({ notes: own, memory: memory() }),
      kdump({ notes: linuxNote(RIP), memory: memory(), info: INFO, pack: (page) => [deflateSync(page), 1] }),
    ]) {
      const target = await open(bytes);
      assert.equal((await target.position(1)).linear, RIP);
      const text = Buffer.from(await target.readMemory(1, 'linear', RIP, 16)).toString();
      assert.equal(text, 'the code at hand');
      assert.deepEqual(await target.registerGroups(1), ['General', 'Flags', 'Segments', 'MSRs']);
    }
  });

  it('refuses five levels', async () => {
    const info = `${INFO}NUMBER(pgtable_l5_enabled)=1\n`;
    const target = await open(
      elfCore({ notes: Buffer.concat([linuxNote(RIP), note('VMCOREINFO', 0, Buffer.from(info))]), memory: memory() }),
    );
    await assert.rejects(target.walk(1, 'linear', RIP, 'read'), /5-level paging/);
  });

  describe('refuses', () => {
    const whole = (): Buffer => elfCore({ notes, memory: memory() });
    const patched = (bytes: Buffer, at: number, value: number): Buffer => {
      bytes.writeUInt16LE(value, at);
      return bytes;
    };
    const cases: readonly [string, () => Uint8Array, RegExp][] = [
      ['an empty file', () => Buffer.alloc(0), /no memory dump/],
      ['a text', () => Buffer.from('hello, world'), /no memory dump/],
      ['an ELF program', () => patched(whole(), 16, 2), /no memory dump/],
      ['an ELF file of another processor', () => patched(whole(), 18, 183), /no memory dump/],
      ['program headers of another size', () => patched(whole(), 54, 57), /program headers are none/],
      ['half an ELF header', () => whole().subarray(0, 40), /ends too early/],
      ['no processors', () => elfCore({ notes: Buffer.alloc(0), memory: memory() }), /no processors/],
      [
        'half a kdump header',
        () => kdump({ notes, memory: memory(), pack: (page) => [page, 0] }).subarray(0, 300),
        /early/,
      ],
      ['half a flattened file', () => flattened(whole()).subarray(0, 5000), /early|no place/],
    ];
    for (const [title, make, expected] of cases) {
      it(title, () =>
        assert.rejects(open(make()), (error) => error instanceof UserError && expected.test(error.message)),
      );
    }
    it('a file that is not there', () => assert.rejects(openDump({ dump: join(folder, 'nothing') }), /ENOENT/));
    it('a folder', () => assert.rejects(openDump({ dump: folder }), /could not be read/));
    it('pages packed with LZO, when they are read', async () => {
      const target = await open(kdump({ notes, memory: memory(), pack: (page) => [page.subarray(0, 50), 2] }));
      await assert.rejects(target.readMemory(1, 'physical', 0n, 8), /packed with LZO/);
    });
    it('pages that do not unpack, when they are read', async () => {
      const target = await open(kdump({ notes, memory: memory(), pack: (page) => [page.subarray(0, 50), 1] }));
      await assert.rejects(target.readMemory(1, 'physical', 0n, 8), /cannot be unpacked/);
    });
  });

  it('never fails otherwise, whatever is damaged', async () => {
    const sound = Object.values(kinds).map((make) => make());
    await fc.assert(
      fc.asyncProperty(
        fc.nat(sound.length - 1),
        fc.array(fc.tuple(fc.nat(5000), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        async (kind, changes) => {
          const bytes = Buffer.from(sound[kind]!);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          try {
            const target = await open(bytes);
            await target.position(1);
            await target.readMemory(1, 'linear', RIP, 64);
            await target.mappings(1, { space: 'linear' });
            await target.dispose();
          } catch (error) {
            assert.ok(error instanceof UserError, String((error as Error).stack));
          }
        },
      ),
      { numRuns: Number(process.env.VMXRAY_SOAK ?? 1) * 300, seed: 1 },
    );
  });
});
