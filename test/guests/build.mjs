// Builds the sample guests: test/guests/<name>/ + test/guests/common/ -> test/guests/bin/<name>.elf.
// Deterministic: the same gcc and binutils give the same bytes, wherever the checkout lies (no build id, no time
// stamps, paths mapped to the repository-relative `test/guests`).
// Usage: node test/guests/build.mjs [--out FOLDER] [NAME...]
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));

/** Guest -> ELF class: 32 boots by Multiboot 1, Multiboot 2 and PVH; 64 by Multiboot 2 and PVH. */
export const guests = {
  hello: 32,
  'long-mode': 64,
  exceptions: 64,
  exceptions32: 32,
  real16: 32,
  v86: 32,
  protected32: 32,
  'task-switch': 32,
  paging32: 32,
  pae: 32,
  interrupts: 64,
  tour: 64,
  hypervisor: 64,
  'smep-smap-pcid': 64,
  rep: 64,
  smc: 64,
  'debug-exceptions': 64,
  float: 64,
  syscalls: 64,
  'msr-cpuid': 64,
};

const commonFlags = [
  '-std=gnu11',
  '-O1',
  '-gdwarf-5',
  '-gno-record-gcc-switches',
  '-ffreestanding',
  '-fno-pie',
  '-fno-stack-protector',
  '-fno-asynchronous-unwind-tables',
  '-fno-omit-frame-pointer',
  '-fno-jump-tables',
  '-fcf-protection=none',
  '-mgeneral-regs-only',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-I.',
  `-ffile-prefix-map=${root}=test/guests`,
];

/** More options for a guest's own sources. The tour is for debugging: nothing inlined, a frame in every function. */
const ownFlags = { tour: ['-O0'] };

const env = { PATH: process.env.PATH, LC_ALL: 'C', SOURCE_DATE_EPOCH: '0' };
const run = (tool, args) => execFileSync(tool, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });

/** The compiler and binutils that make these bytes, as written to bin/toolchain.txt. */
export function toolchain() {
  const first = (tool) => execFileSync(tool, ['--version'], { env, encoding: 'utf8' }).split('\n')[0];
  return ['gcc', 'as', 'ld'].map((tool) => `${tool}: ${first(tool)}\n`).join('');
}

function compile(source, bits, work) {
  const object = join(work, `${bits}-${source.replaceAll('/', '-')}.o`);
  if (existsSync(object)) return object;
  const mode = bits === 32 ? ['-m32', '-march=i686'] : ['-m64', '-mno-red-zone', '-mcmodel=small'];
  run('gcc', [...commonFlags, ...mode, ...(ownFlags[dirname(source)] ?? []), '-c', source, '-o', object]);
  return object;
}

/** Builds one guest into `outFolder`, objects into `work`; returns the ELF's path. Throws when the compiler fails. */
export function buildGuest(name, outFolder, work) {
  const bits = guests[name];
  const shared = ['boot.S', 'guest.c', 'trap.c', ...(bits === 32 ? ['trap32.S'] : ['trap64.S', 'window.c'])];
  const own = readdirSync(join(root, name)).filter((file) => /\.[cS]$/.test(file));
  const sources = [...shared.map((file) => `common/${file}`), ...own.sort().map((file) => `${name}/${file}`)];
  const objects = sources.map((source) => compile(source, bits, work));
  mkdirSync(outFolder, { recursive: true });
  const elf = join(outFolder, `${name}.elf`);
  const emulation = bits === 32 ? 'elf_i386' : 'elf_x86_64';
  const linkFlags = ['-m', emulation, '-n', '--build-id=none', '-z', 'noexecstack', '--no-warn-rwx-segments'];
  run('ld', [...linkFlags, '-T', 'common/guest.ld', '-o', elf, ...objects]);
  return elf;
}

function main(args) {
  const outAt = args.indexOf('--out');
  const out = outAt < 0 ? join(root, 'bin') : resolve(args.splice(outAt, 2)[1]);
  const wanted = args.length > 0 ? args : Object.keys(guests);
  const unknown = wanted.find((name) => !(name in guests));
  if (unknown) throw new Error(`unknown guest '${unknown}'; one of: ${Object.keys(guests).join(' ')}`);
  const work = mkdtempSync(join(tmpdir(), 'vmxray-guests-'));
  try {
    for (const name of wanted) console.log(`${name}: ${statSync(buildGuest(name, out, work)).size} bytes`);
    writeFileSync(join(out, 'toolchain.txt'), toolchain());
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    console.error(error.message.slice(0, 300));
    process.exitCode = 1;
  }
}
