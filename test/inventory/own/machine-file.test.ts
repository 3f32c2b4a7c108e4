// Machine files: what the loader and the editor say of them, and the schema that the editor completes from.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import {
  checkMachineFile,
  debugSettingsOf,
  MACHINE_FILE_SCHEMA,
  nameOf,
  settingsOf,
} from '../../../src/inventory/own/machine-file';

const PATH = '/machines/a.vmxray.json';
const FILES: Readonly<Record<string, 'file' | 'folder'>> = {
  '/machines/kernel': 'file',
  '/machines/vmlinux': 'file',
  '/boot/initrd': 'file',
  '/machines/folder': 'folder',
};
const check = (content: unknown) => checkMachineFile(PATH, content, (path) => FILES[path]);

describe('a machine file', () => {
  const good: readonly object[] = [
    { kernel: 'kernel' },
    { kernel: '/machines/kernel', $schema: 'x', name: 'A', initrd: '/boot/initrd', cmdline: '', memory: '2M' },
    { kernel: 'kernel', bare: true, flat: '0x7c00:real16', rtc: 'now', seed: 4294967295, pace: 'free' },
    { kernel: 'kernel', seed: '7', symbols: ['vmlinux', 'kernel'], sourceMap: { '/a': 'b' }, labels: { team: 'x' } },
  ];
  for (const content of good)
    it(`may be ${JSON.stringify(content)}`, () => {
      assert.deepEqual(check(content), []);
    });

  const bad: readonly [unknown, readonly (string | number)[], RegExp, boolean][] = [
    [[], [], /an object with at least a "kernel"/, true],
    [{}, [], /There is no "kernel"/, true],
    [{ kernel: 1 }, ['kernel'], /"kernel" must be text/, true],
    [{ kernel: '' }, ['kernel'], /The file "" does not exist/, false],
    [{ kernel: 'gone' }, ['kernel'], /The file gone does not exist: check the path/, false],
    [{ kernel: 'folder' }, ['kernel'], /is a folder/, false],
    [{ kernel: 'kernel', initrd: 'gone' }, ['initrd'], /does not exist/, false],
    [{ kernel: 'kernel', symbols: ['vmlinux', 'gone'] }, ['symbols', 1], /does not exist/, false],
    [{ kernel: 'kernel', symbols: [1] }, ['symbols'], /must be text or a list of texts/, true],
    [{ kernel: 'kernel', memory: '4G' }, ['memory'], /from 2M to 3G/, false],
    [{ kernel: 'kernel', memory: 'much' }, ['memory'], /not an amount of memory/, false],
    [{ kernel: 'kernel', memory: 256 }, ['memory'], /must be text/, true],
    [{ kernel: 'kernel', seed: -1 }, ['seed'], /not a seed/, false],
    [{ kernel: 'kernel', rtc: 'tomorrow' }, ['rtc'], /not a time/, false],
    [{ kernel: 'kernel', flat: '0x7c00' }, ['flat'], /not a place/, false],
    [{ kernel: 'kernel', pace: 'fast' }, ['pace'], /one of wall, free/, true],
    [{ kernel: 'kernel', disks: [] }, ['disks'], /no property "disks"/, true],
    [{ kernel: 'kernel', constructor: 1 }, ['constructor'], /no property/, true],
    [{ kernel: 'kernel', labels: { a: 1 } }, ['labels'], /an object of texts/, true],
  ];
  for (const [content, at, message, bySchema] of bad)
    it(`may not be ${JSON.stringify(content)}`, () => {
      const [problem, ...others] = check(content);
      assert.deepEqual(others, []);
      assert.deepEqual([problem!.at, problem!.bySchema], [at, bySchema]);
      assert.match(problem!.message, message);
    });

  it('has paths from its own folder', () => {
    const file = {
      kernel: 'kernel',
      initrd: '/boot/initrd',
      symbols: 'vmlinux',
      sourceMap: { '/src': 'src' },
      seed: 7,
    };
    const settings = settingsOf(PATH, file);
    assert.deepEqual(
      [settings.kernel, settings.initrd, settings.seed, settings.name],
      ['/machines/kernel', '/boot/initrd', '7', 'a'],
    );
    assert.deepEqual(debugSettingsOf(PATH, file), {
      symbols: ['/machines/vmlinux'],
      sourceMap: { '/src': '/machines/src' },
    });
    assert.equal(nameOf(PATH, { name: 'Other' }), 'Other');
  });

  it('has the schema that the editor knows', async () => {
    const path = 'syntaxes/machine-file.schema.json';
    const text = await format(JSON.stringify(MACHINE_FILE_SCHEMA), { parser: 'json', printWidth: 120 });
    if (process.env.VMXRAY_UPDATE) writeFileSync(path, text);
    assert.equal(readFileSync(path, 'utf8'), text);
  });
});
