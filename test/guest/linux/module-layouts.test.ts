// Modules as kernels of several ages have them in memory, made by hand; and damaged ones.
import assert from 'node:assert/strict';
import { ModuleSymbolFile, readModuleContents } from '../../../src/guest/linux/module-symbol-file';
import { moduleAt, readModules } from '../../../src/guest/linux/modules';
import { Btf } from '../../../src/symbols/kernel/btf';
import { OrcTable } from '../../../src/symbols/kernel/orc';
import { damaged, generator } from '../../symbols/kernel/random';
import { AGES, BUILD_ID, moduleImage } from './module-image';

describe("guest: Linux's modules by age", () => {
  for (const [name, age] of Object.entries(AGES)) {
    it(name, async () => {
      const { image, guest, first, second, text, initText } = moduleImage(age);
      const modules = (await readModules(guest))!;
      assert.deepEqual(
        modules.map(({ name: own, state, address }) => [own, state, address]),
        [
          ['first', 'coming', first],
          ['second', 'live', second],
        ],
      );
      const [module, other] = modules as [(typeof modules)[0], (typeof modules)[0]];
      assert.deepEqual(
        module.parts.map((part) => [part.name, part.start, part.isCode]),
        [
          ['text', text, true],
          ['data', age.memory === 'mem' ? text + 0x4000n : text + 0x1000n, false],
          ['init text', initText, true],
        ],
      );
      assert.equal(module.covers(initText + 0xffn), true);
      assert.equal(module.covers(initText + 0x100n), false);
      assert.equal((await moduleAt(guest, first))?.key, module.key);
      assert.notEqual(other.key, module.key);

      const contents = (await readModuleContents(module, { types: image.types }))!;
      const { names, types, addresses, absolute, bits } = contents.symbols;
      assert.deepEqual(
        [bits, absolute, types, names, [...addresses]],
        [
          8 * age.word,
          1,
          'aTdt',
          ['limit', 'probe', 'table', 'start'],
          [0x33n, text + 0x40n, text + 0x4020n, initText + 8n],
        ],
      );
      assert.equal(contents.buildId, BUILD_ID);
      assert.deepEqual(contents.sections, [
        { name: '.text', address: text },
        { name: '.data', address: text + 0x4000n },
        { name: '.init.text', address: initText },
      ]);
      assert.equal(contents.orc?.at(text + 0x4fn)?.spOffset, 16);
      assert.equal(contents.orc?.at(text + 0x60n), undefined);
      assert.equal(contents.types?.typeNamed('struct', 'own')?.kind, 'struct');

      const file = new ModuleSymbolFile(module, contents);
      assert.equal(file.symbolAt(text + 0x44n)?.symbol.name, 'probe');
      assert.equal(file.symbolAt(text + 0x20n), undefined);
      assert.equal(file.sections().find((section) => section.name === '.init.text')?.size, 0x100n);
      assert.equal(await readModuleContents(other, {}), undefined);
    });
  }

  it('have unwind data of the same age as their kernel', async () => {
    const { guest, text } = moduleImage(AGES['6.4']!);
    const [module] = (await readModules(guest))!;
    const old = new OrcTable(new Uint8Array(4), text, Uint8Array.of(8, 0, 0, 0, 5, 0));
    assert.equal((await module!.orc())?.at(text + 0x44n)?.type, 'call');
    assert.equal((await module!.orc(old))?.at(text + 0x44n)?.type, 'partialRegisters');
  });

  it('are not told where the kernel says nothing of them', async () => {
    const { guest } = moduleImage(AGES['6.1']!);
    assert.equal(await readModules({ ...guest, symbol: () => undefined }), undefined);
    const empty = new Btf(Uint8Array.of(0x9f, 0xeb, 1, 0, 24, ...new Array<number>(19).fill(0)));
    assert.equal(await readModules({ ...guest, types: empty }), undefined);
    assert.equal(await moduleAt(guest, 0x1000n), undefined);
  });
});

const SOAK = Number(process.env['VMXRAY_SOAK'] ?? 1);

describe("guest: Linux's modules in damaged memory", function () {
  this.timeout(SOAK * 60_000);
  for (const [name, age] of Object.entries(AGES)) {
    it(name, async () => {
      let whole = 0;
      for (let seed = 1; seed <= 75 * SOAK; seed += 1) {
        const { image, guest } = moduleImage(age);
        const random = generator(seed * 7919);
        for (let change = random(6); change >= 0; change -= 1) {
          const { bytes } = image.parts[random(image.parts.length)]!;
          bytes.set(damaged(bytes, 4, seed + change).subarray(0, bytes.length));
        }
        const before = process.cpuUsage();
        for (const module of (await readModules(guest)) ?? []) {
          const contents = await readModuleContents(module, { types: image.types });
          if (!contents) continue;
          whole += 1;
          const file = new ModuleSymbolFile(module, contents);
          file.sections();
          for (const { start, end } of module.parts) [start, (start + end) / 2n].forEach((at) => file.symbolAt(at));
        }
        const milliseconds = process.cpuUsage(before).user / 1000;
        assert.ok(milliseconds < 2000, `seed ${seed} takes ${milliseconds} ms`);
      }
      // Most mutants leave a module that can be read.
      assert.ok(whole > 10, `${whole}`);
    });
  }
});
