// Runs one sample guest on Bochs (Debian's 2.7, with VMX) and prints its serial lines and its result. Bochs boots a
// disk, so the ELF's segments are laid out flat behind a small boot sector of ours.
// Usage: node test/guests/run-bochs.mjs NAME [TIMEOUT-SECONDS]; exit code 0 pass or known deviations only, 1 else.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { report } from './report.mjs';

const root = dirname(fileURLToPath(import.meta.url));
const base = 0x100000;

/** Lays an ELF's PT_LOAD segments (by physical address) out flat from 1 MiB; returns the bytes and the entry point. */
function flatten(elf) {
  const wide = elf[4] === 2;
  const entry = elf.readUInt32LE(24);
  const table = elf.readUInt32LE(wide ? 32 : 28);
  const size = elf.readUInt16LE(wide ? 54 : 42);
  const count = elf.readUInt16LE(wide ? 56 : 44);
  const image = Buffer.alloc(1 << 20);
  let end = 0;
  for (let at = table; at < table + size * count; at += size) {
    if (elf.readUInt32LE(at) !== 1) continue;
    const [offset, physical, length] = (wide ? [8, 24, 32] : [4, 12, 16]).map((field) => elf.readUInt32LE(at + field));
    if (length === 0) continue;
    elf.copy(image, physical - base, offset, offset + length);
    end = Math.max(end, physical - base + length);
  }
  return { image: image.subarray(0, end), entry };
}

const [name, seconds = '120'] = process.argv.slice(2);
const work = mkdtempSync(join(tmpdir(), 'vmxray-bochs-'));
try {
  execFileSync('gcc', ['-m32', '-c', join(root, 'common/bochs-boot/boot.S'), '-o', join(work, 'boot.o')]);
  const link = [
    '-m',
    'elf_i386',
    '-Ttext',
    '0x7c00',
    '--oformat',
    'binary',
    '-o',
    join(work, 'boot.bin'),
    join(work, 'boot.o'),
  ];
  execFileSync('ld', link);
  const { image, entry } = flatten(readFileSync(join(root, 'bin', `${name}.elf`)));
  const disk = Buffer.alloc(4 * 16 * 63 * 512);
  readFileSync(join(work, 'boot.bin')).copy(disk, 0, 0, 512);
  disk.writeUInt32LE(Math.ceil(image.length / 512), 0x1f0);
  disk.writeUInt32LE(entry, 0x1f4);
  image.copy(disk, 512);
  writeFileSync(join(work, 'disk.img'), disk);
  const serialFile = join(work, 'serial.txt');
  const bios = ['/usr/share/seabios/bios.bin', '/usr/share/bochs/BIOS-bochs-latest'].find((file) => existsSync(file));
  writeFileSync(
    join(work, 'bochsrc'),
    `display_library: term
romimage: file=${bios}
vgaromimage: file=/usr/share/seabios/vgabios-stdvga.bin
megs: 128
cpu: model=corei7_skylake_x, count=1, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=0
clock: sync=none, time0=1000000000
ata0: enabled=1
ata0-master: type=disk, path=${join(work, 'disk.img')}, mode=flat, cylinders=4, heads=16, spt=63
boot: disk
com1: enabled=1, mode=file, dev=${serialFile}
log: ${join(work, 'log.txt')}
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
`,
  );
  writeFileSync(join(work, 'commands'), 'c\nq\n');
  const bochs = `timeout --foreground -s KILL ${seconds} bochs -q -f ${join(work, 'bochsrc')} -rc ${join(work, 'commands')}`;
  const run = spawnSync('script', ['-qec', bochs, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm' },
    input: '',
    timeout: (Number(seconds) + 5) * 1000,
    killSignal: 'SIGKILL',
    encoding: 'latin1',
  });
  const serial = existsSync(serialFile) ? readFileSync(serialFile, 'latin1') : '';
  process.stdout.write(serial);
  if (!serial.includes('RESULT') || process.env.BOCHS_LOG) {
    const log = existsSync(join(work, 'log.txt')) ? readFileSync(join(work, 'log.txt'), 'latin1') : run.stdout;
    console.log(log.split('\n').slice(-25).join('\n'));
  }
  process.exitCode = report(name, 'bochs', serial, `status ${run.status}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
