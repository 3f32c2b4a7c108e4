// The folder of sockets is the user's alone, or is refused.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { candidateFolders, makePrivateFolder } from '../../../src/targets/host/private-folder';

const isWindows = process.platform === 'win32';

describe('private folder', () => {
  let home: string;
  let folder: string;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'vmxray-folder-'));
    folder = join(home, 'vmxray');
  });
  afterEach(() => rmSync(home, { recursive: true }));

  it('is made for its owner alone, once', function () {
    if (isWindows) this.skip();
    for (let n = 0; n < 2; n++) {
      assert.equal(makePrivateFolder([folder]), folder);
      assert.equal(statSync(folder).mode & 0o777, 0o700);
    }
  });

  describe('is refused', () => {
    const cases: readonly [string, RegExp, () => void][] = [
      ['a symbolic link', /is a symbolic link/, () => symlinkSync(home, folder)],
      ['a file', /is not a folder/, () => writeFileSync(folder, '')],
      ['open to the group', /is open to other users/, () => (mkdirSync(folder), chmodSync(folder, 0o710))],
      ['open to all', /is open to other users/, () => (mkdirSync(folder), chmodSync(folder, 0o707))],
    ];
    for (const [name, message, make] of cases) {
      it(name, function () {
        if (isWindows) this.skip();
        make();
        assert.throws(() => makePrivateFolder([folder]), { code: 'host/folder', message });
      });
    }

    it("another user's", function () {
      // Only root can give a folder away.
      if (process.getuid?.() !== 0) this.skip();
      mkdirSync(folder, { mode: 0o700 });
      chownSync(folder, 12345, 12345);
      assert.throws(() => makePrivateFolder([folder]), { code: 'host/folder', message: /belongs to another user/ });
      chownSync(home, 12345, 12345);
      assert.equal(candidateFolders({ XDG_RUNTIME_DIR: home }).includes(folder), false);
    });
  });

  it('passes a path over that is too long for a socket', function () {
    if (isWindows) this.skip();
    const long = join(home, 'x'.repeat(80));
    assert.equal(makePrivateFolder([long, folder]), folder);
    assert.throws(() => makePrivateFolder([long]), { code: 'host/path', message: /shorter/ });
  });

  it("is in XDG_RUNTIME_DIR if that is this user's", function () {
    if (isWindows) this.skip();
    const other = join(tmpdir(), `vmxray-${process.getuid!()}`);
    assert.deepEqual(candidateFolders({ XDG_RUNTIME_DIR: home }), [folder, other]);
    for (const wrong of [undefined, '', 'relative', join(home, 'missing')])
      assert.deepEqual(candidateFolders({ XDG_RUNTIME_DIR: wrong }), [other]);
  });
});
