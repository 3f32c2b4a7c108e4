// The README is the front door: what it lists is all there is.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { COMMANDS } from '../src/dap/console/console';
import { ATTACH_ATTRIBUTES, LAUNCH_ATTRIBUTES } from '../src/dap/launch';

const readme = readFileSync('README.md', 'utf8');
const scripts = (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }).scripts;

describe('README', () => {
  it('has a row for every launch and attach attribute', () => {
    const names = Object.keys({ ...LAUNCH_ATTRIBUTES, ...ATTACH_ATTRIBUTES });
    const missing = names.filter((name) => !new RegExp(`^\\| \`${name}\` `, 'm').test(readme));
    assert.deepEqual(missing, []);
  });

  it('names every command of the debug console', () => {
    const rows = readme.slice(readme.indexOf('### The debug console'));
    const missing = COMMANDS.map(({ name }) => name).filter(
      (name) => name !== 'help' && !new RegExp(`\`${name}[ \`/]`).test(rows),
    );
    assert.deepEqual(missing, []);
  });

  it('names only scripts and pictures that there are', () => {
    const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name!);
    assert.deepEqual(
      named.filter((name) => !Object.hasOwn(scripts, name)),
      [],
    );
    for (const [, path] of readme.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)) assert.ok(readFileSync(path!).length > 0);
  });
});
