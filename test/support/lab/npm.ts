// npm packages that are too large or too special for the project's own node_modules: installed into the lab's cache.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from './cache';
import { findCommand, run } from './command';
import { Missing } from './missing';

/** How packages are installed. */
export interface NpmOptions {
  scripts?: readonly string[];
  env?: NodeJS.ProcessEnv;
  prepare?: () => Promise<void>;
}

/**
 * The node_modules folder in the cache that holds these packages (`name@version`). `scripts` names the packages whose
 * install scripts may run, `env` adds to the environment, `prepare` runs before an installation. Throws Missing
 * without npm or the network.
 */
export async function npmPackages(
  packages: readonly string[],
  { scripts = [], env = {}, prepare = () => Promise.resolve() }: NpmOptions = {},
): Promise<string> {
  const npm = findCommand('npm');
  if (!npm) throw new Missing(`npm is not on PATH, for ${packages.join(' ')}.`);
  const entry = `npm-${packages.join('-').replaceAll(/[^\w.-]+/g, '-')}`;
  const folder = await cached(entry, async (partial) => {
    await prepare();
    const allowScripts = Object.fromEntries(scripts.map((name) => [name, true]));
    writeFileSync(join(partial, 'package.json'), JSON.stringify({ private: true, allowScripts }));
    mkdirSync(join(partial, 'node_modules'));
    const flags = ['--prefix', partial, '--no-audit', '--no-fund', '--no-save', '--loglevel=error'];
    await run(npm, ['install', ...flags, ...packages], {
      cwd: partial,
      env: { ...withoutOuterNpm(process.env), ...env },
      timeout: 1_200_000,
    });
  }).catch((error: Error) => {
    throw new Missing(`npm could not install ${packages.join(' ')}: ${error.message}`);
  });
  return join(folder, 'node_modules');
}

/** The environment without what an outer npm (`npm test`) tells its scripts: the inner one would take its Node from it. */
function withoutOuterNpm(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const outer =
    /^(npm_(package|lifecycle|command|execpath|node_execpath|config_(local_prefix|prefix|user_agent)).*|NODE)$/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !outer.test(name)));
}
